"""CLIPSeg as a region source: real loading of a small one, and planted networks."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, CLIPSegForImageSegmentation, CLIPSegProcessor

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.data.frames.store import ClipFrames
from clip_har.models.checkpoint import weights_digest
from clip_har.models.clipseg import CLIPSeg, load_clipseg
from clip_har.regions.prompted import PromptedRegion, soft_mask_of
from clip_har.regions.source import is_found
from tests.regions.checkpoints import INPUT, write_clipseg
from tests.regions.made import CLIPS, CPU, on_cpu, shown, soft_masks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clipseg(tmp_path_factory.mktemp("clipseg") / "small")


@pytest.fixture(scope="module")
def network(folder: Path) -> CLIPSeg:
    return load_clipseg(folder, CPU)


@pytest.fixture(scope="module")
def clips() -> list[ClipFrames]:
    """Three clips of unlike lengths, of smooth random frames."""
    return [shown(smooth(count, seed=count)) for count in (5, 1, 3)]


def smooth(count: int, *, size: int = 96, seed: int) -> NDArray[np.uint8]:
    draws = np.random.default_rng(seed)
    coarse = torch.from_numpy(draws.uniform(0, 255, (count, 3, 6, 6)).astype(np.float32))
    fine = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return fine.to(torch.uint8).numpy()


def locator(folder: Path, **settings: Any) -> Any:
    return soft_masks(PromptedRegion(checkpoint=str(folder), **settings).locator(on_cpu))


# What is found


def test_maps_have_the_frames_size_and_range(folder: Path, clips: list[ClipFrames]) -> None:
    maps = locator(folder)(clips, "a ball")
    assert [found.shape for found in maps] == [(5, 96, 96), (1, 96, 96), (3, 96, 96)]
    for found in maps:
        assert found.dtype == np.float32
        assert 0 <= found.min() < found.max() <= 1


def test_the_prompt_decides_the_map(folder: Path, clips: list[ClipFrames]) -> None:
    locate = locator(folder)
    ball, face = (locate(clips, text)[0] for text in ("a ball", "a face"))
    assert np.abs(ball - face).max() > 0.01


def test_probabilities_equal_the_processor_and_model_of_transformers(folder, network):
    frames = smooth(4, size=INPUT, seed=7)
    processor: Any = CLIPSegProcessor.from_pretrained(folder)
    inputs = processor(
        text=["a ball"] * 4, images=list(torch.from_numpy(frames)), return_tensors="pt"
    )
    oracle = CLIPSegForImageSegmentation.from_pretrained(folder).eval()
    with torch.inference_mode():
        theirs = oracle(**inputs).logits.sigmoid()
    ours = network.probabilities(torch.from_numpy(frames), network.encode_text("a ball"))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert theirs.std() > 0.01


@pytest.mark.parametrize("size", [48, 64, 224])
def test_preprocessing_equals_the_image_processor(folder, network, size):
    frames = torch.from_numpy(smooth(3, size=size, seed=size))
    processor: Any = CLIPSegProcessor.from_pretrained(folder)
    theirs = processor.image_processor(list(frames), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(network.preprocess(frames), theirs, atol=1e-5, rtol=0)


def test_a_clips_map_does_not_depend_on_other_clips(folder: Path, clips: list[ClipFrames]) -> None:
    locate = locator(folder)
    together, backwards = locate(clips, "a ball"), locate(clips[::-1], "a ball")[::-1]
    for clip, one, other in zip(clips, together, backwards, strict=True):
        np.testing.assert_array_equal(locate([clip], "a ball")[0], one)
        np.testing.assert_array_equal(other, one)


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_the_batch_size_changes_rounding_only(folder, clips, batch_size):
    whole = locator(folder)(clips, "a ball")
    parts = locator(folder, batch_size=batch_size)(clips, "a ball")
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5, rtol=0)


def test_no_forward_pass_is_larger_than_the_batch_size(folder, network, clips, monkeypatch):
    sizes = []
    once = CLIPSeg.probabilities

    def counted(self: CLIPSeg, frames: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        sizes.append(len(frames))
        return once(self, frames, text)

    monkeypatch.setattr(CLIPSeg, "probabilities", counted)
    locator(folder, batch_size=2)(clips, "a ball")
    assert sizes == [2, 2, 1, 1, 2, 1]


def test_subject_and_background_are_complements(folder: Path, clips: list[ClipFrames]) -> None:
    locate = locator(folder, subject="a horse", threshold=0.2)
    subject, background = locate(clips, "subject")[0], locate(clips, "background")[0]
    assert is_found(subject)
    np.testing.assert_array_equal(background, 1 - subject)
    np.testing.assert_array_equal(subject, locate(clips, "a horse")[0])
    np.testing.assert_array_equal(locate(clips, "person")[0], locate(clips, "a person")[0])
    assert np.abs(subject - locate(clips, "person")[0]).max() > 0.01


def test_a_long_text_is_cut(folder: Path, clips: list[ClipFrames]) -> None:
    locate = locator(folder)
    np.testing.assert_array_equal(locate(clips, "word " * 500)[0], locate(clips, "word " * 75)[0])


# Planted networks


def planted(network: CLIPSeg, logits: Any) -> CLIPSeg:
    """Return a CLIPSeg whose decoder's logits are a known function of its input."""

    def forward(*, pixel_values: torch.Tensor, conditional_embeddings: torch.Tensor) -> Any:
        assert pixel_values.shape[1:] == (3, INPUT, INPUT)
        assert len(conditional_embeddings) == len(pixel_values)
        return SimpleNamespace(logits=logits(pixel_values))

    forward.clip = network.network.clip  # type: ignore[attr-defined]
    return replace(network, network=forward)


