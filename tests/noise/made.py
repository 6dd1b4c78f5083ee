"""A planted model that noise can mend, or lead to name a class by itself; and clips for it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.linalg import hadamard
from torch import Tensor
from torch.nn import Module, Parameter
from torch.nn.functional import normalize

from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.engine.evaluate import Evaluation
from clip_har.engine.inspect_clips import inspect_clips
from clip_har.engine.score_variants import score_variants
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask
from clip_har.models.clip import CLIP
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.pooling import Pooling
from clip_har.models.processor import PixelScale
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned import cell_noise
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.fits import Fits
from clip_har.noise.learned.fitted import FittedNoise
from clip_har.noise.learned.learning import History
from clip_har.noise.learned.learning_settings import LearningSettings
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    NestedNoise,
    ResidualNoise,
    UniversalNoise,
)
from clip_har.noise.learned.stack import Stack
from clip_har.noise.learned.start import make_perturbation
from clip_har.noise.learned.training_clips import TrainingClips
from clip_har.regions.annotation import AnnotationRegion
from clip_har.regions.source import SUBJECT
from clip_har.regions.store import RegionMaps, open_regions
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable
from tests.planted import CLASSES, SCENES

CALIBRATION = Stack(np.array([2.0]), np.array([-3.0, 0.0, 0.5, 0.0, 0.0]), penalty=0.1, loss=0.5)
SIDE, COUNT = 16, 4  # of the frames, of a clip
PULL = 32.0  # a class's pattern at ε grey levels moves its feature by PULL · ε / 255
GAINS = (1.0, 1.0, 1.0, 0.5, 0.5)  # the last two scenes are seen faintly …
BIAS = (0.7, 0.0, 0.0, 0.0, 0.0)  # … so that clips of these classes are answered with the first
CLEAN_TOP1 = 0.6
CPU = torch.device("cpu")

ORACLE = "oracle (leaks the label)"
PER_CLASS = ["none", "candidate", "topk", "predicted", ORACLE]
CONTROLS = ["shuffled", "random", "universal", "calibration"]
BESIDE = [*PER_CLASS[:-1], *CONTROLS, ORACLE]
"""All variants of noise per class, in the order of tables."""
WHOLE: Any = {"train_masking": ("none",)}

_MEAN, _STD = 0.5, 0.25
_NEAR = 0.2  # how far a colour may be off, of values in [0, 1]
_WAVES = (17, 19, 49, 21, 81)  # rows of the Hadamard matrix that no even picture has a share in


def patterns() -> Tensor:
    """Return the pattern of each class, ``(C, S, S)`` of 1 and −1; orthogonal, mean 0."""
    rows = hadamard(SIDE * SIDE)[list(_WAVES)]
    return torch.from_numpy(rows.reshape(-1, SIDE, SIDE)).float()


class PlantedNetwork(Module):
    """Sees how much of a frame has each scene's colour, and is pulled by each class's pattern."""

    def __init__(self, gains: tuple[float, ...], bias: tuple[float, ...]) -> None:
        super().__init__()
        self.colours = Parameter(torch.tensor(SCENES) / 255)
        self.gains, self.bias = Parameter(torch.tensor(gains)), Parameter(torch.tensor(bias))
        self.patterns = Parameter(patterns())

    def get_image_features(self, pixel_values: Tensor) -> SimpleNamespace:
        picture = pixel_values * _STD + _MEAN  # (M, 3, S, S)
        far = (picture[:, None] - self.colours[..., None, None]).square().sum(dim=2)
        seen = torch.exp(-far / (2 * _NEAR**2)).mean(dim=(2, 3))  # (M, C)
        pulled = torch.einsum("myx,cyx->mc", picture.mean(dim=1), self.patterns) / SIDE**2
        return SimpleNamespace(pooler_output=self.gains * seen + self.bias + PULL * pulled)


def planted_classifier(
    *,
    gains: tuple[float, ...] = GAINS,
    bias: tuple[float, ...] = BIAS,
    batch_size: int = 64,
    pooling: Pooling = "mean",
) -> ZeroShot:
    """Return the planted model with its classes."""
    model = DualEncoder(
        network=PlantedNetwork(gains, bias).eval().requires_grad_(requires_grad=False),
        tokenizer=None,
        name="planted",
        digest="planted " + "0" * 24,
        image_size=SIDE,
        context_length=77,
        scale=PixelScale((_MEAN,) * 3, (_STD,) * 3),
        logit_scale=10.0,
        device=CPU,
        dtype=torch.float32,
    )
    return ZeroShot(model, torch.eye(len(CLASSES)), pooling, batch_size)


def random_classifier(checkpoint: Path, *, batch_size: int = 64) -> ZeroShot:
    """Return a CLIP of random weights with random classes: it can be asked for attribution."""
    model = CLIP(checkpoint=str(checkpoint)).load(device=CPU, precision="fp32")
    draws = torch.Generator().manual_seed(0)
    classes = normalize(torch.randn(len(CLASSES), 32, generator=draws), dim=-1)
    return ZeroShot(model, classes, "mean", batch_size)


def subject_maps(frames: FrameStore, cache: Path) -> RegionMaps:
    """Return the exact place of the subject in planted clips."""
    no_model: Any = None  # exact maps do not ask it
    return open_regions(
        AnnotationRegion(), SUBJECT, frames, zero_shot=lambda: no_model, cache_dir=cache
    )


def open_small(clips: ClipSet, cache: Path) -> FrameStore:
    """Decode clips at the planted model's size."""
    return FrameStore.open(clips, FrameSettings(count=COUNT, size=SIDE), cache_dir=cache)


