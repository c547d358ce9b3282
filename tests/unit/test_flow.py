"""Scenarios: what happens, in order, and what the flow then asks for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from pipeline.core import offsets
from pipeline.core.breaker import BreakerPolicy
from pipeline.core.events import (
    Accept,
    Assigned,
    BatchDone,
    CloseDocument,
    Command,
    Commit,
    Dead,
    Detected,
    Drain,
    Exit,
    Fetch,
    Fetched,
    FetchFailed,
    Forget,
    Ignore,
    Open,
    Opened,
    OpenFailed,
    PageFailed,
    PageRead,
    PageSkipped,
    Part,
    Pause,
    Publish,
    Published,
    PublishFailed,
    Read,
    Received,
    Render,
    Rendered,
    RenderFailed,
    Resume,
    Retry,
    Revoked,
    RunBatch,
    Store,
    Stored,
    Tick,
    UnitId,
)
from pipeline.core.policy import FlowPolicy
from pipeline.errors import Environment, Fatal, Rejected
from schemas.failures import Origin, retry_headers
from schemas.record import Partition, Position, Record
from tests.unit.flow_shell import RETRIES, Broker, Shell, ends_of, error_of, flow_of, policy_of, value_of

ROOT = Path(__file__).parents[2]
DOCUMENTS = Partition("documents", 0)
OTHERS = Partition("documents", 1)
NOW = 1_000.0


def named(commands: list[Command]) -> list[str]:
    return [type(command).__name__ for command in commands]


def record(offset: int, *kinds: str, partition: Partition = DOCUMENTS) -> Record:
    return Record(partition, offset, None, value_of(kinds), timestamp_ms=1_000)


def shell_with(*records: tuple[str, ...], policy: FlowPolicy | None = None, later: bool = False) -> Shell:
    """A shell that owns one partition and was given all its records."""
    broker = Broker([DOCUMENTS, OTHERS, RETRIES])
    for kinds in records:
        broker.append(DOCUMENTS, kinds)
    shell = Shell(policy or policy_of(), broker, later=later)
    shell.assign(broker.logs)
    shell.deliver(DOCUMENTS)
    return shell


def answer_all(shell: Shell, verdict: str = "ok", *, only: str | None = None, most: int = 200) -> None:
    """Answer what is waiting, oldest first, until nothing of that kind is left."""
    for _ in range(most):
        which = [number for number, (kind, _) in enumerate(shell.waiting()) if only in (None, kind)]
        if not which or shell.exit is not None:
            return
        shell.answer(which[0], verdict)


def unit_of(offset: int = 0, place: int = 0) -> UnitId:
    return UnitId(DOCUMENTS, offset, place, 1)


def test_a_document_takes_the_straight_path() -> None:
    """One event leads to one step, from the record to the transaction."""
    flow = flow_of(policy_of())
    unit = unit_of()
    assert flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW) == []
    assert named(flow.handle(Received((record(0, "good"),)), NOW)) == ["Accept", "Commit", "Fetch"]
    assert flow.handle(Fetched(unit, b"body"), NOW)[0].body == b"body"  # type: ignore[union-attr]
    assert flow.handle(Opened(0, (30,)), NOW) == [Render(0, 1)]
    [batch, close] = flow.handle(Rendered(0, 1, Part("detect", "a", 1, "page"), "sheet", 30), NOW)
    assert (batch.stage, close) == ("detect", CloseDocument(0))  # type: ignore[union-attr]
    [batch] = flow.handle(
        BatchDone(1, (Detected((Part("recognise", "w", 1, "crop"),), "found"),), "detect", NOW, NOW), NOW
    )
    assert (batch.stage, batch.items[0].part.payload) == ("recognise", "crop")  # type: ignore[union-attr]
    [store] = flow.handle(BatchDone(2, ("line",), "recognise", NOW, NOW), NOW)
    assert isinstance(store, Store)
    assert store.outcome.pages == (PageRead(1, "sheet", "found", ("line",)),)
    assert flow.handle(Stored(unit, "records"), NOW) == []
    [publish] = flow.handle(Tick({DOCUMENTS: 1}), NOW)
    assert isinstance(publish, Publish)
    assert publish.positions == {DOCUMENTS: Position(1)}
    assert [outcome.records for outcome in publish.outcomes] == ["records"]  # type: ignore[union-attr]
    assert flow.busy
    assert flow.handle(Published(1), NOW) == []
    assert not flow.busy
    assert flow.due() is None


def test_what_is_begun_is_durable_first() -> None:
    """The position that names a document as begun is committed before anything is fetched."""
    flow = flow_of(policy_of())
    flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW)
    commands = flow.handle(Received((record(0, "good"), record(1, "good", "good"))), NOW)
    commits = [number for number, command in enumerate(commands) if isinstance(command, Commit)]
    fetches = [number for number, command in enumerate(commands) if isinstance(command, Fetch)]
    assert len(commits) == 1
    assert len(fetches) == 3
    assert commits[0] < min(fetches)
    assert commands[commits[0]] == Commit({DOCUMENTS: Position(0, "1;2;0s0:1,1s0:1+1:1")})


def test_a_record_without_documents_moves_the_offset_alone() -> None:
    """Removals are counted and passed over; the position follows by a plain commit."""
    shell = shell_with(("none",), ("none", "none"))
    assert named(shell.commands) == ["Ignore", "Ignore", "Ignore"]
    shell.tick()
    assert shell.broker.committed[DOCUMENTS] == Position(2)
    assert shell.commands[0] == Ignore("removal")


def test_plain_commits_keep_their_interval() -> None:
    """Positions that move without a transaction are committed once an interval."""
    shell = shell_with(("none",), policy=policy_of(commit_interval_s=5.0))
    shell.tick()
    shell.broker.append(DOCUMENTS, ["none"])
    shell.deliver(DOCUMENTS)
    shell.tick(1.0)
    assert shell.broker.committed[DOCUMENTS] == Position(1)
    shell.tick(4.0)
    assert shell.broker.committed[DOCUMENTS] == Position(2)


def test_control_records_are_stepped_over() -> None:
    """With nothing open, the position follows the consumer over records that hold no documents."""
    shell = shell_with()
    shell.broker.append(DOCUMENTS, ["none"], controls=3)
    shell.deliver(DOCUMENTS)
    shell.deliver(DOCUMENTS)
    shell.tick()
    assert shell.broker.committed[DOCUMENTS] == Position(4)


def test_control_records_do_not_pass_an_open_document() -> None:
    """While a document is open the end of the log moves nothing."""
    shell = shell_with(("good",))
    shell.read[DOCUMENTS] = 9
    shell.tick(5.0)
    assert shell.broker.committed[DOCUMENTS].offset == 0


def test_pages_not_asked_for_are_skipped() -> None:
    """Only the selected pages are rendered; the others end as skipped, in their places."""
    flow = flow_of(policy_of())
    flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW)
    value = orjson.dumps({"schema_version": "1.0", "bucket": "scans", "key": "a", "options": {"pages": "2"}})
    flow.handle(Received((Record(DOCUMENTS, 0, None, value),)), NOW)
    flow.handle(Fetched(unit_of(), b""), NOW)
    assert flow.handle(Opened(0, (1, 1, 1)), NOW) == [Render(0, 2)]
    flow.handle(Rendered(0, 2, Part("detect", "a", 1, None), "sheet", 1), NOW)
    [store] = flow.handle(BatchDone(1, (Detected((), "found"),), "detect", NOW, NOW), NOW)
    assert isinstance(store, Store)
    assert store.outcome.pages == (PageSkipped(1), PageRead(2, "sheet", "found", ()), PageSkipped(3))


@pytest.mark.parametrize("pages", [0, 3])
def test_a_selection_that_names_no_page_is_refused(pages: int) -> None:
    """When no page of the document is asked for, the document is dead, and its decoder is free again."""
    flow = flow_of(policy_of(decoders=1))
    flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW)
    value = orjson.dumps({"schema_version": "1.0", "bucket": "scans", "key": "a", "options": {"pages": "7"}})
    flow.handle(Received((Record(DOCUMENTS, 0, None, value),)), NOW)
    flow.handle(Fetched(unit_of(), b""), NOW)
    assert flow.handle(Opened(0, (1,) * pages), NOW) == [CloseDocument(0)]
    [publish] = flow.handle(Tick({}), NOW)
    assert isinstance(publish, Publish)
    assert [(type(o), o.error.code) for o in publish.outcomes if isinstance(o, Dead)] == [(Dead, "page_out_of_range")]


def test_a_failed_page_makes_no_failed_document() -> None:
    """A page that can't be read says so; the document is published with the pages that could be."""
    shell = shell_with(("good",))
    answer_all(shell, only="fetch")
    shell.answer(0, "ok", 2)
    shell.answer(0, "rejected")
    answer_all(shell)
    shell.tick()
    [outcome] = shell.broker.ended.values()
    assert isinstance(outcome, Read)
    assert [type(page) for page in outcome.pages] == [PageFailed, PageRead]


