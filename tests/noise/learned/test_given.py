"""Weights that come with the noise of a file are used only for what they were fitted for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clip_har.core.errors import ClipHarError
from clip_har.core.tensor_file import write_tensors
from clip_har.data.clips import Clip, ClipSet
from clip_har.masking.percent import PercentMask
from clip_har.noise.learned.arms import BY_NAME, GATED, LIFT
from clip_har.noise.learned.fits import Fits, FittedOn
from clip_har.noise.learned.fitted import digest
from clip_har.noise.learned.gate import Gate
from clip_har.noise.learned.given import given_fits
from clip_har.noise.learned.settings import NestedNoise
from clip_har.noise.learned.stack import Stack

TENSORS = {"part.own": torch.arange(6.0).view(2, 3), "frozen": torch.ones(1, 3)}
CLIPS = ClipSet(
    "made",
    ("run", "row"),
    (Clip("c0", Path("c"), 0, "g0"), Clip("c1", Path("c"), 1, "g1")),
    licence="none",
    citation="",
)
MASKING = PercentMask(ratio=0.3)
FEATURES = {name: BY_NAME[name].features for name in (LIFT, GATED)}
ON = FittedOn(digest(TENSORS), FEATURES, "train", ["held"], ["held group"])
FITS = Fits(
    {name: Stack(np.ones(len(one)), np.zeros(2), 0.1, 1.0) for name, one in FEATURES.items()},
    Gate(0.5),
    on=ON,
)

Given = Callable[..., Fits | None]


@pytest.fixture
def given(tmp_path: Path) -> Given:
    path = tmp_path / "noise.safetensors"
    write_tensors(path, TENSORS, {})

    def found(fits: Fits | None, **settings: Any) -> Fits | None:
        if fits is not None:
            fits.write(tmp_path / "stacks.safetensors")
        return given_fits(NestedNoise(file=path, **{"controls": False, **settings}), MASKING, CLIPS)

    return found


def test_those_of_the_same_noise_and_settings_are_used(given):
    found = given(FITS)
    assert found is not None
    np.testing.assert_array_equal(found.stacks[LIFT].weights, FITS.stacks[LIFT].weights)
    assert found.on.groups == ["held group"]
    assert given(FITS, gate=False) is not None
    same = replace(ON, masks="same", masking=MASKING.described())
    assert given(replace(FITS, on=same), fit_masking="same") is not None


def test_without_them_or_with_controls_weights_are_fitted_here(given):
    assert given(None) is None
    assert given(FITS, controls=True) is None


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({"noise": digest({**TENSORS, "frozen": torch.zeros(1, 3)})}, {}, "for other noise"),
        ({"noise": ""}, {}, "for other noise"),
        ({}, {"fit_masking": "none"}, r"expected noise\.fit_masking=train, got none"),
        (
            {"masks": "same", "masking": PercentMask(ratio=0.5).described()},
            {"fit_masking": "same"},
            "another mask .*ratio.: 0.5.* got .*ratio.: 0.3",
        ),
        ({}, {"protocol": "lift_topk"}, r"another noise\.protocol"),
        ({"features": {**FEATURES, LIFT: ("clean", "own")}}, {}, "no weights for lift as"),
        ({"features": {LIFT: FEATURES[LIFT]}}, {}, r"noise\.gate.* no weights for lift gated"),
        ({"clips": ["held", "c1"]}, {}, "fitted on 1 of the clips .* such as c1"),
        ({"groups": ["held group", "g0"]}, {}, "fitted on 1 of the groups .* such as g0"),
    ],
)
def test_others_are_refused(given, change, settings, message):
    with pytest.raises(ClipHarError, match=message) as caught:
        given(replace(FITS, on=replace(ON, **change)), **settings)
    assert "\n" not in str(caught.value)


def test_damaged_ones_are_refused(given, tmp_path):
    (tmp_path / "stacks.safetensors").write_bytes(b"damaged")
    with pytest.raises(ClipHarError, match="are damaged"):
        given(None)
