"""Laws of the breaker."""

from __future__ import annotations

import pickle

from pipeline.core.breaker import Breaker, BreakerPolicy


def breaker_after(signs: str, *, max_run: int = 100, max_ratio: float = 2.0, window: int = 4) -> Breaker:
    breaker = Breaker(BreakerPolicy(max_run, max_ratio, window))
    for sign in signs:
        breaker.record(failed=sign == "x")
    return breaker


def test_a_run_of_failures_trips() -> None:
    """As many failures in a row as allowed trip it, one less does not."""
    assert not breaker_after("xx", max_run=3).tripped
    assert breaker_after("xxx", max_run=3).tripped


def test_a_success_ends_a_run() -> None:
    """Failures with a success between are no run."""
    assert not breaker_after("xx.xx", max_run=3).tripped


def test_a_share_of_failures_trips_once_the_window_is_full() -> None:
    """The share counts over a full window only."""
    assert not breaker_after("xxx", max_ratio=0.75).tripped
    assert breaker_after("xxx.", max_ratio=0.75).tripped
    assert not breaker_after("xx..", max_ratio=0.75).tripped


def test_old_failures_leave_the_window() -> None:
    """What is older than the window is forgotten, and counted again for no one."""
    assert not breaker_after("x...x...x", max_ratio=0.5).tripped
    assert breaker_after("x...x..x", max_ratio=0.5).tripped


def test_once_tripped_it_stays_so() -> None:
    """What succeeds while the worker drains does not let the failures after it through."""
    assert breaker_after("xxx.....", max_run=3).tripped
    assert breaker_after("xxx.....", max_ratio=0.75).tripped


def test_success_is_not_remembered_one_by_one() -> None:
    """However wide the window, a breaker holds no more than its failures."""
    wide = [len(pickle.dumps(breaker_after("." * count, window=10**9))) for count in (10, 1_000)]
    assert wide[1] <= wide[0] + 8
