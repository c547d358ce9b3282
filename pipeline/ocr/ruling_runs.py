"""Thin dark runs along or down a page that are rulings, and no strokes of letters, underlines or stamps."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .level import LevelPage, Mask, as_boxes, runs

_LONG_LINE_HEIGHTS, _SHORT_LINE_HEIGHTS = 2.0, 0.8
"""A ruling along the page is at least this long; the shorter length counts only between two rulings that go down, as in
a narrow column. Strokes of letters are as long, and stand free."""

_TALL_LINE_HEIGHTS = 0.9
_FREE_LINE_HEIGHTS, _HANGING_LINE_HEIGHTS = 3.0, 1.5
"""A ruling down the page goes from one that crosses it to another. Where it ends free it is at least this long, or
hangs from one with the second length: brackets and bars between words are shorter."""

_GAP_LINE_HEIGHTS = 0.4
"""A ruling may be broken for this length."""

_EVEN, _BROKEN = 0.4, 0.1
"""Share of a ruling's median darkness that it has all along. Of its length beyond `_FREE_LINE_HEIGHTS` the second share
may be paler, as where a scan broke it."""

_STRAIGHT = 2.0
"""Times its width that a short ruling covers across its direction."""

_SURE_LINE_HEIGHTS = 8.0
"""Letters do not line up to runs of this length."""

_UNDER_LINE_HEIGHTS = 0.15
"""An underline lies at most this far below its line."""

_INSIDE_LINE_HEIGHTS = 0.25
"""A stroke this far from both ends of a line is one of its letters."""

_MOST_PAIRS = 20_000_000
"""Of runs and lines, or of runs and pixels along them, that are compared. A page with more is full of a pattern: its
short runs are no rulings."""

SAME_LINE_HEIGHTS = 0.35
"""Parallel rulings within this distance are one: thick, or drawn double."""

TOUCH_PX = 1
"""Pixels of the reduced picture: rulings that are this close meet. Strokes of letters end a little farther from them,
and so does a table in a cell."""

Segments = NDArray[np.float64]
"""(n, 4): where a ruling lies across its direction, where it begins, where it ends and how wide it is, in pixels of the
level page."""


@dataclass(frozen=True, slots=True, eq=False)
class RulingRuns:
    """Unbroken runs along a picture. `labels` (h, w): the number of each run's segment plus one; 0 elsewhere."""

    labels: NDArray[np.int32]
    segments: Segments

    @property
    def lengths(self) -> NDArray[np.float64]:
        return np.asarray(self.segments[:, 2] - self.segments[:, 1])

    def chosen(self, kept: NDArray[np.bool_]) -> RulingRuns:
        numbers = np.concatenate([[0], np.where(kept, np.cumsum(kept), 0)]).astype(np.int32)
        return RulingRuns(numbers[self.labels], self.segments[kept])

    def owners(self, regions: NDArray[np.int32]) -> NDArray[np.intp]:
        """(runs,): the region that each run lies in; `regions` (h, w)."""
        drawn = self.labels > 0
        owners = np.zeros(len(self.segments), np.intp)
        owners[self.labels[drawn] - 1] = regions[drawn]
        return owners


def ruling_runs(page: LevelPage) -> tuple[RulingRuns, RulingRuns]:
    """The rulings along the page, and those down it, turned on their side. None, at little cost, where no run is long
    enough either way for two cells."""
    px, dark = page.line_px, page.dark
    turned = np.ascontiguousarray(dark.T)
    if not all(runs(picture, round(_LONG_LINE_HEIGHTS * px)).any() for picture in (dark, turned)):
        return _components(np.zeros_like(dark))[0], _components(np.zeros_like(turned))[0]
    down = _runs(turned, _TALL_LINE_HEIGHTS, px)
    along = _runs(dark, _SHORT_LINE_HEIGHTS, px)
    met = _ends_met(along, np.ascontiguousarray(down.labels.T)).all(axis=1)
    along = along.chosen(_even(along, page.ink, met | _is_free(along, page), px))
    met = _ends_met(down, np.ascontiguousarray(along.labels.T))
    met[_in_text(down, met, page)] = False
    hanging = met.any(axis=1) & (down.lengths >= _HANGING_LINE_HEIGHTS * px)
    free = down.lengths >= _FREE_LINE_HEIGHTS * px
    ink = np.ascontiguousarray(page.ink.T)
    return along, down.chosen(_even(down, ink, met.all(axis=1) | hanging | free, px))


