"""What each line of a page says, where it was read in several ways, and which lines are no text of the page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.ocr.show_through import part_of_box, shows_through
from pipeline.ocr.specks import is_speck
from pipeline.ocr.turned_lines import ManyWays, Turned, turned_box, turned_lines
from pipeline.stages.parts import Line


@dataclass(frozen=True, slots=True)
class Settled:
    """The lines of a page. `own`: its text, each read once and the right way up. `through`: print of the other side.
    `specks`: dirt."""

    own: tuple[Line, ...]
    through: tuple[Line, ...]
    specks: tuple[Line, ...]


def settled(lines: Sequence[Line]) -> Settled:
    """Each line in one of the three. The page decides together: one line that is a mirror image beyond doubt, or that
    runs up the page, tells of others."""
    through = shows_through([line.faint for line in lines])
    turns = turned_lines([ManyWays(line.polygon, line.reading, line.turned) for line in lines])
    other = [line for line, is_faint in zip(lines, through, strict=True) if is_faint and _is_all_faint(line)]
    own = [
        _own_print(line) if is_faint else _turned(line, turn)
        for line, is_faint, turn in zip(lines, through, turns, strict=True)
        if not (is_faint and _is_all_faint(line))
    ]
    specks = [line for line in own if not line.mark and is_speck(line.polygon, line.reading)]
    return Settled(tuple(line for line in own if line not in specks), tuple(other), tuple(specks))


def _is_all_faint(line: Line) -> bool:
    return line.faint is not None and line.faint.own is None


def _own_print(line: Line) -> Line:
    """A line without the faint print that it runs into."""
    if line.faint is None or line.faint.own is None:
        return line
    reading, corners = line.faint.own
    return replace(line, polygon=part_of_box(line.polygon, corners), reading=reading)


def _turned(line: Line, turn: Turned | None) -> Line:
    if turn is None:
        return line
    return replace(line, polygon=turned_box(line.polygon, turn.quarters), reading=turn.reading)
