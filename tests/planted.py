"""Clips whose scene and actor are known by colour, and models that see only one of the two."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.models.pooling import Pooling
from tests.data.made import write_video

CLASSES = ("climbing", "juggling", "rowing", "surfing", "waving")
SIDE = 64
SCENES = ((200, 60, 60), (60, 160, 60), (60, 60, 200), (190, 190, 50), (60, 180, 180))
ACTORS = ((255, 140, 0), (255, 0, 255), (255, 255, 255), (120, 60, 20), (110, 0, 130))

RandomNoise = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def planted_frames(scene: int, actor: int | None, *, seed: int) -> RandomNoise:
    """Return ``(T, S, S, 3)`` frames of a square actor that walks, and labels ``(T, S, S)``."""
    frames = np.empty((8, SIDE, SIDE, 3), np.uint8)
    frames[...] = SCENES[scene]
    labels = np.zeros((8, SIDE, SIDE), np.uint8)
    if actor is None:
        return frames, labels
    top = 8 + int(np.random.default_rng(seed).integers(24))
    for time in range(8):
        place = (time, slice(top, top + 18), slice(4 + 4 * time, 20 + 4 * time))
        frames[place], labels[place] = ACTORS[actor], 1
    return frames, labels


def planted_clips(
    folder: Path, *, per_class: int = 6, without_actor: Sequence[int] = ()
) -> ClipSet:
    """Write encoded clips, each in its own class's scene, with exact maps beside them.

    Args:
        folder: where.
        per_class: clips of each class.
        without_actor: numbers of the clips in which nobody is.
    """
    clips = []
    for number in range(per_class * len(CLASSES)):
        label = number % len(CLASSES)
        actor = None if number in without_actor else label
        frames, labels = planted_frames(label, actor, seed=number)
        path = write_video(folder / f"{number}.mkv", list(frames), codec="ffv1", pix_fmt="bgr0")
        maps = folder / f"{number}.npz"
        np.savez_compressed(maps, labels=labels)
        group = f"{CLASSES[label]}_g{number // (2 * len(CLASSES))}"
        clips.append(Clip(f"clip {number}", path, label, group, maps=maps))
    return ClipSet("planted", CLASSES, tuple(clips), licence="none", citation="")


def open_planted(clips: ClipSet, cache: Path, size: int = SIDE) -> FrameStore:
    return FrameStore.open(clips, FrameSettings(count=8, size=size), cache_dir=cache)


@dataclass
class ColourJudge:
    """A model that answers with the class of the scene for some clips, of the actor for others.

    Attributes:
        scene_share: of the clips that are answered by the scene; their answer is that of the
            colour that is seen most of all scenes' (class 0 where there is none).
        moves: whether a clip that stands still is answered with the next class.
    """

    scene_share: float
    moves: bool = False
    batch_size: int = 64
    pooling: Pooling = "mean"
    device: ClassVar[torch.device] = torch.device("cpu")

    def forward(self, clips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        scores = torch.stack([self._scores(clip) for clip in clips])
        return scores, normalize(scores + 1e-3, dim=-1)

    def _scores(self, clip: Tensor) -> Tensor:
        shown = clip.numpy()
        # which clips are answered by the scene is a matter of chance that the pixels decide
        lot = (int(shown.sum()) * 2654435761 % 2**32) / 2**32
        colours = SCENES if lot < self.scene_share else ACTORS
        counts = np.array([_share(shown, colour) for colour in colours], np.float32)
        if self.moves and (shown[0] == shown[-1]).all():
            counts = np.roll(counts, 1)
        return torch.from_numpy(counts)


def _share(frames: NDArray[np.uint8], colour: tuple[int, int, int]) -> float:
    """Return the share of the pixels that have about a colour."""
    near = [np.abs(frames[:, c].astype(np.int16) - colour[c]) <= 12 for c in range(3)]
    return float((near[0] & near[1] & near[2]).mean())
