"""The calibration control on disk: fitted once for all noise of a sweep."""

from typing import Any

import numpy as np

from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.controls import Calibration
from clip_har.noise.learned.fitted import fitted_calibration
from clip_har.noise.learned.settings import ClassSpecificNoise, UniversalNoise
from tests.damage import DAMAGES
from tests.noise.made import planted_classifier


def test_the_calibration_is_fitted_once_for_all_noise(small_training, tmp_path):
    asked = []

    def training():
        asked.append("clips")
        return small_training

    def fitted(noise: Learned, **described: Any) -> Calibration:
        return fitted_calibration(
            noise, planted_classifier(), training, described={"kind": "calibration", **described},
            cache_dir=tmp_path,
        )  # fmt: skip

    one, same = fitted(ClassSpecificNoise()), fitted(UniversalNoise())
    assert asked == ["clips"]
    assert one.scale == same.scale
    assert np.array_equal(one.biases, same.biases)
    (path,) = (tmp_path / "noise").glob("*/calibration.safetensors")
    for damage in DAMAGES:
        asked.clear()
        damage(path)
        again = fitted(ClassSpecificNoise())
        assert asked == ["clips"], "a damaged one is made again"
        assert np.array_equal(one.biases, again.biases)
    fitted(ClassSpecificNoise(), precision="bf16")
    assert len(asked) == 2
