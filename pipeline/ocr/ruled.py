"""What the rules drawn on a page say of a table: where they close its cells on all sides, they leave nothing to guess.

Rules are thin dark runs along or down the page; those of one table touch one another. A table in a cell of another has
rules of its own, which are not looked at: its text is that of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image, Polygons
from .tables.frame import slope_of
from .tables.structure import Structure

_AROUND = 3.0
"""Heights of a line around the text of a table in which its outer rules are looked for."""

_HEIGHT = 20.0
"""Pixels that a line is reduced to where it is higher: rules can still be seen, and a page is looked at in no time."""

_DARKER = 28
"""Grey levels by which a rule is darker than the paper beside it: more than a scanner's noise."""

_THIN = 0.3
_LONG, _TALL = 2.0, 0.9
"""In heights of a line: rules are thinner, and their unbroken parts longer along and down the page. Strokes of letters
are not, and stand apart."""

_UNDER = 0.15
"""Heights of a line below it where an underline may be. Rules of a table stand farther off, or reach farther."""

_MIDDLE = 0.2
"""Share of a line's height, above and below, in which there may be a rule as well."""

_GAP, _TOUCH = 0.4, 0.1
"""Heights of a line that a rule may be broken for; and around a rule in which those that meet it end."""

_CLOSE = 3.0
"""Heights of a line between a table's rules and one above or below that is its border."""

_SAME = 0.35
"""Heights of a line within which parallel rules are one: thick, or drawn double."""

_OPEN = 4.0
"""Times that by which rules that reach farther than the last one across them are those of an open table."""

_WALL = 0.6
"""Share of a cell's side that is ruled where it has one."""

_INSIDE = 0.9
"""Share of a table's lines that its rules go around. Captions and notes may stand outside."""

_LONGEST = 200
"""Rules of either direction: more are a pattern, not a table."""

Segments = NDArray[np.float64]
"""(n, 3): where a rule lies across its direction, where it begins and where it ends, in pixels."""

Places = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Rules:
    """Of the table that reaches farthest: rules along and down the page, and where its rows and columns end."""

    across: Segments
    upright: Segments
    ys: Places
    xs: Places


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """A part of the page, grey, turned so that its lines are level; `back` (2, 3) leads from it to the page."""

    picture: NDArray[np.uint8]
    back: NDArray[np.float64]
    lines: Polygons


def ruled(image: Image, lines: Polygons) -> Structure | None:
    """The table whose text stands in `lines`, from its rules alone; None where they don't close its cells. Boxes lie
    in the frame of `image`; every token's probability is 1."""
    if len(lines) < 2:
        return None
    height = height_of(lines)
    level = _levelled(image, lines, room=_AROUND * height)
    height = min(height, _HEIGHT)
    rules = _rules(level, height)
    if rules is None or _around(level.lines, rules).mean() < _INSIDE:
        return None
    across, upright, xs = rules.across, rules.upright, rules.xs
    ys = _with_text(rules.ys, _walls(upright, xs, rules.ys, _SAME * height), level.lines)
    above, left = _walls(across, ys, xs, _SAME * height), _walls(upright, xs, ys, _SAME * height)
    cells = _cells(_closed(above), _closed(left))
    if cells is None:
        return None
    blank = ~_filled(cells, xs, ys, level.lines) & ~_enclosed(cells, above, left)
    return _structure(_taken_apart(cells, blank), xs, ys, level.back)


def ruled_around(image: Image, lines: Polygons) -> NDArray[np.bool_]:
    """(lines,): which of them stand within the rules that reach farthest."""
    level = _levelled(image, lines, room=_AROUND * height_of(lines))
    rules = _rules(level, min(height_of(lines), _HEIGHT))
    return _around(level.lines, rules) if rules is not None else np.zeros(len(lines), np.bool_)


def height_of(lines: Polygons) -> float:
    """Pixels, 1 at least; of the median line."""
    return max(1.0, float(np.median(np.linalg.norm(lines[:, 3] - lines[:, 0], axis=1))))


def _rules(level: _Level, height: float) -> _Rules | None:
    down = _runs(np.ascontiguousarray(level.picture.T), height, _TALL)
    across, upright = _network(_runs(_without_text(level), height, _LONG), down, height)
    across = _beside_text(across, level.lines, height)
    if min(len(across), len(upright)) < 2:
        return None
    ys, xs = _edges(across, upright, _SAME * height), _edges(upright, across, _SAME * height)
    return _Rules(across, upright, ys, xs) if max(len(ys), len(xs)) <= _LONGEST else None


