"""Learn noise: the training loop, its state, and how it continues after a kill."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from clip_har.core.progress import track
from clip_har.core.tensor_file import read_tensors, write_tensors
from clip_har.heads.validation import best_log_probability
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.gradient import add_gradient
from clip_har.noise.learned.objective import class_prior, sample_wrong
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.training_clips import Batch, TrainingClips, step_draws

Curve = dict[int, float]
_ADAM = ("step", "exp_avg", "exp_avg_sq")  # its state; steps along the sign have none
_CANDIDATES = 5  # classes that a validation clip is scored for, beside the true one


@dataclass
class History:
    """How learning went.

    Attributes:
        terms: for each term of the loss its mean since the last validation, by step.
        validation: the score of the validation clips by step, see `validate`; step 0 is the start.
        kept: the step after the start with the best score, whose noise is kept.
        steps: number of steps made.
        restart: which restart this is, from 0.
        restarts: the best score of each restart, if there were several; this one's is the highest.
    """

    terms: dict[str, Curve] = field(default_factory=dict)
    validation: Curve = field(default_factory=dict)
    kept: int = 0
    steps: int = 0
    restart: int = 0
    restarts: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        """The score of the noise that is kept."""
        return self.validation[self.kept]

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(self.__dict__, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "History":
        """Read what `to_json` wrote."""
        content = json.loads(text)
        return cls(
            terms={name: _numbered(curve) for name, curve in content["terms"].items()},
            validation=_numbered(content["validation"]),
            kept=content["kept"],
            steps=content["steps"],
            restart=content.get("restart", 0),  # earlier versions knew no restarts
            restarts=content.get("restarts", []),
        )


def learn(
    noise: Learned,
    perturbation: Perturbation,
    zero_shot: ZeroShot,
    training: TrainingClips,
    *,
    state: Path,
    restart: int = 0,
) -> tuple[Perturbation, History]:
    """Learn noise on the training clips; the model and frozen noise do not change.

    At every validation the state is written, and the next call with the same ``state`` continues
    from it: a kill costs only the steps since the last validation. With one CPU thread the noise is
    bit-identical to that of a fit without a kill; with several threads it may differ by rounding.

    Args:
        noise: the settings.
        perturbation: the noise at its start; it is changed.
        zero_shot: the frozen model with its classes.
        training: the clips.
        state: the file of the state; remove it when the result is stored.
        restart: each has other batches.

    Returns:
        The noise with the best validation score, and how it went.
    """
    parts = perturbation.parts
    for part in parts.values():
        part.requires_grad_()
    loop = _Loop(noise, perturbation, zero_shot, training, restart)
    best = loop.resume(state) or loop.start()
    with track(noise.learning.steps, "learning noise") as advance:
        advance(loop.history.steps, loop.message())
        while loop.history.steps < noise.learning.steps and not loop.stalled():
            loop.step()
            advance(1, loop.message())
            if (
                loop.history.steps % noise.learning.validate_every == 0
                or loop.history.steps == noise.learning.steps
            ):
                best = loop.record() or best
                loop.save(state, best)
    return perturbation.with_parts(best), loop.history


def validate(
    noise: Learned, perturbation: Perturbation, zero_shot: ZeroShot, batch: Batch
) -> float:
    """Return the score of noise on validation clips: the mean log-probability of the true class.

    It is computed at the temperature that gives the highest value, because otherwise noise that
    only lowers the model's confidence would seem to be progress. For noise per class it is that of
    the ``candidate`` protocol, over the true class and the `_CANDIDATES` classes that are most
    likely without noise: all C classes would cost C passes at every validation.

    Args:
        noise: the settings.
        perturbation: the noise.
        zero_shot: the model with its classes.
        batch: of the validation clips.
    """
    found = []
    with torch.no_grad():
        for part in batch.split(noise.learning.batch):
            if noise.per_class:
                found.append(_candidate_scores(perturbation, zero_shot, part))
                continue
            logits = _logits(perturbation, zero_shot, part, torch.zeros_like(part.labels)).cpu()
            true = logits.gather(1, part.labels[:, None])
            others = logits.scatter(1, part.labels[:, None], float("-inf"))
            found.append(torch.cat([true, others], dim=1))
    return best_log_probability(torch.cat(found).double().numpy())


def validation_passes(noise: Learned, classes: int) -> int:
    """Return how often each frame passes through the model in `validate`, for C classes."""
    return 1 + min(1 + _CANDIDATES, classes) if noise.per_class else 1


class _Loop:
    """The state of a fit, and its steps."""

    def __init__(
        self,
        noise: Learned,
        perturbation: Perturbation,
        zero_shot: ZeroShot,
        training: TrainingClips,
        restart: int = 0,
    ) -> None:
        self.noise = noise
        self.perturbation = perturbation
        self.zero_shot = zero_shot
        self.training = training
        self.history = History(restart=restart)
        self.average: dict[str, Tensor] | None = None
        if noise.learning.ema:
            self.average = {
                name: part.detach().clone() for name, part in perturbation.parts.items()
            }
        self.recent: dict[str, list[float]] = {}
        self.prior = class_prior(
            training.labels[training.learned_from],
            zero_shot.class_embeddings.shape[0],
        )
        self.validation = training.validation(noise)
        groups = [
            {"params": [part], "budget": perturbation.budget(name)}
            for name, part in perturbation.parts.items()
        ]
        along_sign = noise.learning.optimiser == "sign"
        self.optimiser: torch.optim.Optimizer = (
            torch.optim.SGD(groups) if along_sign else torch.optim.Adam(groups)
        )
        # Half precision: a step with gradients that are not finite is skipped and lowers the scale.
        half = zero_shot.model.dtype == torch.float16
        self.scaler = torch.amp.GradScaler(zero_shot.model.device.type, enabled=half)

    def step(self) -> None:
        """Make one step."""
        noise, step, restart = self.noise, self.history.steps, self.history.restart
        classes, wrong = len(self.prior), None
        batch = self.training.batch(noise, noise.frames_in_step(classes), step, restart)
        if noise.per_class:
            with torch.no_grad():
                clean = self.zero_shot.frame_logits(
                    self.zero_shot.model.encode_frames(batch.frames)
                ).cpu()
            draws = step_draws(noise, "wrong", step, restart)
            wrong = sample_wrong(
                clean, batch.labels, count=noise.wrong_classes(classes), draws=draws
            )
        self.optimiser.zero_grad(set_to_none=True)
        found = add_gradient(
            noise,
            self.perturbation,
            self.zero_shot,
            batch,
            wrong,
            self.prior,
            backward=self._backward,
        )
        for name, value in found.items():
            self.recent.setdefault(name, []).append(value)
        self._descend(rate=cosine(step, noise.learning.steps) * noise.learning.step_size)
        self.perturbation.project()
        self.history.steps += 1
        self._follow()

    def start(self) -> dict[str, Tensor]:
        """Record the score at the start, and return a copy of the noise."""
        self.history.validation[0] = self._validate()
        return self._copy()

    def record(self) -> dict[str, Tensor] | None:
        """Validate and record the score; return a copy of the noise if it is the best so far."""
        step, history = self.history.steps, self.history
        for name, values in self.recent.items():
            history.terms.setdefault(name, {})[step] = sum(values) / len(values)
        self.recent = {}
        history.validation[step] = self._validate()
        # The start is never kept: noise that is worse than none is a finding, not a failure.
        better = history.validation[step] > history.validation[history.kept]  # false of no number
        if history.kept and not better:
            return None
        history.kept = step
        return self._copy()

    def stalled(self) -> bool:
        """Return whether the last validations had no better score."""
        since = sum(step > self.history.kept for step in self.history.validation)
        return since >= self.noise.learning.patience

    def message(self) -> str:
        """Return the last and the best score, for the progress bar."""
        last = self.history.validation[max(self.history.validation)]
        return f"validation {last:.3f}, best {self.history.validation[self.history.kept]:.3f}"

    def save(self, state: Path, best: Mapping[str, Tensor]) -> None:
        """Write all that is needed to continue."""
        tensors = {f"best.{name}": part for name, part in best.items()}
        for name, part in (self.average or {}).items():
            tensors[f"average.{name}"] = part
        for name, part in self.perturbation.parts.items():
            tensors[f"part.{name}"] = part
            for moment in _ADAM:
                if moment in self.optimiser.state[part]:
                    tensors[f"{moment}.{name}"] = self.optimiser.state[part][moment]
        scaler = json.dumps(self.scaler.state_dict())
        write_tensors(state, tensors, {"history": self.history.to_json(), "scaler": scaler})

    def resume(self, state: Path) -> dict[str, Tensor] | None:
        """Continue from what `save` wrote, and return the best noise; None if there is none."""
        try:
            tensors, texts = read_tensors(state)
        except (OSError, ValueError):
            return None  # nothing there, or damaged: from the start
        self.history = History.from_json(texts["history"])
        self.scaler.load_state_dict(json.loads(texts["scaler"]))
        for name, part in self.perturbation.parts.items():
            part.data.copy_(tensors[f"part.{name}"])
            if self.average is not None:
                self.average[name].copy_(tensors[f"average.{name}"])
            found = {moment: tensors.get(f"{moment}.{name}") for moment in _ADAM}
            if found["step"] is not None:  # which Adam keeps on the CPU
                self.optimiser.state[part] = {
                    moment: value if moment == "step" else value.to(part.device)
                    for moment, value in found.items()
                    if value is not None
                }
        return {
            name: tensors[f"best.{name}"].to(part.device)
            for name, part in self.perturbation.parts.items()
        }

    def _validate(self) -> float:
        return validate(self.noise, self._shown(), self.zero_shot, self.validation)

    def _copy(self) -> dict[str, Tensor]:
        """Return a copy of the noise as it would be kept."""
        return {name: part.detach().clone() for name, part in self._shown().parts.items()}

    def _shown(self) -> Perturbation:
        """Return the noise as it would be kept: its average, if that is asked for."""
        if self.average is None:
            return self.perturbation
        shown = self.perturbation.with_parts(
            {name: part.clone() for name, part in self.average.items()}
        )
        shown.project()  # the average of two products may be larger than each of them
        return shown

    def _follow(self) -> None:
        """Move the average towards the noise: Σ d^(t-i) p_i / Σ d^(t-i) over the steps i = 1 … t.

        The start has no share in it, as in the corrected moments of Adam (Kingma and Ba 2015).
        """
        if self.average is None:
            return
        decay = self.noise.learning.ema
        weight = (1 - decay) / (1 - decay**self.history.steps)
        for name, part in self.perturbation.parts.items():
            self.average[name].lerp_(part.detach(), weight)

    def _backward(self, total: Tensor) -> None:
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]

    def _descend(self, *, rate: float) -> None:
        self.scaler.unscale_(self.optimiser)  # it checks whether they are finite
        if self.noise.learning.optimiser == "sign":
            for part in self.perturbation.parts.values():
                part.grad.sign_()  # type: ignore[union-attr]
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["budget"]
        self.scaler.step(self.optimiser)
        self.scaler.update()


def cosine(step: int, steps: int) -> float:
    """Return the step size as a share of the first, from 1 at the first step to 0 after the last.

    Example:
        >>> [round(cosine(step, 100), 2) for step in (0, 50, 99)]
        [1.0, 0.5, 0.0]
    """
    return (1 + math.cos(math.pi * step / steps)) / 2


def _candidate_scores(perturbation: Perturbation, zero_shot: ZeroShot, part: Batch) -> Tensor:
    """Return ``(B, K)`` scores of the candidates on their own noise, the true class first."""
    logits = zero_shot.frame_logits(zero_shot.model.encode_frames(part.frames))
    logits = logits.scatter(1, part.labels[:, None].to(logits.device), float("inf"))  # the first
    classes = logits.topk(min(1 + _CANDIDATES, logits.shape[1]), dim=1).indices  # (B, K)
    scores = [
        _logits(perturbation, zero_shot, part, column).gather(1, column[:, None])
        for column in classes.T
    ]
    return torch.cat(scores, dim=1).cpu()


def _logits(
    perturbation: Perturbation, zero_shot: ZeroShot, part: Batch, classes: Tensor
) -> Tensor:
    """Return ``(B, C)`` logits, on the model's device, of frames with the noise of some classes."""
    model = zero_shot.model
    embeddings = perturbation.embed(
        model,
        perturbation.prepare(model, part.frames),
        part.visible.to(model.device),
        classes.to(model.device),
        part.times.to(model.device),
    )
    return zero_shot.frame_logits(embeddings)


def _numbered(curve: Mapping[str, float]) -> Curve:
    return {int(step): value for step, value in curve.items()}
