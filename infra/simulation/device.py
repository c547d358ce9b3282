"""What a batch costs on which device: a fixed price a run, and a price for every padded pixel or column.

The CPU's figures are measured, one thread a lane, on a core of a shared virtual machine: detection 144 ms a page of
960 x 704, recognition 20.8 ms a line of 266 columns, of which 0.073 ms a column. The GPU's are assumed, so that a card
that is always fed full batches reads about 300 receipts a second: they show what the policy does, not how fast it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.core.events import Stage

Tensor = Literal["apart", "together"]
"""Each item is a run of its own size, or all are rows of one tensor as wide as its widest."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A page or a crop. Sizes are pixels of a page, or columns of a crop: its own, and as its bucket pads it."""

    own: int
    padded: int


@dataclass(frozen=True, slots=True)
class Price:
    """Seconds a run, a padded unit, and an item on the lane's own thread before and after the device has it."""

    run_s: float
    unit_s: float
    before_s: float = 0.0
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Device:
    """`shared`: the lanes' threads take turns on one card; `own`: each lane has a core to itself."""

    name: str
    lanes: int
    decoders: int
    card: Literal["own", "shared"]
    prices: Mapping[Stage, Price]

    def with_lanes(self, lanes: int) -> Device:
        return replace(self, lanes=lanes)


@dataclass(frozen=True, slots=True)
class Work:
    """One batch on its way through a lane. `rows` and `padded` count what is computed, blanks and padding included."""

    before_s: float
    device_s: float
    after_s: float
    rows: int
    padded: int


def work(price: Price, pieces: Sequence[Piece], tensor: Tensor, rows: int) -> Work:
    """`rows`: items in every run, blank ones included; 0: as many as there are."""
    match tensor:
        case "apart":
            runs = [(1, piece.padded) for piece in pieces]
        case "together":
            step = rows or len(pieces)
            groups = [pieces[start : start + step] for start in range(0, len(pieces), step)]
            runs = [(rows or len(group), max(piece.padded for piece in group)) for group in groups]
    padded = sum(count * widest for count, widest in runs)
    return Work(
        before_s=price.before_s * len(pieces),
        device_s=price.run_s * len(runs) + price.unit_s * padded,
        after_s=price.after_s * len(pieces),
        rows=sum(count for count, _ in runs),
        padded=padded,
    )


CPU = Device(
    name="CPU, 2 lanes (measured)",
    lanes=2,
    decoders=2,
    card="own",
    prices={"detect": Price(0.0, 0.144 / (960 * 704)), "recognise": Price(0.0208 - 266 * 0.073e-3, 0.073e-3)},
)

GPU = Device(
    name="GPU, 4 lanes (assumed)",
    lanes=4,
    decoders=8,
    card="shared",
    prices={
        "detect": Price(0.5e-3, 2e-9, before_s=1e-3, after_s=3e-3),
        "recognise": Price(0.5e-3, 0.08e-6, before_s=0.05e-3, after_s=0.01e-3),
    },
)