def test_a_document_whose_pages_all_failed_is_dead() -> None:
    """When no page could be read, the document is dead-lettered for the reason of its first page."""
    shell = shell_with(("good",))
    answer_all(shell, only="fetch")
    shell.answer(0, "ok", 2)
    answer_all(shell, "rejected", only="render")
    shell.tick()
    [outcome] = shell.broker.ended.values()
    assert isinstance(outcome, Dead)
    assert outcome.error.code == "planted_rejected"


def test_a_page_that_may_be_read_later_retries_the_document() -> None:
    """A failure that may pass hands the document to the retry topic, with its attempt and its time."""
    shell = shell_with(("good",))
    answer_all(shell, only="fetch")
    shell.answer(0, "ok", 1)
    shell.answer(0, "retryable")
    shell.tick()
    [outcome] = shell.broker.ended.values()
    assert isinstance(outcome, Retry)
    assert (outcome.delay_s, outcome.not_before, outcome.unit.attempt) == (10, NOW + 10, 1)


def test_attempts_are_counted_over_retry_topics_and_used_up() -> None:
    """After the last delay a failure that may pass is final; the origin is the first record to the end."""
    shell = shell_with(("good", "good"))
    shell.answer(0)
    shell.answer(0, "retryable")
    answer_all(shell)
    for delay in (10, 60):
        shell.tick()
        shell.deliver(RETRIES)
        shell.tick(delay)
        shell.answer(0, "retryable")
    shell.tick()
    last = shell.broker.ended[RETRIES, 2, 0]
    assert isinstance(last, Dead)
    assert last.unit.attempt == 3
    assert (last.unit.origin.topic, last.unit.origin.offset, last.unit.origin.index) == ("documents", 0, 1)


