"""Laws of gathering parts into a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.gather import Gather


@given(st.permutations(range(6)))
def test_the_whole_is_in_the_order_of_places(order: list[int]) -> None:
    """In whatever order parts come, the whole is complete with the last one, and in order."""
    gather: Gather[str] = Gather(6)
    for count, place in enumerate(order):
        assert not gather.complete
        assert gather.put(place, f"part {place}")
        assert gather.complete == (count == 5)
    assert gather.whole() == tuple(f"part {place}" for place in range(6))


def test_the_first_part_for_a_place_wins() -> None:
    """A second part for a place changes nothing and counts for nothing."""
    gather: Gather[str] = Gather(2)
    assert gather.put(0, "first")
    assert not gather.put(0, "second")
    assert not gather.complete
    gather.put(1, "other")
    assert gather.whole() == ("first", "other")


def test_nothing_is_complete_from_the_start() -> None:
    """A whole without parts is complete."""
    gather: Gather[str] = Gather(0)
    assert gather.complete
    assert gather.whole() == ()


def test_an_incomplete_whole_is_not_given_out() -> None:
    """Asking too early is a defect of the caller."""
    with pytest.raises(ValueError, match="before all its parts"):
        Gather(1).whole()
