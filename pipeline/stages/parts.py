"""What travels between the stages, opaque to the core.

A page as a viewer shows it may stand on its side or its head. What is found on it is held in the frame of the upright
page until `compose` brings it back: lines and tables are then never turned, whatever the scanner did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.decode.protocol import CheckBox
from pipeline.engines.base import Image, Polygons, Reading, TableCrop
from pipeline.ocr.ink import Ink
from pipeline.ocr.layout import Region
from pipeline.ocr.orientation import Rotation
from pipeline.ocr.ruled import RuledTable
from pipeline.ocr.show_through import FaintRead
from pipeline.ocr.tables.structure import Structure
from pipeline.ocr.turned_lines import Turned

Mark = Literal["dash", "character"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a result says of a page besides what is on it. Pixels as a viewer shows it; `dpi` None where unknown.
    `check_boxes`: those of a PDF's form, as the file has them."""

    number: int
    width: int
    height: int
    dpi: int | None
    warnings: tuple[str, ...]
    check_boxes: tuple[CheckBox, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A decoded page. `image` is (h, w, 3) uint8 BGR as a viewer shows it, but without the check boxes of a form;
    `tables`: whether its layout is wanted."""

    image: Image
    tables: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What detection tells of a page besides its lines. `rotation`: clockwise degrees that make it upright. `ink` and
    `regions` lie on the upright page; there are no regions where nobody asked for the layout. `stamped`: whether
    coloured stamps lie over its print."""

    rotation: Rotation
    ink: Ink
    regions: tuple[Region, ...] = ()
    stamped: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One line cut out of its page, level. `polygon` is (4, 2) float32, where it lies on the upright page. `mark`: what
    shape a lone mark has (`pipeline.ocr.lone_marks`), none for a line that the detector found. `stamp`: whether it is
    text of a stamp that lies over print."""

    image: Image
    polygon: Polygons
    mark: Mark | None = None
    stamp: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line read. `polygon`, `mark` and `stamp` as in `Crop`. `turned`: how it reads with its crop turned;
    `faint`: how its faint print reads in the mirror. Most lines are read once, and have neither."""

    polygon: Polygons
    reading: Reading
    mark: Mark | None = None
    turned: tuple[Turned, ...] = ()
    faint: FaintRead | None = None
    stamp: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TableCut:
    """One table cut out of its upright page; `origin` is where the crop's top left lies there, in pixels. `ruled`: the
    grid that its rulings close, if any."""

    crop: TableCrop
    region: Region
    ruled: RuledTable | None
    origin: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class TableSeen:
    """What the network made of one table, its first choice first, and the grid of its rulings. Boxes lie on the upright
    page."""

    region: Region
    candidates: tuple[Structure, ...]
    ruled: RuledTable | None