def test_a_retry_waits_for_its_time_and_holds_its_partition_only() -> None:
    """Until its time a retried document is not begun and its partition is paused; others go on."""
    shell = shell_with(policy=policy_of(max_documents=1))
    headers = retry_headers(
        (), Origin("documents", 0, 7), attempt=1, not_before_ms=round((NOW + 50) * 1000), code="planted_retryable"
    )
    for _ in range(3):
        shell.broker.append(RETRIES, ["good"], headers)
    shell.deliver(RETRIES)
    assert shell.commands == [Pause(frozenset({RETRIES}))]
    assert shell.flow.due() == NOW + 50
    shell.broker.append(DOCUMENTS, ["good"])
    shell.deliver(DOCUMENTS)
    assert [type(command) for command in shell.commands if isinstance(command, Fetch)] == [Fetch]
    answer_all(shell)
    shell.tick(50.0)
    assert sum(isinstance(command, Accept) for command in shell.commands) == 4


def test_a_retry_whose_record_names_no_such_document_is_not_lost() -> None:
    """A retry record that does not hold the document it speaks of is dead-lettered, not passed over in silence."""
    shell = shell_with()
    headers = retry_headers((), Origin("documents", 0, 7, 5), attempt=1, not_before_ms=0, code="x")
    shell.broker.append(RETRIES, ["good"], headers)
    shell.deliver(RETRIES)
    shell.tick()
    [outcome] = shell.broker.ended.values()
    assert isinstance(outcome, Dead)
    assert (outcome.error.code, outcome.unit.origin.index) == ("invalid_event", 5)


