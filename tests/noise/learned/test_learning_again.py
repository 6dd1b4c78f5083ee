"""Learning the same again: by seed, with several threads, after a kill."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from clip_har.noise.learned.learning import History, _Loop, learn
from clip_har.noise.learned.settings import ClassSpecificNoise
from clip_har.noise.learned.shift import EmbeddingShift
from tests.noise.made import (
    ALONG_THE_SIGN,
    KINDS,
    kind,
    planted_classifier,
    quick,
    same_bits,
    started,
)
from tests.threads import torch_threads


def test_noise_is_of_its_seed_and_of_nothing_else(learned):
    noise = ClassSpecificNoise(learning=quick(steps=4))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        one, history = learned(noise)
        torch.manual_seed(2)
        np.random.seed(2)  # noqa: NPY002, whatever others draw from it
        again, same = learned(noise)
    assert same_bits(one, again)
    assert history == same
    other, _ = learned(noise.model_copy(update={"seed": 1}))
    assert not same_bits(one, other)


@pytest.mark.parametrize("noise", [KINDS[0], KINDS[2]], ids=kind)
@torch_threads(3)
def test_several_threads_learn_the_same_to_the_bit(learned, noise):
    found = [learned(noise)[0] for _ in range(4)]
    assert all(same_bits(found[0], other) for other in found)


@torch_threads(3)
def test_several_threads_give_shifts_the_same_gradients_to_the_bit():
    draws = torch.Generator().manual_seed(0)
    own, prepared = (torch.randn(rows, 2048, generator=draws) for rows in (5, 200))
    classes = torch.randint(0, 5, (200,), generator=draws)
    gradients = []
    for _ in range(6):
        part = own.clone().requires_grad_()
        moved = EmbeddingShift({"own": part}, 1.0).embed(
            planted_classifier().model, prepared, classes, classes, classes
        )
        (moved * prepared.flip(0)).sum().backward()
        assert part.grad is not None
        gradients.append(part.grad)
    assert all(torch.equal(one, gradients[0]) for one in gradients)


class KilledError(Exception):
    pass


def killed_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Let the next fit die in the step after so many."""
    step, made = _Loop.step, count()

    def dying(loop: _Loop) -> None:
        if next(made) == steps:
            raise KilledError
        step(loop)

    monkeypatch.setattr(_Loop, "step", dying)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    step, made = _Loop.step, []

    def counting(loop: _Loop) -> None:
        made.append(loop.history.steps)
        step(loop)

    monkeypatch.setattr(_Loop, "step", counting)
    return made


@pytest.mark.parametrize("steps", [2, 3, 7])
@pytest.mark.parametrize("noise", [*KINDS, ALONG_THE_SIGN], ids=kind)
def test_a_fit_that_was_killed_goes_on_to_the_bit(learned, small_training, tmp_path, noise, steps):
    whole, history = learned(noise)
    classifier, state = planted_classifier(), tmp_path / "noise.partial"
    with pytest.MonkeyPatch.context() as monkeypatch:
        killed_after(monkeypatch, steps)
        with pytest.raises(KilledError):
            learn(noise, started(noise, classifier), classifier, small_training, state=state)
    last_look = steps - steps % 3
    assert state.is_file() == (last_look > 0)
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = counted(monkeypatch)
        again, resumed = learn(
            noise, started(noise, classifier), classifier, small_training, state=state
        )
    assert made == list(range(last_look, 12)), "what was learned is not learned again"
    assert same_bits(whole, again)
    assert resumed == history
    assert not list(tmp_path.glob(".noise*")), "no half-written file is left"


def test_a_fit_that_was_killed_at_its_very_end_is_only_read(
    learned, small_training, tmp_path, monkeypatch
):
    noise, classifier, state = KINDS[0], planted_classifier(), tmp_path / "noise.partial"
    whole, history = learned(noise)
    learn(noise, started(noise, classifier), classifier, small_training, state=state)
    assert state.is_file()
    killed_after(monkeypatch, 0)
    again, resumed = learn(
        noise, started(noise, classifier), classifier, small_training, state=state
    )
    assert same_bits(whole, again)
    assert resumed == history


def spoilt(state: Path, how: str) -> None:
    content = state.read_bytes()
    if how == "empty":
        state.write_bytes(b"")
    elif how == "cut":
        state.write_bytes(content[: len(content) // 2])
    elif how == "other":
        state.write_bytes(b"\0" * len(content))
    elif how == "text":
        state.write_text("not a state")
    else:
        tensors = load_file(state)
        metadata = {"no history": None, "no words": {"history": "{"}, "words": {"history": "{}"}}
        save_file(tensors, state, metadata=metadata[how])


@pytest.mark.parametrize(
    "how", ["empty", "cut", "other", "text", "no history", "no words", "words"]
)
def test_a_damaged_state_is_no_state(learned, small_training, tmp_path, monkeypatch, how):
    noise, classifier, state = KINDS[2], planted_classifier(), tmp_path / "noise.partial"
    whole, history = learned(noise)
    with pytest.MonkeyPatch.context() as patch:
        killed_after(patch, 7)
        with pytest.raises(KilledError):
            learn(noise, started(noise, classifier), classifier, small_training, state=state)
    spoilt(state, how)
    made = counted(monkeypatch)
    again, anew = learn(noise, started(noise, classifier), classifier, small_training, state=state)
    assert made == list(range(12))
    assert same_bits(whole, again)
    assert anew == history


def test_a_history_is_read_as_it_was_written():
    history = History(
        terms={"ranking": {3: 0.1 + 0.2, 6: 1e-9}}, validation={0: -1.5, 3: -0.1}, kept=3, steps=6
    )
    assert History.from_json(history.to_json()) == history
