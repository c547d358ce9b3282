"""The rules drawn on a page: thin dark runs along or down it, of which those of one table touch one another."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image, Polygons
from .tables.frame import slope_of

_AROUND = 3.0
"""Heights of a line around the text of a table in which its outer rules are looked for."""

_FARTHER, _ROUNDS = 4.0, 3
"""Where rules go on beyond, it is so many times as far that is looked next, and so often."""

_HEIGHT = 20.0
"""Pixels that a line is reduced to where it is higher: rules can still be seen, and a page is looked at in no time."""

_DARKER = 14
"""Grey levels by which a rule is darker than the paper beside it. That is little, for spreadsheets draw theirs in pale
grey; noise of a scanner is as dark here and there, but not in a row."""

_THIN = 0.3
_LONG, _TALL = 2.0, 0.9
"""In heights of a line: rules are thinner, and their unbroken parts longer along and down the page. Strokes of letters
are not, and stand apart."""

_UNDER = 0.15
"""Heights of a line below it where an underline may be. Rules of a table stand farther off, or reach farther."""

_MIDDLE = 0.2
"""Share of a line's height, above and below, in which there may be a rule as well."""

_GAP = 0.4
"""Heights of a line that a rule may be broken for."""

_TOUCH = 1
"""Pixels around a rule in which those that meet it end. A table in a cell keeps a little farther from its rules."""

_CLOSE = 3.0
"""Heights of a line between a table's rules and one above or below that is its border."""

SAME = 0.35
"""Heights of a line within which parallel rules are one: thick, or drawn double."""

_OPEN = 4.0
"""Times that by which rules that reach farther than the last one across them are those of an open table."""

_LONGEST = 200
"""Rules of either direction: more are a pattern, not a table."""

Segments = NDArray[np.float64]
"""(n, 3): where a rule lies across its direction, where it begins and where it ends, in pixels."""

Places = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """Of the table that reaches farthest: rules along and down the page, and where its rows and columns end. `inner`,
    (n, 4): x0, y0, x1, y1 of the tables and boxes within it, whose rules touch none of its own."""

    across: Segments
    upright: Segments
    ys: Places
    xs: Places
    inner: Places

    def around(self, lines: Polygons) -> NDArray[np.bool_]:
        """(lines,): which of them the rules go around."""
        middles, xs, ys = lines.mean(axis=1), self.xs, self.ys
        return np.asarray(((middles > (xs[0], ys[0])) & (middles < (xs[-1], ys[-1]))).all(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A part of the page, grey, turned so that its `lines` are level; `back` (2, 3) leads from it to the page.

    `height`: of the median line, in its pixels. `more`: whether the page goes on at its left, top, right and bottom.
    """

    picture: NDArray[np.uint8]
    back: NDArray[np.float64]
    lines: Polygons
    height: float
    more: NDArray[np.bool_]


def height_of(lines: Polygons) -> float:
    """Pixels, 1 at least; of the median line."""
    return max(1.0, float(np.median(np.linalg.norm(lines[:, 3] - lines[:, 0], axis=1))))


def rules_around(image: Image, lines: Polygons) -> tuple[Level, Rules | None]:
    """The rules around these lines, however far off the outer ones are, as long as others lead there."""
    rooms = np.full(4, _AROUND)
    level = levelled(image, lines, rooms)
    rules = rules_of(level)
    for _ in range(_ROUNDS):
        if rules is None or not (cut := _cut(level, rules)).any():
            break
        rooms = np.where(cut, _FARTHER * rooms, rooms)
        wider = levelled(image, lines, rooms)
        found = rules_of(wider)
        if found is None or found.around(wider.lines).mean() < rules.around(level.lines).mean():
            break
        level, rules = wider, found
    return level, rules


def _cut(level: Level, rules: Rules) -> NDArray[np.bool_]:
    """(4,): whether rules go on beyond the left, top, right and bottom of the picture."""
    height, width = level.picture.shape
    ends = [rules.across[:, 1].min(), rules.upright[:, 1].min()]
    begins = [width - rules.across[:, 2].max(), height - rules.upright[:, 2].max()]
    return np.asarray(level.more & (np.array([*ends, *begins]) <= _TOUCH))


def rules_of(level: Level) -> Rules | None:
    """None where fewer than two go either way, or so many that they are a pattern."""
    height = level.height
    down = _runs(_dark(np.ascontiguousarray(level.picture.T), height), height, _TALL)
    crossed = _dark(_without_text(level), height) | np.ascontiguousarray(down.T)
    across, upright, inner = _network(_runs(crossed, height, _LONG), down, height)
    across = _beside_text(across, level.lines, height)
    if min(len(across), len(upright)) < 2:
        return None
    ys, xs = _edges(across, upright, SAME * height), _edges(upright, across, SAME * height)
    return Rules(across, upright, ys, xs, inner) if max(len(ys), len(xs)) <= _LONGEST else None


def levelled(image: Image, lines: Polygons, rooms: NDArray[np.float64]) -> Level:
    """The page around these lines; `rooms`: so many heights of a line to the left, above, to the right and below."""
    height = height_of(lines)
    scale = min(1.0, _HEIGHT / height)
    size = np.array(image.shape[1::-1])
    low = np.clip(lines.min(axis=(0, 1)) - height * rooms[:2], 0, size - 1).astype(int)
    high = np.clip(lines.max(axis=(0, 1)) + height * rooms[2:], low + 1, size).astype(int)
    part = cv2.cvtColor(image[low[1] : high[1], low[0] : high[0]], cv2.COLOR_BGR2GRAY)
    part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    across, down = part.shape[::-1]
    turn = cv2.getRotationMatrix2D((across / 2, down / 2), float(np.degrees(np.arctan(slope_of(lines)))), 1.0)
    picture = cv2.warpAffine(part, turn, (across, down), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    back = np.asarray(cv2.invertAffineTransform(turn), np.float64) / scale
    back[:, 2] += low
    there = (lines - low) * scale @ turn[:, :2].T + turn[:, 2]
    more = np.concatenate([low > 0, high < size])
    return Level(np.asarray(picture, np.uint8), back, there.astype(np.float32), min(height, _HEIGHT), more)


def _without_text(level: Level) -> NDArray[np.uint8]:
    """Blank where most of a line's ink is. A rule may run close above or below."""
    picture = level.picture.copy()
    for middle in level.lines + _MIDDLE * (level.lines[:, [3, 2, 1, 0]] - level.lines):
        cv2.fillConvexPoly(picture, np.round(middle).astype(np.int32), 255)
    return picture


def _beside_text(rules: Segments, lines: Polygons, height: float) -> Segments:
    """Without what is drawn under a single line, or left of it."""
    low, high = lines.min(axis=1), lines.max(axis=1)
    along = (rules[:, 1:2] > low[:, 0] - SAME * height) & (rules[:, 2:] < high[:, 0] + SAME * height)
    at = (rules[:, :1] > low[:, 1]) & (rules[:, :1] < high[:, 1] + _UNDER * height)
    return np.asarray(rules[~(along & at).any(axis=1)])


def _dark(picture: NDArray[np.uint8], height: float) -> NDArray[np.uint8]:
    """0 or 1: what is dark and thin, seen down the picture. Where a rule meets one that goes down, it is not."""
    thin = cv2.morphologyEx(picture, cv2.MORPH_BLACKHAT, np.ones((max(3, round(_THIN * height)), 1), np.uint8))
    return np.asarray(thin > _DARKER, np.uint8)


def _runs(dark: NDArray[np.uint8], height: float, least: float) -> NDArray[np.uint8]:
    """0 or 1: where what is dark goes along the picture for at least `least` heights of a line."""
    runs = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, max(3, round(least * height))), np.uint8))
    joined = cv2.morphologyEx(runs, cv2.MORPH_CLOSE, np.ones((3, 1 + round(_GAP * height)), np.uint8))
    return np.asarray(joined, np.uint8)