@pytest.mark.parametrize("step", ["fetch", "open", "render", "store"])
def test_the_environments_failures_stop_the_worker(step: str) -> None:
    """At every step, failures in a row that are nobody's fault end in an exit that moves no offset."""
    shell = shell_with(("good",))
    for _ in range(200):
        if shell.exit is not None:
            break
        if shell.waiting():
            kind, _ = shell.waiting()[0]
            shell.answer(0, "environment" if kind == step else "ok", 1)
        else:
            due = shell.flow.due()
            assert due is None or due > shell.now
            shell.tick((due or shell.now) - shell.now)
    assert shell.exit is not None
    assert isinstance(shell.exit.error, Environment)
    assert shell.broker.ended == {}
    assert shell.broker.committed[DOCUMENTS].offset == 0


def test_the_environments_failures_are_tried_again_in_place() -> None:
    """A failure that is nobody's fault is tried again after a growing pause, and costs no attempt."""
    shell = shell_with(("good",))
    for pause in (0.5, 1.0):
        shell.answer(0, "environment")
        assert shell.waiting() == []
        assert shell.flow.due() == shell.now + pause
        shell.tick(pause)
        assert [kind for kind, _ in shell.waiting()] == ["fetch"]
    answer_all(shell)
    shell.tick()
    assert ends_of(shell.broker) == {"read": 1, "dead": 0}


def test_a_decoder_that_cannot_work_fails_no_page() -> None:
    """A page asked of a decoder that can't start is nobody's fault: the whole document is tried again, and read."""
    shell = shell_with(("good",))
    answer_all(shell, only="fetch")
    shell.answer(0, "ok", 3)
    shell.answer(0)
    shell.answer(0, "environment")
    shell.tick(0.5)
    answer_all(shell)
    shell.tick()
    [outcome] = shell.broker.ended.values()
    assert isinstance(outcome, Read)
    assert all(isinstance(page, PageRead) for page in outcome.pages)
    shell.check_empty()


@pytest.mark.parametrize("event", ["fetch", "open", "render", "batch", "store"])
def test_fatal_stops_at_once(event: str) -> None:
    """What will never work ends the process: everything is forgotten, nothing is published, the offset stays."""
    shell = shell_with(("good",), ("good",))
    for _ in range(100):
        if event in [kind for kind, _ in shell.waiting()]:
            break
        shell.answer(0, "ok", 1)
    answer_all(shell, "fatal", only=event, most=1)
    assert shell.exit is not None
    assert isinstance(shell.exit.error, Fatal)
    assert (shell.open, shell.broker.ended) == ({}, {})
    assert shell.broker.committed[DOCUMENTS].offset == 0
    marked = bool(shell.broker.committed[DOCUMENTS].metadata)
    assert marked == (event == "batch")  # what an engine died of may be a document: as after a crash, its start counts
    assert shell.flow.handle(Tick({}), NOW) == []


def test_an_engine_that_falls_silent_ends_the_process_as_a_death() -> None:
    """Nobody waits for ever: the worker ends, nothing is published, and what was begun stays marked."""
    shell = shell_with(("good",), policy=policy_of(batch_deadline_s=30.0))
    for _ in range(100):
        if shell.held.batches:
            break
        shell.answer(0, "ok", 1)
    shell.now += 31
    shell.tick()
    assert shell.exit is not None
    assert shell.exit.error is not None
    assert (shell.exit.error.code, shell.broker.ended) == ("engine_stalled", {})
    assert "s0:1" in shell.broker.committed[DOCUMENTS].metadata


