"""The lines of a page as they are delivered: corrected by their page, with the check boxes of its form. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.decode.protocol import CheckBox
from pipeline.ocr.geometry import Polygons, no_polygons
from pipeline.ocr.orientation import Rotation, to_page
from pipeline.ocr.text.plain import is_dash
from pipeline.ocr.text.reading import Reading
from pipeline.ocr.text.spelling import respell
from pipeline.ocr.ticks import stretched, ticks_of
from pipeline.stages.parts import Line

DIGITS, MARK_PROBABILITY = frozenset("0123456789"), 0.8
"""Mean probability from which a digit that stands alone in a column, and that the detector did not find, is delivered.
Other characters that it did not find are scraps of words."""


@dataclass(frozen=True, slots=True, eq=False)
class Delivered:
    """A line as it is delivered: `reading`, corrected by its page, of what was `read`."""

    polygon: Polygons
    read: Reading
    reading: Reading
    stamp: bool = False

    @property
    def read_as(self) -> str | None:
        """The recogniser's own text; None where it is the line's."""
        return self.read.text if self.read.text != self.reading.text else None


def delivered(read: Sequence[Line], *, correct: bool) -> tuple[Delivered, ...]:
    """The lines that have text, each corrected by the others if `correct`; without marks that are not read as one."""
    readings = [line.reading for line in read]
    said = respell(readings, polygons_of(read)) if correct else readings
    return tuple(
        Delivered(line.polygon, line.reading, reading, line.stamp)
        for line, reading in zip(read, said, strict=True)
        if reading.text.strip() and _is_mark(line, reading)
    )


def _is_mark(line: Line, reading: Reading) -> bool:
    """Whether a lone mark is read as what it looks like; true for other lines."""
    match line.mark:
        case None:
            return True
        case "dash":
            return is_dash(reading.text.strip())
        case "character":
            return reading.text.strip() in DIGITS and reading.mean_probability >= MARK_PROBABILITY


def polygons_of(lines: Sequence[Line | Delivered]) -> Polygons:
    return np.stack([line.polygon for line in lines]) if lines else no_polygons()


def with_check_boxes(
    lines: Sequence[Delivered], boxes: Sequence[CheckBox], rotation: Rotation, *, width: int, height: int
) -> tuple[Delivered, ...]:
    """The lines of an upright page of `width` x `height` pixels, each check box in the line that is its label or in one
    of its own. `boxes` lie on the page as a viewer shows it, `rotation` before the upright one."""
    if not boxes:
        return tuple(lines)
    corners = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]] for x0, y0, x1, y1 in (one.box for one in boxes)])
    back: Rotation = (0, 270, 180, 90)[rotation // 90]
    upright = to_page(corners.astype(np.float32), back, width=width, height=height)
    extents = np.concatenate([upright.min(axis=1), upright.max(axis=1)], axis=1).astype(np.float64)
    told = ticks_of(extents, [one.ticked for one in boxes], polygons_of(lines), [line.reading.text for line in lines])
    labelled = (
        replace(
            line,
            polygon=stretched(line.polygon, extents[told.members[place]]),
            reading=replace(line.reading, text=told.texts[place]),
        )
        if place in told.texts
        else line
        for place, line in enumerate(lines)
    )
    alone = (Delivered(_box(extents[number]), Reading(sign, 1.0), Reading(sign, 1.0)) for number, sign in told.alone)
    return (*labelled, *alone)


def _box(extent: np.ndarray) -> Polygons:
    x0, y0, x1, y1 = extent.tolist()
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
