"""Which policies are compared: ours as the worker has it, and what it might have been instead.

All of them are the worker's own `Reading`, with other limits, buckets and tensors; only the one that waits for a timer
needs a word of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace

from infra.simulation.arrivals import Page
from infra.simulation.device import Device, Piece, Tensor
from pipeline.app import batch_policies
from pipeline.core.batching import Batcher, BatchPolicy, Chosen
from pipeline.core.events import STAGES, Item, Part, Stage
from pipeline.core.policy import FlowPolicy
from pipeline.core.reading import AHEAD, Reading
from pipeline.engines.shapes import Runs, padded_page, padded_width
from pipeline.ocr.preprocess import PageLimits
from pipeline.settings import EngineSection, Settings

PAGE_BY_PAGE_LINES = 6
NARROWEST_TENSOR = 320
"""PaddleOCR's own: lines of one page, sorted by width, six together, never narrower than that."""


Rows = Callable[[Stage, int], int]
"""Items in every run of a stage whose widest is padded to so much, blank ones included; 0: as many as there are."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """How an engine pads, and what a padded item costs in the unit of its policy's `max_cost`."""

    page: Callable[[Page], tuple[int, int]]
    line: Callable[[int], int]
    page_cost: Callable[[int], int]
    line_cost: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Contender:
    """`narrowest`: for those who read page by page, columns of the smallest tensor of lines; 0 for the others."""

    name: str
    batches: Mapping[Stage, BatchPolicy]
    shapes: Shapes
    bucket: Callable[[Hashable], Hashable]
    tensor: Tensor
    rows: Rows
    narrowest: int = 0
    ahead: int = AHEAD
    reading: type[Reading] = Reading

    def page_part(self, page: Page) -> Part:
        height, width = self.shapes.page(page)
        piece = Piece(page.height * page.width, height * width)
        return Part("detect", self.bucket((height, width)), self.shapes.page_cost(piece.padded), (piece, page))

    def line_parts(self, lines: tuple[int, ...], owner: Hashable) -> tuple[Part, ...]:
        """`owner`: the page the lines are on, which is the bucket of those who read page by page."""
        widths = sorted(lines) if self.narrowest else lines
        pieces = [Piece(columns, max(self.shapes.line(columns), self.narrowest)) for columns in widths]
        return tuple(
            Part(
                "recognise",
                owner if self.narrowest else self.bucket(piece.padded),
                self.shapes.line_cost(piece.padded),
                (piece, None),
            )
            for piece in pieces
        )

    def build(self, policy: FlowPolicy) -> Reading:
        return self.reading(policy.batches, lanes=policy.lanes, ahead=self.ahead)


class Timed(Reading):
    """A batch leaves when it is full or its time is over, even if lanes are idle."""

    def _choose(self, now: float) -> tuple[Stage, Chosen[Item]] | None:
        for stage in reversed(STAGES):
            batcher = self._batchers[stage]
            if (chosen := batcher.ready(now) or batcher.overdue(now)) is not None:
                return stage, chosen
        return None


class FirstCome(Reading):
    """Pages in the order they were decoded, whosever they are."""

    def __init__(
        self, policies: Mapping[Stage, BatchPolicy], *, lanes: int, deadline_s: float = 1e9, ahead: int = AHEAD
    ) -> None:
        super().__init__(policies, lanes=lanes, deadline_s=deadline_s, ahead=ahead)
        self._batchers = {stage: Batcher(policies[stage]) for stage in STAGES}


def first_come(device: Device) -> Contender:
    """Ours, were pages not to take turns."""
    return replace(contenders(device)[0], name="ours, no turns", reading=FirstCome)


def contenders(device: Device) -> tuple[Contender, ...]:
    """Ours first. On a CPU ours pads nothing, so that `one bucket` is what padding would cost."""
    ours = _ours_on_cpu() if device.card == "own" else _ours_on_gpu()
    widest = replace(ours, bucket=lambda shape: "all", tensor="together", rows=_as_many)
    return (
        ours,
        replace(ours, name="ours, one in flight", ahead=1),
        replace(widest, name="ours, one bucket"),
        replace(widest, name="32 or 50 ms", batches=_limits(8, 32, wait_s=0.05), reading=Timed),
        replace(
            widest,
            name="page by page",
            batches=_limits(1, PAGE_BY_PAGE_LINES, wait_s=0.0),
            narrowest=NARROWEST_TENSOR,
            ahead=1,
        ),
    )


def _ours_on_cpu() -> Contender:
    return Contender(
        name="ours",
        batches=batch_policies(Settings(engine=EngineSection(device="cpu"))),
        shapes=Shapes(
            page=lambda page: (page.height, page.width),
            line=lambda columns: columns,
            page_cost=lambda pixels: pixels,
            line_cost=lambda columns: columns,
        ),
        bucket=lambda shape: "all",
        tensor="apart",
        rows=_as_many,
    )


def _ours_on_gpu() -> Contender:
    limits, runs = PageLimits(), Runs()
    return Contender(
        name="ours",
        batches=batch_policies(Settings(engine=EngineSection(device="cuda"))),
        shapes=Shapes(
            page=lambda page: padded_page(page.height, page.width, limits),
            line=padded_width,
            page_cost=lambda pixels: 1,
            line_cost=runs.crop_cost,
        ),
        bucket=lambda shape: shape,
        tensor="together",
        rows=lambda stage, widest: runs.pages if stage == "detect" else runs.crops_in(widest),
    )


def _as_many(stage: Stage, widest: int) -> int:
    return 0


def _limits(pages: int, lines: int, *, wait_s: float) -> dict[Stage, BatchPolicy]:
    """By number alone."""
    return {
        "detect": BatchPolicy(max_items=pages, max_cost=1 << 60, max_wait_s=wait_s),
        "recognise": BatchPolicy(max_items=lines, max_cost=1 << 60, max_wait_s=wait_s),
        "tables": BatchPolicy(max_items=1, max_cost=1, max_wait_s=wait_s),
    }
