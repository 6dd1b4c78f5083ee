"""A few of many, evenly."""

from hypothesis import given
from hypothesis import strategies as st

from clip_har.core.evenly import evenly


@given(st.lists(st.integers(), min_size=1, unique=True), st.integers(1, 30))
def test_it_keeps_order_and_both_ends(items: list[int], most: int) -> None:
    found = evenly(items, most)
    assert len(found) == min(most, len(items))
    places = [items.index(item) for item in found]
    assert places == sorted(set(places))
    if most > 1:
        assert (found[0], found[-1]) == (items[0], items[-1])
