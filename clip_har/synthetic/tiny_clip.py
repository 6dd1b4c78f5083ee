"""The tiny CLIP as an option of the ``model`` group."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import read_json
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
        checkpoint: ``tiny`` for the packaged one, or a folder with one that was trained as it.
    """

    checkpoint: str = "tiny"

    caution: ClassVar[str] = "the model is the tiny one that ships with the package"

    def unfamiliar(self, words: Sequence[str]) -> list[str]:
        """Return the words that name no rendered action, the only classes that it knows."""
        return [one for one in words if "_".join(one.lower().split()) not in _own_classes()]

    def folder(self) -> Path:
        """Return the checkpoint's folder.

        Raises:
            ClipHarError: when it is missing, of another architecture, or no tiny CLIP.
        """
        if self.checkpoint == "tiny":
            return CLIP(checkpoint=str(CHECKPOINT)).folder()
        folder = super().folder()
        words = [_words(one) for one in (folder, CHECKPOINT)]
        if words[0] != words[1]:
            raise ClipHarError(
                f"model=tiny: {self.checkpoint} is no tiny CLIP of this package (its text tower has"
                f" {words[0]} words, not {words[1]}): use model=clip model.checkpoint=…; in a sweep"
                " over models, model.checkpoint=… holds for all of them: give each its own by"
                " hydra/sweeper=table"
            )
        return folder


def _words(folder: Path) -> int | None:
    text = read_json(folder, "config.json").get("text_config")
    words = text.get("vocab_size") if isinstance(text, dict) else None
    return words if isinstance(words, int) else None
