"""The person source: planted detectors, and torchvision's own networks as oracles."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torchvision.models import detection, get_model, get_model_weights

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.data.frames.store import ClipFrames
from clip_har.models.checkpoint import weights_digest
from clip_har.models.person_detector import PersonDetector, load_detector
from clip_har.regions.person import PersonRegion
from clip_har.regions.source import is_found
from tests.regions.made import CLIPS, CPU, on_cpu, shown, soft_masks

SIZE = 32
V1, V2 = "maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2"
SCORE = {V1: 0.45, V2: 0.85}  # that a few of the random networks' people have


# Planted detectors

Found = tuple[int, float, tuple[slice, slice], float]  # label, score, place, mask probability
TOP, LEFT = (slice(0, 8), slice(None)), (slice(None), slice(0, 4))


def detector(found: dict[int, list[Found]], *, score: float = 0.5) -> PersonDetector:
    """Return a detector of known targets, chosen by the value of a frame's first pixel."""

    def network(pictures: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        answers = []
        for picture in pictures:
            assert picture.dtype == torch.float32
            targets = found.get(round(float(picture[0, 0, 0]) * 255), [])
            masks = torch.zeros(len(targets), 1, SIZE, SIZE)
            for mask, (_, _, place, probability) in zip(masks, targets, strict=True):
                mask[0][place] = probability
            answers.append(
                {
                    "boxes": torch.zeros(len(targets), 4),
                    "labels": torch.tensor([target[0] for target in targets], dtype=torch.int64),
                    "scores": torch.tensor([target[1] for target in targets]),
                    "masks": masks,
                }
            )
        return answers

    return PersonDetector(network=network, score=score, device=CPU)


def soft_mask(targets: list[Found], *, score: float = 0.5) -> NDArray[np.float32]:
    frame = torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8)
    return detector({0: targets}, score=score).soft_mask(frame)[0].numpy()


def test_only_people_count() -> None:
    other = [(label, 0.99, TOP, 1.0) for label in (0, 2, 18, 90)]
    assert not soft_mask(other).any()
    found = soft_mask([*other, (1, 0.9, LEFT, 0.8)])
    assert found[LEFT] == pytest.approx(0.8)
    assert (found > 0).sum() == 4 * SIZE


def test_the_score_decides_who_counts() -> None:
    people = [(1, 0.75, TOP, 1.0), (1, 0.25, LEFT, 1.0)]
    assert (soft_mask(people) > 0).sum() == 8 * SIZE
    assert not soft_mask(people, score=0.76).any()
    assert (soft_mask(people, score=0.25) > 0).sum() == 8 * SIZE + 4 * SIZE - 8 * 4


def test_of_several_people_the_most_probable_counts() -> None:
    found = soft_mask([(1, 0.9, TOP, 0.6), (1, 0.8, LEFT, 0.9)])
    assert found[TOP][:, 4:] == pytest.approx(0.6)
    assert found[LEFT] == pytest.approx(0.9)  # where both are, too: not 0.54, not 1.5
    assert not found[8:, 4:].any()


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    (tmp_path / "model.safetensors").write_bytes(b"not read")

    def locate(found: dict[int, list[Found]], **settings: Any) -> Any:
        monkeypatch.setattr(
            "clip_har.models.person_detector.load_detector",
            lambda *_, score, **__: detector(found, score=score),
        )
        return soft_masks(PersonRegion(checkpoint=str(tmp_path), **settings).locator(on_cpu))

    return locate


def numbered(*numbers: int) -> ClipFrames:
    pixels = np.zeros((len(numbers), 3, SIZE, SIZE), np.uint8)
    pixels[:] = np.array(numbers)[:, None, None, None]
    return shown(pixels)