def _levelled(image: Image, lines: Polygons, *, room: float) -> _Level:
    scale = min(1.0, _HEIGHT / height_of(lines))
    size = np.array(image.shape[1::-1])
    low = np.clip(lines.min(axis=(0, 1)) - room, 0, size - 1).astype(int)
    high = np.clip(lines.max(axis=(0, 1)) + room, low + 1, size).astype(int)
    part = cv2.cvtColor(image[low[1] : high[1], low[0] : high[0]], cv2.COLOR_BGR2GRAY)
    part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = part.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.degrees(np.arctan(slope_of(lines)))), 1.0)
    picture = cv2.warpAffine(part, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    back = np.asarray(cv2.invertAffineTransform(turn), np.float64) / scale
    back[:, 2] += low
    there = (lines - low) * scale @ turn[:, :2].T + turn[:, 2]
    return _Level(np.asarray(picture, np.uint8), back, there.astype(np.float32))


def _without_text(level: _Level) -> NDArray[np.uint8]:
    """Blank where most of a line's ink is. A rule may run close above or below."""
    picture = level.picture.copy()
    for middle in level.lines + _MIDDLE * (level.lines[:, [3, 2, 1, 0]] - level.lines):
        cv2.fillConvexPoly(picture, np.round(middle).astype(np.int32), 255)
    return picture


def _beside_text(rules: Segments, lines: Polygons, height: float) -> Segments:
    """Without what is drawn under a single line, or left of it."""
    low, high = lines.min(axis=1), lines.max(axis=1)
    along = (rules[:, 1:2] > low[:, 0] - _SAME * height) & (rules[:, 2:] < high[:, 0] + _SAME * height)
    at = (rules[:, :1] > low[:, 1]) & (rules[:, :1] < high[:, 1] + _UNDER * height)
    return np.asarray(rules[~(along & at).any(axis=1)])


def _runs(picture: NDArray[np.uint8], height: float, least: float) -> NDArray[np.uint8]:
    """0 or 1: where thin dark runs go along the picture, at least `least` heights of a line long."""
    thin = cv2.morphologyEx(picture, cv2.MORPH_BLACKHAT, np.ones((max(3, round(_THIN * height)), 1), np.uint8))
    dark = np.asarray(thin > _DARKER, np.uint8)
    runs = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, max(3, round(least * height))), np.uint8))
    joined = cv2.morphologyEx(runs, cv2.MORPH_CLOSE, np.ones((3, 1 + round(_GAP * height)), np.uint8))
    return np.asarray(joined, np.uint8)


def _network(across: NDArray[np.uint8], down: NDArray[np.uint8], height: float) -> tuple[Segments, Segments]:
    """Of the rules in two masks, the second on its side, those of the network that reaches farthest; and those along
    all of it close above or below, which touch nothing where a table is open at its sides."""
    near = 1 + 2 * round(_TOUCH * height)
    drawn = cv2.dilate(across | np.ascontiguousarray(down.T), np.ones((near, near), np.uint8))
    _, networks, stats, _ = cv2.connectedComponentsWithStats(drawn, connectivity=8)
    if len(stats) < 2:
        return np.zeros((0, 3)), np.zeros((0, 3))
    reach = stats[1:, cv2.CC_STAT_WIDTH].astype(np.int64) * stats[1:, cv2.CC_STAT_HEIGHT]
    farthest = 1 + int(reach.argmax())
    x, y, width, depth = stats[farthest, :4].tolist()
    alike = (np.abs(stats[:, [0, 2]] - (x, width)).max(axis=1) <= height) & (stats[:, 3] <= height + near)
    close = np.maximum(y - stats[:, 1], stats[:, 1] + stats[:, 3] - y - depth) <= _CLOSE * height
    chosen = np.isin(networks, [farthest, *np.flatnonzero(alike & close)])
    return _segments(across * chosen), _segments(down * chosen.T)


def _segments(mask: NDArray[np.uint8]) -> Segments:
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(mask), connectivity=8)
    x, y, width, height = stats[1:, :4].T.astype(np.float64)
    return np.stack([y + height / 2, x, x + width], axis=1)


def _edges(rules: Segments, others: Segments, apart: float) -> Places:
    """Where rules lie, ascending; those closer than `apart` count once. Where the others reach beyond the first or last
    of them, the table is open, or its border is too far off to be seen: it ends there."""
    rules = rules[np.argsort(rules[:, 0], kind="stable")]
    groups = np.split(rules, np.flatnonzero(np.diff(rules[:, 0]) > apart) + 1)
    places = [float(np.average(group[:, 0], weights=group[:, 2] - group[:, 1])) for group in groups]
    begin, end = float(others[:, 1].min()), float(others[:, 2].max())
    before, after = [begin] * (begin < places[0] - _OPEN * apart), [end] * (end > places[-1] + _OPEN * apart)
    return np.array([*before, *places, *after])


def _around(lines: Polygons, rules: _Rules) -> NDArray[np.bool_]:
    """(lines,): which of them the rules go around."""
    middles, xs, ys = lines.mean(axis=1), rules.xs, rules.ys
    return np.asarray(((middles > (xs[0], ys[0])) & (middles < (xs[-1], ys[-1]))).all(axis=1))


