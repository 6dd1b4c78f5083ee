"""The settings of a cell as texts: spelled as in the names of cells."""

from clip_har.config.compose import cell_from_config
from clip_har.results.flat import flat_settings
from clip_har.results.names import cell_name
from tests.config.test_cell import composed


def test_values_are_spelled_as_in_the_names_of_cells() -> None:
    cell = cell_from_config(composed("masking=percent", "noise=class_specific"))
    flat = flat_settings(cell)
    assert f"limit={flat['limit']}" == cell_name({"limit": None}) == "limit=null"
    assert (
        f"static={flat['masking.static']}" == cell_name({"masking.static": True}) == "static=true"
    )
    assert flat["noise.train_ratios"] == "[0.1, 0.3, 0.5]"
    assert flat["model.checkpoint"] == "tiny"
    assert not {"None", "True", "False"} & set(flat.values())