def test_a_batch_that_failed_is_run_again_one_by_one() -> None:
    """Only the page that fails by itself fails; its neighbours in the batch are read."""
    shell = shell_with(("good",), ("good",), ("good",), policy=policy_of(max_page_bytes=1000))
    for _ in range(40):
        if [run for run in shell.held.batches.values() if len(run.items) == 2]:
            break
        shell.answer([kind != "batch" for kind, _ in shell.waiting()].index(True), "ok", 1)
    [pair] = [number for number, run in shell.held.batches.items() if len(run.items) == 2]
    guilty = shell.held.batches[pair].items[1].unit
    names = [name for _, name in shell.waiting()]
    shell.answer(names.index(pair), "retryable")
    for _ in range(40):
        if not shell.waiting():
            break
        kind, name = shell.waiting()[0]
        run = shell.held.batches.get(name) if kind == "batch" and isinstance(name, int) else None
        alone = run is not None and [item.unit for item in run.items] == [guilty]
        shell.answer(0, "rejected" if alone else "ok", 1)
    shell.tick()
    assert ends_of(shell.broker) == {"read": 2, "dead": 1}
    assert isinstance(shell.broker.ended[DOCUMENTS, guilty.offset, 0], Dead)


def test_a_failed_round_is_published_again() -> None:
    """An aborted transaction changes nothing; after a pause the same outcomes go into the next one."""
    shell = shell_with(("good",), later=True)
    answer_all(shell)
    shell.tick()
    first = shell.held.round
    shell.answer(0, "retryable")
    assert shell.broker.committed[DOCUMENTS].offset == 0
    assert shell.tick(0.4) == []
    shell.tick(0.1)
    second = shell.held.round
    assert first is not None
    assert second is not None
    assert (second.outcomes, second.positions) == (first.outcomes, first.positions)
    shell.answer(0)
    assert shell.broker.committed[DOCUMENTS] == Position(1)


def test_rounds_keep_their_distance() -> None:
    """What settles right after a transaction waits for the next, whose time is one to be woken for; a worker that has
    published everything does not wait before it leaves."""
    shell = shell_with(("good",), ("good",), policy=policy_of(publish_interval_s=0.5))
    answer_all(shell)
    shell.tick()
    assert ends_of(shell.broker)["read"] == 2
    shell.broker.append(DOCUMENTS, ("good",))
    shell.deliver(DOCUMENTS)
    answer_all(shell)
    shell.tick(0.4)
    assert ends_of(shell.broker)["read"] == 2
    assert shell.flow.due() == pytest.approx(shell.now + 0.1)
    shell.tick(0.1)
    assert ends_of(shell.broker)["read"] == 3
    shell.tell(Drain())
    shell.tick()
    assert shell.exit is not None


@pytest.mark.parametrize("verdict", ["environment", "retryable"])
def test_rounds_that_fail_in_a_row_stop_the_worker(verdict: str) -> None:
    """When nothing can be published the worker stops at once, with the last reason: the environment's, so that a
    supervisor starts it again."""
    shell = shell_with(("good",))
    shell.publish_verdicts = [verdict] * 9
    answer_all(shell)
    for _ in range(3):
        shell.tick(4.0)
    assert shell.exit is not None
    assert isinstance(shell.exit.error, Environment)
    assert shell.exit.error.code == f"planted_{verdict}"
    assert (shell.broker.committed[DOCUMENTS].offset, shell.broker.ended) == (0, {})


def test_nothing_is_told_after_a_round_of_unknown_fate() -> None:
    """A round that may be committed is undone by no later position: the worker leaves without a commit."""
    flow = flow_of(policy_of())
    flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW)
    flow.handle(Received((record(0, "refused"), record(1, "good"))), NOW)
    assert named(flow.handle(Tick({}), NOW)) == ["Publish"]
    commands = flow.handle(PublishFailed(1, Fatal("Unknown.", code="outcome_unknown")), NOW)
    assert named(commands) == ["Forget", "Forget", "Exit"]


def test_nothing_is_told_while_a_round_is_open() -> None:
    """A fatal failure with a round open commits nothing, for the round may yet be aborted."""
    flow = flow_of(policy_of())
    flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW)
    flow.handle(Received((record(0, "refused"), record(1, "good"))), NOW)
    flow.handle(Tick({}), NOW)
    assert named(flow.handle(FetchFailed(unit_of(1), error_of("fatal")), NOW)) == ["Forget", "Exit"]


