"""Laws of fitness: which lanes take work, what a lost one costs, and when a process has grown too large."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.batching import BatchPolicy
from pipeline.core.events import (
    STAGES,
    Assigned,
    Commit,
    Drain,
    Exit,
    LaneFailed,
    LaneLooks,
    LaneReady,
    MemorySeen,
    Received,
    RunBatch,
    Tick,
)
from pipeline.core.flow import Flow
from pipeline.core.health import STARTED_S
from pipeline.core.proving import Proving
from pipeline.errors import Fatal, PagestreamError, Recycle
from schemas.record import Partition, Position, Record
from tests.unit.flow_shell import Broker, Shell, ends_of, error_of, flow_of, policy_of, value_of

DOCUMENTS = Partition("documents", 0)
NOW = 1_000.0
ONE = BatchPolicy(max_items=1, max_cost=100, max_wait_s=0.0)


def shell_with(count: int, *, lanes: int, **changes: object) -> Shell:
    """A worker with so many documents of one page each."""
    broker = Broker([DOCUMENTS])
    for _ in range(count):
        broker.append(DOCUMENTS, ["good"])
    shell = Shell(policy_of(lanes=lanes, **changes), broker)
    shell.assign([DOCUMENTS])
    shell.deliver(DOCUMENTS)
    return shell


def answer_all(shell: Shell, *, only: str | None = None) -> None:
    for _ in range(200):
        which = [number for number, (kind, _) in enumerate(shell.waiting()) if only in (None, kind)]
        if not which:
            return
        shell.answer(which[0], "ok", 1)


def ended(flow: Flow, event: object) -> Exit:
    [*_, last] = flow.handle(event, NOW)  # type: ignore[arg-type]
    assert isinstance(last, Exit)
    return last


def test_a_lane_is_one_of_three() -> None:
    """A lane is awaited, at work, or gone; all must be at work for the whole, one must be left to go on."""
    proving = Proving(2, deadline_s=10.0)
    assert (proving.starting, proving.whole, proving.live) == (True, False, 0)
    proving.passed(0)
    assert (proving.starting, proving.whole, proving.live) == (True, False, 1)
    proving.failed(1)
    assert (proving.starting, proving.whole, proving.live) == (False, False, 1)
    proving.failed(0)
    assert (proving.starting, proving.whole, proving.live) == (False, False, 0)


def test_a_lane_that_looks_has_a_deadline() -> None:
    """One that does not come back from its page is noticed, at a moment that is told beforehand."""
    proving = Proving(1, deadline_s=10.0)
    assert proving.due() is None
    proving.looking(0, 5.0)
    assert (proving.due(), proving.stalled(14.9), proving.stalled(15.0)) == (15.0, False, True)
    proving.passed(0)
    assert (proving.due(), proving.stalled(99.0)) == (None, False)


def test_nothing_is_begun_before_a_lane_reads() -> None:
    """No document is marked as begun, and none fetched, until one lane has read its page."""
    flow = Flow(policy_of())
    flow.handle(Assigned({DOCUMENTS: Position(0)}), NOW)
    told = flow.handle(Received((Record(DOCUMENTS, 0, None, value_of(["good"]), timestamp_ms=1_000),)), NOW)
    assert [type(command).__name__ for command in told] == ["Accept"]
    assert flow.starting
    told = flow.handle(LaneReady(0), NOW)
    assert [type(command).__name__ for command in told] == ["Commit", "Fetch"]
    assert flow.ready


def test_the_other_lanes_go_on() -> None:
    """With one of two lanes gone the worker is not ready, prepares less ahead, and finishes everything."""
    shell = shell_with(6, lanes=2, max_page_bytes=1_000)
    answer_all(shell, only="fetch")
    shell.look(1, "fatal")
    assert shell.exit is None
    assert not shell.flow.ready
    shell.finish()
    assert ends_of(shell.broker) == {"read": 6, "dead": 0}
    shell.look(0)
    assert not shell.flow.ready


def test_a_lane_that_goes_keeps_no_batch() -> None:
    """What was prepared for a lane that failed is run by the one that is left, and nothing more than that one needs."""
    shell = shell_with(5, lanes=2, max_page_bytes=1_000, batches=dict.fromkeys(STAGES, ONE))
    for kind in ("fetch", "open", "render") * 3:
        answer_all(shell, only=kind)
    held = len(shell.held.batches)
    shell.look(1, "fatal")
    shell.commands.clear()
    shell.answer([kind for kind, _ in shell.waiting()].index("batch"), "ok", 0)
    assert held > 2
    assert not [command for command in shell.commands if isinstance(command, RunBatch)]


def test_the_last_lane_ends_the_worker() -> None:
    """With no lane left the worker exits with the lane's reason; no offset moves, and what was begun stays marked."""
    shell = shell_with(2, lanes=2)
    shell.look(0, "fatal")
    shell.look(1, "fatal")
    assert shell.exit is not None
    assert isinstance(shell.exit.error, Fatal)
    assert shell.exit.error.code == "planted_fatal"
    assert (shell.broker.ended, shell.broker.committed[DOCUMENTS].offset) == ({}, 0)
    assert "s0:1" in shell.broker.committed[DOCUMENTS].metadata


