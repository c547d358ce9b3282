"""What travels between the stages, opaque to the core."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.engines.base import Image, Polygons


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a result says of a page besides its text. Pixels as a viewer shows it; `dpi` None where unknown."""

    number: int
    width: int
    height: int
    dpi: int | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One line cut out of its page, upright. `polygon` is (4, 2) float32, where it lies on the page."""

    image: Image
    polygon: Polygons


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line read. `polygon` as in `Crop`; `confidence` 0 to 1."""

    polygon: Polygons
    text: str
    confidence: float
