"""Whatever dies or fails around a document: it has exactly one terminal record in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Literal

import pytest

from pipeline.core.events import Stage
from pipeline.core.offsets import METADATA_LIMIT
from pipeline.engines.fake import Fault, Table, mark
from pipeline.errors import Environment, Fatal, Recycle
from schemas.codec import decode
from schemas.record import Record
from schemas.results import DocumentResult
from tests.documents import PdfPageSpec, make_pdf, slow_content
from tests.services import until
from tests.worker import PATIENCE_S, MortalBroker, Running, Site, pages, picture, unit_of

WAIT = mark(Fault.WAIT)
SLOW = make_pdf([PdfPageSpec(content=slow_content())])
"""A page that keeps its decoder at work until it has used up its processor time."""
AT_ONCE_S = 5.0
"""What a second stop may take on a busy machine; a first one may take `flow.drain_s`, 60 s by default."""


@pytest.fixture
def site() -> Site:
    return Site()


def crowd(site: Site, count: int, *, name: str = "crowd", line: str = "") -> list[Record]:
    return [site.submit(f"{name}/{n}.png", picture(f"{name} {n}", *[line] * bool(line))) for n in range(count)]


def all_complete(site: Site, records: list[Record]) -> bool:
    """Each has its one terminal record, and it is a completion."""
    return {one.code for one in site.settled([unit_of(record) for record in records]).values()} == {"complete"}


def at_first_attempt(site: Site) -> bool:
    """Nothing that was read here had used up an attempt before."""
    return {one.completed.attempts for one in site.terminals() if one.completed is not None} == {1}


def settled_once(site: Site) -> bool:
    """Over everything that was ever published here."""
    units = [one.unit for one in site.terminals()]
    return len(units) == len(set(units))


# --- the broker ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["transaction_aborted", "broker_unavailable"])
def test_an_aborted_transaction_is_repeated(site: Site, code: str) -> None:
    """A publish that certainly failed leaves nothing behind and succeeds later, once."""
    site.cluster.fail("publish", code)
    with site.worker() as running:
        assert all_complete(site, crowd(site, 6))
        assert running.stop() is None
    assert settled_once(site)


def test_a_transaction_whose_answer_is_lost_counts_once(site: Site) -> None:
    """A commit that was not heard of is found out, not repeated."""
    site.cluster.lose_answers(1)
    with site.worker():
        assert all_complete(site, crowd(site, 6))
    assert settled_once(site)


def test_transactions_that_never_succeed_stop_the_worker(site: Site) -> None:
    """A run of failed publishes ends the worker with the reason, and the next one publishes everything."""
    records = crowd(site, 3)
    site.cluster.fail("publish", "transaction_aborted", 3)
    with site.worker() as running:
        assert isinstance(running.ended(), Environment)
    assert site.terminals() == []
    with site.worker():
        assert all_complete(site, records)


def test_a_publish_that_finds_its_partitions_gone(site: Site) -> None:
    """Ownership lost at the moment of publishing drops the work; it is read again and published once."""
    site.cluster.fail("publish", "ownership_lost")
    with site.worker() as running:
        assert all_complete(site, crowd(site, 6))
        running.until(lambda seen: seen["Lost"] >= 1)
    assert settled_once(site)


def test_ownership_lost_with_work_in_flight(site: Site) -> None:
    """A member the group gives up drops what it holds and reads it again when it is back: once published."""
    records = crowd(site, 6, line=WAIT)
    with site.worker() as running:
        running.until(lambda seen: seen["Rendered"] >= 2)
        site.cluster.lose(site.group, running.broker.member_id)
        running.until(lambda seen: seen["Lost"] >= 1)
        running.gate.set()
        assert all_complete(site, records)
    assert settled_once(site)


def test_positions_that_cannot_be_committed_do_not_stop_the_work(site: Site) -> None:
    """A failed commit outside a transaction costs nothing but a count."""
    site.cluster.fail("commit", "broker_unavailable")
    with site.worker() as running:
        assert all_complete(site, crowd(site, 4))
        assert running.worker.runner.commits_failed == 1


def test_a_broker_that_is_gone_stops_the_worker(site: Site) -> None:
    """A poll that fails for good ends the worker with that reason; documents wait for the next one."""
    site.cluster.fail("poll", "broker_unavailable")
    with site.worker() as running:
        error = running.ended()
    assert isinstance(error, Environment)
    assert error.code == "broker_unavailable"
    with site.worker():
        assert all_complete(site, crowd(site, 2))


def test_a_commit_says_no_more_than_a_broker_takes(site: Site) -> None:
    """However many documents are in flight, a committed position's metadata stays under its limit."""
    records = crowd(site, 80, line=WAIT)
    with site.worker() as running:
        running.until(lambda seen: seen["Rendered"] >= 40)
        assert all(len(p.metadata) <= METADATA_LIMIT for p in site.cluster.committed(site.group).values())
        running.gate.set()
        assert all_complete(site, records)