def test_a_revoked_partition_is_left_published_and_clean() -> None:
    """On revocation what is finished is published, what is not is forgotten, and no start is left against it."""
    shell = shell_with(("good",), ("good",))
    shell.answer(0)
    answer_all(shell, only="open")
    answer_all(shell, only="render")
    answer_all(shell, only="batch")
    answer_all(shell, only="store")
    shell.revoke([DOCUMENTS])
    assert ends_of(shell.broker) == {"read": 1, "dead": 0}
    assert shell.broker.committed[DOCUMENTS] == Position(1)
    assert shell.open == {}


def test_a_revoked_partition_with_nothing_finished_is_left_clean() -> None:
    """Work that was only begun leaves no start behind when its partition is given up in good order."""
    shell = shell_with(("good",), ("good",))
    assert shell.broker.committed[DOCUMENTS] == Position(0, "1;2;0s0:1,1s0:1")
    shell.revoke([DOCUMENTS])
    assert shell.broker.committed[DOCUMENTS] == Position(0)


def test_a_revocation_takes_only_its_own() -> None:
    """Documents of other partitions go on."""
    shell = shell_with(("good",))
    shell.broker.append(OTHERS, ["good"])
    shell.deliver(OTHERS)
    shell.revoke([DOCUMENTS])
    answer_all(shell)
    shell.tick()
    assert list(shell.broker.ended) == [(OTHERS, 0, 0)]


def test_answers_about_a_lost_partition_are_dropped() -> None:
    """Whatever is answered about documents that are not ours any more, nothing follows from it."""
    shell = shell_with(("good",), ("good",))
    shell.answer(0)
    shell.lose([DOCUMENTS])
    shell.commands.clear()
    answer_all(shell)
    assert named(shell.commands) == ["CloseDocument"]
    shell.check_empty()


def test_a_successor_starts_where_the_dead_one_stopped() -> None:
    """After a death exactly the documents without an end are begun again, with one more attempt."""
    shell = shell_with(("good", "good"), ("good",))
    shell.answer(1)
    answer_all(shell, only="open")
    answer_all(shell, only="render")
    answer_all(shell, only="batch")
    answer_all(shell, only="store")
    shell.tick()
    assert list(shell.broker.ended) == [(DOCUMENTS, 0, 1)]
    shell.restart()
    shell.assign([DOCUMENTS])
    shell.deliver(DOCUMENTS)
    assert [(unit.offset, unit.index) for unit in shell.open] == [(0, 0), (1, 0)]
    assert [unit.attempt for unit in shell.open.values()] == [2, 2]


def test_a_document_that_kills_the_worker_is_given_up_and_its_neighbours_are_not() -> None:
    """Killed `max_starts` times: dead-lettered as worker_killed. Those in flight with it are read."""
    shell = shell_with(("good",), ("good",), ("good",))
    killer, deaths = 1, 0
    for _ in range(20):
        begun = sorted(unit.offset for unit in shell.begun)
        if killer in begun:
            deaths += 1
            shell.restart()
            shell.assign([DOCUMENTS])
        shell.deliver(DOCUMENTS)
        if killer not in {unit.offset for unit in shell.begun}:
            answer_all(shell)
        shell.tick()
    dead = [key[1] for key, outcome in shell.broker.ended.items() if isinstance(outcome, Dead)]
    assert (dead, deaths) == ([killer], shell.policy.max_starts)
    outcome = shell.broker.ended[DOCUMENTS, killer, 0]
    assert isinstance(outcome, Dead)
    assert outcome.error.code == "worker_killed"
    assert ends_of(shell.broker) == {"read": 2, "dead": 1}


def test_a_schema_version_nobody_knows_stops_the_worker() -> None:
    """What is begun is finished and published; the offset stays before the record; nothing is lost after it."""
    shell = shell_with(("good",), ("alien",), ("good",))
    assert sum(isinstance(command, Accept) for command in shell.commands) == 1
    answer_all(shell)
    shell.tick()
    shell.tick()
    assert shell.exit is not None
    assert shell.exit.error is not None
    assert shell.exit.error.code == "unknown_schema_version"
    assert shell.broker.committed[DOCUMENTS].offset <= 1


