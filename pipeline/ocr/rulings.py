"""The rulings drawn on a page, network by network: rulings of one table touch one another."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .level import LevelPage, Mask
from .ruling_runs import SAME_LINE_HEIGHTS, TOUCH_PX, Segments, ruling_runs

_CLOSE_LINE_HEIGHTS = 3.0
"""A ruling along all of a network, this far above or below it, is its border."""

_OPEN_LINE_HEIGHTS = 0.6
"""Where rulings reach this far beyond the last one across them, another cell follows, open at its outer side."""

_MOST_RULINGS = 200
"""Rulings of either direction in one table: more are a pattern."""

_MOST_NETWORKS = 200
"""Looked at on one page."""

Edges = NDArray[np.float64]
"""(n,): ascending, in pixels of the level page."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Rulings that touch one another. `xs` and `ys`: where its columns and rows end; `thick_px`: the median ruling.

    `inner` (n, 4): x0, y0, x1, y1 of networks that lie within it and touch none of its rulings.
    """

    across: Segments
    upright: Segments
    xs: Edges
    ys: Edges
    inner: NDArray[np.float64]
    thick_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Rulings:
    """`drawn` (h, w): the pixels of all rulings. `networks`: those that may close cells, the largest first."""

    drawn: Mask
    networks: tuple[Network, ...]


def rulings_of(page: LevelPage) -> Rulings:
    across, upright = ruling_runs(page)
    drawn = np.asarray((across.labels > 0) | (upright.labels.T > 0), np.uint8)
    regions, boxes = _touching(drawn)
    lying, standing = across.owners(regions), upright.owners(np.ascontiguousarray(regions.T))
    counts = np.stack([np.bincount(owners, minlength=len(boxes)) for owners in (lying, standing)])
    reach = np.where(counts.min(axis=0) > 0, (boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 0)
    order = np.argsort(-reach, kind="stable")[:_MOST_NETWORKS]
    closed = boxes[counts.min(axis=0) >= 2]
    networks = []
    for place in order[reach[order] > 0].tolist():
        members = np.isin(lying, [place, *_borders(place, boxes, counts[1], page.line_px)])
        inner = closed[_within(closed, boxes[place])]
        networks.append(_network(across.segments[members], upright.segments[standing == place], inner, page.line_px))
    return Rulings(drawn, tuple(network for network in networks if network is not None))


def _touching(drawn: Mask) -> tuple[NDArray[np.int32], Edges]:
    """(h, w): which pixels of rulings touch one another, 0 on paper; and (n, 4): the box around each such group."""
    side = 1 + 2 * TOUCH_PX
    near = cv2.dilate(drawn, np.ones((side, side), np.uint8))
    _, regions, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    boxes = np.concatenate([stats[:, :2], stats[:, :2] + stats[:, 2:4]], axis=1)
    return np.asarray(regions, np.int32), boxes.astype(np.float64)


def _borders(place: int, boxes: Edges, uprights: NDArray[np.intp], line_px: float) -> NDArray[np.intp]:
    """Single rulings along all of a network, close above or below: its border where it is open at its sides."""
    x0, y0, x1, y1 = boxes[place]
    alike = (np.abs(boxes[:, [0, 2]] - (x0, x1)) <= line_px).all(axis=1) & (uprights == 0)
    close = np.maximum(y0 - boxes[:, 3], boxes[:, 1] - y1) <= _CLOSE_LINE_HEIGHTS * line_px
    return np.flatnonzero(alike & close)


def _within(boxes: Edges, box: Edges) -> NDArray[np.bool_]:
    return np.asarray((boxes[:, :2] > box[:2]).all(axis=1) & (boxes[:, 2:] < box[2:]).all(axis=1))


def _network(across: Segments, upright: Segments, inner: Edges, line_px: float) -> Network | None:
    """None for less than two rulings along the page, or one that goes down, and for patterns."""
    if len(across) < 2 or not len(upright):
        return None
    ys, xs = _edges(across, upright, line_px), _edges(upright, across, line_px)
    thick_px = float(np.median(np.concatenate([across, upright])[:, 3]))
    return Network(across, upright, xs, ys, inner, thick_px) if max(len(ys), len(xs)) <= _MOST_RULINGS else None


def _edges(rulings: Segments, others: Segments, line_px: float) -> Edges:
    """Where rulings lie; those close together count once. An outer edge is added where the others reach beyond the
    first or last ruling: the table is open there."""
    rulings = rulings[np.argsort(rulings[:, 0], kind="stable")]
    groups = np.split(rulings, np.flatnonzero(np.diff(rulings[:, 0]) > SAME_LINE_HEIGHTS * line_px) + 1)
    edges = [float(np.average(group[:, 0], weights=group[:, 2] - group[:, 1])) for group in groups]
    begin, end = float(others[:, 1].min()), float(others[:, 2].max())
    room = _OPEN_LINE_HEIGHTS * line_px
    return np.array([*[begin] * (begin < edges[0] - room), *edges, *[end] * (end > edges[-1] + room)])
