"""An engine without models: it reads pages drawn by `bars.draw_page`, and fails on request.

It tells which way up a page stands by trying how its lines can be read, and reads the tables drawn there.

A page fails when one of its lines is a mark: `draw_page(["text", mark(Fault.FATAL)])`. An engine built with `always`
fails on everything. Deterministic; as quick as a threshold.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event
from typing import Literal

import numpy as np

from pipeline.errors import Fatal, Rejected, Retryable
from pipeline.ocr.geometry import Polygons
from pipeline.ocr.layout import Region
from pipeline.ocr.orientation import Rotation, Turn, turned
from pipeline.ocr.tables.structure import Structure

from .bars import Table as Table
from .bars import draw_page as draw_page
from .bars import find_frames, find_patches, read_frame
from .base import Bucket, Engine, EngineSettings, Image, ModelStamp, Reading, Regions, TableCrop

Stage = Literal["detect", "recognise", "tables"]

LONGEST_WAIT_S = 60.0
"""A gate that nobody opens must not hold a test, or a demo, for ever."""

LEAK_BYTES = 256 * 2**20

_MARK = "\x07fault"


class Fault(StrEnum):
    """What a mark makes the engine do."""

    RETRYABLE = "retryable"
    ONCE = "once"  # retryable the first time this engine's lanes see the mark, then well
    REJECTED = "rejected"
    FATAL = "fatal"
    DEFECT = "defect"  # an exception outside the error tree
    KILL = "kill"  # the process dies as if by the kernel's out-of-memory killer
    GARBAGE = "garbage"  # answers, confidently and wrongly
    SHORT = "short"  # answers for one item too few
    WAIT = "wait"  # until the engine's gate is opened
    LEAK = "leak"  # keeps LEAK_BYTES for good, and answers well


def mark(fault: Fault, stage: Stage = "detect", *, name: str = "") -> str:
    """A line that brings about `fault` when its page comes along (for `recognise`, its crop; for `tables`, the table
    it stands in).

    Marks with different names are different faults to `Fault.ONCE`.
    """
    return " ".join((_MARK, stage, fault.value, name))


@dataclass(frozen=True, slots=True)
class FakeEngine:
    """See the module. `gate` holds back `Fault.WAIT`; `seen` remembers `Fault.ONCE` and may be shared by lanes.

    `broken`, once set, is `Fault.GARBAGE` for whatever has no mark: a device that went bad while at work.
    """

    gate: Event = field(default_factory=Event)
    always: Fault | None = None
    seen: set[str] = field(default_factory=set)
    models: tuple[ModelStamp, ...] = (
        ModelStamp("bars", hashlib.sha256(b"bars, version 1").hexdigest(), "fake", "cpu", "f32"),
    )
    broken: Event = field(default_factory=Event)
    leaked: list[Image] = field(default_factory=list)

    def page_bucket(self, height: int, width: int) -> Bucket:
        return Bucket("page", height * width)

    def crop_bucket(self, height: int, width: int) -> Bucket:
        return Bucket("crop", width)

    def page_share(self, height: int, width: int) -> float:
        del height, width
        return 1.0

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
        del shares  # frames are found at any size
        found = [find_frames(page) for page in pages]
        texts = [[_read(page, frame) for frame in frames] for page, frames in zip(pages, found, strict=True)]
        answers = [Regions(frames, np.ones(len(frames), np.float32)) for frames in found]
        faults = [self._fault("detect", lines) for lines in texts]
        garbled = [_scrambled(a) if f is Fault.GARBAGE else a for a, f in zip(answers, faults, strict=True)]
        return garbled[:-1] if Fault.SHORT in faults else garbled

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        texts = [read_frame(crop) for crop in crops]
        faults = [self._fault("recognise", [text]) for text in texts]
        readings = [
            Reading("\ufffd" * 8, 0.99) if fault is Fault.GARBAGE else Reading(text or "", float(bool(text)))
            for text, fault in zip(texts, faults, strict=True)
        ]
        return readings[:-1] if Fault.SHORT in faults else readings

    def table_bucket(self, height: int, width: int) -> Bucket:
        return Bucket("table", height * width)

    def orient(self, pages: Sequence[Image]) -> list[Turn]:
        return [_turn(page) for page in pages]

    def lay_out(self, pages: Sequence[Image]) -> list[tuple[Region, ...]]:
        """Tables, and nothing else."""
        return [tuple(Region("table", box, 1.0) for box in find_patches(page)) for page in pages]

    def read_structure(self, crops: Sequence[TableCrop]) -> list[tuple[Structure, ...]]:
        found = [_inside(find_frames(crop.image), crop.text_box) for crop in crops]
        texts = [[_read(crop.image, frame) for frame in frames] for crop, frames in zip(crops, found, strict=True)]
        faults = [self._fault("tables", lines) for lines in texts]
        answers: list[tuple[Structure, ...]] = [
            (_structure(frames[:1] if fault is Fault.GARBAGE else frames),)
            for frames, fault in zip(found, faults, strict=True)
        ]
        return answers[:-1] if Fault.SHORT in faults else answers

    def close(self) -> None:
        """Nothing is held."""

    def _fault(self, stage: Stage, lines: Sequence[str | None]) -> Fault | None:
        """Carry out the fault that applies to one item; those that spoil the answer are left to the caller."""
        marks = [line for line in lines if line is not None and line.startswith(f"{_MARK} {stage} ")]
        fault = Fault(marks[0].split(" ")[2]) if marks else Fault.GARBAGE if self.broken.is_set() else self.always
        match fault:
            case Fault.RETRYABLE:
                raise Retryable("The fake engine was asked to fail for now.", code="fake_retryable", stage=stage)
            case Fault.ONCE if not self.seen.issuperset(marks[:1] or [stage]):
                self.seen.update(marks[:1] or [stage])
                raise Retryable("The fake engine was asked to fail once.", code="fake_retryable", stage=stage)
            case Fault.REJECTED:
                raise Rejected("The fake engine was asked to refuse.", code="fake_rejected", stage=stage)
            case Fault.FATAL:
                raise Fatal("The fake engine was asked to fail for good.", code="fake_fatal", stage=stage)
            case Fault.DEFECT:
                raise RuntimeError("The fake engine was asked to break.")
            case Fault.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Fault.LEAK:
                self.leaked.append(np.ones(LEAK_BYTES, np.uint8))
            case Fault.WAIT if not self.gate.wait(LONGEST_WAIT_S):
                raise Retryable("Nobody opened the fake engine's gate.", code="fake_retryable", stage=stage)
        return fault


def load(settings: EngineSettings, lanes: int) -> list[Engine]:
    """Fake engines that share a gate; the settings change nothing."""
    del settings
    first = FakeEngine()
    return [FakeEngine(first.gate, None, first.seen) for _ in range(lanes)]


def _read(page: Image, frame: np.ndarray) -> str | None:
    (left, top), (right, bottom) = frame[0].astype(int), frame[2].astype(int)
    return read_frame(page[top:bottom, left:right])


def _turn(page: Image) -> Turn:
    """The first turn that lets a line be read; none, and no confidence, where there is nothing to read."""
    rotations: tuple[Rotation, ...] = (0, 90, 180, 270)
    for rotation in rotations:
        upright = turned(page, rotation)
        if any(_read(upright, frame) is not None for frame in find_frames(upright)):
            return Turn(rotation, 1.0)
    return Turn(0, 0.0)


def _inside(frames: Polygons, box: tuple[float, float, float, float]) -> Polygons:
    middles = frames.mean(axis=1)
    return np.asarray(frames[((middles >= box[:2]) & (middles <= box[2:])).all(axis=1)], np.float32)


def _structure(frames: Polygons) -> Structure:
    """One cell for each frame, row by row."""
    rows = _rows(frames)
    tokens = [token for row in rows for token in ("<tr>", *["<td></td>"] * len(row), "</tr>")]
    tokens = ["<tbody>", *tokens, "</tbody>"] if tokens else []
    return Structure(tuple(tokens), frames[[place for row in rows for place in row]], np.ones(len(tokens), np.float32))


def _rows(frames: Polygons) -> list[list[int]]:
    """Places of frames that begin at much the same height, from the left; a page may have been scaled."""
    rows: list[list[int]] = []
    for place, (top, bottom) in enumerate(frames[:, [0, 2], 1].tolist()):
        if not rows or top > frames[rows[-1][0], 0, 1] + (bottom - top) / 2:
            rows.append([])
        rows[-1].append(place)
    return [sorted(row, key=lambda place: float(frames[place, 0, 0])) for row in rows]


def _scrambled(regions: Regions) -> Regions:
    """Boxes half a box to the right: plausible and wrong."""
    shift = np.array([1, 0], np.float32) * (regions.polygons[:, 1:2] - regions.polygons[:, 0:1]) / 2
    return Regions(regions.polygons + shift.astype(np.float32), regions.scores)
