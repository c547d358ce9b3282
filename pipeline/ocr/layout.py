"""Where on a page the parts of its layout lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RegionKind = Literal["text", "title", "figure", "caption", "table", "header", "footer", "list", "equation"]


@dataclass(frozen=True, slots=True)
class Region:
    """`box`: x0, y0, x1, y1 in pixels of the page that was asked about. `score`: 0 to 1."""

    kind: RegionKind
    box: tuple[float, float, float, float]
    score: float
