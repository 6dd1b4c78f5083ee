"""A cell's name claims nothing that the mask does not do."""

import pytest
from hydra import compose, initialize_config_dir

from clip_har.app import CONFIG_DIR
from clip_har.config import register_schema
from clip_har.run import cell_name


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
