"""The tiny CLIP as an option of the ``model`` group."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar

from clip_har.models.clip import CLIP

CHECKPOINT = Path(__file__).resolve().parent / "checkpoint"
"""The folder that ships with the package."""


@cache
def _own_classes() -> frozenset[str]:
    from clip_har.synthetic.actions import ACTIONS

    return frozenset(action.name for action in ACTIONS)


class TinyCLIP(CLIP):
    """The packaged checkpoint, loaded as any other CLIP.

    Attributes:
        checkpoint: ``tiny`` for the packaged one, or a folder as for `CLIP`.
    """

    checkpoint: str = "tiny"

    caution: ClassVar[str] = "the model is the tiny one that ships with the package"

    def unfamiliar(self, words: Sequence[str]) -> list[str]:
        """Return the words that name no rendered action, the only classes that it knows."""
        return [one for one in words if "_".join(one.lower().split()) not in _own_classes()]

    def folder(self) -> Path:
        """Return the checkpoint's folder.

        Raises:
            ClipHarError: when it is missing or of another architecture.
        """
        if self.checkpoint != "tiny":
            return super().folder()
        return CLIP(checkpoint=str(CHECKPOINT)).folder()