def split(frames: FrameStore, **more: Any) -> TrainingClips:
    """Return clips to learn from; the last of three groups of each class validates."""
    last = np.char.endswith(frames.clip_set.groups, "_g2")
    return TrainingClips(shown(frames, **more), np.flatnonzero(~last), np.flatnonzero(last))


def shown(frames: FrameStore, masking: Mask | None = None, **more: Any) -> MaskedClips:
    """Return clips under a mask, whole without one."""
    return MaskedClips(masking=masking or NoMask(), seed=0, frames=frames, patch=16, **more)


def quick(**changes: Any) -> LearningSettings:
    """Return settings with which the planted problem is solved in a moment."""
    given = {"steps": 12, "batch": 20, "validate_every": 3, "patience": 99, "step_size": 0.07}
    return LearningSettings(**{**given, **changes})


def naming(noise: Learned, classifier: ZeroShot, *, levels: float = 16.0) -> Perturbation:
    """Return noise per class that is the class's own pattern: it names its class by itself."""
    made = started(noise, classifier)
    own = levels * patterns()[:, None, None].expand_as(made.parts["own"])
    return made.with_parts({"own": own.clone()})


def mending(noise: Learned, classifier: ZeroShot, *, levels: float = 6.0) -> Perturbation:
    """Return noise for all classes that takes away what speaks for the first class."""
    made = started(noise, classifier)
    shared = -levels * patterns()[:1, None, None].expand_as(made.parts["shared"])
    return made.with_parts({"shared": shared.clone()})


def fitted(noise: Learned, perturbation: Perturbation, **changes: Any) -> FittedNoise:
    """Return noise as if it had been learned."""
    history = History({"total": {2: 1.0, 4: 0.5}}, {0: -1.0, 2: -0.6, 4: -0.7}, kept=2, steps=4)
    card = {
        "kind": type(noise).__name__,
        "noise": noise.model_dump(mode="json"),
        "data": "planted/train",
        "data_digest": "d" * 32,
        "weights": "planted " + "0" * 24,
        "prompts": [[name] for name in CLASSES],
        "class_names": CLASSES,
        "clips": ["train 1", "train 2"],
        "groups": ["actor 1", "actor 2"],
        "training_clips": 20,
        "validation_clips": 10,
    }
    return FittedNoise(perturbation, history, {**card, **changes})


def evaluated(
    noise: Learned,
    masked: MaskedClips,
    classifier: ZeroShot,
    *,
    own: Perturbation,
    universal: Perturbation | None = None,
) -> tuple[ScoreTable, Evaluation]:
    """Evaluate noise that is given, not learned; the universal control is `mending`."""

    def given(asked: Learned, *_: Any) -> FittedNoise:
        if asked is noise:
            return fitted(asked, own)
        assert type(asked) is UniversalNoise
        return fitted(asked, universal or mending(asked, classifier))

    model = SimpleNamespace(gives_attribution=True, checkpoint="planted")
    cell: Any = SimpleNamespace(
        noise=noise, masking=NoMask(), cache_dir=None, model=model, precision="fp32"
    )
    no_frames: Any = None  # nothing is learned
    cost = Cost()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cell_noise, "read_or_learn", given)
        fits = Fits({"calibration": CALIBRATION})
        patch.setattr(cell_noise, "fitted_stacks", lambda *_: fits)
        made = cell_noise.open_learned(noise, cell, masked.frames, classifier, no_frames)
    tables = score_variants(cell, masked, classifier, made, clean=None, cost=cost)
    inspection = inspect_clips(cell, masked, classifier, made, tables, cost=cost)
    found = Evaluation(masked, tables, made, inspection)
    return found.table, found


BROAD = quick(batch=60)  # noise per class has fewer clips in a step
KINDS: list[Learned] = [
    UniversalNoise(learning=quick()),
    BorderNoise(learning=quick(), width=4, epsilon=64),
    ClassSpecificNoise(learning=BROAD),
    ResidualNoise(learning=BROAD),
    EmbeddingNoise(learning=quick(step_size=0.2), epsilon=0.6),
    NestedNoise(learning=quick(), epsilon_class=16),
    NestedNoise(learning=quick(ema=0.5, step_size=0.1), epsilon_class=16, rank=4),
]
ALONG_THE_SIGN = ClassSpecificNoise(learning=quick(batch=60, optimiser="sign"))


def kind(noise: Learned) -> str:
    rank = f"-{noise.rank}" if isinstance(noise, NestedNoise) else ""
    return f"{type(noise).__name__}{rank}-{noise.learning.optimiser}"


def started(noise: Learned, classifier: ZeroShot) -> Perturbation:
    return make_perturbation(
        noise, model=classifier.model, class_embeddings=classifier.class_embeddings, frames=COUNT
    )


def same_bits(one: Perturbation, other: Perturbation) -> bool:
    return one.parts.keys() == other.parts.keys() and all(
        torch.equal(part, other.parts[name]) for name, part in one.parts.items()
    )


def random_noise(noise: Learned, classifier: ZeroShot, *, factor: float = 60) -> Perturbation:
    """Return random noise, most of its budget."""
    made = started(noise, classifier)
    found = made.with_parts({name: factor * part for name, part in made.parts.items()})
    found.project()
    return found


def scores(result: Evaluation, name: str) -> NDArray[np.float32]:
    return result.tables[name].scores