def test_a_flood_of_failures_stops_the_worker() -> None:
    """When everything fails the worker stops; what had failed until then is published, and nothing after it."""
    policy = policy_of(breaker=BreakerPolicy(max_run=4, max_ratio=0.9, window=50))
    shell = shell_with(*[("refused",)] * 3, policy=policy)
    shell.tick()
    for _ in range(30):
        shell.broker.append(DOCUMENTS, ["refused"])
    shell.deliver(DOCUMENTS)
    shell.tick()
    shell.tick()
    assert shell.exit is not None
    assert shell.exit.error is not None
    assert shell.exit.error.code == "too_many_failures"
    assert ends_of(shell.broker) == {"read": 0, "dead": 4}
    assert shell.broker.committed[DOCUMENTS].offset == 4


def test_one_record_of_bad_entries_is_no_endless_stop() -> None:
    """A notification with more bad entries than the breaker takes gets further with every start."""
    policy = policy_of(breaker=BreakerPolicy(max_run=4, max_ratio=0.9, window=50))
    shell = shell_with(("refused",) * 9, policy=policy)
    dead = []
    for _ in range(3):
        shell.tick()
        shell.tick()
        dead.append(ends_of(shell.broker)["dead"])
        if shell.exit is not None:
            shell.restart()
            shell.assign([DOCUMENTS])
            shell.deliver(DOCUMENTS)
    assert dead == [4, 8, 9]


def test_a_drain_finishes_what_is_begun_and_nothing_else() -> None:
    """After a drain what was begun is published, what was in line is left to others, and the exit has no error."""
    shell = shell_with(*[("good",)] * 5, policy=policy_of(max_documents=2))
    shell.tell(Drain())
    assert sum(isinstance(command, Forget) for command in shell.commands) == 3
    assert shell.paused == set(shell.read)
    answer_all(shell)
    shell.tick()
    shell.tick()
    assert shell.exit == Exit(None)
    assert ends_of(shell.broker) == {"read": 2, "dead": 0}
    assert shell.broker.committed[DOCUMENTS] == Position(2)


def test_records_that_come_after_a_drain_are_left_to_others() -> None:
    """What was on its way when the drain began is not begun, not kept and not passed over."""
    shell = shell_with(("good",))
    shell.tell(Drain())
    shell.broker.append(DOCUMENTS, ["good"])
    shell.broker.append(DOCUMENTS, ["refused"])
    shell.paused.clear()
    shell.deliver(DOCUMENTS)
    answer_all(shell)
    shell.tick()
    shell.tick()
    assert shell.exit == Exit(None)
    shell.broker.check([DOCUMENTS])
    assert shell.open == {}


def test_a_full_worker_pauses_and_resumes_below_three_quarters() -> None:
    """Consumption pauses at the limit and goes on when a quarter is free again."""
    shell = shell_with(*[("good",)] * 4, policy=policy_of(max_documents=4, max_round=1))
    assert shell.paused == set(shell.read)
    answer_all(shell, most=200)
    shell.tick()
    assert len(shell.open) == 3
    assert shell.paused == set(shell.read)
    shell.tick()
    assert len(shell.open) == 2
    assert shell.paused == set()
    assert isinstance(shell.commands[-1], Resume)


def test_refused_entries_do_not_block_their_siblings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that were refused wait for a position that fits; the documents between them begin and end meanwhile."""
    monkeypatch.setattr(offsets, "METADATA_LIMIT", 100)
    kinds = ("refused", "good") * 25
    lenient = BreakerPolicy(max_run=10_000, max_ratio=2.0, window=10)
    shell = shell_with(kinds, kinds, policy=policy_of(breaker=lenient, max_round=1000))
    shell.finish()
    assert ends_of(shell.broker) == {"read": 50, "dead": 50}
    assert shell.broker.committed[DOCUMENTS] == Position(2)
    assert all(len(told.metadata) <= 100 for told in positions_told(shell))


def test_entries_without_documents_need_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that name no document settle where nothing more would fit into a position."""
    monkeypatch.setattr(offsets, "METADATA_LIMIT", 60)
    kinds = ("none", "good") * 25
    shell = shell_with(kinds, kinds, kinds)
    shell.finish()
    assert ends_of(shell.broker) == {"read": 75, "dead": 0}
    assert shell.broker.committed[DOCUMENTS] == Position(3)
    assert all(len(told.metadata) <= 60 for told in positions_told(shell))


