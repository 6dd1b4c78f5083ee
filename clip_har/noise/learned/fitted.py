"""Learned noise on disk: learned once for each combination of settings, checked when it is read."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from clip_har.core.cache import cached, key_of
from clip_har.core.errors import ClipHarError
from clip_har.core.tensor_file import read_tensors, save_tensors, write_tensors
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.parts import shared_groups
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.identity import (
    described_fit,
    described_use,
    given_stacks,
    training_clips,
)
from clip_har.noise.learned.learning import History
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.restarts import learn_best, states
from clip_har.noise.learned.sets import sets_of
from clip_har.noise.learned.start import make_perturbation
from clip_har.noise.learned.training_clips import TrainingClips
from clip_har.noise.settings import LearningCell

log = logging.getLogger(__name__)

FORMAT = 4
NOISE_FILE = "noise.safetensors"
_FROZEN = "frozen"
_BUDGETS = ("epsilon", "epsilon_class")


@dataclass(frozen=True, eq=False)
class FittedNoise:
    """Learned noise, with how and from what it was learned.

    Attributes:
        perturbation: the noise.
        history: how learning went.
        card: what it was learned from, and its settings; a JSON object.
    """

    perturbation: Perturbation
    history: History
    card: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write it as safetensors with its card in the metadata."""
        write_tensors(path, *self.content())

    def content(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the tensors and the texts of its file."""
        tensors = {f"part.{name}": part for name, part in self.perturbation.parts.items()}
        if self.perturbation.frozen is not None:
            tensors[_FROZEN] = self.perturbation.frozen
        return tensors, {"card": json.dumps(self.card), "history": self.history.to_json()}


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return a digest of the tensors of `FittedNoise.content`."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        values = tensor.detach().cpu().contiguous().numpy()
        found.update(f"{name} {values.shape} {values.dtype}".encode())
        found.update(values.tobytes())
    return found.hexdigest()


def read_or_learn(
    noise: Learned,
    cell: LearningCell,
    frames: FrameStore,
    zero_shot: ZeroShot,
    training: Callable[[], TrainingClips],
) -> FittedNoise:
    """Return the noise of a cell or of a control: read it, or learn it if that was not done yet.

    Noise that it is learned on top of is read or learned first.

    Args:
        noise: the settings.
        cell: the checked settings; the noise depends on its clips, model and prompts.
        frames: what the noise will be added to.
        zero_shot: the model with its classes.
        training: returns the training clips.
    """
    if noise.file is not None:
        found = load_noise(
            noise.file.expanduser(),
            noise,
            zero_shot,
            clips=frames.clip_set,
            described=described_use(noise, cell),
            frames=int(frames.lengths.max()),
        )
        if noise.held_share and given_stacks(noise) is None:  # else no weights are fitted here
            _check_held(noise, cell, found)
        return found
    under = noise.base()
    base = None
    if under is not None:
        base = read_or_learn(under, cell, frames, zero_shot, training)
    return learned_noise(
        noise,
        zero_shot,
        training,
        described=described_fit(noise, cell),
        frames=int(frames.lengths.max()),
        cache_dir=cell.cache_dir,
        base=base,
    )


def _check_held(noise: Learned, cell: LearningCell, found: FittedNoise) -> None:
    """Raise if noise of a file was learned from groups that the cell holds out."""
    clips = training_clips(cell.dataset, noise.learning.train_clips, cell.classes)
    held = set(clips.groups[sets_of(clips, range(len(clips.clips)), noise).held].tolist())
    if both := sorted(held & set(found.card["groups"])):
        raise ClipHarError(
            f"noise.file={noise.file}: it was learned from {len(both)} of the groups that are held"
            f" out here, such as {both[0]}; use the held_share, the validation_share and the seed"
            " that it was learned with"
        )


def as_frozen(perturbation: Perturbation) -> Tensor:
    """Return learned noise for all classes as a tensor that other noise is learned on top of."""
    (part,) = perturbation.parts.values()
    return part.detach()


def learned_noise(
    noise: Learned,
    zero_shot: ZeroShot,
    training: Callable[[], TrainingClips],
    *,
    described: dict[str, Any],
    frames: int,
    cache_dir: Path,
    base: FittedNoise | None = None,
) -> FittedNoise:
    """Return noise from the cache; learn it first if it is not there.

    Args:
        noise: the settings.
        zero_shot: the model with its classes.
        training: returns the clips that it is learned from; called only if needed.
        described: all that decides the result, see `clip_har.noise.learned.identity.described_fit`.
            It is the key of the fit, and is stored in the noise's card.
        frames: of a clip; used only for noise that is not static.
        cache_dir: fits are stored below ``noise`` in it.
        base: the noise for all classes that it is learned on top of; None without such.

    Raises:
        ClipHarError: when it cannot be stored there.
    """
    start = partial(
        make_perturbation,
        noise,
        model=zero_shot.model,
        class_embeddings=zero_shot.class_embeddings,
        frames=frames,
        frozen=None if base is None else as_frozen(base.perturbation),
    )
    path = noise_path(cache_dir, described)

    def make(temporary: Path) -> None:
        placebo = " from shuffled labels (a placebo)" if noise.learns_shuffled_labels else ""
        name = f"{described['kind']} noise{placebo}"
        log.info("learning %s (once, kept in %s)", name, path.parent)
        clips = training()
        if noise.learns_shuffled_labels:
            clips = clips.with_shuffled_labels(noise.seed)
        state = path.with_suffix(".partial")
        best, history = learn_best(
            noise, lambda restart: start(restart=restart), zero_shot, clips, state=state
        )
        fitted = FittedNoise(best, history, _card(described, clips, history, base))
        save_tensors(temporary, *fitted.content())
        for one in states(noise, state):
            one.unlink(missing_ok=True)
        if history.best <= history.validation[0]:
            log.warning(
                "%s is no better than %s on the validation clips: %.3f after %d steps,"
                " %.3f at the start; it is used as it is, and more steps or clips may help",
                name,
                "none" if base is None else "the noise that it lies on",
                history.best,
                history.kept,
                history.validation[0],
            )

    return cached(path, "learned noise", read=lambda kept: _found(kept, start()), make=make)


def load_noise(
    path: Path,
    noise: Learned,
    zero_shot: ZeroShot,
    *,
    clips: ClipSet,
    described: dict[str, Any],
    frames: int,
) -> FittedNoise:
    """Read the noise of another run, and check that it fits the settings.

    Args:
        path: a ``noise.safetensors`` that `FittedNoise.save` wrote.
        noise: the settings.
        zero_shot: the model that it is used with.
        clips: the clips that are evaluated.
        described: what it is used for, see `clip_har.noise.learned.identity.described_use`. A
            warning says if it was learned for something else, or with other settings.
        frames: of a clip; used only for noise that is not static.

    Raises:
        ClipHarError: when it is missing, damaged, of another kind, size or class set, larger than
            the budget, or learned from clips or groups that are evaluated.
    """
    if not path.is_file():
        raise ClipHarError(f"noise.file={path}: there is no such file; expected {NOISE_FILE}")
    start = make_perturbation(
        noise, model=zero_shot.model, class_embeddings=zero_shot.class_embeddings, frames=frames
    )
    wanted, found = type(noise).__name__, None
    try:
        kind = described_in(path)[0]["kind"]
        if kind == wanted:
            found = _read(path, start)
    except (OSError, KeyError, ValueError) as error:
        raise ClipHarError(f"noise.file={path}: not usable here: {error}") from error
    if found is None:
        raise ClipHarError(f"noise.file={path}: expected {wanted}, got {kind}")
    card = found.card
    names = tuple(card["class_names"])
    if names != clips.class_names:
        other = sorted(set(names) ^ set(clips.class_names))[:3] or ["in another order"]
        raise ClipHarError(
            f"noise.file={path}: expected noise for the {len(clips.class_names)} classes of the"
            f" clips, got {len(names)} classes (differing: {', '.join(other)})"
        )
    if "groups" not in card:
        raise ClipHarError(
            f"noise.file={path}: it does not say which groups it was learned from, because an"
            " earlier version wrote it; learn it again"
        )
    refuse_evaluated(
        f"noise.file={path}: it was learned from", card["clips"], card["groups"], clips
    )
    under = found.perturbation.under()
    if not all(_within_budget(one) for one in (found.perturbation, under) if one is not None):
        given = {name: card["noise"][name] for name in _BUDGETS if name in card["noise"]}
        raise ClipHarError(
            f"noise.file={path}: it is larger than allowed here by"
            f" {' and '.join(f'noise.{one}' for one in given)}; it was learned with"
            f" {' and '.join(f'{name}={value}' for name, value in given.items())}"
        )
    cell = {**described, **noise.model_dump(mode="json", exclude={"seed"})}
    of_file = {**card, **card["noise"]}
    if other := sorted(key for key in cell.keys() & of_file.keys() if of_file[key] != cell[key]):
        log.warning(
            "noise.file=%s was learned with other %s than the cell's; controls that are learned"
            " follow the cell",
            path,
            ", ".join(other),
        )
    return found


def refuse_evaluated(
    what: str, learned: Iterable[str], groups: Iterable[str], clips: ClipSet
) -> None:
    """Raise if labels of the evaluated clips, or of their groups, were used before.

    Args:
        what: the begin of the message.
        learned: ids of the clips whose labels were used.
        groups: of these clips.
        clips: the clips that are evaluated.
    """
    end = "evaluate another part of the data"
    if both := set(learned) & {clip.id for clip in clips.clips}:
        raise ClipHarError(
            f"{what} {len(both)} of the clips that it would be evaluated on, such as {min(both)};"
            f" {end}"
        )
    if (shared := shared_groups(groups, clips)) and not clips.shares_groups:
        raise ClipHarError(
            f"{what} {len(shared)} of the groups that it would be evaluated on, such as"
            f" {shared[0]}; {end}"
        )


def _within_budget(perturbation: Perturbation) -> bool:
    """Return whether noise is within its budget; it is projected into it."""
    before = {name: part.clone() for name, part in perturbation.parts.items()}
    perturbation.project()
    return all(
        (part - before[name]).abs().max() <= 1e-3 for name, part in perturbation.parts.items()
    )


def described_in(path: Path) -> tuple[dict[str, Any], History]:
    """Return the card and the history of a file that `FittedNoise.save` wrote."""
    _, texts = read_tensors(path)
    return json.loads(texts["card"]), History.from_json(texts["history"])


def _card(
    described: dict[str, Any],
    clips: TrainingClips,
    history: History,
    base: FittedNoise | None,
) -> dict[str, Any]:
    used = [*clips.learned_from.tolist(), *clips.validated_on.tolist()]
    every = clips.frames.clip_set.clips
    under = {} if base is None else {"base": _steps(base.history)}
    return {
        **described,
        "class_names": clips.frames.clip_set.class_names,
        "clips": sorted(every[index].id for index in used),
        "groups": sorted({every[index].group for index in used}),
        "training_clips": len(clips.learned_from),
        "validation_clips": len(clips.validated_on),
        **_steps(history),
        **under,
    }


def _steps(history: History) -> dict[str, int]:
    """Return the steps that were made, and what was kept of them."""
    return {
        "steps": history.steps,
        "kept_step": history.kept,
        "kept_restart": history.restart,
    }


def noise_path(cache_dir: Path, described: dict[str, Any]) -> Path:
    """Return the file of noise that is learned once, see `learned_noise`."""
    return _path(cache_dir, described, NOISE_FILE)


def _path(cache_dir: Path, described: dict[str, Any], name: str) -> Path:
    """Return the file for this key; its folder also holds the state of the learning."""
    return cache_dir / "noise" / key_of([FORMAT, described]) / name


def _found(path: Path, start: Perturbation) -> FittedNoise | None:
    """Return the noise of a file; None if it is not there, or damaged."""
    try:
        return _read(path, start)
    except (OSError, KeyError, ValueError):
        return None


def _read(path: Path, start: Perturbation) -> FittedNoise:
    """Return the noise of a file.

    Raises:
        OSError: when it cannot be read.
        KeyError: when it has other content.
        ValueError: when it is damaged, or has another shape than ``start``.
    """
    tensors, texts = read_tensors(path)
    shapes = {f"part.{name}": part.shape for name, part in start.parts.items()}
    if start.frozen is not None:
        shapes[_FROZEN] = start.frozen.shape
    if {name: tensor.shape for name, tensor in tensors.items()} != shapes:
        raise ValueError(f"expected δ of shape {_shape_text(shapes)}, got {_shape_text(tensors)}")
    parts = {name: tensors[f"part.{name}"].to(part.device) for name, part in start.parts.items()}
    frozen = None if start.frozen is None else tensors[_FROZEN].to(start.frozen.device)
    return FittedNoise(
        perturbation=start.with_parts(parts).on(frozen),
        history=History.from_json(texts["history"]),
        card=json.loads(texts["card"]),
    )


def _shape_text(shapes: Any) -> str:
    return ", ".join(
        f"{name.removeprefix('part.')} {tuple(getattr(value, 'shape', value))}"
        for name, value in sorted(shapes.items())
    )
