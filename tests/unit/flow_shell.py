"""The shell's part, played against a broker that is a dictionary, for tests of the flow.

It keeps what the flow has asked for and not heard of yet, carries commands out in the shell's order, and checks every
command against an account of its own. The broker keeps logs, committed positions and what became of each document; a
round's outcomes and positions are applied together or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from pipeline.core import offsets
from pipeline.core.allow import AllowList
from pipeline.core.batching import BatchPolicy
from pipeline.core.breaker import BreakerPolicy
from pipeline.core.events import (
    Accept,
    Assigned,
    BatchDone,
    BatchFailed,
    CloseDocument,
    Command,
    Commit,
    Dead,
    Detected,
    Event,
    Exit,
    Fetch,
    Fetched,
    FetchFailed,
    Forget,
    Ignore,
    LaneFailed,
    LaneLooks,
    LaneReady,
    Lost,
    Open,
    Opened,
    OpenFailed,
    Outcome,
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
    Stage,
    Store,
    Stored,
    StoreFailed,
    Tick,
    Unit,
    UnitId,
)
from pipeline.core.flow import Flow
from pipeline.core.policy import FlowPolicy
from pipeline.core.retry import Backoff, RetryPolicy
from pipeline.errors import Environment, Fatal, PagestreamError, Rejected, Retryable
from schemas.failures import retry_headers
from schemas.record import Headers, Partition, Position, Record

METADATA_BYTES = 3072
AHEAD = 2
RETRY_TOPIC = "retry"
RETRIES = Partition(RETRY_TOPIC, 0)
Key = tuple[Partition, int, int]
"""Partition, offset and place: one document that one record names."""

ERRORS: Mapping[str, type[PagestreamError]] = {
    "rejected": Rejected,
    "retryable": Retryable,
    "environment": Environment,
    "fatal": Fatal,
}


def error_of(verdict: str) -> PagestreamError:
    return ERRORS[verdict]("A planted failure.", code=f"planted_{verdict}")


def policy_of(**changes: object) -> FlowPolicy:
    """Small limits, so that small cases reach them."""
    settings: dict[str, object] = {
        "allow": AllowList(frozenset({"scans"})),
        "batches": {
            "detect": BatchPolicy(2, 10, 0.5),
            "recognise": BatchPolicy(3, 20, 0.25),
            "tables": BatchPolicy(2, 9, 0.1),
        },
        "retry": RetryPolicy((10, 60)),
        "environment": Backoff(first_s=0.5, longest_s=4.0, tries=3),
        "breaker": BreakerPolicy(max_run=50, max_ratio=0.9, window=50),
        "lanes": 1,
        "decoders": 2,
        "retry_topics": frozenset({RETRY_TOPIC}),
        "max_documents": 5,
        "max_loading": 3,
        "max_page_bytes": 100,
        "max_starts": 3,
        "max_round": 4,
        "memory_ceiling": 1_000,
    }
    return FlowPolicy(**(settings | changes))  # type: ignore[arg-type]


def flow_of(policy: FlowPolicy) -> Flow:
    """A flow whose lanes have read their known page."""
    flow = Flow(policy)
    for lane in range(policy.lanes):
        flow.handle(LaneReady(lane), 0.0)
    return flow


def value_of(kinds: Sequence[str]) -> bytes:
    """A record's value that names one document for each kind: good, refused (by the allow-list) or none (a removal).

    `alien` alone is an event of a schema version nobody knows, `broken` alone is no event.
    """
    if list(kinds) == ["alien"]:
        return orjson.dumps({"schema_version": "9.0", "bucket": "scans", "key": "a"})
    if list(kinds) == ["broken"]:
        return b"{"
    entries = [
        {
            "eventName": "s3:ObjectRemoved:Delete" if kind == "none" else "s3:ObjectCreated:Put",
            "s3": {"bucket": {"name": "other" if kind == "refused" else "scans"}, "object": {"key": f"{place}.pdf"}},
        }
        for place, kind in enumerate(kinds)
    ]
    return orjson.dumps({"Records": entries})


def starts_by(position: Position, offset: int, place: int) -> int:
    """How often work on this document was begun, as the metadata says."""
    return account_of(position)[2].get(offset, (set(), {}))[1].get(place, 0)


@lru_cache
def account_of(position: Position) -> tuple[int, int, dict[int, tuple[set[int], dict[int, int]]]]:
    """What a position says, read another way: from where, to where, and for each record that is open between them
    which places are done, and how often each was begun."""
    listed: dict[int, tuple[set[int], dict[int, int]]] = {}
    if not position.metadata:
        return position.offset, position.offset, listed
    found = re.fullmatch(r"1;(\d+);(.+)", position.metadata)
    assert found is not None
    at = position.offset
    for entry in found[2].split(","):
        parts = re.fullmatch(r"(\d+)(?:d([\d+-]+))?(?:s([\d+:]+))?", entry)
        assert parts is not None
        at += int(parts[1])
        runs = [[int(end) for end in run.split("-")] for run in (parts[2] or "").split("+") if run]
        done = {place for run in runs for place in range(run[0], run[-1] + 1)}
        pairs = [pair.split(":") for pair in (parts[3] or "").split("+") if pair]
        listed[at] = (done, {int(place): int(count) for place, count in pairs})
    return position.offset, position.offset + int(found[1]), listed


class Broker:
    """Logs, committed positions, and what became of every document."""

    def __init__(self, partitions: Iterable[Partition]) -> None:
        self.logs: dict[Partition, dict[int, Record]] = {partition: {} for partition in partitions}
        self.kinds: dict[tuple[Partition, int], list[str]] = {}
        self.ends: dict[Partition, int] = dict.fromkeys(self.logs, 0)
        self.committed: dict[Partition, Position] = {partition: Position(0) for partition in self.logs}
        self.ended: dict[Key, Outcome] = {}

    def append(self, partition: Partition, kinds: Sequence[str], headers: Headers = (), *, controls: int = 0) -> None:
        """A record, and after it control records that take offsets too."""
        self.put(partition, kinds, value_of(kinds), headers, controls=controls)

    def put(
        self, partition: Partition, kinds: Sequence[str], value: bytes | None, headers: Headers, *, controls: int
    ) -> None:
        offset = self.ends[partition]
        self.logs[partition][offset] = Record(partition, offset, None, value, headers, 1_000)
        self.kinds[partition, offset] = list(kinds)
        self.ends[partition] = offset + 1 + controls

    def commit(self, positions: Mapping[Partition, Position]) -> None:
        for partition, position in positions.items():
            assert len(position.metadata) <= METADATA_BYTES
            assert position.offset >= self.committed[partition].offset, "a commit went back"
            self.committed[partition] = position
        self.check(positions)

    def apply(self, publish: Publish) -> None:
        """A transaction committed."""
        for outcome in publish.outcomes:
            key = (outcome.unit.id.partition, outcome.unit.id.offset, outcome.unit.id.index)
            assert key not in self.ended, "a document has two ends"
            self.ended[key] = outcome
            if isinstance(outcome, Retry):
                self._retry(outcome)
        self.commit(publish.positions)

    def _retry(self, outcome: Retry) -> None:
        unit = outcome.unit
        not_before_ms = round(outcome.not_before * 1000)
        headers = retry_headers(
            unit.record.headers, unit.origin, attempt=unit.attempt, not_before_ms=not_before_ms, code=outcome.error.code
        )
        kind = self.kinds[unit.id.partition, unit.id.offset]
        chosen = [kind[unit.id.index]]
        self.put(RETRIES, chosen, unit.record.value, headers, controls=1)

    def documents(self, partition: Partition) -> Iterable[Key]:
        for offset in self.logs[partition]:
            for place, kind in enumerate(self.kinds[partition, offset]):
                if kind != "none":
                    yield partition, offset, place

    def check(self, partitions: Iterable[Partition]) -> None:
        """A restart at this moment is given exactly the documents that have no end yet."""
        for partition in partitions:
            position = self.committed[partition]
            low, high, listed = account_of(position)
            for key in self.documents(partition):
                gone = key[2] in listed[key[1]][0] if key[1] in listed else key[1] < high
                assert gone == (key in self.ended), f"{key}: {gone=}, {position}"
            assert not listed or min(listed) == low


@dataclass
class Held:
    """What the shell was asked for and has not answered."""

    fetches: dict[UnitId, Unit] = field(default_factory=dict)
    decoders: dict[int, UnitId] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)
    batches: dict[int, RunBatch] = field(default_factory=dict)
    stores: dict[UnitId, Read] = field(default_factory=dict)
    round: Publish | None = None


class Crash(Exception):
    """The process died."""


class Shell:
    """Carries out commands; answers are given by `answer`, in any order. `later`: rounds are answered like the rest."""

    def __init__(self, policy: FlowPolicy, broker: Broker, *, later: bool = False) -> None:
        self.policy = policy
        self.broker = broker
        self.later = later
        self.now = 1_000.0
        self.commands: list[Command] = []
        self.publish_verdicts: list[str] = []
        self.commit_fails = False
        self.fuse: int | None = None
        self.restart()

    def restart(self) -> None:
        """A new process; the group gives it nothing yet. An open round must have been resolved."""
        self.flow = Flow(self.policy)
        self.lanes: set[int] = set()
        self.held = Held()
        self.journal: list[tuple[Event, float, str]] = []
        self.read: dict[Partition, int] = {}
        self.paused: set[Partition] = set()
        self.open: dict[UnitId, Unit] = {}
        self.closed: set[UnitId] = set()
        self.begun: set[UnitId] = set()
        self.page_bytes: dict[tuple[UnitId, int], int] = {}
        self.expected: dict[int, tuple[int, ...]] = {}
        self.crops: dict[tuple[UnitId, int], int | None] = {}
        self.stale: set[tuple[int, UnitId]] = set()
        self.exit: Exit | None = None
        self.depth = 0
        self.commits_lost = False
        for lane in range(self.policy.lanes):
            self.look(lane)

    # --- telling -------------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> list[Command]:
        """One event, and all its commands in order; an answer given at once is told before the rest is done."""
        commands = self.flow.handle(event, self.now)
        self.journal.append((event, self.now, repr(commands)))
        self.commands += commands
        self.depth += 1
        for command in commands:
            self._burn()
            self.do(command)
        self.depth -= 1
        if self.depth == 0:
            self.check_progress()
        return commands

    def _burn(self) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Crash

    def assign(self, partitions: Iterable[Partition]) -> None:
        positions = {partition: self.broker.committed[partition] for partition in partitions}
        self.read |= {partition: position.offset for partition, position in positions.items()}
        self.tell(Assigned(positions))

    def look(self, lane: int, verdict: str = "ok") -> None:
        """A lane reads its known page, or does not."""
        self.tell(LaneLooks(lane))
        self.lanes.discard(lane)
        if verdict == "ok":
            self.lanes.add(lane)
            self.tell(LaneReady(lane))
        else:
            self.tell(LaneFailed(lane, error_of(verdict)))

    def revoke(self, partitions: Iterable[Partition]) -> None:
        gone = list(partitions)
        self.tell(Revoked(gone))
        self._give_up(gone)

    def lose(self, partitions: Iterable[Partition]) -> None:
        gone = list(partitions)
        self.tell(Lost(gone))
        self._give_up(gone)

    def _give_up(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self.read.pop(partition, None)
            self.paused.discard(partition)
        assert all(unit.partition not in partitions or self._in_round(unit) for unit in self.open) or self.exit

    def deliver(self, partition: Partition, most: int = 100) -> None:
        """What the consumer would be handed next."""
        if partition not in self.read or partition in self.paused:
            return
        log = self.broker.logs[partition]
        offsets = [offset for offset in sorted(log) if offset >= self.read[partition]][:most]
        if not offsets:
            self.read[partition] = max(self.read[partition], self.broker.ends[partition])
            return
        self.read[partition] = offsets[-1] + 1
        self.tell(Received(tuple(log[offset] for offset in offsets)))

    def tick(self, passed: float = 0.0) -> list[Command]:
        self.now += passed
        return self.tell(Tick(dict(self.read)))

    # --- answering -----------------------------------------------------------------------------------------------

    def waiting(self) -> list[tuple[str, object]]:
        """Everything that can be answered now."""
        held = self.held
        waiting: list[tuple[str, object]] = [("fetch", unit) for unit in held.fetches]
        waiting += [("open" if number == 0 else "render", decoder) for decoder, number in held.asked.items()]
        waiting += [("batch", batch) for batch in held.batches]
        waiting += [("store", unit) for unit in held.stores]
        if held.round is not None:
            waiting.append(("round", held.round.round))
        return waiting

    def answer(self, which: int, verdict: str = "ok", size: int = 1) -> None:
        """Answer one. `size`: how many pages or crops there turn out to be, or how large they are."""
        waiting = self.waiting()
        if not waiting:
            return
        kind, name = waiting[which % len(waiting)]
        getattr(self, f"_answer_{kind}")(name, None if verdict == "ok" else error_of(verdict), size)

    def _answer_fetch(self, unit: UnitId, error: PagestreamError | None, size: int) -> None:
        del self.held.fetches[unit]
        self.tell(FetchFailed(unit, error) if error else Fetched(unit, ("body", unit)))

    def _answer_open(self, decoder: int, error: PagestreamError | None, size: int) -> None:
        del self.held.asked[decoder]
        pages = tuple((7 * size * place) % 60 for place in range(size))
        self.expected[decoder] = pages
        self.tell(OpenFailed(decoder, error) if error else Opened(decoder, pages))

    def _answer_render(self, decoder: int, error: PagestreamError | None, size: int) -> None:
        number = self.held.asked.pop(decoder)
        unit = self.held.decoders[decoder]
        if error:
            whole = isinstance(error, Environment | Fatal)
            for key in [key for key in self.page_bytes if key[0] == unit and (whole or key[1] == number)]:
                self._page_over(key)
            if whole:
                self.stale |= {(batch, unit) for batch in self.held.batches}
            self.tell(RenderFailed(decoder, number, error))
            return
        if (unit, number) in self.page_bytes:
            self.page_bytes[unit, number] = 10 * size
            self.crops[unit, number] = None
        part = Part("detect", ("shape", size % 3), size, ("page", unit, number))
        self.tell(Rendered(decoder, number, part, ("sheet", number), 10 * size))

    def _answer_batch(self, batch: int, error: PagestreamError | None, size: int) -> None:
        run = self.held.batches.pop(batch)
        if error:
            if len(run.items) == 1 and (batch, run.items[0].unit) not in self.stale:
                key = (run.items[0].unit, run.items[0].page)
                if run.stage == "tables":
                    self._crops_left(key, -1)
                else:
                    self._page_over(key)
            self.tell(BatchFailed(batch, error))
            return
        results: list[object] = []
        for item in run.items:
            key = (item.unit, item.page)
            if run.stage != "detect":
                results.append((run.stage, item.place))
                if (batch, item.unit) not in self.stale:
                    self._crops_left(key, -1)
                continue
            count = (size + item.page) % 4
            stages: tuple[Stage, ...] = ("recognise", "recognise", "tables")
            parts = tuple(Part(stages[place], place % 2, 3 + place, ("crop", place)) for place in range(count))
            results.append(Detected(parts, ("found", item.page)))
            if (batch, item.unit) not in self.stale:
                self._crops_left(key, count)
        self.tell(BatchDone(batch, tuple(results), run.stage, self.now, self.now))

    def _answer_store(self, unit: UnitId, error: PagestreamError | None, size: int) -> None:
        del self.held.stores[unit]
        self.tell(StoreFailed(unit, error) if error else Stored(unit, ("records", unit)))

    def _answer_round(self, round_: int, error: PagestreamError | None, size: int) -> None:
        """A round is committed or it is not; that nobody can say which is `Fatal`."""
        publish = self.held.round
        assert publish is not None
        self.held.round = None
        if error is None or (isinstance(error, Fatal) and size % 2):
            self.broker.apply(publish)
        if error is None:
            self._end(publish.outcomes)
        self._burn()
        self.tell(PublishFailed(round_, error) if error else Published(round_))

    def resolve(self, *, applied: bool) -> None:
        """The process died with a round open: the broker knows what became of it."""
        if self.held.round is not None and applied:
            self.broker.apply(self.held.round)
        self.held.round = None

    # --- doing, and checking what is to be done ------------------------------------------------------------------

    def do(self, command: Command) -> None:
        match command:
            case Accept(unit):
                assert unit.id not in self.open | dict.fromkeys(self.closed)
                self.open[unit.id] = unit
            case Forget(unit_id):
                assert unit_id in self.open, "forgotten twice, or after it was published"
                self._close(unit_id)
            case Commit(positions):
                self.commits_lost |= self.commit_fails
                if not self.commit_fails:
                    self.broker.commit(positions)
            case Pause(partitions):
                assert partitions <= self.read.keys() - self.paused
                self.paused |= set(partitions)
            case Resume(partitions):
                assert partitions <= self.paused
                self.paused -= set(partitions)
            case Exit():
                self.exit = command
            case Ignore():
                pass
            case _:
                self._do_work(command)

    def _do_work(self, command: Command) -> None:
        if self.exit is not None:
            return  # asked for before the round failed that ended the process: nobody hears the answer
        match command:
            case Fetch(unit):
                self._fetch(unit)
            case Open(decoder, unit, body):
                assert decoder not in self.held.decoders
                assert 0 <= decoder < self.policy.decoders
                assert unit.id in self.open
                assert body == ("body", unit.id)
                self.held.decoders[decoder] = unit.id
                self.held.asked[decoder] = 0
            case Render(decoder, number):
                self._render(decoder, number)
            case CloseDocument(decoder):
                assert decoder not in self.held.asked
                del self.held.decoders[decoder]
            case RunBatch():
                self._run(command)
            case Store(outcome):
                assert outcome.unit.id in self.open
                assert outcome.unit.id not in self.held.stores
                self.held.stores[outcome.unit.id] = outcome
            case Publish():
                self._publish(command)

    def _fetch(self, unit: Unit) -> None:
        assert unit.id in self.open
        assert unit.id not in self.held.fetches
        position = self.broker.committed[unit.id.partition]
        told = starts_by(position, unit.id.offset, unit.id.index) >= 1
        no_room = "s" not in position.metadata and len(position.metadata) > offsets.METADATA_LIMIT * 2 // 3
        assert told or no_room or self.commits_lost, "begun before it was durable"
        self.held.fetches[unit.id] = unit
        self.begun.add(unit.id)
        assert len(self.begun) <= self.policy.max_documents
        live = [u for u in self.held.fetches if u in self.open]
        assert len(live) + len(self.held.decoders) <= self.policy.max_loading + self.policy.decoders

    def _render(self, decoder: int, number: int) -> None:
        unit = self.held.decoders[decoder]
        assert unit in self.open
        assert decoder not in self.held.asked
        expected = self.expected[decoder][number - 1]
        held = sum(self.page_bytes.values())
        assert held == 0 or held + expected <= self.policy.max_page_bytes
        self.held.asked[decoder] = number
        self.page_bytes[unit, number] = expected

    def _run(self, run: RunBatch) -> None:
        limits = self.policy.batches[run.stage]
        assert run.items
        assert all(item.unit in self.open for item in run.items)
        assert len({item.bucket for item in run.items}) == 1
        assert len(run.items) <= limits.max_items
        assert len(run.items) == 1 or sum(item.cost for item in run.items) <= limits.max_cost
        named = {(item.unit, item.page, item.place) for item in run.items}
        others = [b for b in self.held.batches.values() if b.stage == run.stage]
        assert len(named) == len(run.items)
        assert named.isdisjoint((i.unit, i.page, i.place) for b in others for i in b.items)
        self.held.batches[run.batch] = run
        assert len(self.held.batches) <= len(self.lanes) * AHEAD

    def _publish(self, publish: Publish) -> None:
        assert self.held.round is None, "two rounds at once"
        assert publish.outcomes
        assert all(outcome.unit.id in self.open for outcome in publish.outcomes)
        assert {o.unit.id.partition for o in publish.outcomes} == publish.positions.keys()
        records = {(o.unit.id.partition, o.unit.id.offset) for o in publish.outcomes}
        assert len(publish.outcomes) <= self.policy.max_round or len(records) == 1
        self.held.round = publish
        if not self.later:
            verdict = self.publish_verdicts.pop() if self.publish_verdicts else "ok"
            self._answer_round(publish.round, None if verdict == "ok" else error_of(verdict), int(self.now))

    def _in_round(self, unit: UnitId) -> bool:
        return self.held.round is not None and any(o.unit.id == unit for o in self.held.round.outcomes)

    def _end(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self._close(outcome.unit.id)

    def _close(self, unit: UnitId) -> None:
        del self.open[unit]
        self.closed.add(unit)
        self.begun.discard(unit)
        for key in [key for key in self.page_bytes if key[0] == unit]:
            self._page_over(key)

    def _page_over(self, key: tuple[UnitId, int]) -> None:
        self.page_bytes.pop(key, None)
        self.crops.pop(key, None)

    def _crops_left(self, key: tuple[UnitId, int], count: int) -> None:
        if key in self.crops:
            left = self.crops[key] = (self.crops[key] or 0) + count
            if left == 0:
                self._page_over(key)

    # --- what must hold between events ---------------------------------------------------------------------------

    def check_progress(self) -> None:
        """No lane idles while work waits, nothing overdue waits for a lane that has room, no memory is kept."""
        if self.exit is not None:
            assert all(self._in_round(unit) for unit in self.open), "an exit left documents behind"
            return
        reading = self.flow._reading
        assert reading.running == len(self.held.batches)
        assert reading.waiting == 0 or len(self.held.batches) >= len(self.lanes)
        overdue = any((due := b.due()) is not None and due <= self.now for b in reading._batchers.values())
        assert not overdue or len(self.held.batches) >= len(self.lanes) * AHEAD
        assert self.flow._loading._held == sum(self.page_bytes.values())

    def check_replay(self) -> None:
        """The same events make the same commands."""
        flow = Flow(self.policy)
        for event, now, commands in self.journal:
            assert repr(flow.handle(event, now)) == commands

    def finish(self, steps: int = 20_000, choose: Callable[[int], int] = lambda step: step) -> None:
        """Let everything succeed until nothing happens any more."""
        self.publish_verdicts.clear()
        self.commit_fails, self.fuse = False, None
        if self.commits_lost:  # the flow is not told, and does not ask again: the next commit will tell
            for partition in self.read:
                self.broker.append(partition, ["none"])
        for step in range(steps):
            if self.exit is not None or self.is_done():
                return
            for partition in sorted(self.read):
                self.deliver(partition, 3)
            for _ in range(len(self.waiting())):
                self.answer(choose(step), "ok", 1 + step % 4)
            due = self.flow.due()
            self.tick(max(0.0, due - self.now) if due is not None and not self.waiting() else 0.01)
        raise AssertionError("work is left and nothing happens")

    def is_done(self) -> bool:
        """All was read, nothing is on its way, and what is committed says so."""
        read = all(
            self.read[p] >= self.broker.ends[p] and self.broker.committed[p].offset >= self.broker.ends[p]
            for p in self.read
        )
        return read and not self.waiting() and not self.open

    def check_empty(self) -> None:
        """Nothing of any document is kept."""
        flow = self.flow
        assert not flow.busy
        assert (list(flow._documents), flow._failing._waiting, flow._paused) == ([], [], set())
        assert (len(flow._intake), flow._intake.due(), flow.due()) == (0, None, None)
        assert (flow._reading.waiting, flow._reading.running, flow._reading._pages) == (0, 0, {})
        loading = flow._loading
        assert (loading._held, loading._page_bytes, loading._decoding, loading._fetching) == (0, {}, {}, set())
        assert sorted(loading._free) == list(range(self.policy.decoders))
        assert not loading._to_fetch
        assert not loading._fetched
        assert (self.held.decoders, self.paused, self.open) == ({}, set(), {})


def ends_of(broker: Broker) -> dict[str, int]:
    """How many documents ended which way; a retry is no end."""
    counts = {"read": 0, "dead": 0}
    for outcome in broker.ended.values():
        if isinstance(outcome, Read):
            counts["read"] += 1
        elif isinstance(outcome, Dead):
            counts["dead"] += 1
    return counts