def test_maps_go_to_their_own_frames_and_clips(plant: Any) -> None:
    locate = plant({1: [(1, 0.9, TOP, 1.0)], 2: [(1, 0.9, LEFT, 1.0)]})
    clips = [numbered(1, 0, 2), numbered(2), numbered(0, 0)]
    maps = locate(clips, "person")
    assert [found.shape for found in maps] == [(3, SIZE, SIZE), (1, SIZE, SIZE), (2, SIZE, SIZE)]
    assert all(found.dtype == np.float32 for found in maps)
    assert (maps[0][0][TOP] == 1).all()
    assert not maps[0][1].any()
    assert (maps[0][2][LEFT] == 1).all()
    assert not maps[2].any()
    for found, alone in zip(maps, [locate([clip], "person")[0] for clip in clips], strict=True):
        np.testing.assert_array_equal(found, alone)


def test_the_subject_is_the_people_and_the_background_all_else(plant: Any) -> None:
    locate = plant({1: [(1, 0.9, TOP, 0.75)]})
    clips = [numbered(1, 0), numbered(0)]
    people, subject, background = (
        locate(clips, target) for target in ("person", "subject", "background")
    )
    np.testing.assert_array_equal(people[0], subject[0])
    np.testing.assert_array_equal(background[0][0], 1 - people[0][0])
    assert not background[0][1].any()  # no one found: what all else is stays unknown
    assert not background[1].any()


@pytest.mark.parametrize(
    ("score", "probability", "found"), [(0.6, 0.51, True), (0.6, 0.49, False), (0.7, 0.51, False)]
)
def test_a_person_needs_the_score_of_the_settings_and_a_probable_mask(
    plant: Any, score: float, probability: float, found: bool
) -> None:
    locate = plant({1: [(1, 0.65, TOP, probability)]}, score=score)
    assert is_found(locate([numbered(1)], "person")[0]) == found


# Settings


def test_people_and_the_background_are_the_targets_that_are_known() -> None:
    for target in ("person", "subject", "background"):
        PersonRegion().check(target)
        assert not PersonRegion().uses_label(target)
    for target in ("object", "a ball", ""):
        with pytest.raises(ClipHarError, match="region=person knows subject, person, background"):
            PersonRegion().check(target)


@pytest.mark.parametrize(
    "wrong", [{"score": 1.1}, {"input_size": 8}, {"architecture": "fasterrcnn_resnet50_fpn"}]
)
def test_settings_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PersonRegion(**wrong)


@pytest.mark.parametrize("ask", ["identity", "locator"])
def test_without_weights_one_line_says_how_to_get_them(ask: str) -> None:
    source = PersonRegion()
    with pytest.raises(ClipHarError, match=r"^region.checkpoint is not set: .*once ") as caught:
        getattr(source, ask)(on_cpu)
    assert source.conversion() in str(caught.value)
    assert "\n" not in str(caught.value)


# Loading