# --- several workers ------------------------------------------------------------------------------------------------


def test_partitions_move_with_work_in_flight() -> None:
    """Over joins, rebalances and a leaving worker, every document has exactly one terminal record."""
    site = Site(partitions=4)
    records = crowd(site, 12, name="early")
    with site.worker() as first:
        records += crowd(site, 12, name="held", line=WAIT)
        first.until(lambda seen: seen["Rendered"] >= 2)
        with site.worker() as second:
            second.until(lambda seen: seen["Assigned"] >= 1)
            for number in range(4):
                site.cluster.rebalance(site.group)
                records += crowd(site, 6, name=f"wave {number}")
            first.gate.set()
            second.gate.set()
            site.settled([unit_of(record) for record in records[::2]])
            assert second.stop() is None
        assert all_complete(site, records)
    assert settled_once(site)


def test_a_worker_that_dies_leaves_its_work_to_the_other() -> None:
    """Of two workers one is killed mid-load: the other reads what it had begun, and nothing twice."""
    site = Site(partitions=4)
    with site.worker() as first, site.worker() as second:
        for running in (first, second):
            running.until(lambda seen: seen["Assigned"] >= 1)
        records = crowd(site, 20)
        held = crowd(site, 8, name="held", line=WAIT)
        first.until(lambda seen: seen["Rendered"] >= 3)
        first.kill()
        second.gate.set()
        assert all_complete(site, records + held)
    assert settled_once(site)


@pytest.mark.parametrize("doom", ["before_commit", "after_commit"])
def test_a_worker_that_dies_at_its_transaction(site: Site, doom: Literal["before_commit", "after_commit"]) -> None:
    """Killed just before or just after a commit: what was committed is not repeated, what was not is."""
    records = crowd(site, 6)
    with site.worker() as running:
        running.broker.doom = doom
        running.ended()
        assert running.killed
    with site.worker():
        assert all_complete(site, records)
    assert settled_once(site)


class Tripwire(Event):
    """A gate that ends the worker whose engine comes to it, as a page that exhausts its memory would."""

    def __init__(self, broker: MortalBroker) -> None:
        super().__init__()
        self._broker = broker

    def wait(self, timeout: float | None = None) -> bool:
        self._broker.kill()
        return True


def test_a_document_that_kills_its_worker() -> None:
    """After three workers have died of it a document is dead; those that were in flight with it are read."""
    site = Site(partitions=1)
    innocent = crowd(site, 3, name="before")
    killer = site.submit("killer.png", picture("killer", WAIT))
    innocent += crowd(site, 3, name="behind")
    for _ in range(3):
        with site.worker(gate=Tripwire) as running:
            running.ended()
            assert running.killed
    with site.worker(gate=Tripwire):
        dead = site.outcome(killer)
        assert all_complete(site, innocent)
    assert (dead.code, dead.record.value) == ("worker_killed", killer.value)
    assert settled_once(site)


# --- the store -------------------------------------------------------------------------------------------------------


def test_a_store_that_comes_back(site: Site) -> None:
    """A store that is away for a while costs time, but no attempt and no document."""
    records = crowd(site, 1)
    site.store.fail("store_unavailable", 2)
    with site.worker():
        assert all_complete(site, records)
        assert site.completion(records[0]).attempts == 1


