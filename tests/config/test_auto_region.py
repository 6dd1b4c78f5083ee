"""What region=auto stands for, in cells, in what is recorded of them, and in their names."""

from typing import Any

import pytest
from omegaconf import OmegaConf

from clip_har.config.compose import cell_from_config, without_auto
from clip_har.core.errors import ClipHarError
from clip_har.regions.annotation import AnnotationRegion
from clip_har.regions.subject import SubjectRegion
from clip_har.results.names import what_varies, with_source
from tests.config.test_cell import composed

VIDEOS = ("dataset=folder", "dataset.root=clips")
SOURCES: list[tuple[tuple[str, ...], type, str]] = [
    ((), AnnotationRegion, "annotation"),
    (VIDEOS, SubjectRegion, "subject"),
]


@pytest.mark.parametrize(("data", "source", "name"), SOURCES)
def test_maps_that_come_with_the_data_are_used_else_an_estimate(
    data: tuple[str, ...], source: type, name: str
) -> None:
    config = composed(*data, "masking=feature", "region.min_frames=0.3", "region.on_empty=error")
    cell = cell_from_config(config)
    assert type(cell.region) is source
    assert (cell.region.min_frames, cell.region.on_empty) == (0.3, "error")
    recorded, choices = without_auto(config, {"region": "auto", "masking": "feature"})
    assert choices == {"region": name, "masking": "feature"}
    assert cell_from_config(recorded) == cell
    assert OmegaConf.select(recorded, "region._target_").endswith(source.__name__)


@pytest.mark.parametrize("data", [(), VIDEOS])
@pytest.mark.parametrize(
    ("settings", "looked_for"),
    [
        (("masking=percent",), False),
        (("masking=percent", "region.every_mask=true"), True),
        (("masking=background_only",), True),
        (("masking=none", "noise=universal", "train_masking=[feature]"), True),
        (("masking=none", "noise=universal"), False),
        (("masking=percent", "region=none"), False),
    ],
)
def test_targets_are_looked_for_only_where_they_are_needed(
    settings: tuple[str, ...], looked_for: bool, data: tuple[str, ...]
) -> None:
    assert cell_from_config(composed(*data, *settings)).finds_regions == looked_for


@pytest.mark.parametrize(
    ("settings", "region", "name"),
    [
        (("masking=feature",), "auto", {"region": "annotation"}),
        (("masking=none",), "auto", {}),
        (("masking=feature", "region=motion"), "motion", {}),
    ],
)
def test_names_say_which_source_it_was(
    settings: tuple[str, ...], region: str, name: dict[str, Any]
) -> None:
    config = composed(*settings)
    named = {"region": region, "masking": settings[0].partition("=")[2]}
    recorded, choices = without_auto(config, named)
    varies = what_varies(recorded, named)
    found = with_source(varies, cell_from_config(config), named, choices)
    assert found == varies | name


def test_other_configurations_stay_as_they_are() -> None:
    config, named = composed("region=motion"), {"region": "motion"}
    assert without_auto(config, named) == (config, named)


@pytest.mark.parametrize("setting", ["region.confidence=0.3", "region.model=own.tflite"])
def test_a_setting_of_the_estimate_is_refused_where_the_data_bring_maps(setting: str) -> None:
    with pytest.raises(ClipHarError, match="use region=subject to estimate"):
        cell_from_config(composed("masking=feature", setting))
    cell_from_config(composed(*VIDEOS, "masking=feature", setting))
