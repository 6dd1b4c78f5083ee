"""A cell's name claims nothing that the mask does not do."""

import pytest
from hydra import compose, initialize_config_dir

from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR
from clip_har.engine.run import cell_name


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ("feature", "feature r=0.3 fill=mean feature=person"),
        ("percent", "percent r=0.3 fill=mean"),
        ("person_only", "person_only fill=grey feature=person"),  # its fill is fixed
        ("none", "none"),
    ],
)
def test_the_fill_in_a_name_is_the_one_that_is_painted(mask: str, expected: str) -> None:
    register_schema()
    overrides = [f"masking={mask}", "fill=mean", "feature=person"]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", overrides=overrides)
    assert cell_name(config, {"masking": mask}, ("masking", "fill", "feature")) == expected


def test_what_is_the_noises_is_told_apart_from_what_is_the_masks() -> None:
    register_schema()
    overrides = ["noise=universal", "noise.epsilon=3", "train_masking=[none,shape]"]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", overrides=[*overrides, "masking=percent", "masking.patch=8"])
    keys = ("masking.patch", "noise.epsilon", "learning.steps", "train_masking")
    name = cell_name(config, {"masking": "percent"}, keys)
    assert name == (
        "percent r=0.3 patch=8 noise.epsilon=3 learning.steps=300 train_masking=none+shape"
    )
