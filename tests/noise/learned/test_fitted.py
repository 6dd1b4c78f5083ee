"""Learned noise on disk: learned once, checked when it is read."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned import fitted
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.fitted import NOISE_FILE, FittedNoise, learned_noise, load_noise
from clip_har.noise.learned.learning import _Loop
from clip_har.noise.learned.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    ResidualNoise,
    UniversalNoise,
)
from clip_har.noise.learned.training_clips import TrainingClips
from tests.damage import DAMAGES
from tests.noise.made import COUNT, SIDE, planted_classifier, quick
from tests.planted import CLASSES

HOW = quick(steps=4, validate_every=2)
NOISE = ClassSpecificNoise(learning=HOW)
KINDS: list[Learned] = [
    UniversalNoise(learning=HOW),
    BorderNoise(learning=HOW, width=4),
    NOISE,
    ResidualNoise(learning=HOW),
    EmbeddingNoise(learning=HOW),
]


def kind(noise: Learned) -> str:
    return type(noise).__name__


def described(noise: Learned, **more: Any) -> dict[str, Any]:
    """Stand for `described_fit`."""
    given = {"data": "planted", "data_digest": "0", "weights": planted_classifier().model.digest}
    return {"kind": kind(noise), "noise": noise.model_dump(mode="json"), **given, **more}


@pytest.fixture(scope="module")
def classifier() -> ZeroShot:
    return planted_classifier()


@pytest.fixture
def learned(
    classifier: ZeroShot, small_training: TrainingClips, tmp_path: Path
) -> Callable[..., Any]:
    def found(noise: Learned, training: Any = None, **more: Any) -> FittedNoise:
        known, fits = described(noise, **more), training or (lambda: small_training)
        return learned_noise(
            noise, classifier, fits, described=known, frames=COUNT, cache_dir=tmp_path
        )

    return found


def never(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("nothing is to be learned again")


def same(one: FittedNoise, other: FittedNoise) -> bool:
    mine, theirs = one.perturbation.parts, other.perturbation.parts
    return (
        mine.keys() == theirs.keys()
        and all(torch.equal(part, theirs[name]) for name, part in mine.items())
        and one.history == other.history
        and one.card == {**other.card, "class_names": one.card["class_names"]}
        and list(one.card["class_names"]) == list(other.card["class_names"])
    )


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "noise").glob(f"*/{NOISE_FILE}"))


# Once


@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_noise_is_learned_once_and_then_read(learned, monkeypatch, tmp_path, caplog, noise):
    with caplog.at_level(logging.INFO):
        first = learned(noise)
    assert f"learning {kind(noise)} noise (once" in caplog.text
    caplog.clear()
    monkeypatch.setattr(fitted, "learn_best", never)
    with caplog.at_level(logging.INFO):
        second = learned(noise, training=never)
    assert same(first, second)
    assert not caplog.records
    assert len(kept(tmp_path)) == 1
    (folder,) = (tmp_path / "noise").iterdir()
    assert {path.name for path in folder.iterdir()} == {NOISE_FILE, f"{NOISE_FILE}.lock"}


def test_what_was_learned_is_done_with_learning(learned):
    found = learned(NOISE)
    assert not any(part.requires_grad for part in found.perturbation.parts.values())
    assert found.card["training_clips"] == 20
    assert found.card["validation_clips"] == 10
    assert found.card["steps"] == found.history.steps == 4
    assert found.card["kept_step"] == found.history.kept
    assert list(found.card["class_names"]) == list(CLASSES)
    assert {key: found.card[key] for key in described(NOISE)} == described(NOISE)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_learned_again(learned, small_training, tmp_path, damage):
    first = learned(NOISE)
    (path,) = kept(tmp_path)
    damage(path)
    asked = []

    def training():
        asked.append("clips")
        return small_training

    assert same(first, learned(NOISE, training=training))
    assert asked == ["clips"]
    assert same(first, learned(NOISE, training=never))


def test_a_fit_that_was_killed_goes_on(learned, monkeypatch, tmp_path):
    long = ClassSpecificNoise(learning=quick(steps=6, validate_every=2))
    whole = learned(long, data="elsewhere")
    step, made = _Loop.step, []

    def dying(loop: _Loop) -> None:
        made.append(loop.history.steps)
        if len(made) == 6:
            raise KeyboardInterrupt
        step(loop)

    monkeypatch.setattr(_Loop, "step", dying)
    with pytest.raises(KeyboardInterrupt):
        learned(long)
    again = learned(long)
    assert made == [0, 1, 2, 3, 4, 5, 4, 5]
    assert same(whole, replace(again, card={**again.card, "data": "elsewhere"}))
    assert not list((tmp_path / "noise").glob("*/*.partial"))


@pytest.mark.parametrize("change", ["noise", "data_digest", "weights", "code", "prompts"])
def test_what_is_described_otherwise_is_another_noise(learned, tmp_path, change):
    """`test_identity` says which settings change the description."""
    one = learned(NOISE)
    other = learned(NOISE.model_copy(update={"seed": 1}) if change == "noise" else NOISE,
                    **({} if change == "noise" else {change: "other"}))  # fmt: skip
    assert len(kept(tmp_path)) == 2
    parts = (found.perturbation.parts["own"] for found in (one, other))
    assert torch.equal(*parts) == (change != "noise")


@pytest.mark.parametrize("scores", [(-0.1, -0.3, -0.2), (-0.3, -0.4, -0.2)], ids=["worse", "helps"])
def test_noise_that_does_not_help_says_so(learned, monkeypatch, caplog, scores):
    rest = iter(scores)
    monkeypatch.setattr(_Loop, "_validate", lambda _: next(rest))
    assert learned(NOISE).history.kept == 4
    warning = (
        "ClassSpecificNoise noise is no better than none on the validation clips:"
        " -0.200 after 4 steps, -0.100 at the start; it is used as it is, and more steps or clips"
        " may help"
    )
    expected = [warning] if scores[0] == -0.1 else []
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in warnings] == expected


def test_what_was_learned_is_not_lost_where_it_cannot_be_kept(learned, monkeypatch, tmp_path):
    def full(*_: Any) -> NoReturn:
        raise OSError(28, "No space left on device")

    message = r"learned noise cannot be kept in .*no space is left"
    with monkeypatch.context() as patch:
        patch.setattr("clip_har.noise.learned.fitted.save_tensors", full)
        with pytest.raises(ClipHarError, match=message):
            learned(NOISE)
    (state,) = (tmp_path / "noise").glob("*/*.partial")
    with monkeypatch.context() as patch:
        patch.setattr(_Loop, "step", never)  # all steps were made
        learned(NOISE)
    assert not state.exists()


def test_what_fails_in_opening_the_clips_is_not_said_to_be_the_cache(learned):
    def gone() -> NoReturn:
        raise FileNotFoundError("clip 3")

    with pytest.raises(FileNotFoundError):
        learned(NOISE, training=gone)


def test_a_cache_that_cannot_be_written(learned, tmp_path):
    (tmp_path / "noise").write_text("in the way")
    message = r"learned noise cannot be kept in .*set another cache_dir"
    with pytest.raises(ClipHarError, match=message):
        learned(NOISE)


# Read from a file


@pytest.fixture
def file(learned: Callable[..., Any], tmp_path: Path) -> Path:
    path = tmp_path / "given" / NOISE_FILE
    learned(NOISE).save(path)
    return path


def read(path: Path, noise: Learned, classifier: ZeroShot, **changes: Any) -> FittedNoise:
    given: dict[str, Any] = {"clips": other_clips(), "described": {}, "frames": COUNT, **changes}
    return load_noise(path, noise, classifier, **given)


def other_clips(names: tuple[str, ...] = CLASSES, ids: tuple[str, ...] = ("test 1",)) -> ClipSet:
    clips = tuple(Clip(name, Path(name), 0, name) for name in ids)
    return ClipSet("made", names, clips, licence="none", citation="")


def refused(
    path: Path, message: str, noise: Learned = NOISE, classifier: Any = None, **more: Any
) -> None:
    with pytest.raises(ClipHarError, match=message) as caught:
        read(path, noise, classifier or planted_classifier(), **more)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"noise.file={path}: ")


@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_what_is_saved_is_what_is_read(learned, classifier, tmp_path, caplog, noise):
    fitted = learned(noise)
    path = tmp_path / "given" / NOISE_FILE
    caplog.clear()
    fitted.save(path)
    found = read(path, noise, classifier)
    assert same(fitted, found)
    assert type(found.perturbation) is type(fitted.perturbation)
    for name in set(vars(found.perturbation)) - {"parts", "window"}:
        assert getattr(found.perturbation, name) == getattr(fitted.perturbation, name)
    assert not caplog.records


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\x93" * 1000, None])
def test_a_file_that_holds_no_tensors_or_is_not_there(tmp_path, content):
    path = tmp_path / NOISE_FILE
    if content is None:
        refused(path, r"there is no such file; expected noise\.safetensors$")
        refused(tmp_path, "there is no such file")
        return
    path.write_bytes(content)
    refused(path, "not usable here: ")


def bend_values(tensors: dict[str, Any], _: dict[str, str]) -> None:
    tensors["part.own"][0, 0, 0, 0, 0] += 0.5


def bend_card(_: dict[str, Any], metadata: dict[str, str]) -> None:
    metadata["card"] = metadata["card"].replace("planted", "another")


def other_tensors(tensors: dict[str, Any], metadata: dict[str, str]) -> None:
    for values in (tensors, metadata):
        values.clear()
    tensors["weight"] = torch.zeros(2)


TAMPERED = "its values are not those that were written"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (bend_values, TAMPERED),
        (bend_card, TAMPERED),
        (other_tensors, "not usable here: "),
        *((lambda _, metadata, key=key: metadata.pop(key), "not usable here: ")
          for key in ("digest", "card", "history")),
    ],
    ids=["values", "card", "other tensors", "no digest", "no card", "no history"],
)  # fmt: skip
def test_a_file_that_was_tampered_with(file, change, message):
    with safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    tensors = load_file(file)
    change(tensors, metadata)
    save_file(tensors, file, metadata=metadata)
    refused(file, message)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("diving", *CLASSES[1:]),
         r"expected noise for the 5 classes .*got 5 classes \(differing: climbing, diving\)$"),
        (CLASSES[::-1], r"\(differing: in another order\)$"),
        (CLASSES[:4], r"expected δ of shape own \(4, 1"),
    ],
)  # fmt: skip
def test_noise_of_other_classes(file, names, message):
    classifier = planted_classifier()
    sized = replace(classifier, class_embeddings=classifier.class_embeddings[: len(names)])
    refused(file, message, classifier=sized, clips=other_clips(names))


@pytest.mark.parametrize(
    ("noise", "side", "expected"),
    [
        (NOISE, 32, r"own \(5, 1, 3, 32, 32\)"),
        (NOISE.model_copy(update={"static": False}), SIDE, r"own \(5, 4, 3, 16, 16\)"),
        (NOISE.model_copy(update={"resolution": 8}), SIDE, r"own \(5, 1, 3, 8, 8\)"),
    ],
)
def test_noise_of_another_shape(file, noise, side, expected):
    classifier = planted_classifier()
    sized = replace(classifier, model=replace(classifier.model, image_size=side))
    message = rf"expected δ of shape {expected}, got own \(5, 1, 3, 16, 16\)$"
    refused(file, message, noise, classifier=sized)


@pytest.mark.parametrize("noise", [UniversalNoise(), ResidualNoise(), EmbeddingNoise()], ids=kind)
def test_noise_of_another_kind(file, noise):
    """The kind is said, and not that the shapes differ, too."""
    refused(file, f"expected {type(noise).__name__}, got ClassSpecificNoise$", noise)


def test_noise_of_another_kind_with_the_same_parts(learned, tmp_path):
    path = tmp_path / "given" / NOISE_FILE
    learned(UniversalNoise(learning=HOW)).save(path)
    refused(path, "expected BorderNoise, got UniversalNoise$", BorderNoise(width=4))


@pytest.mark.parametrize(
    "noise",
    [
        ClassSpecificNoise(learning=quick(step_size=1), epsilon=4, norm="linf"),
        ClassSpecificNoise(learning=quick(step_size=1), epsilon=4, norm="l2"),
        EmbeddingNoise(learning=quick(step_size=1), epsilon=0.5),
    ],
    ids=["linf", "l2", "shift"],
)
def test_noise_beyond_the_budget(learned, classifier, tmp_path, noise):
    path = tmp_path / "given" / NOISE_FILE
    fitted = learned(noise)
    fitted.save(path)
    for factor in (1, 1.25):
        larger = noise.model_copy(update={"epsilon": factor * noise.epsilon})
        assert same(fitted, read(path, larger, classifier))
    smaller = noise.model_copy(update={"epsilon": 0.97 * noise.epsilon})
    message = (
        rf"larger than allowed here by noise\.epsilon; it was learned with epsilon={noise.epsilon}$"
    )
    refused(path, message, smaller)


def test_noise_of_other_weights_is_used_with_a_warning(file, classifier, caplog):
    caplog.clear()
    read(file, NOISE, classifier, described={"weights": classifier.model.digest, "data": "planted"})
    assert not caplog.records
    cell = {"weights": "of others", "data": "planted"}
    longer = quick(steps=9, validate_every=2)
    other = {"where": "before", "norm": "l2", "learning": longer, "seed": 5}
    read(file, NOISE.model_copy(update=other), classifier, described=cell)
    (message,) = [record.getMessage() for record in caplog.records]
    assert message == (
        f"noise.file={file} was learned with other learning, norm, weights, where than the cell's;"
        " controls that are learned follow the cell"
    )


def test_other_settings_with_parts_of_the_same_shape_give_a_warning(
    learned, classifier, tmp_path, caplog
):
    path = tmp_path / "given" / NOISE_FILE
    learned(BorderNoise(learning=HOW, width=4)).save(path)
    caplog.clear()
    read(path, BorderNoise(learning=HOW, width=3, resolution=SIDE), classifier)
    (message,) = [record.getMessage() for record in caplog.records]
    assert "was learned with other resolution, width than the cell's" in message


def test_noise_that_was_learned_from_what_is_evaluated_is_refused(file, small_training):
    used = small_training.frames.clip_set.clips[3].id
    refused(
        file,
        rf"learned from 1 of the clips that it would be evaluated on, such as {used}; evaluate",
        clips=other_clips(ids=("test 1", used)),
    )


def test_noise_that_was_learned_from_evaluated_groups_is_refused(file, small_training, learned):
    clip = Clip("test 1", Path("c"), 0, str(small_training.frames.clip_set.groups[3]))
    clips = replace(other_clips(), clips=(clip,))
    found = rf"learned from 1 of the groups that it would be evaluated on, such as {clip.group};"
    refused(file, found, clips=clips)
    read(file, NOISE, planted_classifier(), clips=replace(clips, shares_groups="its lists do"))
    fitted = learned(NOISE)
    del fitted.card["groups"]
    fitted.save(file)
    refused(file, "does not say which groups")


def test_noise_that_is_no_number_is_refused(learned, tmp_path):
    fitted = learned(NOISE)
    fitted.perturbation.parts["own"][0, 0, 0, 0, 0] = torch.nan
    path = tmp_path / "given" / NOISE_FILE
    fitted.save(path)
    refused(path, r"part\.own has values that are not finite")


def test_noise_from_a_file_may_be_used_in_another_way(file, classifier, learned):
    other = NOISE.model_copy(update={"protocol": "topk", "controls": False, "seed": 9})
    found = read(file, other, classifier)
    assert same(found, learned(NOISE))