def test_a_result_that_cannot_be_written_for_now(site: Site) -> None:
    """Writing results is tried again by itself: the document is not read a second time."""
    (record,) = crowd(site, 1, line=WAIT)
    with site.worker() as running:
        running.until(lambda seen: seen["Rendered"] >= 1)
        site.store.fail("store_unavailable", 1)
        running.gate.set()
        assert site.completion(record).status == "complete"
        assert (running.seen["Fetched"], running.seen["StoreFailed"]) == (1, 1)


def test_an_object_that_arrives_at_the_next_attempt(site: Site) -> None:
    """An interrupted download is an attempt: the retry topic brings the document back."""
    (record,) = crowd(site, 1)
    site.store.fail("store_interrupted", 1)
    with site.worker():
        assert site.completion(record).attempts == 2


# --- the engine ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.REJECTED, Fault.RETRYABLE, Fault.DEFECT, Fault.SHORT])
@pytest.mark.parametrize("stage", ["detect", "recognise"])
def test_a_poisoned_page_costs_only_itself(fault: Fault, stage: Literal["detect", "recognise"]) -> None:
    """An engine that fails on one page of a batch fails that page; its neighbours in the batch are read."""
    site = Site(engine={"lanes": 1})
    poison = site.submit("poison.tiff", pages(["fine"], ["bad", mark(fault, stage)], ["fine too"]))
    neighbours = crowd(site, 6)
    with site.worker():
        assert all_complete(site, neighbours)
        done = site.completion(poison)
    assert (done.status, done.pages_by_status.failed, done.pages_by_status.ok) == ("partial", 1, 2)


@pytest.mark.parametrize("fault", [Fault.REJECTED, Fault.RETRYABLE, Fault.DEFECT, Fault.SHORT])
def test_a_poisoned_table_costs_only_itself(site: Site, fault: Fault) -> None:
    """What can't be read of a table is tried as often as a document is; then its page is read without it."""
    table = Table((("item", "price"), ("pen", mark(fault, "tables")), ("ink", "nine")))
    poison, fine = site.submit("poison.png", picture("above", table)), site.submit("fine.png", picture("fine"))
    with site.worker():
        assert all_complete(site, [fine])
        done = site.completion(poison)
    assert (done.status, done.pages_by_status.ok) == ("complete", 1)
    assert (done.attempts == 1) == (fault is Fault.REJECTED)
    assert done.result is not None
    [page] = decode(DocumentResult, site.object(done.result.bucket, done.result.key)).pages
    assert (len(page.lines or ()), page.tables, page.warnings) == (7, (), ("table_unreadable",))


@pytest.mark.parametrize("stage", ["detect", "recognise", "tables"])
def test_an_engine_that_is_beyond_help_stops_the_worker(site: Site, stage: Stage) -> None:
    """A fatal engine ends the worker with its reason; the offset is unmoved and nothing is said of the document."""
    fatal = mark(Fault.FATAL, stage)
    drawn = Table((("item", fatal), ("pen", "two"))) if stage == "tables" else fatal
    record = site.submit("fatal.png", picture("fatal", drawn))
    with site.worker() as running:
        error = running.ended()
    assert isinstance(error, Fatal)
    assert (error.code, site.terminals(), site.committed(record)) == ("fake_fatal", [], record.offset)


def test_a_drain_nobody_asked_for_has_a_deadline_and_keeps_its_reason() -> None:
    """With an engine that hangs, an event of a newer version still ends the worker in time, and says why."""
    site = Site(partitions=1, flow={"drain_s": 0.3})
    record = site.submit("hangs.png", picture("hangs", WAIT))
    with site.worker() as running:
        running.until(lambda seen: seen["Rendered"] >= 1)
        site.produce(b'{"schema_version": "9.0", "bucket": "documents", "key": "x"}')
        error = running.ended()
        running.gate.set()
    assert isinstance(error, Environment)
    assert (error.code, site.terminals(), site.committed(record)) == ("unknown_schema_version", [], record.offset)


# --- lanes that prove that they read -------------------------------------------------------------------------------


