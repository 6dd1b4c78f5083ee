"""Score tables in which it is known what noise can tell, and a model and clips of the same kind.

The planted truth: under the part δc of class c, and only there, the score of class c shows the
evidence e_c of the clip, ``s [c = y] + n``. n is a nuisance of the clip, the same in all its
evidence and much larger than s. So no single score shows anything: only who compares all classes,
each under its own part, is rid of n. A noise for all classes cannot do that, however it is learned
and weighed, nor can the part of another class.
"""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import hadamard
from torch import Tensor
from torch.nn import Module, Parameter

from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.processor import PixelScale
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.lift import Answers
from clip_har.noise.learned.protocols import derangement
from clip_har.noise.variants import (
    LEARNED,
    NONE,
    RANDOM,
    SECOND,
    SHUFFLED_LABELS,
    UNIVERSAL,
    Scores,
)
from tests.data.made import write_video

CLASSES = 6
EVIDENCE, NUISANCE = 1.0, 3.0  # s, and the standard deviation of n
PARTNER = derangement(CLASSES, seed=0)


def planted_answers(
    *,
    fit: int = 0,
    clips: int = 0,
    subjects: int,
    each: int,
    gain: float = 0.0,
    wiggle: float = 0.0,
) -> tuple[Answers, NDArray[np.int64]]:
    """Return the scores of clips under all noise, and the clips' subjects.

    Args:
        fit: seed of the noise: of what each one does to all clips alike.
        clips: seed of the clips.
        subjects: number of subjects.
        each: clips of each subject.
        gain: how much of the evidence is seen under a class's own part; 0 plants nothing: then a
            part of a class is as any other noise for all classes.
        wiggle: standard deviation of what each noise does to each clip by itself. With 0 all noise
            but the first one tells the same, so that more of it tells no more.
    """
    of_fit, of_clips, of_both = (
        np.random.default_rng(seed) for seed in ([1, fit], [2, clips], [3, fit, clips])
    )
    groups = np.repeat(np.arange(subjects), each)
    labels = of_clips.permutation(np.resize(np.arange(CLASSES), len(groups)))
    hits = np.eye(CLASSES)[labels]
    shape = (len(groups), CLASSES)
    manners = of_clips.normal(0, 0.5, (subjects, CLASSES))[groups]
    clean = 1.2 * hits + manners + of_clips.normal(size=shape)
    better = clean + 0.5 * hits + of_clips.normal(0, 0.5, shape)  # what any noise brings out
    nuisance = of_clips.normal(0, NUISANCE, len(groups))

    def noisy(columns: int) -> NDArray[np.float64]:
        moved = of_fit.normal(0, 0.5, (columns, CLASSES))  # the same for all clips
        own = wiggle * of_both.normal(size=(len(groups), columns, CLASSES))
        return np.asarray(better[:, None] + moved + own)

    given = {name: noisy(1) for name in (UNIVERSAL, SECOND)}
    given |= {name: noisy(CLASSES) for name in (LEARNED, RANDOM, SHUFFLED_LABELS)}
    every = np.arange(CLASSES)
    given[LEARNED][:, every, every] += gain * (EVIDENCE * hits + nuisance[:, None])
    scores: dict[str, Scores] = {NONE: clean[:, None].astype(np.float32)}
    scores |= {name: table.astype(np.float32) for name, table in given.items()}
    return Answers(scores, labels, PARTNER), groups


SIDE, COUNT = 16, 2  # of the frames, of a clip
LEVELS = 16.0  # grey levels of a score of 1
GREY = 128
FIRST, BUDGET = 2.0, 12.0  # grey levels of the noise for all classes, and of the part per class
OPEN = 0.62  # the gate of a class is closed below this share of its pattern at full budget
GAIN, NAMING = 3.0, 2.0
_HALF = SIDE // 2


