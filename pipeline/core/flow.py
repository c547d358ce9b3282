"""The straight path of a document, from the record that names it to the transaction that settles it.

    Received -> Fetch -> Fetched -> Open -> Opened -> Render -> Rendered -> RunBatch(detect)
             -> RunBatch(tables, recognise) -> Store -> Stored -> Publish -> Published

`handle(event, now)` changes the state and answers with what is to be done, in that order. Transactions are begun on
`Tick` only, when everything that had happened has been told, so that one transaction carries all that has settled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from pipeline.core.documents import Document, Documents
from pipeline.core.events import (
    Assigned,
    BatchDone,
    BatchFailed,
    Command,
    Commit,
    Drain,
    Event,
    Exit,
    Fetched,
    FetchFailed,
    LaneFailed,
    LaneLooks,
    LaneReady,
    Lost,
    MemorySeen,
    Opened,
    OpenFailed,
    PageFailed,
    PageOutcome,
    PageRead,
    PageSkipped,
    Pause,
    Published,
    PublishFailed,
    Read,
    Received,
    Rendered,
    RenderFailed,
    Resume,
    Revoked,
    Store,
    Stored,
    StoreFailed,
    Tick,
    Unit,
    UnitId,
)
from pipeline.core.failing import Failing, Step
from pipeline.core.gather import Gather
from pipeline.core.health import Health
from pipeline.core.intake import Intake, Refusal
from pipeline.core.loading import Loading
from pipeline.core.offsets import MetadataInvalid
from pipeline.core.partitions import Partitions
from pipeline.core.policy import FlowPolicy
from pipeline.core.reading import PageEnded, Reading
from pipeline.core.settling import Budget, Settling
from pipeline.errors import Environment, Fatal, PagestreamError, Recycle, Rejected
from schemas.record import Partition, Position, Record

RESUME_SHARE = 0.75
"""Paused at the limit, resumed below three quarters of it: pausing throws away what the client has prefetched."""


class Flow:
    """One worker's decisions. Not thread-safe: one thread tells it everything. `reading`: another than the usual one,
    for comparisons."""

    def __init__(self, policy: FlowPolicy, *, reading: Reading | None = None) -> None:
        self._policy = policy
        self._partitions = Partitions()
        self._intake = Intake(policy, self._partitions)
        self._loading = Loading(
            decoders=policy.decoders,
            max_loading=policy.max_loading,
            max_page_bytes=policy.max_page_bytes,
            max_pages=policy.max_pages,
        )
        self._reading = reading or Reading(policy.batches, lanes=0, deadline_s=policy.batch_deadline_s)
        self._settling = Settling(self._partitions, Budget(policy.max_round, policy.max_round_bytes))
        self._documents = Documents(self._loading, self._reading, self._settling)
        self._failing = Failing(policy, self._documents)
        self._health = Health(policy, partitions=self._partitions, reading=self._reading, documents=self._documents)
        self._paused: set[Partition] = set()
        self._full = False
        self._publish_tries = 0
        self._publish_at = 0.0
        self._commit_at = 0.0
        self._told_at = 0.0
        self._draining = False
        self._reason: PagestreamError | None = None
        self._exited = False

    # --- what the shell asks ---------------------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def reason(self) -> PagestreamError | None:
        """Why it drains or has ended, unless it was asked to."""
        return self._reason

    @property
    def starting(self) -> bool:
        """Whether a lane has yet to say for the first time whether it reads: too early to join the group."""
        return self._health.starting

    @property
    def ready(self) -> bool:
        """Whether all of it is there, and takes work."""
        return self._health.whole and not self._draining

    @property
    def busy(self) -> bool:
        """Whether anything but a new record can happen next."""
        return bool(len(self._documents) or len(self._settling))

    def due(self) -> float | None:
        """When something is to be decided even if nothing happens."""
        times = [self._intake.due(), self._reading.due(), self._failing.due(), self._health.due()]
        if len(self._settling) and self._publish_at > self._told_at:
            times.append(self._publish_at)  # else a round was tried: what is left waits for siblings
        return min((at for at in times if at is not None), default=None)

    def handle(self, event: Event, now: float) -> list[Command]:
        if self._exited:
            return []
        self._told_at = now
        commands = list(self._told(event, now))
        if not self._exited:
            commands += self._go_on(now)
        if isinstance(event, Tick) and not self._exited:
            commands += self._settle(now)
        return commands

    # --- what happened ---------------------------------------------------------------------------------------

    def _told(self, event: Event, now: float) -> Iterator[Command]:
        match event:
            case Assigned(positions):
                yield from self._assigned(positions)
            case Revoked(partitions):
                yield from self._revoked(partitions)
            case Lost(partitions):
                yield from self._give_up(partitions)
            case Received(records):
                yield from self._received(records, now)
            case Fetched(unit, body):
                self._fetched(unit, body)
            case FetchFailed(unit, error):
                self._loading.fetch_failed(unit)
                yield from self._obey(self._failing.failed(unit, error, now))
            case Opened(decoder, page_bytes):
                yield from self._opened(decoder, page_bytes)
            case OpenFailed(decoder, error):
                if (unit_id := self._loading.answered(decoder)) is not None:
                    yield from self._obey(self._failing.failed(unit_id, error, now))
            case Rendered():
                self._rendered(event, now)
            case RenderFailed(decoder, number, error):
                yield from self._render_failed(decoder, PageFailed(number, error), now)
            case BatchDone(batch, results):
                for ended in self._reading.batch_done(batch, results, now):
                    yield from self._page_ended(ended, now)
            case BatchFailed(batch, error):
                yield from self._batch_failed(batch, error, now)
            case Stored(unit, records):
                self._stored(unit, records)
            case StoreFailed(unit, error):
                yield from self._obey(self._failing.failed(unit, error, now))
            case Published():
                self._published()
            case PublishFailed(_, error):
                yield from self._publish_failed(error, now)
            case Tick(ends):
                if not self._draining:  # then not all that was read was tracked
                    self._partitions.advance(ends)
                yield from self._obey(self._health.look(now))  # not before: an answer may lie in the inbox
            case LaneLooks() | LaneReady() | LaneFailed() | MemorySeen():
                yield from self._obey(self._health.told(event, now))
            case Drain(error):
                yield from self._drain(error)

    def _assigned(self, positions: Mapping[Partition, Position]) -> Iterator[Command]:
        try:
            self._partitions.assign(positions)
        except MetadataInvalid:
            reason = "A newer release committed this group's position; upgrade, or reset the group's offsets."
            yield from self._drain(Fatal(reason, code="position_unreadable", stage="assign"))

    def _revoked(self, partitions: Collection[Partition]) -> Iterator[Command]:
        """Publish what is finished while the partitions are still ours, and leave a clean position behind."""
        left = {} if self._settling.open else self._partitions.handover(partitions)
        publish = self._settling.begin(partitions)
        if publish is not None:
            yield publish
            left = {p: position for p, position in left.items() if p not in publish.positions}
        if left:
            yield Commit(left)
        yield from self._give_up(partitions)

    def _give_up(self, partitions: Collection[Partition]) -> Iterator[Command]:
        """Our own starts on them are remembered: should they come back to us, nobody died of those documents."""
        gone = self._intake.drop(partitions)
        gone += [unit for unit in self._documents if unit.partition in partitions]
        self._partitions.drop(partitions)
        self._paused -= set(partitions)
        yield from self._documents.forget(gone)

    def _received(self, records: Iterable[Record], now: float) -> Iterator[Command]:
        for record in records:
            if self._draining:
                break  # not tracked, so whoever comes next reads on from here
            try:
                yield from self._answer(self._intake.receive(record, now))
            except Environment as error:
                yield from self._drain(error)
        if self._draining:
            yield from self._documents.forget(self._intake.drop_all())

    def _fetched(self, unit: UnitId, body: object) -> None:
        document = self._documents.get(unit)
        if document is not None:
            self._loading.fetched(document.unit, body)

    def _opened(self, decoder: int, page_bytes: tuple[int, ...]) -> Iterator[Command]:
        unit = self._loading.answered(decoder)
        document = self._documents.get(unit)
        if document is None:
            return
        event = document.unit.event
        assert event is not None
        wanted = [number for number in range(1, len(page_bytes) + 1) if event.options.selects(number)]
        if not wanted:
            message = "The pages asked for are not in the document; correct options.pages."
            error = Rejected(message, code="page_out_of_range", stage="decode")
            yield from self._obey(self._failing.dead(document.unit, error))
            return
        document.pages = Gather(len(page_bytes))
        for number in set(range(1, len(page_bytes) + 1)) - set(wanted):
            document.pages.put(number - 1, PageSkipped(number))
        self._loading.opened(decoder, page_bytes, wanted)

    def _rendered(self, event: Rendered, now: float) -> None:
        unit = self._loading.answered(event.decoder)
        if unit is not None:
            self._loading.hold(unit, event.number, event.size)
            self._reading.add_page(unit, event.number, event.part, event.sheet, now)

    def _render_failed(self, decoder: int, page: PageFailed, now: float) -> Iterator[Command]:
        unit = self._loading.answered(decoder)
        if unit is None:
            return
        if isinstance(page.error, Environment | Fatal):
            yield from self._obey(self._failing.failed(unit, page.error, now))
        else:
            yield from self._page_ended(PageEnded(unit, page), now)

    def _batch_failed(self, batch: int, error: PagestreamError, now: float) -> Iterator[Command]:
        ended = self._reading.batch_failed(batch, error)
        if isinstance(error, Fatal | Environment):
            yield from self._obey([self._health.engine_lost(error)])
            return
        for page in ended:
            yield from self._page_ended(page, now)

    def _page_ended(self, ended: PageEnded, now: float) -> Iterator[Command]:
        self._loading.release(ended.unit, ended.outcome.number)
        document = self._documents.get(ended.unit)
        if document is None or document.pages is None:
            return
        document.pages.put(ended.outcome.number - 1, ended.outcome)
        if document.pages.complete:
            yield from self._judge(document, document.pages.whole(), now)

    def _judge(self, document: Document, pages: tuple[PageOutcome, ...], now: float) -> Iterator[Command]:
        """Every page has its outcome: try the document again, give it up, or call it read."""
        failures = [page.error for page in pages if isinstance(page, PageFailed)]
        lacking = [error for page in pages if isinstance(page, PageRead) for error in page.errors]
        read = sum(isinstance(page, PageRead) for page in pages)
        outcome = self._failing.without_pages(document.unit, [*failures, *lacking], now, read=read)
        if outcome is not None:
            yield from self._obey(self._failing.end(outcome))
            return
        document.tries = 0
        document.result = Read(document.unit, pages)
        yield Store(document.result)

    def _stored(self, unit: UnitId, records: object) -> None:
        document = self._documents.get(unit)
        if document is not None and document.result is not None:
            self._failing.read()
            self._settling.add(replace(document.result, records=records))

    # --- what is to be done next ---------------------------------------------------------------------------------

    def _go_on(self, now: float) -> Iterator[Command]:
        yield from self._retry_now(now)
        if self._health.can_read and not self._draining and not self._settling.open:
            yield from self._begin(now)
        yield from self._reading.commands(now)
        yield from self._loading.commands()
        yield from self._pause_or_resume(now)

    def _retry_now(self, now: float) -> Iterator[Command]:
        for document in self._failing.due_again(now):
            if document.result is not None:
                yield Store(document.result)
            else:
                self._loading.want(document.unit)

    def _begin(self, now: float) -> Iterator[Command]:
        begun: list[Unit] = []
        for step in self._intake.begin(self._documents.begun, now):
            if isinstance(step, Unit):
                begun.append(step)
                self._documents.begin(step)
            else:
                yield from self._answer([step])
        touched = {unit.id.partition for unit in begun}
        if touched:
            # Durable before the work begins: whoever comes after a crash must know what was in flight.
            yield Commit({p: t.position() for p in sorted(touched) if (t := self._partitions.tracker(p)) is not None})

    def _answer(self, steps: Iterable[Command | Refusal | Unit]) -> Iterator[Command]:
        for step in steps:
            if isinstance(step, Refusal):
                yield from self._obey(self._failing.end(step.outcome))
            elif not isinstance(step, Unit):
                yield step

    def _obey(self, steps: Iterable[Step]) -> Iterator[Command]:
        for step in steps:
            if isinstance(step, Drain):
                yield from self._drain(step.error)
            else:
                yield step

    def _pause_or_resume(self, now: float) -> Iterator[Command]:
        load = len(self._documents) + len(self._intake)
        limit = self._policy.max_documents
        self._full = load >= (limit * RESUME_SHARE if self._full else limit)
        ours = set(self._partitions)
        wanted = ours if self._full or self._draining else self._intake.held_back(now) & ours
        if pause := wanted - self._paused:
            yield Pause(frozenset(pause))
        if resume := self._paused - wanted:
            yield Resume(frozenset(resume))
        self._paused = set(wanted)

    def _settle(self, now: float) -> Iterator[Command]:
        if now >= self._publish_at and (publish := self._settling.begin()) is not None:
            yield publish
            return  # positions taken now would count on a transaction that may yet be aborted
        if now >= self._commit_at and not self._settling.open and (positions := self._partitions.take_changed()):
            self._commit_at = now + self._policy.commit_interval_s
            yield Commit(positions)
        if self._draining and self._is_drained(now):
            yield from self._exit()

    def _published(self) -> None:
        self._publish_tries = 0
        self._publish_at = self._told_at + self._policy.publish_interval_s
        self._documents.published()

    def _publish_failed(self, error: PagestreamError, now: float) -> Iterator[Command]:
        if isinstance(error, Fatal):
            # Nobody knows what became of the round. A position told now might undo it: leave without a word.
            self._partitions.drop(list(self._partitions))
        yield from self._documents.taken_back()
        self._publish_tries += 1
        pause = self._policy.environment.delay(self._publish_tries)
        if pause is not None and not isinstance(error, Fatal):
            self._publish_at = now + pause
            return
        if isinstance(error, Fatal):
            yield from self._drain(error)
            return
        yield from self._drain(Environment(error.message, code=error.code, stage=error.stage))
        yield from self._exit()  # at once: nothing more can be told

    # --- how it ends ---------------------------------------------------------------------------------------------

    def _drain(self, error: PagestreamError | None) -> Iterator[Command]:
        if self._draining and isinstance(error, Recycle):
            return  # it ends anyway
        self._reason = error if isinstance(self._reason, Recycle) else self._reason or error
        self._draining = True
        yield from self._documents.forget(self._intake.drop_all())
        yield from self._failing.try_no_more()
        if isinstance(error, Fatal):
            yield from self._exit()

    def _is_drained(self, now: float) -> bool:
        """Asked after a round was tried: what is settled still then waits for siblings that will not come."""
        tried = not len(self._settling) or now >= self._publish_at
        return tried and not self._settling.open and len(self._documents) == len(self._settling)

    def _exit(self) -> Iterator[Command]:
        yield from self._documents.forget(list(self._documents))
        self._exited = True
        left = {} if self._settling.open else self._partitions.handover(list(self._partitions))
        if left:
            yield Commit(left)
        yield Exit(self._reason)
