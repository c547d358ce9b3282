"""What can happen (events) and what is to be done about it (commands).

Payloads (`body`, `image`, crops, results of an engine) pass through unopened. Every event about a document names its
`UnitId`; one that names a document no longer held (its partition was revoked) is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.core.batching import Closed
from pipeline.errors import PagestreamError
from schemas.events import DocumentSubmitted
from schemas.failures import Origin
from schemas.record import Partition, Position, Record

Stage = Literal["detect", "recognise", "tables"]
STAGES: tuple[Stage, ...] = ("detect", "recognise", "tables")
"""The order of the path. Batches are chosen from its end: finishing a page frees memory, starting one does not."""


@dataclass(frozen=True, slots=True)
class UnitId:
    """One document that one record names: the unit of settlement. `epoch` counts assignments of the partition."""

    partition: Partition
    offset: int
    index: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Unit:
    """What is known of a document before it is fetched. `attempt`: from 1, over retry topics and lost processes."""

    id: UnitId
    record: Record
    origin: Origin
    attempt: int
    event: DocumentSubmitted | None


@dataclass(frozen=True, slots=True)
class Part:
    """Something an engine can work on: a page to detect on, a line to read, a table to find the structure of."""

    stage: Stage
    bucket: Hashable
    cost: int
    payload: object


@dataclass(frozen=True, slots=True)
class Item:
    """One part on its way through its stage. `place` is its index among the parts of its page (0 for the page)."""

    unit: UnitId
    page: int
    place: int
    part: Part
    queued_at: float

    @property
    def bucket(self) -> Hashable:
        return self.part.bucket

    @property
    def stage(self) -> Stage:
        return self.part.stage

    @property
    def cost(self) -> int:
        return self.part.cost


# --- how a page and a document can end ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartFailed:
    """In place of an answer: the page does without this part."""

    error: PagestreamError


@dataclass(frozen=True, slots=True)
class PageRead:
    """`found` is what detection told of the page; `answers` has one entry a part, in the order detection gave them."""

    number: int
    sheet: object
    found: object
    answers: tuple[object, ...]

    @property
    def errors(self) -> tuple[PagestreamError, ...]:
        """Why parts of it are missing."""
        return tuple(answer.error for answer in self.answers if isinstance(answer, PartFailed))


@dataclass(frozen=True, slots=True)
class PageFailed:
    number: int
    error: PagestreamError


@dataclass(frozen=True, slots=True)
class PageSkipped:
    number: int


PageOutcome = PageRead | PageFailed | PageSkipped


@dataclass(frozen=True, slots=True)
class Read:
    """At least one page could be read, or nothing was there to be read. `records` come back from `Store`."""

    unit: Unit
    pages: tuple[PageOutcome, ...]
    records: object = None


@dataclass(frozen=True, slots=True)
class Dead:
    """`attempts` were made: 0 for an event that was refused."""

    unit: Unit
    error: PagestreamError
    attempts: int


@dataclass(frozen=True, slots=True)
class Retry:
    """Hand the document to the retry topic with that delay."""

    unit: Unit
    error: PagestreamError
    delay_s: int
    not_before: float


Outcome = Read | Dead | Retry


# --- events ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assigned:
    positions: Mapping[Partition, Position]


@dataclass(frozen=True, slots=True)
class Revoked:
    partitions: Collection[Partition]


@dataclass(frozen=True, slots=True)
class Lost:
    partitions: Collection[Partition]


@dataclass(frozen=True, slots=True)
class Received:
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    unit: UnitId
    body: object


@dataclass(frozen=True, slots=True)
class FetchFailed:
    unit: UnitId
    error: PagestreamError


@dataclass(frozen=True, slots=True)
class Opened:
    """`page_bytes` is what page n (from 1) will take once decoded, at index n - 1; 0 where that is not known yet."""

    decoder: int
    page_bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OpenFailed:
    decoder: int
    error: PagestreamError


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page is decoded. `sheet` is what the result needs to know of it besides its pixels."""

    decoder: int
    number: int
    part: Part
    sheet: object
    size: int


@dataclass(frozen=True, slots=True)
class RenderFailed:
    decoder: int
    number: int
    error: PagestreamError


