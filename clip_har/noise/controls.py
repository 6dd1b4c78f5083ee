"""Controls beside learned noise: what a gain could be, other than attention to the action."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from clip_har.evenly import evenly
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.perturbation import Perturbation, PixelNoise
from clip_har.noise.settings import Learned
from clip_har.noise.training_clips import TrainingClips
from clip_har.progress import track
from clip_har.seeding import generator

Scores = NDArray[np.float32]

_CALIBRATION_CLIPS = 500
_ROUNDING = 1e-4  # sums in another order
_EMPTY_LEVELS = (0, 127, 255)  # frames of one grey: black, mid grey, white


def random_like(perturbation: Perturbation, *, seed: int) -> Perturbation:
    """Return random noise of the size of learned noise: the root mean square over a frame is equal.

    The values of each class's δ are dealt out anew over its grid, of a border over the border, and
    their signs drawn by lot. On a grid of one value per pixel every norm stays; values of a coarse
    grid average out where they are spread over the frame, and are scaled up for it.

    Args:
        perturbation: the learned noise.
        seed: of the draws.
    """
    parts = {}
    for name, part in perturbation.parts.items():
        rows = part.detach().cpu().flatten(1).numpy().copy()  # (1 or C, values)
        shown = _shown(perturbation, part)
        for number, row in enumerate(rows):
            draws = generator(seed, f"noise/random/{name}", str(number))
            dealt = draws.permutation(row[shown])
            row[shown] = dealt * draws.choice(np.array([-1, 1], np.float32), len(dealt))
        dealt_out = torch.from_numpy(rows).reshape(part.shape).to(part.device)
        parts[name] = _as_strong(perturbation, name, part.detach(), dealt_out)
    return perturbation.with_parts(parts)


def _as_strong(perturbation: Perturbation, name: str, part: Tensor, dealt_out: Tensor) -> Tensor:
    """Scale each row of a part to the root mean square that the learned one has in a frame."""
    learned, drawn = (perturbation.with_parts({name: values}) for values in (part, dealt_out))
    shape = (len(part), *[1] * (part.ndim - 1))
    ratios = [
        learned.strength(row)[0] / max(drawn.strength(row)[0], 1e-12) for row in range(len(part))
    ]
    exact = [1.0 if abs(ratio - 1) < _ROUNDING else ratio for ratio in ratios]
    return dealt_out * torch.tensor(exact, device=part.device).reshape(shape)


def _shown(perturbation: Perturbation, part: Tensor) -> NDArray[np.bool_]:
    """Return which values of a row of a part can be seen at all: ``(values,)``."""
    if not isinstance(perturbation, PixelNoise) or perturbation.window is None:
        return np.ones(part[0].numel(), bool)
    cells = adaptive_max_pool2d(perturbation.window[None].cpu(), part.shape[-1]) > 0  # (1, r, r)
    return cells.expand(part.shape[1:]).flatten().numpy()


def derangement(classes: int, *, seed: int) -> NDArray[np.int64]:
    """Return for each class another one whose δ it gets; each δ goes to one class.

    Args:
        classes: at least 2.
        seed: of the draw.
    """
    order = generator(seed, "noise/shuffled", "classes").permutation(classes)
    partner = np.empty(classes, np.int64)
    partner[order] = np.roll(order, 1)  # one cycle through all classes: none keeps its own
    return partner


def fit_calibration(scores: Scores, labels: NDArray[np.int64]) -> tuple[float, NDArray[np.float64]]:
    """Fit one temperature and one bias per class: vector scaling with a shared scale.

    Minimises the mean of −ln softmax_y(a · z + b) by L-BFGS, from a = 1 and b = 0 (Guo et al. 2017,
    section 4.2, with one scale for all classes). The biases of classes without a clip are pulled
    to 0 by a penalty too small to matter for the others.

    Args:
        scores: ``(N, C)`` of training clips.
        labels: ``(N,)``.

    Returns:
        The scale a, above 0, and the biases b ``(C,)``.
    """
    rows, classes = np.arange(len(labels)), scores.shape[1]
    hits = np.eye(classes)[labels]

    def objective(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, biases = np.exp(values[0]), values[1:]
        logs = log_softmax(scale * scores + biases, axis=1)
        errors = (np.exp(logs) - hits) / len(labels)  # of the mean with respect to a z + b
        penalty = 1e-4 * biases
        slope = np.concatenate(
            [[scale * (errors * scores).sum()], errors.sum(axis=0) + 2 * penalty]
        )
        return float(-logs[rows, labels].mean() + (penalty * biases).sum()), slope

    bounds = [(-5.0, 5.0), *[(None, None)] * classes]  # clips told apart would ask for an endless a
    start = np.zeros(1 + classes)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(np.exp(found[0])), found[1:]


def calibrate(
    noise: Learned, zero_shot: ZeroShot, training: TrainingClips
) -> tuple[float, NDArray[np.float64]]:
    """Fit `fit_calibration` on whole training clips, under the masks that noise is learned under.

    What it reaches, noise must beat: it moves the answers without looking at a pixel.

    Args:
        noise: says which masks, and the seed.
        zero_shot: the model with its classes.
        training: the clips; at most `_CALIBRATION_CLIPS` of those that gradients come from.
    """
    chosen = evenly(training.learned_from, _CALIBRATION_CLIPS)
    scores = []
    with track(len(chosen), "fitting the calibration control") as advance:
        for batch in training.frames.batches(chosen, zero_shot.batch_size):
            clips = [training.clip(noise, index) for index in batch]
            scores.append(zero_shot.scores(clips).numpy())
            advance(len(batch))
    labels = training.frames.clip_set.labels[chosen]
    return fit_calibration(np.concatenate(scores), labels)


def named_on_empty(perturbation: Perturbation, zero_shot: ZeroShot) -> NDArray[np.float64]:
    """Return how often each class's noise alone names its class, on frames that show nothing.

    Args:
        perturbation: noise per class.
        zero_shot: the model with its classes.

    Returns:
        ``(C,)`` shares of the empty frames: black, mid grey and white.
    """
    model, classes = zero_shot.model, len(zero_shot.classifier)
    size = (len(_EMPTY_LEVELS), 3, model.image_size, model.image_size)
    levels = torch.tensor(_EMPTY_LEVELS, dtype=torch.uint8).view(-1, 1, 1, 1)
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
