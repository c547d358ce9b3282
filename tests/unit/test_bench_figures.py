"""What a bench makes of what it measured: order of sides, ratios, shares, memory. Nothing is timed here."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline.bench.busy import Busy
from pipeline.bench.comparison import BARE, OURS, PADDLE, PADDLE_PROCESSES, PADDLE_SAME_SIZE, Comparison, record
from pipeline.bench.documents import Documents
from pipeline.bench.figures import Spread, cpu_ratio, ratios, stage_seconds
from pipeline.bench.memory import growth
from pipeline.bench.rounds import alternate, rotated
from pipeline.bench.side import Pass
from pipeline.commands.bench_progress import bench_progress
from pipeline.commands.bench_report import titles, verdict
from pipeline.commands.bench_soak import BARS, spark
from pipeline.core.events import BatchDone

NEEDED = {
    "engine_busy_share", "images_per_s", "lines_per_s", "peak_rss_mb", "ratio_median", "ratio_min",
    "ratio_same_size_median", "text_agreement",
}  # fmt: skip


class Told:
    """A side that writes down when it was asked."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self._log = log

    def run(self, files, on_pages):
        self._log.append(self.name)
        on_pages(len(files))
        return Pass(seconds=1.0, pages=len(files), lines=0)


def done(seconds: float, pages: int = 10) -> Pass:
    return Pass(seconds=seconds, pages=pages, lines=5 * pages)


@given(st.integers(1, 5), st.integers(1, 12))
def test_every_side_has_its_turn_and_every_place(sides, repeat):
    """A round has each side once; over as many rounds as sides each has been at each place."""
    names = [str(number) for number in range(sides)]
    log: list[str] = []
    heard: list[tuple[str, int]] = []
    found = alternate(
        [Told(name, log) for name in names], {"a": None}, repeat=repeat, heard=lambda *told: heard.append(told)
    )
    assert [sorted(one) for one in found] == [names] * repeat
    assert heard == [(name, 1) for name in log]
    places = [rotated(names, turn) for turn in range(sides)]
    assert all(sorted(column) == names for column in zip(*places, strict=True))


def test_a_ratio_is_taken_within_its_round():
    """A machine that is half as fast in one round changes no ratio."""
    rounds = [{OURS: done(1), PADDLE: done(2)}, {OURS: done(2), PADDLE: done(4)}]
    assert ratios(rounds, OURS, PADDLE) == Spread(2, 2, 2)


def test_processor_time_is_compared_by_the_image():
    """A side that takes twice the processor time for an image costs twice as much, however long it waited."""
    cheap, dear = Pass(seconds=9, pages=10, lines=0, cpu_seconds=10), Pass(seconds=1, pages=5, lines=0, cpu_seconds=10)
    assert cpu_ratio([{OURS: cheap, PADDLE: dear}], OURS, PADDLE) == 2


def test_a_ratio_is_of_images_not_of_files():
    """A side that finds fewer pages in the same time is slower."""
    assert ratios([{OURS: done(1, pages=10), PADDLE: done(1, pages=5)}], OURS, PADDLE).median == 2


def test_steps_are_told_by_their_median():
    """A step that a round does not have counts as nothing there."""
    passes = [Pass(seconds=1, pages=1, lines=1, stages=stages) for stages in ({"a": 1.0}, {"a": 3.0}, {"b": 1.0})]
    assert stage_seconds([{OURS: one} for one in passes], OURS) == {"a": 1.0, "b": 0.0}


def test_busy_share_is_of_the_lanes_time():
    """Two lanes, four seconds, three of them in batches on one lane and two on the other: five of eight."""
    busy = Busy()
    assert (busy.share(2), busy.idle(2)) == (None, 0)
    for stage, started, ended in (("detect", 0.0, 3.0), ("recognise", 2.0, 4.0)):
        busy.add(BatchDone(1, (), stage, started, ended))
    assert (busy.share(2), busy.idle(2)) == (5 / 8, 3)
    assert busy.seconds == {"detect": 3.0, "recognise": 2.0}


