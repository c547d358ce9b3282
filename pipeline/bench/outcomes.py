"""What became of the documents of one pass, as their records tell it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from pipeline.bench.ours import STEPS
from pipeline.topics import Topics
from schemas.codec import decode
from schemas.failures import read_dead_letter
from schemas.record import Record
from schemas.results import DocumentCompleted


@dataclass(slots=True)
class Outcomes:
    """`names`: reference of an event -> the document's name. `done` and `failed` (a code) by that name. `last`: when
    the last of them was seen, by this machine's clock."""

    names: dict[str, str]
    done: dict[str, DocumentCompleted] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    last: float = 0.0

    @property
    def all(self) -> bool:
        return len(self.done) + len(self.failed) == len(self.names)

    def take(self, record: Record, topics: Topics) -> int | None:
        """Pages of a document of ours that ended; None where the record is about none."""
        if record.partition.topic == topics.results:
            done = decode(DocumentCompleted, record.value or b"")
            name = self.names.get(done.reference or "")
            if name is None:
                return None
            self.done[name], self.last = done, time.time()
            return done.pages_by_status.ok + done.pages_by_status.empty
        letter, event = read_dead_letter(record.headers), record.value or b""
        name = next((name for reference, name in self.names.items() if reference.encode() in event), None)
        if letter is None or name is None:
            return None
        self.failed[name], self.last = letter.code, time.time()
        return 0

    def seconds(self) -> float:
        """From the first event taken to the last outcome seen: both by this machine's clock."""
        taken = [
            done.event.timestamp.timestamp() + done.timings.queued_s
            for done in self.done.values()
            if done.event.timestamp is not None and done.timings.queued_s is not None
        ]
        return self.last - min(taken) if taken else 0.0

    def steps(self) -> dict[str, float]:
        steps: Counter[str] = Counter()
        for done in self.done.values():
            steps.update({step: getattr(done.timings, f"{step}_s") or 0.0 for step in STEPS})
        return dict(steps)
