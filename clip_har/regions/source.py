"""The contract of a region source, and the names of the targets."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Option

if TYPE_CHECKING:
    from clip_har.data.clips import ClipSet
    from clip_har.data.frames.store import ClipFrames
    from clip_har.models.zero_shot import ZeroShot

SUBJECT, BACKGROUND, PERSON, OBJECT = "subject", "background", "person", "object"
"""Targets with a fixed meaning: ``subject`` is what a source takes for the actor (the person, what
moves, the attribution for the class), ``background`` is all that is not the subject. Other texts
name a target only for sources that take texts."""

OnEmpty = Literal["skip", "whole", "error"]
"""What happens to a clip in which a mask's target is not found: it is left out and counted, its
whole frame counts as the target, or the cell stops."""

Locator = Callable[[Sequence["ClipFrames"], str], list[NDArray[np.float32]]]
"""Finds a target in clips: for each clip a soft mask ``(T, S, S)`` in [0, 1]. A pixel is inside the
target from 0.5 on. If all values are below, the target was not found in that clip."""

INSIDE = 0.5
"""A pixel belongs to a target from this value of its soft mask on."""


class RegionSource(Option, Protocol):
    """Finds a named target in the frames of clips: the contract, with no logic."""

    @property
    def on_empty(self) -> OnEmpty:
        """What happens to a clip in which a mask's target is not found."""

    @property
    def finds_regions(self) -> bool:
        """Whether it finds anything at all."""

    @property
    def exact(self) -> bool:
        """Whether the maps are the truth (they came with the data) or an estimate."""

    @property
    def person_is_subject(self) -> bool:
        """Whether ``person`` and ``subject`` are one target, which is then located once."""

    @property
    def asks_model(self) -> bool:
        """Whether the maps depend on the cell's own model and prompts."""

    def check(self, target: str) -> None:
        """Raise `ClipHarError` for a target that this source cannot find."""

    def uses_label(self, target: str) -> bool:
        """Whether the maps of a target depend on the true label of the clip: a leak."""

    def identity(self, clips: "ClipSet") -> str:
        """Return what decides the maps besides the settings, such as a digest of weights.

        It must be fast, because it is called before a sweep starts.

        Raises:
            ClipHarError: when what the source needs is missing.
        """

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:
        """Load what the source needs and return its locator.

        A network of its own runs on the device of the cell's model, unless it runs on the CPU only.

        Args:
            zero_shot: returns the cell's model with its classes; called only if it is needed.
        """


def is_found(soft_mask: NDArray[np.float32]) -> bool:
    """Return whether a source found its target anywhere in the clip.

    Args:
        soft_mask: ``(T, H, W)`` in [0, 1].

    Example:
        >>> is_found(np.zeros((8, 4, 4), np.float32))
        False
    """
    return bool((soft_mask >= INSIDE).any())


def rest(soft_mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the background of a subject: the rest, or nothing if the subject is not found.

    If a source misses the subject, the rest would contain the subject too.

    Args:
        soft_mask: ``(T, H, W)`` of the subject, in [0, 1].
    """
    return 1 - soft_mask if is_found(soft_mask) else np.zeros_like(soft_mask)


def refuse(source: str, target: str, known: Sequence[str]) -> ClipHarError:
    """Return the error for a target that a source does not know."""
    return ClipHarError(
        f"feature={target}: region={source} knows {', '.join(known)} only; for any other target use"
        " region=prompted"
    )
