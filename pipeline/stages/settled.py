"""What each line of a page says, where it was read in several ways, and which lines are of the other side. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.ocr.show_through import part_of_box, shows_through
from pipeline.ocr.turned_lines import ManyWays, turned_box, turned_lines
from pipeline.stages.parts import Line


def settled(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """The lines of a page's own side, each read once and the right way up; and those that show through.

    The page decides together: one line that is a mirror image beyond doubt, or runs up the page, tells of others.
    """
    through = shows_through([line.faint for line in lines])
    turns = turned_lines([ManyWays(line.polygon, line.reading, line.turned) for line in lines])
    own: list[Line] = []
    other: list[Line] = []
    for line, is_faint, turned in zip(lines, through.tolist(), turns, strict=True):
        if is_faint and line.faint is not None and line.faint.own is None:
            other.append(line)
        elif is_faint and line.faint is not None and line.faint.own is not None:
            reading, corners = line.faint.own
            own.append(replace(line, polygon=part_of_box(line.polygon, corners), reading=reading))
        elif turned is not None:
            own.append(replace(line, polygon=turned_box(line.polygon, turned.quarters), reading=turned.reading))
        else:
            own.append(line)
    return own, other