def pattern() -> Tensor:
    """Return the pattern of each class in the lower half of a frame, ``(C, S / 2, S)`` of 1 and -1.

    They are orthogonal. So with the budgets above no noise for all classes, nor a sum of two, opens
    more than one gate: of two patterns, it has at most half of both.
    """
    rows = hadamard(_HALF * SIDE)[17 : 17 + CLASSES]
    return torch.from_numpy(rows.reshape(-1, _HALF, SIDE)).float()


class GatedNetwork(Module):
    """Reads the clean scores and the evidence from cells of a frame, and gates from its lower half.

    The logit of class c is ``q + NAMING a + gain gate(a) e``: q its clean score, e its evidence,
    and a the share of its pattern in the lower half, where clips show nothing.
    """

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.pattern, self.gain = Parameter(pattern()), gain

    def get_image_features(self, pixel_values: Tensor) -> SimpleNamespace:
        grey = (pixel_values.mean(dim=1) * _STD + _MEAN) * 255 - GREY  # (M, S, S)
        upper, lower = grey[:, :_HALF], grey[:, _HALF:]
        cells = upper[:, :, : 2 * CLASSES].unflatten(2, (CLASSES, 2)).mean(dim=3) / LEVELS
        clean, evidence = cells.unflatten(1, (2, -1)).mean(dim=2).unbind(dim=1)  # (M, C)
        share = torch.einsum("myx,cyx->mc", lower, self.pattern) / (BUDGET * _HALF * SIDE)
        gate = torch.relu(share - OPEN) / (1 - OPEN)
        logits = clean + NAMING * share + self.gain * gate * evidence
        large = torch.full_like(logits[:, :1], _SCALE)  # all embeddings are about as long
        return SimpleNamespace(pooler_output=torch.cat([logits, large], dim=1))


_MEAN, _STD, _SCALE = 0.5, 0.25, 100.0


def gated_classifier(gain: float) -> ZeroShot:
    """Return the gated model with its classes; a gain of 0 shows nothing of the evidence."""
    model = DualEncoder(
        network=GatedNetwork(gain).eval().requires_grad_(requires_grad=False),
        tokenizer=None,
        name="gated",
        digest="gated " + "0" * 26,
        image_size=SIDE,
        context_length=77,
        scale=PixelScale((_MEAN,) * 3, (_STD,) * 3),
        logit_scale=_SCALE,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    return ZeroShot(model, torch.eye(CLASSES, CLASSES + 1), "mean", 512)


def gated_frames(label: int, draws: np.random.Generator) -> NDArray[np.uint8]:
    """Return a clip ``(T, S, S, 3)`` of a class for the gated model."""
    hit = np.eye(CLASSES)[label]
    clean = hit + draws.normal(size=CLASSES)
    evidence = EVIDENCE * hit + draws.normal(loc=1)  # so that it pays to open the gate
    rows = np.repeat(np.stack([clean, evidence]), _HALF // 2, axis=0)  # (S / 2, C)
    frame = np.full((SIDE, SIDE), float(GREY))
    frame[:_HALF, : 2 * CLASSES] += LEVELS * np.repeat(rows, 2, axis=1)
    levels = frame.round().clip(0, 255).astype(np.uint8)
    return np.broadcast_to(levels[None, :, :, None], (COUNT, SIDE, SIDE, 3)).copy()


def write_gated(folder: Path, *, subjects: Mapping[str, int], each: int) -> None:
    """Write clips for the gated model and their table ``clips.csv``; its subjects are the groups.

    Args:
        folder: where.
        subjects: their number by split.
        each: clips of each subject and class.
    """
    lines = ["path,label,group,split"]
    for split, count in subjects.items():
        for number in range(count * each * CLASSES):
            label, group = number % CLASSES, f"{split}-{number // (each * CLASSES):02d}"
            frames = gated_frames(label, np.random.default_rng([number, len(split)]))
            name = f"{split}-{number:03d}.mkv"
            write_video(folder / name, list(frames), codec="ffv1", pix_fmt="bgr0")
            lines.append(f"{name},class {label},{group},{split}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