def test_a_lane_that_never_reads_ends_nobody_else_at_the_start() -> None:
    """While another lane has yet to say, a failed one is waited out; when all have failed the worker exits."""
    flow = Flow(policy_of(lanes=2))
    assert flow.handle(LaneFailed(0, error_of("fatal")), NOW) == []
    assert ended(flow, LaneFailed(1, error_of("fatal"))).error is not None


def test_a_lane_that_is_silent_at_its_page_ends_the_worker() -> None:
    """An engine that hangs before any work is noticed by the same deadline as one that hangs over a batch."""
    flow = Flow(policy_of(batch_deadline_s=30.0))
    flow.handle(LaneLooks(0), NOW)
    assert flow.due() == NOW + 30
    [exit_] = flow.handle(Tick({}), NOW + 30)
    assert isinstance(exit_, Exit)
    assert exit_.error is not None
    assert exit_.error.code == "engine_stalled"


def test_an_answer_that_waits_to_be_heard_is_no_silence() -> None:
    """After a long transaction a batch is late only if its answer is not among what has happened meanwhile."""
    shell = shell_with(2, lanes=1, batch_deadline_s=30.0)
    while not shell.held.batches:
        answer_all(shell, only=shell.waiting()[0][0])
    shell.now += 31
    late = [kind for kind, _ in shell.waiting()].index("batch")
    shell.tell(MemorySeen(1))
    shell.answer(late, "ok", 0)
    shell.tick()
    assert shell.exit is None


def test_a_process_at_its_ceiling_finishes_what_is_begun() -> None:
    """At the ceiling nothing more is begun, what is begun is published, and the reason is to be recycled."""
    shell = shell_with(5, lanes=1, max_documents=2, memory_ceiling=1_000)
    shell.tell(MemorySeen(999))
    assert not shell.flow.draining
    shell.tell(MemorySeen(1_000))
    shell.tell(MemorySeen(2_000))
    answer_all(shell)
    shell.tick()
    shell.tick()
    assert shell.exit is not None
    assert isinstance(shell.exit.error, Recycle)
    assert ends_of(shell.broker) == {"read": 2, "dead": 0}
    assert shell.broker.committed[DOCUMENTS] == Position(2)


def over_the_ceiling(flow: Flow, now: float) -> PagestreamError | None:
    """Why it ends, or begins to, once it is seen above its ceiling."""
    flow.handle(MemorySeen(1_000), now)
    assert flow.draining
    return flow.reason


def test_a_ceiling_below_what_a_process_needs_is_told() -> None:
    """A process that is too large before any work would be recycled for ever: it stops for good, and says why."""
    exit_ = ended(flow_of(policy_of(memory_ceiling=1_000)), MemorySeen(1_000))
    assert isinstance(exit_.error, Fatal)
    assert exit_.error.code == "memory_ceiling_too_low"


@given(looks=st.lists(st.integers(0, 2 * round(STARTED_S)), min_size=1, max_size=4).map(sorted))
def test_one_that_grew_while_idle_is_recycled(looks: list[int]) -> None:
    """Before any document the ceiling is too low if what a start brings exceeds it; what comes later is growth."""
    flow = flow_of(policy_of(memory_ceiling=1_000))
    for look in looks[:-1]:
        flow.handle(MemorySeen(999), NOW + look)
    reason = over_the_ceiling(flow, NOW + looks[-1])
    assert isinstance(reason, Recycle if looks[-1] - looks[0] >= STARTED_S else Fatal)


@pytest.mark.parametrize("passed", [0.0, STARTED_S])
@pytest.mark.parametrize("answers", [0, 1, 100])
def test_one_that_has_begun_a_document_is_recycled(passed: float, answers: int) -> None:
    """However soon, and whether it is at work or has given everything back: what it has begun may have cost it."""
    shell = shell_with(1, lanes=1, memory_ceiling=1_000)
    for _ in range(answers):
        shell.answer(0, "ok", 1)
        shell.tick()
    assert shell.flow.busy == (answers < 100)
    assert isinstance(over_the_ceiling(shell.flow, shell.now + passed), Recycle)


def test_a_refused_document_is_no_work() -> None:
    """One that is settled without being begun says nothing about what work costs."""
    broker = Broker([DOCUMENTS])
    broker.append(DOCUMENTS, ["refused"])
    shell = Shell(policy_of(memory_ceiling=1_000), broker)
    shell.assign([DOCUMENTS])
    shell.deliver(DOCUMENTS)
    assert isinstance(over_the_ceiling(shell.flow, shell.now), Fatal)


def test_without_a_ceiling_memory_is_nobodys_business() -> None:
    """However large it says it is, nothing follows."""
    flow = flow_of(policy_of(memory_ceiling=None))
    assert flow.handle(MemorySeen(2**50), NOW) == []


@pytest.mark.parametrize("first", [Drain(), Drain(error_of("environment"))])
def test_any_other_reason_to_end_is_the_better_one(first: Drain) -> None:
    """A wish to stop, or a failure, is the reason whether it comes before the ceiling or after it."""
    for events in ([first, MemorySeen(1_000)], [MemorySeen(1_000), first]):
        shell = shell_with(1, lanes=1)
        for event in events:
            shell.tell(event)
        answer_all(shell)
        shell.tick()
        shell.tick()
        assert shell.exit == Exit(first.error)
        assert any(isinstance(command, Commit) for command in shell.commands)
