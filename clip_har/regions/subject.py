"""The subject of a clip: the people who move, with what moves at them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray

from clip_har.core.settings import Role
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.regions.motion import MotionRegion
from clip_har.regions.selfie import SelfieRegion
from clip_har.regions.source import (
    INSIDE,
    SUBJECT,
    Estimate,
    FindsSubject,
    Locator,
    SureRegionSettings,
)

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

_REACH = 0.03  # of the frame's side: what moves so near a person is touched by the person
_SURE = 0.5  # confidence of people or of motion alone; and the share of frames with sure people
_LED = 0.25  # without enough sure people, motion decides: so much of a person must move
_MOST_MOTION = 1.5  # what moves at a person may be this many times as large as the person


class SubjectRegion(FindsSubject, SureRegionSettings):
    """Estimate where the subject is, from people and from motion together.

    People are found by `SelfieRegion`, motion by `MotionRegion`. In each frame:

    - People who are sure are the subject, with what moves at them: a ball, a horse, a bow.
    - Where some of them move and others do not, those who do not are left out.
    - Without sure people, what moves is the subject, if the motion is sure. If half of a clip's
      frames or more have no sure people, those of the others must move, too: else they are often
      a rock or a wall.

    If the two agree on a place, the frame's confidence is higher than that of either, as of two
    independent witnesses (1 minus the product of their doubts). ``person`` is the subject,
    ``background`` the rest.

    Attributes:
        model: the file of `SelfieRegion`; None fetches it once through npm.
        cache_dir: where the fetched file is kept.
    """

    model: Annotated[Path | None, Role.CONTENT] = None
    cache_dir: Annotated[Path, Role.RUN]

    def identity(self, clips: ClipSet) -> str:
        """Return what decides the maps of people and of motion.

        Raises:
            ClipHarError: when the file cannot be had.
        """
        return f"{self._people.identity(clips)} {self._motion.identity(clips)}"

    @property
    def _people(self) -> SelfieRegion:
        return SelfieRegion(model=self.model, cache_dir=self.cache_dir)

    @property
    def _motion(self) -> MotionRegion:
        return MotionRegion()

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:
        """Load the network for people; it runs on the CPU.

        Raises:
            ClipHarError: when the file cannot be had or loaded.
        """
        find_people, find_motion = (
            source.locator(zero_shot) for source in (self._people, self._motion)
        )

        def locate(clips: Sequence[ClipFrames], target: str) -> list[Estimate]:
            self.check(target)
            found = [
                join(people, motion)
                for people, motion in zip(
                    find_people(clips, SUBJECT), find_motion(clips, SUBJECT), strict=True
                )
            ]
            return [subject.of(target) for subject in found]

        return locate


def join(people: Estimate, motion: Estimate) -> Estimate:
    """Join where people are and what moves in the frames of one clip, see `SubjectRegion`.

    Args:
        people: where people are.
        motion: what moves.
    """
    known = (people.shown & (people.confidence >= _SURE)).mean() >= _SURE
    joined = [
        _joined(*frame, least=0.0 if known else _LED)
        for frame in zip(
            people.soft_mask, people.confidence, motion.soft_mask, motion.confidence, strict=True
        )
    ]
    maps, confidence = zip(*joined, strict=True)
    return Estimate(np.stack(maps), np.array(confidence, np.float32))


def _joined(
    people: NDArray[np.float32],
    sure: float,
    motion: NDArray[np.float32],
    moves: float,
    *,
    least: float,
) -> tuple[NDArray[np.float32], float]:
    """Return the soft mask ``(S, S)`` of the subject in one frame, and its confidence.

    Args:
        people: soft mask ``(S, S)`` of people.
        sure: its confidence.
        motion: soft mask ``(S, S)`` of what moves.
        moves: its confidence.
        least: share of a person's pixels, in [0, 1], that must move if the motion is sure.
    """
    body, moving = people >= INSIDE, motion >= INSIDE
    sure, moves = float(sure) * bool(body.any()), float(moves) * bool(moving.any())
    alone = (people, sure) if sure >= moves else (motion, moves)
    if not sure or not moves:
        return alone
    actors = _parts(body, moving, least) if moves >= _SURE else body
    if least and moves >= _SURE:
        touched = moving
    elif not actors.any():
        return alone
    else:
        reach = _REACH * len(people)
        touched = _parts(moving, _grown(actors, reach), 0.0)
        if touched.sum() > _MOST_MOTION * actors.sum():  # the camera, or a crowd
            touched = touched & _grown(actors, 2 * reach)
    subject = np.maximum(np.where(actors, people, 0), np.where(touched, motion, 0))
    together = float((body & moving).sum()) / min(body.sum(), moving.sum())
    agreed = 1 - (1 - sure) * (1 - moves)
    return subject, alone[1] + together * (agreed - alone[1])


def _parts(region: NDArray[np.bool_], place: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    """Return the connected parts ``(S, S)`` of a region that reach into a place.

    Args:
        region: ``(S, S)``.
        place: ``(S, S)``.
        least: share of a part's pixels that must lie in the place; 0: one pixel.
    """
    import cv2

    count, numbers = cv2.connectedComponents(region.astype(np.uint8))
    sizes = np.bincount(numbers.ravel(), minlength=count)
    shared = np.bincount(numbers[place], minlength=count)
    kept = (shared > 0) & (shared >= least * sizes)
    kept[0] = False
    return np.asarray(kept[numbers])


def _grown(part: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """Return a part ``(S, S)`` with all pixels that are so near it."""
    import cv2

    size = 2 * round(reach) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    grown: NDArray[np.bool_] = cv2.dilate(part.astype(np.uint8), disc) > 0
    return grown
