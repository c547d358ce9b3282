"""What is compared: a side reads all files once, and says how long it took and what it read.

A `Kind` is picklable and says how to load a side; the side itself lives in the process that was started for it. The
clock of a pass runs from the first file opened to the last page read, models loaded and warm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pipeline.ocr.agreement import ReadPage

Tell = Callable[[int], None]
"""So many pages more were read. May be called from any thread of the side."""

Files = Mapping[str, Path]
"""Name of a document -> its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One side over all files, once.

    `cpu_seconds`: processor time of the side's processes, all threads; what is left of a comparison when others use the
    machine too. It holds the time in which threads of a runtime wait busily: onnxruntime's do as PaddleOCR opens it,
    ours (one thread a session) do not. `stages`: seconds of work by step, summed over threads. `busy_share`: of the
    lanes' time from the first batch's start to the last one's end, the part in which they had a batch; None where that
    is not known. `failed`: documents without a result, with the code of the reason. `readings`: the pages of each
    document, by its name.
    """

    seconds: float
    pages: int
    lines: int
    cpu_seconds: float = 0.0
    stages: Mapping[str, float] = field(default_factory=dict)
    busy_share: float | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    readings: Mapping[str, tuple[ReadPage, ...]] = field(default_factory=dict)

    @property
    def images_per_s(self) -> float:
        return self.pages / self.seconds if self.seconds > 0 else 0.0

    @property
    def cpu_per_image(self) -> float:
        return self.cpu_seconds / self.pages if self.pages else 0.0

    @property
    def lines_per_s(self) -> float:
        return self.lines / self.seconds if self.seconds > 0 else 0.0


class Side(Protocol):
    """Loaded and ready. Used by one thread."""

    def run(self, files: Files, tell: Tell) -> Pass: ...

    def close(self) -> None: ...


class Kind(Protocol):
    """How to load a side, in whatever process this is called. Raises what the error tree has for it."""

    def load(self) -> Side: ...


@dataclass(frozen=True, slots=True)
class Several:
    """`count` processes of a kind, each with a side of its own, that share the files of a pass."""

    kind: Kind
    count: int
