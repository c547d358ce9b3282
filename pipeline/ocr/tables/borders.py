"""Where the cells of a table end: one line between any two rows, and any two columns, so that cells tile the table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bands import Bands
from .grid import Grid, Indices
from .text import Boxes


def ruled_borders(bands: Bands) -> NDArray[np.float64]:
    """The same of a table whose rulings are drawn: where these are."""
    return np.maximum.accumulate([bands.min(), *((bands[:-1, 1] + bands[1:, 0]) / 2), bands.max()])


def borders(grid: Grid, axis: int, *, bands: Bands, cells: Indices, lines: Boxes) -> NDArray[np.float64]:
    """(rows + 1,) or (columns + 1,), ascending: midway between the text on either side or, where there is none or it
    overlaps, between the bands. `cells`: the cell of each of `lines`."""
    starts, ends = lines[:, 1 - axis], lines[:, 3 - axis]
    first, span = grid.places[cells, axis], grid.places[cells, axis + 2]
    begin, end = np.full(len(bands), np.inf), np.full(len(bands), -np.inf)
    np.minimum.at(begin, first[span == 1], starts[span == 1])
    np.maximum.at(end, first[span == 1], ends[span == 1])
    apart = np.isfinite(end[:-1]) & np.isfinite(begin[1:]) & (end[:-1] <= begin[1:])
    inner = (bands[:-1, 1] + bands[1:, 0]) / 2
    inner[apart] = (end[:-1][apart] + begin[1:][apart]) / 2
    outer_first = min(bands.min(), *starts) if len(lines) else bands.min()
    outer_last = max(bands.max(), *ends) if len(lines) else bands.max()
    return np.maximum.accumulate(np.clip([outer_first, *inner, outer_last], outer_first, outer_last))
