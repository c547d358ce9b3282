"""What a table network answers for one crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.geometry import Polygons


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One answer of the network, as it came: nothing is repaired yet.

    `tokens` are HTML in pieces: `<tr>`, `<td`, ` colspan="2"`, `>`, `</td>`, `<td></td>`, `<thead>` and so on. `boxes`
    is (n, 4, 2) float32, one quadrilateral for each token that opens a cell, in their order, in the frame of the image
    that was asked about; `scores` is (tokens,) float32, the probability of each token, 0 to 1.
    """

    tokens: tuple[str, ...]
    boxes: Polygons
    scores: NDArray[np.float32]