def positions_told(shell: Shell) -> list[Position]:
    told = [command.positions for command in shell.commands if isinstance(command, Commit | Publish)]
    return [position for positions in told for position in positions.values()]


def test_a_page_larger_than_all_memory_is_decoded_alone() -> None:
    """One page is always allowed; with it in memory no other page is decoded."""
    flow = flow_of(policy_of(max_page_bytes=100))
    flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW)
    flow.handle(Received((record(0, "good"), record(1, "good"))), NOW)
    for number in range(2):
        assert named(flow.handle(Fetched(unit_of(number), b""), NOW)) == ["Open"]
    assert flow.handle(Opened(0, (500,)), NOW) == [Render(0, 1)]
    assert flow.handle(Opened(1, (1,)), NOW) == []
    flow.handle(Rendered(0, 1, Part("detect", "a", 1, None), "sheet", 500), NOW)
    assert Render(1, 1) in flow.handle(BatchDone(1, (Detected((), "found"),), "detect", NOW, NOW), NOW)


def test_an_open_failure_frees_the_decoder() -> None:
    """A document that can't be opened is dead, and the next one takes its decoder."""
    shell = shell_with(("good",), ("good",), policy=policy_of(decoders=1))
    answer_all(shell, only="fetch")
    commands = shell.flow.handle(OpenFailed(0, Rejected("No.", code="broken_file")), NOW)
    assert named(commands) == ["CloseDocument", "Open"]


def test_a_lost_answer_about_a_page_is_ignored() -> None:
    """A page that is answered after its document was taken away leaves no memory held."""
    shell = shell_with(("good",))
    answer_all(shell, only="fetch")
    shell.answer(0, "ok", 2)
    shell.lose([DOCUMENTS])
    assert shell.flow.handle(RenderFailed(0, 1, error_of("rejected")), NOW) == [CloseDocument(0)]


SCRIPT = """
from tests.unit.test_flow import *
shell = shell_with(*[("good",)] * 9, policy=policy_of(max_documents=9, max_loading=9, decoders=9))
answer_all(shell, "environment", only="fetch", most=6)
shell.tell(Drain())
shell.revoke([DOCUMENTS])
print([(type(c).__name__, getattr(c, "unit", None)) for c in shell.commands])
"""


def test_the_same_events_make_the_same_commands_in_every_process() -> None:
    """No order of commands hangs on how a process hashes its strings."""
    command = [sys.executable, "-c", SCRIPT]
    told = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        told.add(subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60).stdout)
    assert len(told) == 1
    assert b"Forget" in told.pop()


def test_open_and_revoked_are_told_apart_by_epoch() -> None:
    """An answer about a document of an earlier assignment does not touch the one begun since."""
    flow = flow_of(policy_of())
    flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW)
    flow.handle(Received((record(0, "good"),)), NOW)
    flow.handle(Revoked([DOCUMENTS]), NOW)
    flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW)
    flow.handle(Received((record(0, "good"),)), NOW)
    assert flow.handle(Fetched(unit_of(), b"old"), NOW) == []
    [command] = flow.handle(Fetched(UnitId(DOCUMENTS, 0, 0, 2), b"new"), NOW)
    assert isinstance(command, Open)
    assert command.body == b"new"


def test_a_position_of_a_newer_release_stops_the_worker() -> None:
    """Metadata that can't be read is never overwritten: the worker exits and says so."""
    flow = flow_of(policy_of())
    commands = flow.handle(Assigned({DOCUMENTS: Position(5, "9;something")}), NOW)
    assert named(commands) == ["Exit"]
    assert isinstance(commands[0], Exit)
    assert commands[0].error is not None
    assert commands[0].error.code == "position_unreadable"


def test_batches_name_why_they_were_closed() -> None:
    """A lane that was idle says so."""
    shell = shell_with(("good",))
    answer_all(shell, only="fetch")
    shell.answer(0, "ok", 1)
    shell.answer(0)
    assert [c.closed for c in shell.commands if isinstance(c, RunBatch)] == ["idle"]