def test_a_lane_that_goes_bad_takes_no_more_work(tmp_path: Path) -> None:
    """The other lane goes on and everything is read; from outside the worker is seen to be unready."""
    site = Site(engine={"known_answer_every_s": 0.05})
    ready_file = tmp_path / "ready"
    with site.worker(ready_file=ready_file) as running:
        running.until(lambda seen: seen["LaneReady"] >= 2)
        assert all_complete(site, crowd(site, 4))
        assert ready_file.exists()
        running.engines[1].broken.set()
        running.until(lambda seen: seen["LaneFailed"] == 1)
        until(lambda: not ready_file.exists())
        assert all_complete(site, crowd(site, 12, name="after"))
        assert running.stop() is None


def test_without_a_lane_nothing_is_read(tmp_path: Path) -> None:
    """When the last lane goes bad the worker ends with that reason, offsets unmoved, and the next one reads on."""
    site = Site(partitions=1, engine={"known_answer_every_s": 0.001, "lanes": 1})
    (held,) = crowd(site, 1, line=WAIT)
    with site.worker(ready_file=tmp_path / "ready") as running:
        running.until(lambda seen: seen["Rendered"] >= 1)
        running.engines[0].broken.set()
        running.gate.set()
        error = running.ended()
    assert isinstance(error, Fatal)
    assert (error.code, list(tmp_path.iterdir())) == ("known_answer_failed", [])
    assert (site.terminals(), site.committed(held)) == ([], held.offset)
    with site.worker() as running:
        running.gate.set()
        assert all_complete(site, [held, *crowd(site, 3)])
    assert settled_once(site)


def test_a_worker_whose_engines_never_read_joins_no_group() -> None:
    """It takes no partition away from those that do, and no document is counted against it."""
    site = Site(engine={"lanes": 2})
    record = site.submit("never.png", picture("never"))
    with site.worker(always=Fault.GARBAGE) as running:
        error = running.ended()
    assert isinstance(error, Fatal)
    assert (error.code, running.seen["Assigned"]) == ("known_answer_failed", 0)
    with site.worker():
        assert site.completion(record).attempts == 1


def test_a_worker_that_crashes_is_not_ready(tmp_path: Path) -> None:
    """A defect of ours ends the worker with its exception, and whoever looks from outside sees it gone."""
    ready_file = tmp_path / "ready"

    def broken(max_records: int, timeout_s: float) -> list[Record]:
        raise RuntimeError("planted")

    running = Running(Site(), (), lambda _: Event(), ready_file)
    running.until(lambda seen: seen["Assigned"] >= 1)
    assert ready_file.exists()
    running.broker.poll = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="planted"):
        running.ended()
    assert not ready_file.exists()


# --- recycling -------------------------------------------------------------------------------------------------------


def test_nothing_is_lost_or_doubled_over_recycling(tmp_path: Path) -> None:
    """At its memory ceiling a worker publishes what it has begun and leaves; over three of them all is read once."""
    site = Site(flow={"memory_ceiling_mb": 1_000, "max_documents": 6})
    records = crowd(site, 40)
    for number in range(3):
        ready_file = tmp_path / "ready"
        with site.worker(ready_file=ready_file) as running:
            running.until(lambda seen: seen["Stored"] >= 3)
            running.memory = 1_000 * 2**20
            error = running.ended()
        assert isinstance(error, Recycle)
        assert not ready_file.exists()
        assert len(site.terminals()) >= 3 * (number + 1)
    with site.worker() as running:
        assert all_complete(site, records)
    assert at_first_attempt(site)
    assert settled_once(site)


def test_recycling_waits_for_what_is_begun() -> None:
    """A document that takes longer than a stop may is finished all the same: else it would be begun for ever."""
    site = Site(partitions=1, flow={"memory_ceiling_mb": 1_000, "drain_s": 60.0})
    (record,) = crowd(site, 1, line=WAIT)
    with site.worker() as running:
        running.until(lambda seen: seen["Rendered"] >= 1)
        running.memory = 1_000 * 2**20
        running.until(lambda seen: seen["MemorySeen"] >= 1)
        running.ahead_s = 100.0
        turns = running.seen["MemorySeen"]
        running.until(lambda seen: seen["MemorySeen"] >= turns + 3)
        running.gate.set()
        assert isinstance(running.ended(), Recycle)
    assert [one.unit for one in site.terminals()] == [unit_of(record)]


