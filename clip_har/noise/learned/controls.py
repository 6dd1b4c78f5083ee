"""Controls for learned noise: other causes of a gain than attention to the action."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from clip_har.core.progress import track
from clip_har.core.seeding import generator
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.training_clips import TrainingClips
from clip_har.noise.variants import Scores

_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)  # of the biases of the calibration control
EMPTY_LEVELS = (0, 127, 255)
"""Frames of one grey: black, mid grey, white."""


def random_like(perturbation: Perturbation, *, seed: int) -> Perturbation:
    """Return random noise as strong as learned noise.

    The values of each class's δ are shuffled over its grid (those of a border over the border), and
    their signs are sampled. The tensors of a sum are shuffled independently. Then the noise of a
    class in a frame is scaled to the root mean square of the learned noise, because random values
    of a coarse grid average out when they are spread over the frame, and so do two tensors that
    are added. Parts of low rank become free parts; frozen noise stays as it is.

    Args:
        perturbation: the learned noise.
        seed: of the random numbers.
    """
    perturbation = perturbation.free()
    parts = {}
    for name, part in perturbation.parts.items():
        rows = part.detach().cpu().flatten(1).numpy().copy()  # (1 or C, values)
        shown = perturbation.grid(part).cpu().expand(part.shape[1:]).numpy().flatten() > 0
        for number, row in enumerate(rows):
            draws = generator(seed, f"noise/random/{name}", str(number))
            dealt = draws.permutation(row[shown])
            row[shown] = dealt * draws.choice(np.array([-1, 1], np.float32), len(dealt))
        parts[name] = torch.from_numpy(rows).reshape(part.shape).to(part.device)
    return perturbation.as_strong(parts)


@dataclass(frozen=True, eq=False)
class Calibration:
    """One temperature and one bias per class: it changes predictions without looking at a pixel.

    Attributes:
        scale: factor of the scores, above 0.
        biases: ``(C,)``, added afterwards.
    """

    scale: float
    biases: NDArray[np.float64]

    def apply(self, scores: Scores) -> Scores:
        """Return calibrated scores, ``(N, C)``."""
        return (self.scale * scores + self.biases).astype(np.float32)


def fit_calibration(
    scores: Scores, labels: NDArray[np.int64], *, penalty: float = 1e-4
) -> Calibration:
    """Fit one temperature and one bias per class: vector scaling with a shared scale.

    Minimises the mean of −ln softmax_y(a · z + b) + penalty · |b|² by L-BFGS, from a = 1 and b = 0
    (Guo et al. 2017, section 4.2, with one scale for all classes). All classes have equal weight,
    whatever their number of clips, as in the batches that noise is learned from.

    Args:
        scores: ``(N, C)`` of training clips.
        labels: ``(N,)``.
        penalty: of the biases; above 0, because of classes without a clip.
    """
    rows, classes = np.arange(len(labels)), scores.shape[1]
    hits, weights = np.eye(classes)[labels], balanced(labels)

    def objective(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, biases = np.exp(values[0]), values[1:]
        logs = log_softmax(scale * scores + biases, axis=1)
        errors = weights[:, None] * (np.exp(logs) - hits)  # of the mean with respect to a z + b
        slope = np.concatenate(
            [[scale * (errors * scores).sum()], errors.sum(axis=0) + 2 * penalty * biases]
        )
        value = -(weights * logs[rows, labels]).sum() + penalty * (biases**2).sum()
        return float(value), slope

    bounds = [(-5.0, 5.0), *[(None, None)] * classes]  # a has no finite optimum on separable clips
    start = np.zeros(1 + classes)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Calibration(float(np.exp(found[0])), found[1:])


def balanced(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weight of each clip such that all present classes have equal weight; sum 1.

    Example:
        >>> balanced(np.array([0, 0, 3])).tolist()
        [0.25, 0.25, 0.5]
    """
    _, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1 / (len(counts) * counts[which])
    return weights


def calibrate(noise: Learned, zero_shot: ZeroShot, training: TrainingClips) -> Calibration:
    """Call `fit_calibration` on training clips, under the masks that noise is learned under.

    Learned noise must be better than this control. Both learn from the same clips. The penalty is
    the one of `_PENALTIES` with the lowest loss on the validation clips.

    Args:
        noise: gives the masks and the seed.
        zero_shot: the model with its classes.
        training: the clips.
    """
    labels = training.frames.clip_set.labels
    parts = (training.learned_from, training.validated_on)
    message = "fitting the calibration control"
    with track(sum(len(part) for part in parts), message) as advance:
        scores = [
            np.concatenate(
                [
                    _scored(noise, zero_shot, training, batch, advance)
                    for batch in training.frames.batches(part.tolist(), zero_shot.batch_size)
                ]
            )
            for part in parts
        ]
    weights = balanced(labels[parts[1]])
    rows = np.arange(len(parts[1]))

    def loss(calibration: Calibration) -> float:
        logs = log_softmax(calibration.apply(scores[1]), axis=1)
        return -float((weights * logs[rows, labels[parts[1]]]).sum())

    return min(
        (fit_calibration(scores[0], labels[parts[0]], penalty=penalty) for penalty in _PENALTIES),
        key=loss,
    )


def _scored(
    noise: Learned,
    zero_shot: ZeroShot,
    training: TrainingClips,
    batch: Sequence[int],
    advance: Callable[[int], None],
) -> Scores:
    scores: Scores = zero_shot.scores([training.clip(noise, index) for index in batch]).numpy()
    advance(len(batch))
    return scores


def named_on_empty(perturbation: Perturbation, zero_shot: ZeroShot) -> NDArray[np.float64]:
    """Return how often each class's noise alone makes the model predict it, on empty frames.

    Args:
        perturbation: noise per class.
        zero_shot: the model with its classes.

    Returns:
        ``(C,)`` shares of the empty frames: black, mid grey and white.
    """
    model, classes = zero_shot.model, len(zero_shot.class_embeddings)
    size = (len(EMPTY_LEVELS), 3, model.image_size, model.image_size)
    levels = torch.tensor(EMPTY_LEVELS, dtype=torch.uint8).view(-1, 1, 1, 1)
    empty = levels.expand(size).contiguous()
    visible = torch.ones(len(empty), 1, *size[2:], device=model.device)
    shares = np.empty(classes)
    with torch.inference_mode():
        prepared = perturbation.prepare(model, empty)
        for label in range(classes):
            own = torch.full((len(empty),), label, device=model.device)
            embedded = perturbation.embed(model, prepared, visible, own, torch.zeros_like(own))
            answers = zero_shot.frame_logits(embedded).argmax(dim=1)
            shares[label] = float((answers == own).float().mean())
    return shares