@pytest.fixture
def plant(folder: Path, network: CLIPSeg, monkeypatch: pytest.MonkeyPatch) -> Any:
    def locate(logits: Any, **settings: Any) -> Any:
        fake = planted(network, logits)
        monkeypatch.setattr("clip_har.models.clipseg.load_clipseg", lambda *_: fake)
        return locator(folder, **settings)

    return locate


@pytest.mark.parametrize("size", [32, 64, 96, 224])
def test_what_is_bright_comes_back_where_it_is(plant: Any, size: int) -> None:
    pixels = np.zeros((2, 3, size, size), np.uint8)
    pixels[0, :, : size // 4, : size // 2] = 255  # neither symmetric nor square
    pixels[1, :, size // 2 :, size // 4 : size // 2] = 255
    truth = pixels[:, 0] > 0
    (found,) = plant(lambda input_: 20 * input_.mean(dim=1))([shown(pixels)], "what is bright")
    assert found[truth].mean() > 0.95
    assert found[~truth].mean() < 0.05
    assert ((found >= 0.5) ^ truth).mean() < 0.02


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_half_comes_back_as_that_half(plant: Any, side: str) -> None:
    logits = torch.full((INPUT, INPUT), -9.0)
    logits[:, slice(None, INPUT // 2) if side == "left" else slice(INPUT // 2, None)] = 9
    locate = plant(lambda input_: logits.expand(len(input_), -1, -1))
    (found,) = locate([shown(smooth(2, seed=0))], "a half")
    left = found[..., :46].mean(), found[..., 50:].mean()
    assert left == pytest.approx((1, 0) if side == "left" else (0, 1), abs=1e-3)


@pytest.mark.parametrize("probability", [0.05, 0.199, 0.201, 0.6, 0.95])
def test_the_threshold_decides_what_is_found(plant: Any, probability: float) -> None:
    logit = float(torch.tensor(probability).logit())
    locate = plant(lambda input_: torch.full((len(input_), INPUT, INPUT), logit), threshold=0.2)
    (found,) = locate([shown(smooth(2, seed=0))], "anything")
    assert is_found(found) == (probability >= 0.2)
    if probability < 0.2:
        (background,) = locate([shown(smooth(2, seed=0))], "background")
        assert not background.any()
    else:
        np.testing.assert_allclose(found, 0.5 + 0.5 * (probability - 0.2) / 0.8, atol=1e-5)


def test_what_is_found_in_one_frame_alone_is_kept(plant: Any) -> None:
    pixels = np.zeros((3, 3, 64, 64), np.uint8)
    pixels[1] = 255
    (found,) = plant(lambda input_: 20 * input_.mean(dim=1))([shown(pixels)], "a flash")
    assert found.mean(axis=(1, 2)) == pytest.approx([0, 1, 0], abs=1e-3)


def test_the_decoders_own_bias_reaches_the_map(folder, tmp_path, clips):
    known = Path(shutil.copytree(folder, tmp_path / "known"))
    weights = load_file(known / "model.safetensors")
    weights["decoder.transposed_convolution.4.weight"].zero_()
    weights["decoder.transposed_convolution.4.bias"].fill_(float(np.log(0.3 / 0.7)))
    save_file(weights, known / "model.safetensors", metadata={"format": "pt"})
    for found in locator(known, threshold=0.3 - 1e-4)(clips, "anything"):
        np.testing.assert_allclose(found, 0.5, atol=1e-3)
    for found in locator(known)(clips, "anything"):
        assert not is_found(found)


@given(
    threshold=st.floats(0.001, 0.999),
    values=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20),
)
def test_the_threshold_maps_in_order(threshold: float, values: list[float]) -> None:
    limit = np.float32(threshold)
    probability = np.sort(np.array([*values, 0, limit, 1], np.float32))
    soft_mask = soft_mask_of(probability, threshold)
    assert soft_mask.dtype == np.float32
    assert (soft_mask[0], soft_mask[-1]) == (0, 1)
    assert (np.diff(soft_mask) >= 0).all()
    np.testing.assert_array_equal(soft_mask >= 0.5, probability >= limit)


# Settings


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(ClipHarError, match=r"^feature is empty: .*feature='a ball'$"):
        PromptedRegion().check("  ")
    PromptedRegion().check("the face of the one who jumps")
    assert not PromptedRegion().uses_label("a ball")


@pytest.mark.parametrize(
    "wrong", [{"threshold": 0}, {"threshold": 1}, {"batch_size": 0}, {"subject": " "}]
)
def test_settings_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PromptedRegion(**wrong)


def test_the_weights_decide_and_not_their_place(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    here, there = (
        PromptedRegion(checkpoint=str(place), batch_size=size)
        for place, size in ((folder, 1), (copy, 2))
    )
    assert here.identity(CLIPS) == there.identity(CLIPS) == weights_digest(folder)
    place = {Role.RUN, Role.CONTENT}
    assert here.described(without=place) == there.described(without=place)
    other = write_clipseg(tmp_path / "other", seed=1)
    assert PromptedRegion(checkpoint=str(other)).identity(CLIPS) != here.identity(CLIPS)
    for change in ({"threshold": 0.4}, {"subject": "a horse"}):
        assert PromptedRegion(**change).model_dump() != PromptedRegion().model_dump()


def test_a_sweep_loads_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_clipseg.cache_clear()
    first = load_clipseg(folder, CPU)
    monkeypatch.setattr(CLIPSegForImageSegmentation, "from_pretrained", lambda *_, **__: 1 / 0)
    locator(folder)
    locator(folder, threshold=0.1, subject="a horse")
    assert load_clipseg(folder, CPU) is first
    assert not first.network.training
    assert not any(weight.requires_grad for weight in first.network.parameters())


# Loading


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def refused(folder: Path, message: str) -> None:
    with pytest.raises(ClipHarError, match=message) as caught:
        locator(folder)
    assert str(caught.value).startswith("region.checkpoint=")
    assert "\n" not in str(caught.value)


def test_the_vocabulary_files_of_the_hub_will_do(copy, folder, clips):
    """The published checkpoint has vocab.json and merges.txt, and no tokenizer.json."""
    model = json.loads((copy / "tokenizer.json").read_text())["model"]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (copy / "tokenizer.json").unlink()
    (copy / "vocab.json").write_text(json.dumps(model["vocab"]))
    (copy / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    text = "a person's ball, thrown"
    assert AutoTokenizer.from_pretrained(copy)(text) == AutoTokenizer.from_pretrained(folder)(text)
    np.testing.assert_array_equal(locator(copy)(clips, text)[0], locator(folder)(clips, text)[0])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("config.json", "there is no config.json"),
        ("model.safetensors", r"pickled weights are not read: .*CLIPSegForImageSegmentation"),
        ("preprocessor_config.json", "preprocessor_config.json is missing"),
        ("tokenizer.json", "there is neither tokenizer.json nor vocab.json"),
    ],
)
def test_a_missing_file(copy: Path, name: str, message: str) -> None:
    (copy / name).rename(copy / "pytorch_model.bin")
    refused(copy, message)
    with pytest.raises(ClipHarError, match=message):  # known before a sweep starts
        PromptedRegion(checkpoint=str(copy)).identity(CLIPS)


PREPROCESSING = "expected a size of equal height and width"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("config", {"model_type": "clip"}, "expected model_type clipseg .*, got 'clip'"),
        ("config", {"reduce_dim": 32}, "do not fit config.json|cannot be loaded"),
        ("preprocessor_config", {"size": {"height": 64, "width": 32}}, PREPROCESSING),
        ("preprocessor_config", {"size": {"shortest_edge": 64}}, PREPROCESSING),
        ("preprocessor_config", {"resample": 3}, PREPROCESSING),
    ],
    ids=str,
)
def test_a_configuration_that_does_not_fit(copy, name, change, message):
    path = copy / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    refused(copy, message)


def test_offline_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ClipHarError,
        match=r"^region.checkpoint=CIDAS/clipseg-rd64-refined: .*HF_HUB_OFFLINE.*"
        r"hf download CIDAS/clipseg-rd64-refined --revision [0-9a-f]{40} .*region.checkpoint=FOLD",
    ):
        PromptedRegion().identity(CLIPS)
