"""Laws of the intake: which documents a record names, and when each may begin."""

from __future__ import annotations

import pytest

from pipeline.core.events import Accept, Ignore, Unit
from pipeline.core.intake import Intake, Refusal
from pipeline.core.partitions import Partitions
from pipeline.errors import Environment
from schemas.failures import Origin, retry_headers
from schemas.record import Partition, Position, Record
from tests.unit.flow_shell import RETRIES, policy_of, value_of

DOCUMENTS = Partition("documents", 0)


def intake_of(metadata: str = "", **policy: object) -> tuple[Intake, Partitions]:
    partitions = Partitions()
    partitions.assign({DOCUMENTS: Position(0, metadata), RETRIES: Position(0)})
    return Intake(policy_of(**policy), partitions), partitions


def record(offset: int, *kinds: str) -> Record:
    return Record(DOCUMENTS, offset, None, value_of(kinds), timestamp_ms=5)


def retry(offset: int, *, not_before_ms: int, index: int = 0, attempt: int = 1) -> Record:
    origin = Origin("documents", 3, 77, index, 9)
    headers = retry_headers((), origin, attempt=attempt, not_before_ms=not_before_ms, code="x")
    return Record(RETRIES, offset, None, value_of(["good", "good", "good"]), headers)


def begun(intake: Intake, in_flight: list[Unit] | None = None, *, now: float = 0.0) -> list[Unit]:
    steps = intake.begin([unit.id for unit in in_flight or []], now)
    return [step for step in steps if isinstance(step, Unit)]


def test_every_entry_is_answered_for() -> None:
    """Good ones wait in line, refused ones are dead at once, the rest is counted and passed over."""
    intake, _ = intake_of()
    steps = list(intake.receive(record(0, "good", "refused", "none"), 0.0))
    assert [type(step) for step in steps] == [Accept, Accept, Refusal, Ignore]
    assert len(intake) == 1
    [unit] = begun(intake)
    assert (unit.origin, unit.attempt) == (Origin("documents", 0, 0, 0, 5), 1)


def test_what_is_no_event_is_refused() -> None:
    """A record that can't be read is one dead document."""
    intake, _ = intake_of()
    accept, refusal = intake.receive(record(0, "broken"), 0.0)
    assert isinstance(accept, Accept)
    assert isinstance(refusal, Refusal)
    assert refusal.outcome.error.code == "not_json"


def test_a_settled_record_is_passed_over() -> None:
    """What a predecessor settled is not begun again, index by index."""
    intake, _ = intake_of("1;2;0d1")
    steps = [*intake.receive(record(0, "good", "good"), 0.0), *intake.receive(record(1, "good"), 0.0)]
    assert [step.unit.id.index for step in steps if isinstance(step, Accept)] == [0]


def test_records_of_others_are_none_of_ours() -> None:
    """A record of a partition we do not own is dropped."""
    intake, _ = intake_of()
    stranger = Record(Partition("documents", 9), 0, None, value_of(["good"]))
    assert list(intake.receive(stranger, 0.0)) == []


def test_an_unknown_version_keeps_its_offset_open() -> None:
    """A record of a newer release raises, and its offset is never passed."""
    intake, partitions = intake_of()
    with pytest.raises(Environment):
        list(intake.receive(record(0, "alien"), 0.0))
    partitions.advance({DOCUMENTS: 1})
    tracker = partitions.tracker(DOCUMENTS)
    assert tracker is not None
    assert tracker.watermark == 0


def test_only_as_many_begin_as_there_is_room() -> None:
    """First come, first served, up to the limit with what is in flight."""
    intake, _ = intake_of(max_documents=3)
    for offset in range(5):
        list(intake.receive(record(offset, "good"), 0.0))
    first = begun(intake)
    assert [unit.id.offset for unit in first] == [0, 1, 2]
    assert begun(intake, first) == []
    assert [unit.id.offset for unit in begun(intake, first[1:])] == [3]


def test_a_retry_is_about_one_document() -> None:
    """Only the document the headers name is begun, under its first origin and its next attempt."""
    intake, _ = intake_of()
    [accept] = intake.receive(retry(0, not_before_ms=0, index=2, attempt=2), 0.0)
    assert isinstance(accept, Accept)
    assert (accept.unit.origin, accept.unit.attempt) == (Origin("documents", 3, 77, 2, 9), 3)
    assert accept.unit.event is not None
    assert accept.unit.event.key == "2.pdf"


def test_a_retry_waits_for_its_time() -> None:
    """Before its time it is neither accepted nor begun, and its partition is held back."""
    intake, _ = intake_of()
    assert list(intake.receive(retry(0, not_before_ms=7_000), 0.0)) == []
    assert (intake.due(), intake.held_back(6.9), intake.held_back(7.0), len(intake)) == (7.0, {RETRIES}, set(), 0)
    assert list(intake.begin([], 6.9)) == []
    assert [type(step) for step in intake.begin([], 7.0)] == [Accept, Unit]


def test_retry_headers_of_a_stranger_mean_nothing() -> None:
    """Outside our retry topics the headers are not read."""
    intake, _ = intake_of()
    stranger = Record(DOCUMENTS, 0, None, value_of(["good"]), retry(0, not_before_ms=9_000_000).headers)
    assert [type(step) for step in intake.receive(stranger, 0.0)] == [Accept]


def test_a_suspect_waits_until_nothing_is_in_flight_and_runs_alone() -> None:
    """Begun before by as many dead processes as may be but one, a document has no company."""
    intake, _ = intake_of("1;1;0s1:2")
    list(intake.receive(record(0, "good", "good", "good"), 0.0))
    first = begun(intake)
    assert [unit.id.index for unit in first] == [0]
    assert begun(intake, first) == []
    second = begun(intake)
    assert [unit.id.index for unit in second] == [1]
    assert begun(intake, second) == []
    assert [unit.id.index for unit in begun(intake)] == [2]


def test_a_killer_is_not_begun_again() -> None:
    """Begun by as many dead processes as may be, a document is refused as worker_killed, its neighbours are not."""
    intake, _ = intake_of("1;1;0s0:3+1:2")
    list(intake.receive(record(0, "good", "good"), 0.0))
    refusal, unit = intake.begin([], 0.0)
    assert isinstance(refusal, Refusal)
    assert refusal.outcome.error.code == "worker_killed"
    assert isinstance(unit, Unit)
    assert unit.attempt == 3


def test_dropped_documents_are_named_if_they_were_accepted() -> None:
    """Those in line are named; those whose time had not come were never accepted."""
    intake, _ = intake_of()
    list(intake.receive(record(0, "good"), 0.0))
    list(intake.receive(retry(0, not_before_ms=7_000), 0.0))
    assert [unit.partition for unit in intake.drop_all()] == [DOCUMENTS]
    assert intake.drop([RETRIES]) == []
    assert (len(intake), list(intake.begin([], 0.0))) == (0, [])