def random_weights(architecture: str) -> dict[str, torch.Tensor]:
    """Return a state dictionary that finds some people, with masks that are not flat."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = get_model(architecture, weights=None, weights_backbone=None)
    weights: dict[str, torch.Tensor] = network.state_dict()
    for name in ("rpn.head.bbox_pred", "roi_heads.box_predictor.bbox_pred"):
        weights[f"{name}.weight"] *= 1e-3  # boxes near their anchors
    weights["roi_heads.box_predictor.cls_score.weight"] *= 1e-2
    weights["roi_heads.box_predictor.cls_score.bias"][1] += 6
    for name, weight in weights.items():
        if name.endswith("layer1.0.bn1.running_var"):
            weight.fill_(1e-4)  # so that the normalisation's epsilon counts
    return weights


@pytest.fixture(scope="module", params=[V2, V1])
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Any]]:
    """An architecture, its converted weights, and the network as torchvision itself loads it.

    The weights are random, and stand in for those that torchvision would download.
    """
    architecture: str = request.param
    folder = tmp_path_factory.mktemp(architecture)
    weights = random_weights(architecture)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            get_model_weights(architecture), "get_state_dict", lambda *_, **__: weights.copy()
        )
        command = PersonRegion(architecture=cast(Any, architecture)).conversion()
        code = command.removeprefix('python -c "').removesuffix('"')
        exec(code.replace("FOLDER", str(folder)), {})  # the printed command
        least = SCORE[architecture] - 0.1  # it sees more than what counts, but not all (slow)
        oracle = get_model(
            architecture, weights="DEFAULT", min_size=64, max_size=64, box_score_thresh=least
        ).eval()
    yield architecture, folder, oracle
    shutil.rmtree(folder)


def source(architecture: str, folder: Path, **settings: Any) -> PersonRegion:
    return PersonRegion(
        checkpoint=str(folder), architecture=cast(Any, architecture), input_size=64, **settings
    )


def test_people_equal_torchvisions(published: tuple[str, Path, Any]) -> None:
    architecture, folder, oracle = published
    draws = np.random.default_rng(0)
    pixels = draws.integers(0, 256, (1, 3, 48, 48), dtype=np.uint8)
    locate = soft_masks(source(architecture, folder, score=SCORE[architecture]).locator(on_cpu))
    (found,) = locate([shown(pixels)], "person")
    for frame, ours in zip(torch.from_numpy(pixels.copy()), found, strict=True):
        with torch.inference_mode():
            (theirs,) = oracle([frame / 255])
        people = theirs["masks"][
            (theirs["labels"] == 1) & (theirs["scores"] >= SCORE[architecture]), 0
        ]
        assert 1 < len(people) < len(theirs["scores"])
        assert people.amax(dim=0).std() > 0.05
        np.testing.assert_allclose(ours, people.amax(dim=0), atol=1e-5)


def test_the_other_architecture_is_refused(published: tuple[str, Path, Any]) -> None:
    architecture, folder, _ = published
    other = V1 if architecture == V2 else V2
    with pytest.raises(
        ClipHarError, match=rf"^region.checkpoint=.* not torchvision's {other} for COCO \(\d+ miss"
    ) as caught:
        source(other, folder).locator(on_cpu)
    assert "\n" not in str(caught.value)


def test_identity_and_loading_once(published: tuple[str, Path, Any]) -> None:
    architecture, folder, _ = published
    region = source(architecture, folder)
    assert region.identity(CLIPS) == weights_digest(folder)
    region.locator(on_cpu)
    before = load_detector.cache_info()
    region.locator(on_cpu)
    after = load_detector.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 0)


def test_the_weights_place_is_not_what_decides() -> None:
    here, there = (PersonRegion(checkpoint=place) for place in ("a/b", "/c"))
    place = {Role.RUN, Role.CONTENT}
    assert here.described(without=place) == there.described(without=place)
    for change in ({"score": 0.4}, {"architecture": V1}, {"input_size": 320}):
        assert PersonRegion(**cast(Any, change)).described(without=place) != here.described(
            without=place
        )


def refused(folder: Path, message: str) -> None:
    with pytest.raises(ClipHarError, match=message) as caught:
        PersonRegion(checkpoint=str(folder), input_size=64).locator(on_cpu)
    assert str(caught.value).startswith("region.checkpoint=")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("maskrcnn.pth", r"pickled weights are not read: .*once \(python -c .*save_file"),
        ("model.safetensors", "cannot be loaded"),
    ],
)
def test_weights_that_cannot_be_read(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"half a fi")
    refused(tmp_path, message)


def test_a_tensor_of_another_shape(tmp_path: Path) -> None:
    weights = dict(detection.maskrcnn_resnet50_fpn_v2(weights_backbone=None).state_dict())
    name = "roi_heads.box_predictor.cls_score.weight"
    weights[name] = weights[name][:2].clone()  # for two categories, not COCO's
    save_file(weights, tmp_path / "model.safetensors")
    assert load_file(tmp_path / "model.safetensors").keys() == weights.keys()
    refused(tmp_path, rf"0 missing, 0 unknown, 1 of another shape, such as {name}")
    (tmp_path / "model.safetensors").unlink()


def test_offline_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ClipHarError, match=r"^region.checkpoint=owner/name: .*hf download.*region.checkpoint=FOLD"
    ):
        PersonRegion(checkpoint="owner/name").identity(CLIPS)