def test_a_ceiling_below_what_a_worker_needs_stops_it() -> None:
    """A worker that could only be recycled for ever says so instead, before it takes anything."""
    site = Site(flow={"memory_ceiling_mb": 1_000})
    with site.worker(memory=1_000 * 2**20) as running:
        error = running.ended()
    assert isinstance(error, Fatal)
    assert (error.code, running.seen["Assigned"]) == ("memory_ceiling_too_low", 0)


# --- the decoder's child ---------------------------------------------------------------------------------------------


def decoder_children() -> list[int]:
    """Pids of decoder processes that are children of this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"pipeline.decode.child" in command:
            found.append(int(entry.name))
    return found


def computed_s(child: int) -> float:
    """Processor time of this process so far."""
    ticks = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11])
    return ticks / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the decoder's child in /proc")
def test_a_decoder_killed_from_outside_costs_an_attempt() -> None:
    """A child that the kernel kills at work is replaced; its document is tried again later, the others at once."""
    site = Site(flow={"retry_delays_s": (600,)})
    record = site.submit("slow.pdf", SLOW)
    with site.worker() as running:
        running.until(lambda seen: seen["Opened"] >= 1)
        (child,) = decoder_children()
        begun_s = computed_s(child)
        until(lambda: computed_s(child) > begun_s + 0.3)
        os.kill(child, signal.SIGKILL)
        assert all_complete(site, crowd(site, 2))
        (retried,) = site.cluster.records(site.topics.retry[600])
    assert (retried.key, dict(retried.headers)["retry.error.code"]) == (record.key, b"decoder_died")


# --- the end ---------------------------------------------------------------------------------------------------------


def test_a_drain_finishes_what_was_begun() -> None:
    """Asked to stop mid-load, a worker publishes what it has begun, begins nothing more, and leaves the rest."""
    site = Site(flow={"max_documents": 4})
    records = crowd(site, 12, line=WAIT)
    with site.worker() as running:
        running.until(lambda seen: seen["Rendered"] >= 4)
        running.worker.runner.stop()
        running.until(lambda seen: seen["Drain"] >= 1)
        running.gate.set()
        assert running.ended() is None
    finished = site.terminals()
    assert len(finished) == 4
    with site.worker() as running:
        running.gate.set()
        assert all_complete(site, records)
    assert settled_once(site)


def test_a_drain_has_a_deadline() -> None:
    """What is not finished by the deadline is left, and read by the next worker as if for the first time."""
    site = Site(flow={"drain_s": 0.3})
    records = crowd(site, 3, line=WAIT)
    with site.worker() as running:
        running.until(lambda seen: seen["Rendered"] >= 2)
        assert running.stop() is None
    assert site.terminals() == []
    with site.worker() as running:
        running.gate.set()
        assert all_complete(site, records)
    assert at_first_attempt(site)


def test_a_second_stop_ends_at_once(site: Site) -> None:
    """Whatever the engine is at, a second stop does not wait for it; the next worker reads as if for the first time."""
    records = crowd(site, 3, line=WAIT)
    with site.worker() as running:
        running.until(lambda seen: seen["Rendered"] >= 2)
        running.worker.runner.stop()
        running.worker.runner.stop()
        assert running.ended(deadline_s=AT_ONCE_S) is None
    assert site.terminals() == []
    with site.worker() as running:
        running.gate.set()
        assert all_complete(site, records)
    assert at_first_attempt(site)


def test_a_second_stop_does_not_wait_for_a_page(site: Site) -> None:
    """Nor does it wait for a page that takes its decoder minutes."""
    site.submit("slow.pdf", SLOW)
    with site.worker() as running:
        running.until(lambda seen: seen["Opened"] >= 1)
        running.worker.runner.stop()
        running.worker.runner.stop()
        assert running.ended(deadline_s=AT_ONCE_S) is None


HANGING_STORE = """
from threading import Event
from tests.worker import Site, picture

asked = Event()
site = Site()
site.submit("never.png", picture("never"))
site.store.get = lambda *_, **__: asked.set() or Event().wait()
with site.worker() as running:
    assert asked.wait(30)
    running.worker.runner.stop()
    running.worker.runner.stop()
    assert running.ended() is None
"""


def test_a_second_stop_does_not_wait_for_the_store() -> None:
    """An object that never arrives keeps no process from ending."""
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", HANGING_STORE], cwd=root, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 0