def _walls(rules: Segments, places: Places, between: Places, apart: float) -> NDArray[np.bool_]:
    """(places, parts): whether the rules at each place go along each part of it, from one of `between` to the next."""
    owner = np.abs(rules[:, :1] - places).argmin(axis=1)
    low, high = between[:-1], between[1:]
    covered = np.zeros((len(places), len(low)))
    shares = np.minimum(rules[:, 2:], high) - np.maximum(rules[:, 1:2], low)
    np.add.at(covered, owner, np.clip(shares, 0, None))
    return np.asarray(covered >= _WALL * np.maximum(high - low - 2 * apart, 1))


def _with_text(ys: Places, left: NDArray[np.bool_], lines: Polygons) -> Places:
    """Without a first or last row in which nothing stands and no rule goes down: what is beyond is not its."""
    middles = lines[:, :, 1].mean(axis=1)
    rows = (np.histogram(middles, ys)[0] > 0) | left.any(axis=0)
    used = np.flatnonzero(rows)
    return ys[used[0] : used[-1] + 2] if len(used) else ys


def _closed(walls: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With the outermost as ruled: many tables are open at their sides."""
    closed = walls.copy()
    closed[[0, -1]] = True
    return closed


def _filled(cells: NDArray[np.int32], xs: Places, ys: Places, lines: Polygons) -> NDArray[np.bool_]:
    """Whether the middle of a line is in each of them."""
    x, y = lines.mean(axis=1).T
    row, column, row_span, column_span = cells.T[:, :, None]
    inside = (x > xs[column]) & (x < xs[column + column_span]) & (y > ys[row]) & (y < ys[row + row_span])
    return np.asarray(inside.any(axis=1))


def _enclosed(cells: NDArray[np.int32], above: NDArray[np.bool_], left: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether there is a rule on all four sides of each."""
    return np.array(
        [
            above[[row, row + row_span], column : column + column_span].all()
            and left[[column, column + column_span], row : row + row_span].all()
            for row, column, row_span, column_span in cells.tolist()
        ]
    )


def _taken_apart(cells: NDArray[np.int32], chosen: NDArray[np.bool_]) -> NDArray[np.int32]:
    """With cells of one place each instead of those chosen: an open corner without text is no cell over others."""
    parts = [
        (row + i, column + j, 1, 1)
        for row, column, row_span, column_span in cells[chosen].tolist()
        for i in range(row_span)
        for j in range(column_span)
    ]
    places = np.concatenate([cells[~chosen], np.array(parts, np.int32).reshape(-1, 4)])
    return np.asarray(places[np.lexsort((places[:, 1], places[:, 0]))])


def _cells(above: NDArray[np.bool_], left: NDArray[np.bool_]) -> NDArray[np.int32] | None:
    """(cells, 4): row, column, row span, column span, row by row; None where places without walls between them are no
    rectangle, or there is but one. `above` is (rows + 1, columns), `left` is (columns + 1, rows)."""
    rows, columns = len(above) - 1, len(left) - 1
    ways = np.zeros((2 * rows - 1, 2 * columns - 1), np.uint8)  # places at even numbers, what is between at odd ones
    ways[::2, ::2] = 1
    ways[1::2, ::2] = ~above[1:-1]
    ways[::2, 1::2] = ~left[1:-1].T
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(ways, connectivity=4)
    numbers, spans = numbers[::2, ::2], (stats[1:, :4] + (0, 0, 1, 1)) // 2
    full = np.bincount(numbers.ravel(), minlength=len(stats))[1:] == spans[:, 2] * spans[:, 3]
    if len(spans) < 2 or not full.all():
        return None
    cells = spans[:, [1, 0, 3, 2]]
    return np.asarray(cells[np.lexsort((cells[:, 1], cells[:, 0]))], np.int32)


def _structure(cells: NDArray[np.int32], xs: Places, ys: Places, back: NDArray[np.float64]) -> Structure:
    rows = (chain(*map(_tokens, cells[cells[:, 0] == row])) for row in range(len(ys) - 1))
    tokens = tuple(chain.from_iterable(("<tr>", *row, "</tr>") for row in rows))
    row, column, row_span, column_span = cells.T
    x0, x1, y0, y1 = xs[column], xs[column + column_span], ys[row], ys[row + row_span]
    corners = np.stack([np.stack([x, y], axis=1) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], axis=1)
    boxes = corners @ back[:, :2].T + back[:, 2]
    return Structure(tokens, boxes.astype(np.float32), np.ones(len(tokens), np.float32))


def _tokens(cell: NDArray[np.int32]) -> tuple[str, ...]:
    row_span, column_span = cell[2:].tolist()
    spans = (("row", row_span), ("col", column_span))
    named = [f' {axis}span="{span}"' for axis, span in spans if span > 1]
    return ("<td", *named, ">", "</td>") if named else ("<td></td>",)
