"""Which offset may be committed when documents finish out of order, and what a successor must know.

A record is settled when every document it names is. The watermark is the lowest record not settled; it is what Kafka
is told. Above it some records are settled already: a successor that read only the watermark would publish them again.
So the commit's metadata lists what is *not* settled between the watermark and the highest record begun:

    1;<high - watermark>;<gap>[d<runs>][s<index>:<starts>+...],...

one entry a record, `gap` counted from the entry before; `d` the indices already settled, as runs; `s` how often work
on an index was begun by a process that did not live to settle it. Listing the unsettled keeps it short: they are
bounded by admission, while the settled are not. What still does not fit is not settled before what lies below it; the
starts are left out first. Entries that name no document are not kept: who reads them again passes over them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.record import Position

METADATA_LIMIT = 3072
"""Bytes. Kafka refuses more than offset.metadata.max.bytes (4 096 by default); the rest is left to the client."""


class MetadataInvalid(Exception):
    """The commit's metadata was not written by this program, or by a newer one."""


@dataclass(slots=True)
class Unsettled:
    """One record not settled yet. `size` is unknown (None) from a restart until the record is read again."""

    size: int | None = None
    done: set[int] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)
    starts: dict[int, int] = field(default_factory=dict)
    inherited: dict[int, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return self.size is not None and len(self.done | self.passed) >= self.size

    def open(self, starts: dict[int, int]) -> dict[int, int]:
        """Those of documents that are not settled."""
        return {index: count for index, count in starts.items() if index not in self.done}


class OffsetTracker:
    """One partition, one assignment. Records must be tracked in the order of their offsets."""

    def __init__(self, position: Position) -> None:
        self._unsettled: dict[int, Unsettled] = {}
        self._high = position.offset
        self._leader_epoch = position.leader_epoch
        if position.metadata:
            self._restore(position.offset, position.metadata)
        self._closing: dict[int, Unsettled] = {}
        self._own: dict[tuple[int, int], int] = {}

    @property
    def watermark(self) -> int:
        return next(iter(self._unsettled), self._high)

    @property
    def unsettled(self) -> int:
        return len(self._unsettled)

    def is_settled(self, offset: int) -> bool:
        """A predecessor settled this record, or we did."""
        return offset < self._high and offset not in self._unsettled

    def track(self, offset: int, size: int, leader_epoch: int | None = None) -> frozenset[int]:
        """Begin to follow a record that names `size` documents. Returns the indices settled by a predecessor."""
        for lower in [o for o, entry in self._unsettled.items() if o < offset and entry.size is None]:
            del self._unsettled[lower]  # gone from the log (retention, compaction): it will not come again
        entry = self._unsettled.setdefault(offset, Unsettled())
        entry.size = size
        self._high = max(self._high, offset + 1)
        self._leader_epoch = leader_epoch if leader_epoch is not None else self._leader_epoch
        done = frozenset(i for i in entry.done if i < size)
        if len(done) == size:
            del self._unsettled[offset]
        return done

    def starts(self, offset: int, index: int) -> int:
        """How many processes began this document and did not live to settle it."""
        return self._unsettled[offset].inherited.get(index, 0)

    def start(self, offset: int, index: int) -> None:
        entry = self._unsettled[offset]
        entry.starts[index] = self._own[offset, index] = entry.inherited.get(index, 0) + 1

    def own_starts(self) -> dict[tuple[int, int], int]:
        """What we began, under this assignment or an earlier one, and have not settled; with the count that was
        committed for it. What a predecessor began is not ours."""
        open_ = ((o, i) for o, i in self._own if (e := self._unsettled.get(o)) is not None and i not in e.done)
        return {key: self._own[key] for key in open_}

    def forgive(self, own: Mapping[tuple[int, int], int]) -> None:
        """These starts were ours under an earlier assignment, and we live: they count no longer."""
        for (offset, index), count in own.items():
            entry = self._unsettled.get(offset)
            if entry is None or entry.inherited.get(index, 0) < count:
                continue  # another position was committed since
            self._own[offset, index] = count
            entry.inherited[index] -= 1
            if not entry.inherited[index]:
                del entry.inherited[index]
            entry.starts = dict(entry.inherited)

    def pass_over(self, offset: int, index: int) -> None:
        """An entry that names no document: nothing is published for it, so nothing can be published twice."""
        entry = self._unsettled[offset]
        entry.passed.add(index)
        if entry.complete:
            del self._unsettled[offset]

    def settle_together(self, offset: int, indices: frozenset[int]) -> bool:
        """Settle some documents of one record if the position still fits into a commit; else change nothing."""
        entry = self._unsettled[offset]
        entry.done |= indices
        if entry.complete:
            self._closing[offset] = self._unsettled.pop(offset)
        if len(self._position({}).metadata) <= METADATA_LIMIT:
            return True
        self.reopen(offset, indices)
        return False

    def confirm(self) -> None:
        """The transaction that carried what was settled together is committed."""
        self._closing.clear()
        self._own = self.own_starts()  # what is settled is forgotten: memory stays flat over any number of documents

    def reopen(self, offset: int, indices: frozenset[int]) -> None:
        """Undo `settle_together`: the transaction that carried it was aborted."""
        if offset in self._closing:
            self._unsettled[offset] = self._closing.pop(offset)
            self._unsettled = dict(sorted(self._unsettled.items()))
        self._unsettled[offset].done -= indices

    def advance(self, offset: int) -> None:
        """Everything below `offset` was read and nothing is open: control records at the end hold no documents."""
        if not self._unsettled:
            self._high = max(self._high, offset)

    def position(self) -> Position:
        return self._fitting({offset: entry.open(entry.starts) for offset, entry in self._unsettled.items()})

    def handover(self) -> Position:
        """The position to leave behind when the partition is given up in good order: our own starts do not count."""
        return self._fitting({offset: entry.open(entry.inherited) for offset, entry in self._unsettled.items()})

    def _fitting(self, starts: Mapping[int, dict[int, int]]) -> Position:
        position = self._position(starts)
        return position if len(position.metadata) <= METADATA_LIMIT else self._position({})

    def _position(self, starts: Mapping[int, dict[int, int]]) -> Position:
        low = self.watermark
        end = self._end(starts)
        entries, previous = [], low
        for offset, entry in self._unsettled.items():
            if offset >= end:
                break
            entries.append(f"{offset - previous}{_done(entry.done, entry.passed)}{_starts(starts.get(offset))}")
            previous = offset
        metadata = f"1;{end - low};{','.join(entries)}" if entries else ""
        return Position(low, metadata, self._leader_epoch)

    def _end(self, starts: Mapping[int, dict[int, int]]) -> int:
        """One past the last record of which there is something to tell. What lies above is as good as unread."""
        end = self._high
        for offset in reversed(self._unsettled):
            if offset != end - 1 or self._unsettled[offset].done or starts.get(offset):
                return end
            end = offset
        return end

    def _restore(self, low: int, metadata: str) -> None:
        try:
            version, span, listed = metadata.split(";", 2)
            if version != "1":
                raise ValueError(version)
            self._high = low + int(span)
            offset = low
            for text in listed.split(","):
                gap, done, starts = _parse_entry(text)
                offset += gap
                if not low <= offset < self._high:
                    raise ValueError(offset)
                self._unsettled[offset] = Unsettled(done=done, starts=dict(starts), inherited=starts)
        except ValueError as error:
            raise MetadataInvalid("The committed position carries metadata this version can't read.") from error


def _done(done: set[int], passed: set[int]) -> str:
    """Runs of what is done. What was passed over is named only where it joins two of them."""
    runs: list[list[int]] = []
    for index in sorted(done | passed):
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    known = [[index for index in run if index in done] for run in runs]
    ends = [(run[0], run[-1]) for run in known if run]
    text = "+".join(str(a) if a == b else f"{a}-{b}" for a, b in ends)
    return f"d{text}" if text else ""


def _starts(starts: dict[int, int] | None) -> str:
    text = "+".join(f"{index}:{count}" for index, count in sorted((starts or {}).items()))
    return f"s{text}" if text else ""


def _parse_entry(text: str) -> tuple[int, set[int], dict[int, int]]:
    head, _, starts_text = text.partition("s")
    gap_text, _, done_text = head.partition("d")
    done: set[int] = set()
    for run in filter(None, done_text.split("+")):
        first, _, last = run.partition("-")
        done.update(range(int(first), int(last or first) + 1))
    starts = {int(i): int(n) for i, n in (pair.split(":") for pair in filter(None, starts_text.split("+")))}
    return int(gap_text), done, starts