@given(st.floats(-0.5, 2.0), st.integers(1_000, 5_000))
def test_growth_is_late_over_early(change, end):
    """Whatever memory was before page 500, growth is the last quarter's over that of the quarter after it."""
    curve = [(pages, 1.0 if pages < 500 else 100.0) for pages in range(0, end * 3 // 4, 20)]
    curve += [(pages, 100.0 * (1 + change)) for pages in range(end * 3 // 4, end + 1, 20)] + [(end, 100 * (1 + change))]
    assert growth(curve) == pytest.approx(change, abs=1e-9)


def test_too_few_pages_say_nothing_of_growth():
    """Below a thousand pages there is no answer, and not a wrong one."""
    assert growth([]) is None
    assert growth([(pages, 100.0) for pages in range(0, 999, 10)]) is None


def test_a_spark_line_begins_at_zero():
    """Memory that doubles is drawn twice as high, and memory that stays flat is flat."""
    assert spark([50.0, 100.0]) == BARS[4] + BARS[-1]
    assert spark([]) == ""


def found(*sides: str, repeat: int = 3) -> Comparison:
    rounds = [{side: done(1 + at) for at, side in enumerate(sides)}] * repeat
    return Comparison(Documents({"a.png": None}, {"a.png": 10}), rounds, dict.fromkeys(sides, 100.0))


def test_the_record_has_what_programs_ask_for():
    """The keys are there whatever was compared; what was not measured is null."""
    alone = record(found(OURS), {}, {})
    both = record(found(OURS, PADDLE, PADDLE_SAME_SIZE), {}, {"lanes": 2})
    assert alone.keys() >= NEEDED
    assert (alone["ratio_median"], alone["images_per_s"], alone["lines_per_s"]) == (None, 10, 50)
    assert (both["ratio_median"], both["ratio_min"], both["ratio_same_size_median"]) == (2, 2, 3)
    assert both["settings"]["lanes"] == 2
    crew = record(found(OURS, PADDLE_PROCESSES), {}, {})
    assert crew.keys() == alone.keys()
    assert (crew["ratio_processes_median"], crew["ratio_median"], alone["ratio_processes_median"]) == (2, None, None)


def test_the_verdict_says_what_was_measured():
    """One sentence with the ratios there are, and the plain rate where there is nothing to compare with."""
    assert verdict(found(OURS), {}) == "pagestream reads 10.00 images a second."
    assert "2.00 times as many images a second as PaddleOCR as it comes, 3.00 times" in verdict(
        found(OURS, PADDLE, PADDLE_SAME_SIZE), {}
    )
    assert "200.0%" in verdict(found(OURS, BARE), {})
    crew = "2.00 times as many images a second as PaddleOCR in one process a core"
    assert verdict(found(OURS, PADDLE_PROCESSES), {}) == f"pagestream reads {crew}."


def test_one_round_has_no_median_and_no_range():
    """It is said, and no figure is called what it is not."""
    once, thrice = (found(OURS, BARE, repeat=repeat) for repeat in (1, 3))
    assert "1 round over 10 pages, so no median and no range" in titles(once)[0]
    assert not any("median" in told or "least" in told for told in (titles(once)[1], verdict(once, {})))
    assert all("median" in told for told in titles(thrice))
    assert "(at least 200.0%)" in verdict(thrice, {})


def test_without_a_terminal_each_pass_is_a_line():
    """So is loading, told before it begins; rounds are counted by a side's own pages, whatever the order."""
    out = StringIO()
    with bench_progress(Console(file=out), ["a", "b"], pages=2, repeat=2) as progress:
        assert out.getvalue() == "loading models: a; b\n"
        for side in ("a", "a", "b", "b", "b", "b", "a", "a"):
            progress.heard(side, 1)
    told = [line.split(",")[0] for line in out.getvalue().splitlines()]
    assert told[1:] == ["round 1 of 2: a", "round 1 of 2: b", "round 2 of 2: a"]
