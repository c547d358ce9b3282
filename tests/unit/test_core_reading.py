"""Laws of reading: lanes, stages, and pages put together from lines."""

from __future__ import annotations

from pipeline.core.batching import BatchPolicy
from pipeline.core.events import Detected, PageFailed, PageRead, Part, PartFailed, RunBatch, Stage, UnitId
from pipeline.core.reading import PageEnded, Reading
from pipeline.errors import Rejected
from schemas.record import Partition

POLICIES: dict[Stage, BatchPolicy] = {
    "detect": BatchPolicy(2, 100, 0.5),
    "recognise": BatchPolicy(2, 100, 0.25),
    "tables": BatchPolicy(1, 1, 0.0),
}
ERROR = Rejected("No.", code="planted")


def unit(number: int) -> UnitId:
    return UnitId(Partition("documents", 0), number, 0, 1)


def reading_of(*, lanes: int = 1, pages: int = 0, now: float = 0.0) -> Reading:
    reading = Reading(POLICIES, lanes=lanes)
    for number in range(pages):
        reading.add_page(unit(number), 1, Part("detect", "a", 1, number), "sheet", now)
    return reading


def told(reading: Reading, now: float = 0.0) -> list[RunBatch]:
    return list(reading.commands(now))


def crops(count: int, *, tables: int = 0) -> Detected:
    lines = tuple(Part("recognise", "w", 1, place) for place in range(count))
    return Detected(lines + tuple(Part("tables", "t", 1, place) for place in range(tables)), "found")


NOTHING = crops(0)


def test_an_idle_lane_takes_what_there_is() -> None:
    """One page does not wait for company while a lane is idle; for a busy lane it does, until its deadline."""
    reading = reading_of(pages=1)
    assert [(len(run.items), run.closed) for run in told(reading)] == [(1, "idle")]
    reading.add_page(unit(1), 1, Part("detect", "a", 1, 1), "sheet", 0.0)
    assert told(reading, 0.4) == []
    assert reading.due() == 0.5
    assert [run.closed for run in told(reading, 0.5)] == ["overdue"]


def test_a_lane_has_two_batches_at_most() -> None:
    """One runs, one is ready; what is more waits, whatever its deadline."""
    reading = reading_of(lanes=2, pages=20)
    assert len(told(reading, 9.0)) == 4
    assert (told(reading, 9.0), reading.running, reading.waiting, reading.due()) == ([], 4, 12, 9.0 + 300.0)


def test_the_end_of_the_path_goes_first() -> None:
    """Lines are read before new pages are looked at: finishing frees memory."""
    reading = reading_of(pages=6)
    first, _ = told(reading)
    assert first.stage == "detect"
    reading.batch_done(first.batch, (crops(2), NOTHING), 0.0)
    assert [run.stage for run in told(reading)] == ["recognise"]


def test_tables_go_before_lines() -> None:
    """A table is the nearest to the end of its page: it is taken first, and each kind of part by its own policy."""
    reading = reading_of(pages=1)
    [detect] = told(reading)
    reading.batch_done(detect.batch, (crops(2, tables=2),), 0.0)
    assert [(run.stage, len(run.items)) for run in told(reading)] == [("tables", 1), ("tables", 1)]


def test_a_page_is_read_when_its_last_line_is() -> None:
    """Lines come back in the order of their places, from whatever batches they went with."""
    reading = reading_of(pages=1)
    [detect] = told(reading)
    assert reading.batch_done(detect.batch, (crops(3),), 0.0) == []
    full, rest = [*told(reading), *told(reading, 1.0)]
    assert reading.batch_done(rest.batch, ("two",), 0.0) == []
    ended = reading.batch_done(full.batch, ("zero", "one"), 0.0)
    assert ended == [PageEnded(unit(0), PageRead(1, "sheet", "found", ("zero", "one", "two")))]


def test_a_page_without_text_is_read_at_once() -> None:
    """Nothing found is a result."""
    reading = reading_of(pages=1)
    [detect] = told(reading)
    assert reading.batch_done(detect.batch, (NOTHING,), 0.0) == [PageEnded(unit(0), PageRead(1, "sheet", "found", ()))]