def _runs(dark: Mask, least_line_heights: float, line_px: float) -> RulingRuns:
    """Long runs, and shorter ones that are no part of them and keep to one height: a slanted stroke, as of a stamp, is
    no run, and joins no two."""
    least_px = round(least_line_heights * line_px)
    gap = np.ones((1, 1 + round(_GAP_LINE_HEIGHTS * line_px)), np.uint8)
    long = np.asarray(cv2.morphologyEx(runs(dark, round(_LONG_LINE_HEIGHTS * line_px)), cv2.MORPH_CLOSE, gap), np.uint8)
    short = np.where(cv2.dilate(long, np.ones((3, 3), np.uint8)) > 0, np.uint8(0), runs(dark, least_px))
    pieces, highs = _components(runs(short, least_px))
    level = pieces.chosen(highs <= _STRAIGHT * pieces.segments[:, 3])
    found, _ = _components(np.asarray(long | (level.labels > 0), np.uint8))
    return found


def _components(mask: Mask) -> tuple[RulingRuns, NDArray[np.float64]]:
    """The connected runs, and how high each is from its highest to its lowest pixel."""
    _, labels, stats, middles = cv2.connectedComponentsWithStats(mask, connectivity=8)
    x, width, high, area = stats[1:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA]].T
    segments = np.stack([middles[1:, 1] + 0.5, x, x + width, area / np.maximum(width, 1)], axis=1).astype(np.float64)
    return RulingRuns(np.asarray(labels, np.int32), segments), high.astype(np.float64)


def _ends_met(rulings: RulingRuns, others: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(runs, 2): whether one of the other rulings, on the same picture, goes by where each begins and where it ends."""
    side = 1 + 2 * TOUCH_PX
    near = cv2.dilate(np.asarray(others > 0, np.uint8), np.ones((side, side), np.uint8))
    rows = np.clip(rulings.segments[:, 0].astype(int), 0, near.shape[0] - 1)
    return np.stack(
        [near[rows, np.clip(rulings.segments[:, i].astype(int), 0, near.shape[1] - 1)] > 0 for i in (1, 2)], axis=1
    )


def _even(rulings: RulingRuns, ink: NDArray[np.uint8], asked: NDArray[np.bool_], line_px: float) -> NDArray[np.bool_]:
    """(runs,): those of `asked` that are nowhere much paler than they mostly are, unless they are very long. Strokes of
    letters, and the rulings above and below them, blur into one run, which is pale between them."""
    short = asked & (rulings.lengths < _SURE_LINE_HEIGHTS * line_px)
    if short.sum() * ink.shape[1] > _MOST_PAIRS:
        return asked & ~short
    kept, chosen = asked & ~short, rulings.chosen(short)
    profiles = np.zeros((len(chosen.segments), ink.shape[1]), np.uint8)
    rows, places = np.nonzero(chosen.labels)
    np.maximum.at(profiles, (chosen.labels[rows, places] - 1, places), ink[rows, places])
    spans = chosen.segments[:, 1:3].astype(int).tolist()
    for number, profile, (begin, end) in zip(np.flatnonzero(short).tolist(), profiles, spans, strict=True):
        least = _EVEN * float(np.median(profile[begin:end]))
        dark = np.flatnonzero(profile[begin:end] >= least)  # free ends fade
        shown = np.sort(profile[begin + dark[0] : begin + dark[-1] + 1])
        broken_px = int(_BROKEN * max(0.0, len(shown) - _FREE_LINE_HEIGHTS * line_px))
        kept[number] = shown[broken_px] >= least
    return kept


def _is_free(along: RulingRuns, page: LevelPage) -> NDArray[np.bool_]:
    """(runs,): long, and not drawn under or through a single line, unless longer than it."""
    free = along.lengths >= _LONG_LINE_HEIGHTS * page.line_px
    at, begin, end, _ = along.segments[free].T[:, :, None]
    boxes, room = as_boxes(page.lines), SAME_LINE_HEIGHTS * page.line_px
    if at.size * len(boxes) > _MOST_PAIRS:
        return np.zeros_like(free)
    within = (begin > boxes[:, 0] - room) & (end < boxes[:, 2] + room)
    below = boxes[:, 3] + _UNDER_LINE_HEIGHTS * page.line_px
    free[free] = ~(within & (at > boxes[:, 1]) & (at < below)).any(axis=1)
    return np.asarray(free)


def _in_text(down: RulingRuns, met: NDArray[np.bool_], page: LevelPage) -> NDArray[np.intp]:
    """Those of the runs that meet a ruling which are strokes in the middle of a line, and no longer than letters are
    where rows of a table are low."""
    short = np.flatnonzero(met.any(axis=1) & (down.lengths < _HANGING_LINE_HEIGHTS * page.line_px))
    x, y0, y1, _ = down.segments[short].T[:, :, None]
    boxes, room = as_boxes(page.lines), _INSIDE_LINE_HEIGHTS * page.line_px
    if x.size * len(boxes) > _MOST_PAIRS:
        return short
    across = (x > boxes[:, 0] + room) & (x < boxes[:, 2] - room)
    within = across & ((y0 + y1) / 2 > boxes[:, 1]) & ((y0 + y1) / 2 < boxes[:, 3])
    return np.asarray(short[within.any(axis=1)])