@dataclass(frozen=True, slots=True)
class Detected:
    """What detection makes of a page: `parts` for the stages after it, and what a result is to say besides."""

    parts: tuple[Part, ...]
    page: object


@dataclass(frozen=True, slots=True)
class BatchDone:
    """`results` has one entry an item, in order: `Detected` for a page, an answer for every other part.

    `started` and `ended` tell the engine's time; an item waited from its `queued_at` until `started`.
    """

    batch: int
    results: tuple[object, ...]
    stage: Stage
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class BatchFailed:
    batch: int
    error: PagestreamError


@dataclass(frozen=True, slots=True)
class LaneLooks:
    """A lane has its known page in hand: it will say `LaneReady` or `LaneFailed`."""

    lane: int


@dataclass(frozen=True, slots=True)
class LaneReady:
    """The lane's engine reads; it takes batches."""

    lane: int


@dataclass(frozen=True, slots=True)
class LaneFailed:
    """The lane's engine does not read. It has no batch in hand, and takes none any more."""

    lane: int
    error: PagestreamError


@dataclass(frozen=True, slots=True)
class Stored:
    unit: UnitId
    records: object


@dataclass(frozen=True, slots=True)
class StoreFailed:
    unit: UnitId
    error: PagestreamError


@dataclass(frozen=True, slots=True)
class Published:
    round: int


@dataclass(frozen=True, slots=True)
class PublishFailed:
    round: int
    error: PagestreamError


@dataclass(frozen=True, slots=True)
class Tick:
    """All that had happened has been told. `ends`: how far each partition was read, control records included."""

    ends: Mapping[Partition, int]


@dataclass(frozen=True, slots=True)
class MemorySeen:
    """What this process takes, resident, in bytes. First told before any record."""

    resident: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Begin nothing more, finish what is begun, then exit. `error` is the reason when it is not a wish."""

    error: PagestreamError | None = None


Event = (
    Assigned
    | Revoked
    | Lost
    | Received
    | Fetched
    | FetchFailed
    | Opened
    | OpenFailed
    | Rendered
    | RenderFailed
    | BatchDone
    | BatchFailed
    | LaneLooks
    | LaneReady
    | LaneFailed
    | Stored
    | StoreFailed
    | Published
    | PublishFailed
    | Tick
    | MemorySeen
    | Drain
)


# --- commands ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accept:
    """A document was read off its topic: its trace begins."""

    unit: Unit


@dataclass(frozen=True, slots=True)
class Ignore:
    """A record names no document, for a reason from a closed set: count it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Commit:
    """Tell Kafka where we stand, outside any transaction. Must be done before the commands that follow it."""

    positions: Mapping[Partition, Position]


@dataclass(frozen=True, slots=True)
class Pause:
    partitions: Collection[Partition]


@dataclass(frozen=True, slots=True)
class Resume:
    partitions: Collection[Partition]


@dataclass(frozen=True, slots=True)
class Fetch:
    unit: Unit


@dataclass(frozen=True, slots=True)
class Open:
    decoder: int
    unit: Unit
    body: object


@dataclass(frozen=True, slots=True)
class Render:
    decoder: int
    number: int


@dataclass(frozen=True, slots=True)
class CloseDocument:
    decoder: int


@dataclass(frozen=True, slots=True)
class RunBatch:
    batch: int
    stage: Stage
    items: tuple[Item, ...]
    closed: Closed


@dataclass(frozen=True, slots=True)
class Store:
    """Write the full result, and the pages too large for a record, to the results bucket."""

    outcome: Read


@dataclass(frozen=True, slots=True)
class Publish:
    """One transaction: the records of all outcomes, and the positions that make them final."""

    round: int
    outcomes: tuple[Outcome, ...]
    positions: Mapping[Partition, Position]


@dataclass(frozen=True, slots=True)
class Forget:
    """A document is somebody else's now, or nobody's: drop what is held for it."""

    unit: UnitId


@dataclass(frozen=True, slots=True)
class Exit:
    """Nothing is left in flight. `error` is why, unless it was wished for."""

    error: PagestreamError | None


Command = (
    Accept
    | Ignore
    | Commit
    | Pause
    | Resume
    | Fetch
    | Open
    | Render
    | CloseDocument
    | RunBatch
    | Store
    | Publish
    | Forget
    | Exit
)