def _network(across: NDArray[np.uint8], down: NDArray[np.uint8], height: float) -> tuple[Segments, Segments, Places]:
    """Of the rules in two masks, the second on its side, those of the network that reaches farthest; and those along
    all of it close above or below, which touch nothing where a table is open at its sides. Then the networks in it."""
    near = 1 + 2 * _TOUCH
    drawn = cv2.dilate(across | np.ascontiguousarray(down.T), np.ones((near, near), np.uint8))
    _, networks, stats, _ = cv2.connectedComponentsWithStats(drawn, connectivity=8)
    if len(stats) < 2:
        return np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 4))
    reach = stats[1:, cv2.CC_STAT_WIDTH].astype(np.int64) * stats[1:, cv2.CC_STAT_HEIGHT]
    farthest = 1 + int(reach.argmax())
    x, y, width, depth = stats[farthest, :4].tolist()
    alike = (np.abs(stats[:, [0, 2]] - (x, width)).max(axis=1) <= height) & (stats[:, 3] <= height + near)
    close = np.maximum(y - stats[:, 1], stats[:, 1] + stats[:, 3] - y - depth) <= _CLOSE * height
    chosen = np.array([farthest, *np.flatnonzero(alike & close)])
    shown = np.isin(networks, chosen)
    boxes = np.concatenate([stats[:, :2], stats[:, :2] + stats[:, 2:4]], axis=1).astype(np.float64)
    within = (boxes[:, :2] > boxes[farthest, :2]).all(axis=1) & (boxes[:, 2:] < boxes[farthest, 2:]).all(axis=1)
    inner = [place for place in np.flatnonzero(within) if _is_closed(across, down, networks == place)]
    return _segments(across * shown), _segments(down * shown.T), boxes[inner]


def _is_closed(across: NDArray[np.uint8], down: NDArray[np.uint8], network: NDArray[np.bool_]) -> bool:
    """Whether a network has two rules or more either way, and so may go around text."""
    return min(len(_segments(across * network)), len(_segments(down * network.T))) >= 2


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
