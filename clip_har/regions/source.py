"""The contract of a region source, and the names of the targets."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Option, Role, Settings, option_name

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

_OF_SUBJECT = (SUBJECT, PERSON, BACKGROUND)

INSIDE = 0.5
"""A pixel belongs to a target from this value of its soft mask on."""


class Estimate(NamedTuple):
    """Where a target is in the frames of a clip.

    Attributes:
        soft_mask: ``(T, S, S)`` float32 in [0, 1]; a pixel is inside the target from `INSIDE` on. A
            frame without such a pixel has no region.
        confidence: ``(T,)`` float32 in [0, 1]: how sure the source is of each frame's region; it
            does not count for a frame without one.
    """

    soft_mask: NDArray[np.float32]
    confidence: NDArray[np.float32]

    @classmethod
    def sure(cls, soft_mask: NDArray[np.float32]) -> "Estimate":
        """Return the estimate of a source that has no confidence of its own: 1 in each frame."""
        return cls(soft_mask, np.ones(len(soft_mask), np.float32))

    @property
    def shown(self) -> NDArray[np.bool_]:
        """The frames with a region, ``(T,)``."""
        return has_region(self.soft_mask)

    def of(self, target: str) -> "Estimate":
        """Return this subject, or all that is not it if the target is the background."""
        return self.rest() if target == BACKGROUND else self

    def rest(self) -> "Estimate":
        """Return the background of this subject, of the same confidence.

        In a frame without a subject nothing is known of the background: a source that misses the
        subject would take it for a part of the rest.
        """
        soft_mask = np.where(self.shown[:, None, None], 1 - self.soft_mask, np.float32(0))
        return Estimate(soft_mask, self.confidence)


Locator = Callable[[Sequence["ClipFrames"], str], list[Estimate]]
"""Finds a target in clips: one estimate for each clip."""


class RegionSettings(Settings):
    """What all region sources have in common.

    Attributes:
        min_frames: least share of a clip's frames, in [0, 1], in which the target must be found;
            with fewer, it counts as not found in the clip.
        on_empty: what happens to a clip in which the target is not found.
        every_mask: also find the subject for masks that are aimed at nothing, to measure how much
            of it they hide.
        wrong: table of ``clip,wrong``, in which a person marked clips whose region is wrong: these
            count as not found. See `clip_har.regions.wrong_clips.read_marks`.
    """

    min_frames: Annotated[float, Field(ge=0, le=1)] = 0.5
    on_empty: OnEmpty = "skip"
    every_mask: bool = True
    wrong: Annotated[Path | None, Role.CONTENT] = None

    @property
    def least_confidence(self) -> float:
        """From which confidence on a frame's region counts as found; 0: every region does."""
        return 0.0


class SureRegionSettings(RegionSettings):
    """Of a source that says how sure it is of each frame.

    Attributes:
        confidence: a frame's region counts as found from this confidence on, in [0, 1].
    """

    confidence: Annotated[float, Field(ge=0, le=1)] = 0.5

    @property
    def least_confidence(self) -> float:
        """From which confidence on a frame's region counts as found."""
        return self.confidence


class FindsSubject:
    """What sources have in common that estimate where the subject is, and use no label for it.

    The subject is the person, the background is all else. It goes before the settings in the bases
    of a source.
    """

    finds_regions: ClassVar[bool] = True
    exact: ClassVar[bool] = False
    person_is_subject: ClassVar[bool] = True
    asks_model: ClassVar[bool] = False

    def check(self, target: str) -> None:
        """Raise `ClipHarError` unless it is the subject, the person or the background."""
        if target not in _OF_SUBJECT:
            raise refuse(source_name(self), target, _OF_SUBJECT)

    def uses_label(self, target: str) -> bool:  # noqa: ARG002
        """Return False."""
        return False


class RegionSource(Option, Protocol):
    """Finds a named target in the frames of clips: the contract, with no logic."""

    @property
    def on_empty(self) -> OnEmpty:
        """What happens to a clip in which a mask's target is not found."""

    @property
    def min_frames(self) -> float:
        """Least share of a clip's frames in which a target must be found."""

    @property
    def every_mask(self) -> bool:
        """Whether the subject is also found for masks that are aimed at nothing."""

    @property
    def least_confidence(self) -> float:
        """From which confidence on a frame's region counts as found."""

    @property
    def wrong(self) -> Path | None:
        """Table of the clips whose regions a person marked as wrong."""

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


def has_region(soft_mask: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which frames have a region, ``(T,)``.

    Args:
        soft_mask: ``(T, H, W)`` in [0, 1].

    Example:
        >>> has_region(np.array([0.25, 0.75], np.float32).reshape(2, 1, 1)).tolist()
        [False, True]
    """
    return np.asarray((soft_mask >= INSIDE).any(axis=(1, 2)))


def source_name(source: object) -> str:
    """Return the name of a source in the configuration, such as ``selfie``."""
    return option_name(type(source).__name__, "Region")


def refuse(source: str, target: str, known: Sequence[str]) -> ClipHarError:
    """Return the error for a target that a source does not know."""
    return ClipHarError(
        f"feature={target}: region={source} knows {', '.join(known)} only; for any other target use"
        " region=prompted"
    )
