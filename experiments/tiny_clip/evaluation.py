"""Zero-shot accuracy of the tiny CLIP on rendered clips, before video compression."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.masking.area import Canvas
from clip_har.masking.fill import apply_mask
from clip_har.masking.mask import clip_mask
from clip_har.masking.percent import PercentMask
from clip_har.metrics.bootstrap import GroupDraws, group_draws
from clip_har.metrics.intervals import share_interval, standard_error, t_interval
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.zero_shot import ZeroShot
from clip_har.prompts.prompt_set import PromptSet
from experiments.tiny_clip.rendered import CLASS_NAMES, RenderedClips

RATIOS = (0.1, 0.3, 0.5)
_BATCH = 8  # clips
_MASK_SEED = 0
_DRAWS = 2000


@dataclass(frozen=True, eq=False)
class Measured:
    """The results of a model on the biased and the unbiased clips of a split.

    Attributes:
        hits: for each measure, whether each of its clips counts, ``(N,)`` bool.
        groups: for each measure, the subject of each of its clips.
    """

    hits: Mapping[str, NDArray[np.bool_]]
    groups: Mapping[str, NDArray[np.str_]]

    def scores(self) -> dict[str, float]:
        """Return each measure's share of clips, and the gap between biased and unbiased clips."""
        found = {name: float(hit.mean()) for name, hit in self.hits.items()}
        return found | {"gap": found["biased"] - found["unbiased"]}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Return the 95 % interval of each score, from a bootstrap over subjects.

        All measures see the same samples, so the gap is compared within subjects. The package's
        `cluster_bootstrap` takes one set of clips; here each measure has its own.
        """
        subjects = sorted({str(name) for group in self.groups.values() for name in group})
        every = group_draws(subjects, draws=_DRAWS).weights
        values = {}
        for name, hits in self.hits.items():
            draws = GroupDraws(np.searchsorted(subjects, self.groups[name]), every)
            values[name] = draws.sums(hits) / np.maximum(draws.sums(np.ones(len(hits))), 1)
        count, degrees = len(subjects), len(subjects) - 1
        found = {
            name: share_interval(
                float(value[0]), standard_error(value[1:]), groups=count, degrees=degrees
            )
            for name, value in values.items()
        }
        gap = values["biased"] - values["unbiased"]
        return found | {"gap": t_interval(float(gap[0]), standard_error(gap[1:]), degrees)}


def predict(
    model: DualEncoder, clips: RenderedClips, prompts: PromptSet, *, ratio: float = 0.0
) -> NDArray[np.int64]:
    """Classify clips zero-shot, under a percent mask.

    Args:
        model: the dual encoder.
        clips: the clips to classify.
        prompts: the texts of the classes.
        ratio: share of the frame that is hidden.

    Returns:
        ``(N,)`` class numbers.
    """
    frames_at_once = _BATCH * clips.frames.shape[1]
    with tempfile.TemporaryDirectory() as folder:
        classifier = ZeroShot.build(
            model,
            prompts.texts(CLASS_NAMES),
            pooling="mean",
            batch_size=frames_at_once,
            cache_dir=Path(folder),
        )
    found = []
    for start in range(0, len(clips.specs), _BATCH):
        rows = range(start, min(start + _BATCH, len(clips.specs)))
        scores = classifier.scores([_masked(clips, row, ratio) for row in rows])
        found.append(scores.argmax(dim=1).numpy())
    return np.concatenate(found)


def measure(
    model: DualEncoder,
    *,
    biased: RenderedClips,
    unbiased: RenderedClips,
    prompts: PromptSet,
    ratios: tuple[float, ...] = RATIOS,
) -> Measured:
    """Measure top-1 with and without bias, the pull of the scene, and top-1 under masks.

    Args:
        model: the dual encoder.
        biased: clips most of which are in their class's own scene.
        unbiased: clips whose scene is unrelated to their action.
        prompts: the texts of the classes.
        ratios: ratios of the percent masks on the ``biased`` clips.

    Returns:
        ``biased``, ``unbiased``, ``masked_0.1`` …: whether the answer is right; ``sberr``: over
        the unbiased clips that are set in another class's scene, whether that class is predicted.
    """
    away = unbiased.labels != unbiased.scenes
    answers = predict(model, unbiased, prompts)
    hits = {
        "biased": predict(model, biased, prompts) == biased.labels,
        "unbiased": answers == unbiased.labels,
        "sberr": (answers == unbiased.scenes)[away],
    }
    subjects = {
        "biased": np.array([spec.subject for spec in biased.specs]),
        "unbiased": np.array([spec.subject for spec in unbiased.specs]),
    }
    groups = {**subjects, "sberr": subjects["unbiased"][away]}
    for ratio in ratios:
        hits[f"masked_{ratio}"] = predict(model, biased, prompts, ratio=ratio) == biased.labels
        groups[f"masked_{ratio}"] = subjects["biased"]
    return Measured(hits, groups)


def _masked(clips: RenderedClips, row: int, ratio: float) -> Tensor:
    """Return one clip's frames ``(T, 3, H, W)`` uint8 under the mask."""
    frames, clip_id = clips.frames[row], clips.specs[row].clip_id
    count, _, height, width = frames.shape
    mask = PercentMask(ratio=ratio)
    canvas = Canvas(clip_id=clip_id, seed=_MASK_SEED, frames=count, height=height, width=width)
    return apply_mask(
        torch.from_numpy(frames.copy()),
        clip_mask(mask, canvas),
        mask.fill,
        seed=_MASK_SEED,
        clip_id=clip_id,
    )
