"""Laws of delays."""

from __future__ import annotations

import pytest

from pipeline.core.retry import Backoff, RetryPolicy


def test_each_attempt_but_the_last_has_its_delay() -> None:
    """Attempts are counted from 1; one more than there are delays."""
    policy = RetryPolicy((10, 60))
    assert [policy.delay(attempt) for attempt in range(5)] == [None, 10, 60, None, None]


def test_without_delays_nothing_is_tried_again() -> None:
    """A policy without retry topics gives up at the first failure."""
    assert RetryPolicy(()).delay(1) is None


@pytest.mark.parametrize(("tried", "pause"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (5, None), (6, None)])
def test_pauses_double_up_to_the_longest_and_end(tried: int, pause: float | None) -> None:
    """Pauses double, are capped, and none follows the last try."""
    assert Backoff(first_s=0.5, longest_s=3.0, tries=5).delay(tried) == pause
