"""What varies between cells, and the names that are made from it."""

import pytest
from hydra import compose, initialize_config_dir

from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR
from clip_har.results.names import cell_name, what_varies


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
    varies = what_varies(config, {"masking": mask}, ("masking", "fill", "feature"))
    assert cell_name(varies) == expected


def test_names_are_made_from_full_keys() -> None:
    register_schema()
    overrides = ["noise=universal", "noise.epsilon=3", "train_masking=[none,shape]"]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", overrides=[*overrides, "masking=percent", "masking.patch=8"])
    keys = ("masking.patch", "noise.epsilon", "learning.steps", "train_masking", "masking.ratio")
    varies = what_varies(config, {"masking": "percent"}, keys)
    assert varies == {
        "masking": "percent", "ratio": 0.3, "masking.patch": 8, "noise.epsilon": 3,
        "learning.steps": 300, "train_masking": ["none", "shape"],
    }  # fmt: skip
    assert cell_name(varies) == "percent r=0.3 patch=8 epsilon=3 steps=300 train_masking=none+shape"


def test_two_keys_that_end_alike_have_different_names() -> None:
    varies = {"masking": "none", "dataset.seed": 1, "seed": 0, "prompts.file": "/a/b.txt"}
    assert cell_name(varies) == "none dataset.seed=1 seed=0 file=b.txt"
    assert cell_name(varies, without={"seed"}) == "none dataset.seed=1 file=b.txt"
    both = {"masking": "percent", "masking.patch": 8, "noise.patch": 4}
    assert cell_name(both) == "percent masking.patch=8 noise.patch=4"
