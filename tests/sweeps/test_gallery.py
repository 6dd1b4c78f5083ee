"""The words of a gallery's rows."""

import pytest

from clip_har.sweeps.gallery import row_label
from tests.noise.cells import cell_of


@pytest.mark.parametrize(
    ("overrides", "label"),
    [
        (["region=annotation", "masking=feature", "masking.hole=exact"], "hide subject (exact)"),
        (["region=annotation", "masking=isolation"], "keep subject (exact)"),
        (["region=motion", "masking=isolation"], "keep subject (outline), estimated"),
        (["region=person", "masking=feature"], "hide subject (box), estimated"),
        (["region=motion", "masking=swap"], "swap scene of subject, estimated"),
        (["region=motion", "masking=percent"], "percent 16 px"),
    ],
)
def test_only_maps_of_the_data_are_called_exact(overrides: list[str], label: str) -> None:
    cell = cell_of(*overrides)
    assert row_label(cell, [cell]) == label
