"""What each line of a page says, where it was read in several ways, and which lines are of the other side. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.ocr.show_through import shows_through
from pipeline.ocr.turned_lines import BothWays, turned_box, turned_lines
from pipeline.stages.parts import Line


def settled(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """The lines of a page's own side, each read once and the right way up; and those that show through.

    The page decides together: one line that is a mirror image beyond doubt, or runs up the page, tells of others.
    """
    through = shows_through([line.faint for line in lines])
    turned = turned_lines([BothWays(line.polygon, line.reading, line.turned) for line in lines])
    own: list[Line] = []
    other: list[Line] = []
    for line, faint, head in zip(lines, through.tolist(), turned.tolist(), strict=True):
        if faint and line.faint is not None and line.faint.print is None:
            other.append(line)
        elif faint and line.faint is not None and line.faint.print is not None:
            own.append(replace(line, reading=line.faint.print))
        elif head and line.turned is not None:
            polygon = turned_box(line.polygon, line.turned.quarters)
            own.append(replace(line, polygon=polygon, reading=line.turned.reading))
        else:
            own.append(line)
    return own, other
