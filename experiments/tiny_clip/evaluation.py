"""What the tiny CLIP knows: measured along the path that every model of the package takes."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from clip_har.masking.area import Canvas
from clip_har.masking.fill import apply_mask
from clip_har.masking.mask import clip_mask
from clip_har.masking.percent import PercentMask
from clip_har.models.classifier import zero_shot_classifier
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.pooling import clip_scores
from clip_har.prompts.prompt_set import PromptSet
from experiments.tiny_clip.drawn import CLASS_NAMES, DrawnClips

RATIOS = (0.1, 0.3, 0.5)
_BATCH = 8  # clips
_MASK_SEED = 0


@dataclass(frozen=True, eq=False)
class Measured:
    """What a model answered on the biased and the unbiased clips of a split.

    Attributes:
        hits: for each measure, whether each of its clips counts, ``(N,)`` bool.
        groups: for each measure, the subject of each of its clips.
    """

    hits: Mapping[str, NDArray[np.bool_]]
    groups: Mapping[str, NDArray[np.str_]]

    def scores(self) -> dict[str, float]:
        """Return each measure's share of clips, and the gap that the scene makes."""
        found = {name: float(hit.mean()) for name, hit in self.hits.items()}
        return found | {"gap": found["biased"] - found["unbiased"]}


@torch.inference_mode()
def predict(
    model: DualEncoder, clips: DrawnClips, prompts: PromptSet, *, ratio: float = 0.0
) -> NDArray[np.int64]:
    """Classify clips zero-shot, under a percent mask.

    Args:
        model: the dual encoder.
        clips: what is classified.
        prompts: what the classes become.
        ratio: share of the frame that is hidden.

    Returns:
        ``(N,)`` class numbers.
    """
    with tempfile.TemporaryDirectory() as folder:
        texts = prompts.texts(CLASS_NAMES)
        classifier = zero_shot_classifier(model, texts, cache_dir=Path(folder))
    mask = PercentMask(ratio=ratio)
    found = []
    for start in range(0, len(clips.specs), _BATCH):
        masked = []
        for spec, frames in zip(
            clips.specs[start : start + _BATCH], clips.frames[start : start + _BATCH], strict=True
        ):
            count, _, height, width = frames.shape
            canvas = Canvas(
                clip_id=spec.clip_id, seed=_MASK_SEED, frames=count, height=height, width=width
            )
            masked.append(
                apply_mask(
                    torch.from_numpy(frames.copy()),
                    clip_mask(mask, canvas),
                    mask.fill,
                    seed=_MASK_SEED,
                    clip_id=spec.clip_id,
                )
            )
        scores = clip_scores(
            model.encode_frames(torch.cat(masked)),
            [len(clip) for clip in masked],
            classifier.to(model.device),
            logit_scale=model.logit_scale,
            pooling="mean",
        )
        found.append(scores.argmax(dim=1).cpu().numpy())
    return np.concatenate(found)


def measure(
    model: DualEncoder,
    *,
    biased: DrawnClips,
    unbiased: DrawnClips,
    prompts: PromptSet,
    ratios: tuple[float, ...] = RATIOS,
) -> Measured:
    """Measure top-1 with and without bias, the pull of the scene, and top-1 under masks.

    Args:
        model: the dual encoder.
        biased: clips most of which are in their class's own scene.
        unbiased: clips whose scene tells nothing.
        prompts: what the classes become.
        ratios: of the percent masks, laid over the ``biased`` clips.

    Returns:
        ``biased``, ``unbiased``, ``masked_0.1`` …: whether the answer is right; ``sberr``: over
        the unbiased clips that are set in another class's scene, whether the answer is that class.
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
