"""Every number the core decides by, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.core.allow import AllowList
from pipeline.core.batching import BatchPolicy
from pipeline.core.breaker import BreakerPolicy
from pipeline.core.events import Stage
from pipeline.core.retry import Backoff, RetryPolicy


@dataclass(frozen=True, slots=True)
class FlowPolicy:
    """Limits and policies of one worker.

    max_documents   begun and not settled; above it the consumer pauses. At most 256, so that the list of them always
                    fits into a commit's metadata (offsets.METADATA_LIMIT).
    max_loading     begun and not fully decoded: bounds the bytes of undecoded objects held.
    max_page_bytes  decoded pages held at once, in bytes; one page is always allowed.
    max_starts      processes that may die with a document in flight before it is given up. Before the last of them it
                    runs alone, so that it is known to be the cause.
    max_pages       pages of documents opened and not settled: bounds the text held. One document is always allowed.
    max_round, max_round_bytes   documents published in one transaction, and about how many bytes of records.
    publish_interval_s   from the end of a transaction to the next: while it runs the loop hears nothing, and lanes that
                    are quick run dry.
    batch_deadline_s   how long an engine may be silent about a batch, the one before it included, or its known page.
    memory_ceiling     resident bytes of this process at which it drains, to be replaced; None for no ceiling.
    """

    allow: AllowList
    batches: Mapping[Stage, BatchPolicy]
    retry: RetryPolicy
    environment: Backoff
    breaker: BreakerPolicy
    lanes: int
    decoders: int
    retry_topics: frozenset[str]
    max_documents: int = 64
    max_loading: int = 6
    max_page_bytes: int = 512 * 2**20
    max_starts: int = 3
    max_pages: int = 2_000
    max_round: int = 256
    max_round_bytes: int = 64 * 2**20
    batch_deadline_s: float = 300.0
    commit_interval_s: float = 1.0
    publish_interval_s: float = 0.0
    memory_ceiling: int | None = None