def test_a_failed_batch_is_run_again_one_by_one() -> None:
    """The fault of one stays its own: only what fails by itself fails its page."""
    reading = reading_of(pages=2)
    [both] = told(reading)
    assert reading.batch_failed(both.batch, ERROR) == []
    one, other = told(reading)
    assert {one.closed, other.closed} == {"alone"}
    assert reading.batch_failed(one.batch, ERROR) == [PageEnded(unit(0), PageFailed(1, ERROR))]
    assert reading.batch_done(other.batch, (NOTHING,), 0.0) == [PageEnded(unit(1), PageRead(1, "sheet", "found", ()))]


def test_a_failed_table_leaves_its_page() -> None:
    """A page goes without a table that fails by itself, and says why; what else is on it is waited for."""
    reading = reading_of(pages=1)
    [detect] = told(reading)
    reading.batch_done(detect.batch, (crops(1, tables=1),), 0.0)
    table, line = [*told(reading), *told(reading, 1.0)]
    assert reading.batch_failed(table.batch, ERROR) == []
    [ended] = reading.batch_done(line.batch, ("zero",), 0.0)
    assert ended == PageEnded(unit(0), PageRead(1, "sheet", "found", ("zero", PartFailed(ERROR))))
    assert isinstance(ended.outcome, PageRead)
    assert ended.outcome.errors == (ERROR,)


def test_a_table_may_be_the_last_to_fail() -> None:
    """A page whose lines are in ends with its table's failure."""
    reading = reading_of(pages=1)
    [detect] = told(reading)
    reading.batch_done(detect.batch, (crops(1, tables=1),), 0.0)
    table, line = [*told(reading), *told(reading, 1.0)]
    assert reading.batch_done(line.batch, ("zero",), 0.0) == []
    [ended] = reading.batch_failed(table.batch, ERROR)
    assert ended == PageEnded(unit(0), PageRead(1, "sheet", "found", ("zero", PartFailed(ERROR))))


def test_a_failed_page_takes_its_waiting_lines_along() -> None:
    """Lines of a page that failed are not read, and what is under way is ignored."""
    reading = reading_of(pages=1)
    [detect] = told(reading)
    reading.batch_done(detect.batch, (crops(5),), 0.0)
    first, second = told(reading)
    reading.batch_failed(first.batch, ERROR)
    [alone] = told(reading)
    assert len(reading.batch_failed(alone.batch, ERROR)) == 1
    assert reading.batch_done(second.batch, ("a", "b"), 0.0) == []
    assert (reading.waiting, told(reading)) == (0, [])


def test_a_dropped_document_is_not_read_on() -> None:
    """Its pages and lines leave the line; its answers change nothing; its neighbours go on."""
    reading = reading_of(pages=3)
    both, _ = [*told(reading), *told(reading, 9.0)]
    reading.drop({unit(0)})
    assert reading.batch_done(both.batch, (crops(1), NOTHING), 0.0) == [
        PageEnded(unit(1), PageRead(1, "sheet", "found", ()))
    ]
    assert reading.waiting == 0


def test_a_page_begun_anew_ignores_answers_about_the_old_one() -> None:
    """A document that is tried again does not take results of its earlier try."""
    reading = reading_of(pages=1)
    [old] = told(reading)
    reading.drop({unit(0)})
    reading.add_page(unit(0), 1, Part("detect", "a", 1, "new"), "new sheet", 0.0)
    assert reading.batch_done(old.batch, (NOTHING,), 0.0) == []
    [new] = told(reading)
    assert reading.batch_done(new.batch, (NOTHING,), 0.0) == [PageEnded(unit(0), PageRead(1, "new sheet", "found", ()))]


def test_an_engine_that_is_silent_is_noticed() -> None:
    """A batch has a deadline, and the moment it passes is one to be woken for."""
    reading = reading_of(pages=1)
    [run] = told(reading, 5.0)
    assert not reading.stalled(304.9)
    assert reading.due() == 305.0
    assert reading.stalled(305.0)
    reading.batch_done(run.batch, (NOTHING,), 305.0)
    assert not reading.stalled(1000.0)
