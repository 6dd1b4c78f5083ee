"""The order in which a clip's frames are shown: nothing else changes with it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings, frame_order
from clip_har.masking.feature import FeatureMask
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clip import MaskedClip
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask
from clip_har.masking.percent import PercentMask
from clip_har.masking.swap import SwapMask
from clip_har.models.clip import CLIP
from clip_har.models.video_zero_shot import VideoZeroShot
from clip_har.models.xclip import XCLIP
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.random import GaussianNoise
from tests.checkpoints import write_xclip
from tests.data.frames.made import forbid_decoding
from tests.masking.test_masked_clips import opened
from tests.planted import CLASSES, SIDE, planted_clips
from tests.tables import scored_table

CPU = torch.device("cpu")
ORDERS = ("reversed", "shuffled", "single")
Show = Callable[..., MaskedClips]

MASKS: dict[str, Mask] = {
    "none": NoMask(),
    "a mask for all frames": PercentMask(ratio=0.3, fill="mean"),
    "a mask for each": PercentMask(ratio=0.3, static=False, fill="noise"),
    "on a moving subject": FeatureMask(ratio=None, fill="surround", soft=3),
    "a moving hole": FeatureMask(ratio=None),
    "away from it": FeatureMask(ratio=None, place="away"),
    "before a moving scene": SwapMask(),
    "frozen": SwapMask(frozen=True),
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    return planted_clips(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def show(clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> Show:
    cache = tmp_path_factory.mktemp("cache")

    def shown(masking: Mask, order: Any = "forward", seed: int = 0) -> MaskedClips:
        settings = FrameSettings(count=8, size=SIDE, order=order)
        store = FrameStore.open(clips, settings, cache_dir=cache)
        return opened(store, cache, masking, seed=seed)

    return shown


def places_of(order: Any, clip: MaskedClip, seed: int = 0) -> np.ndarray:
    return frame_order(order, len(clip.frames), seed=seed, clip_id=clip.id)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", MASKS)
def test_a_frame_is_shown_with_all_that_belongs_to_it(show: Show, name: str, order: str) -> None:
    forward, other = (show(MASKS[name], one).clip(7) for one in ("forward", order))
    places = places_of(order, forward)
    assert torch.equal(other.frames, forward.frames[places])
    assert torch.equal(other.whole, forward.whole[places])
    whole = np.broadcast_to(forward.hidden, (8, SIDE, SIDE))
    assert (np.broadcast_to(other.hidden, (8, SIDE, SIDE)) == whole[places]).all()
    assert forward.subject is not None
    assert other.subject is not None
    assert (other.subject == forward.subject[places]).all()
    if order == "single":
        kept = other.effect.subject_hidden
        share = (whole[4] * forward.subject[4]).sum() / forward.subject[4].sum()
        assert kept == pytest.approx(share)
    else:
        assert other.effect == forward.effect, "to the bit"


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
@pytest.mark.parametrize("name", MASKS)
def test_other_frames_of_a_clip_get_the_same_paint(show: Show, name: str, order: str) -> None:
    forward, other = (show(MASKS[name], one).clip(7) for one in ("forward", order))
    places = places_of(order, forward)
    noisy = (forward.whole.float() * 0.7 + 20).to(torch.uint8)
    assert torch.equal(other.repainted(noisy[places]), forward.repainted(noisy)[places])


def test_a_single_frame_has_its_mask_under_noise_too(show: Show) -> None:
    mask = PercentMask(ratio=0.3, static=False)
    still = show(mask, "single").clip(7)
    black = (still.repainted(torch.full_like(still.whole, 9)) == 0).all(dim=1)
    assert (black == torch.from_numpy(still.hidden)).all()
    assert not (show(mask).clip(7).hidden == still.hidden).all()


def test_an_order_needs_no_other_store_and_no_other_maps(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = show(FeatureMask(ratio=None))
    forbid_decoding(monkeypatch)
    for order in ORDERS:
        other = show(FeatureMask(ratio=None), order)
        assert other.frames.path == first.frames.path
        assert other.feature is not None
        assert first.feature is not None
        assert other.feature.soft_mask(0).tobytes() == first.feature.soft_mask(0).tobytes()


def test_all_cells_of_a_seed_show_a_clip_in_the_same_order(show: Show) -> None:
    masks = [NoMask(), PercentMask(ratio=0.3)]
    first, second = (show(mask, "shuffled", seed=3).clip(2).whole for mask in masks)
    assert torch.equal(first, second)
    other = show(NoMask(), "shuffled", seed=4).clip(2).whole
    assert not torch.equal(first, other)


@pytest.fixture(scope="module")
def pooled(small_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    model = CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp32")
    cache = tmp_path_factory.mktemp("classes")
    prompts = [[f"a person {name}"] for name in CLASSES]
    return partial(ZeroShot.build, model, prompts, batch_size=64, cache_dir=cache)


@pytest.mark.parametrize("mask", ["none", "a mask for each", "a moving hole"])
@pytest.mark.parametrize("pooling", ["mean", "mean_probability", "max"])
def test_pooling_is_blind_to_order(show: Show, pooled: Any, pooling: str, mask: str) -> None:
    classifier = pooled(pooling=pooling)
    scale = classifier.model.logit_scale
    scores = {
        order: scored_table(show(MASKS[mask], order), classifier).scores / scale
        for order in ("forward", *ORDERS)
    }
    assert np.abs(scores["reversed"] - scores["forward"]).max() < 1e-6
    assert np.abs(scores["shuffled"] - scores["forward"]).max() < 1e-6
    assert np.abs(scores["single"] - scores["forward"]).max() > 1e-4


def test_a_video_model_is_not(show: Show, tmp_path: Path) -> None:
    model = XCLIP(checkpoint=str(write_xclip(tmp_path / "xclip", frames=8))).load(
        device=CPU, precision="fp32"
    )
    prompts = [[f"a person {name}"] for name in CLASSES]
    classifier = VideoZeroShot.build(model, prompts, batch_size=64, cache_dir=tmp_path)
    tables = {
        order: scored_table(show(NoMask(), order), classifier).scores
        for order in ("forward", *ORDERS)
    }
    for order in ORDERS:
        assert np.abs(tables[order] - tables["forward"]).max() > 1e-3, order


def test_noise_is_added_to_the_clip_as_it_is_shown(show: Show, pooled: Any) -> None:
    """Noise that differs from frame to frame keeps its own order; static noise is one for all."""
    classifier = pooled(pooling="mean")
    for static in (True, False):
        noise = GaussianNoise(std=40.0, static=static)
        one, other = (
            scored_table(show(NoMask(), order), classifier, noise).scores
            for order in ("forward", "reversed")
        )
        difference = np.abs(one - other).max() / classifier.model.logit_scale
        assert (difference < 1e-6) == static
