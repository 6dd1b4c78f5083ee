"""The words of a command that shows one cell."""

import pytest

from clip_har.config.one_cell import composed
from clip_har.core.errors import ClipHarError


def test_the_options_of_each_group_are_known():
    config, options = composed(["masking=percent", "ratio=0.2", "model=clip_vit_b32"])
    assert (options["masking"], options["model"]) == ("percent", "clip_vit_b32")
    assert config.masking.ratio == 0.2
    assert "hydra" not in config


def test_a_sweep_is_refused_in_one_line():
    with pytest.raises(ClipHarError, match="one value for each key"):
        composed(["masking=percent", "ratio=0.1,0.3"])


def test_an_experiment_that_is_a_sweep_is_refused_in_one_line():
    with pytest.raises(
        ClipHarError, match="expected the settings of one cell, got those of a sweep"
    ):
        composed(["experiment=scene_bias"])
