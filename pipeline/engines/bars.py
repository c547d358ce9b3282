"""How text is drawn as bars and read back: writing that needs no model, for the fake engine and for tests.

A line is a black frame eight cells high. Inside, above, each cell is one bit (black is 1) of the text in UTF-8, after
one byte of checksum; below, cells alternate, which tells how many there are. So pages may be scaled, or compressed.
A table is a patch of light colour with its lines in rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.geometry import Image, Polygons, no_polygons

_CELLS_HIGH = 8
_LOWEST = 8
"""Pixels a frame must be high to be read: one pixel a cell."""

_BITS, _CLOCK = 2.5 / _CELLS_HIGH, 5.5 / _CELLS_HIGH
"""Where, in heights of the frame, the middle of the bits and of the alternating cells lies."""

_DARK = 128

_PATCH = (255, 255, 200)
"""Behind a table: light, so that it isn't taken for ink, and yellow's opposite, so that paper isn't taken for it."""

_COLOURED = 24
"""Difference between a pixel's channels from which it has colour; compression leaves less on black and white."""


@dataclass(frozen=True, slots=True)
class Table:
    """Lines to be drawn in rows and columns."""

    rows: tuple[tuple[str, ...], ...]


def draw_page(lines: Sequence[str | Table], *, cell: int = 3, margin: int = 24) -> Image:
    """A white page with one frame for each line, from top to bottom; `cell` and `margin` in pixels."""
    drawn = [_grid(line, cell, margin) if isinstance(line, Table) else _frame(line, cell) for line in lines]
    width = max((patch.shape[1] for patch in drawn), default=0) + 2 * margin
    height = sum(patch.shape[0] + margin for patch in drawn) or cell * _CELLS_HIGH + margin
    page = np.full((margin + height, width, 3), 255, np.uint8)
    top = margin
    for patch in drawn:
        page[top : top + patch.shape[0], margin : margin + patch.shape[1]] = patch
        top += patch.shape[0] + margin
    return page


def find_patches(page: Image) -> list[tuple[int, int, int, int]]:
    """Where tables lie, x0, y0, x1, y1, from top to bottom."""
    coloured = (page.max(axis=2) - page.min(axis=2) >= _COLOURED).view(np.uint8)
    contours, _ = cv2.findContours(coloured, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = sorted((y, x, w, h) for x, y, w, h in map(cv2.boundingRect, contours) if min(w, h) >= 2 * _LOWEST)
    return [(x, y, x + w, y + h) for y, x, w, h in found]


def find_frames(page: Image) -> Polygons:
    """The frames of a page from top to bottom."""
    dark = (page.min(axis=2) < _DARK).view(np.uint8)
    contours, _ = cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = sorted((y, x, w, h) for x, y, w, h in map(cv2.boundingRect, contours) if h >= _LOWEST)
    corners = [[(x, y), (x + w, y), (x + w, y + h), (x, y + h)] for y, x, w, h in found
               if _framed(dark[y : y + h, x : x + w])]  # fmt: skip
    return np.array(corners, np.float32) if corners else no_polygons()


def read_frame(crop: Image) -> str | None:
    """The text of one frame, or None where the crop holds none."""
    height, width = crop.shape[:2]
    dark = crop.min(axis=2) < _DARK
    clock = dark[int(height * _CLOCK)]
    cells = int((clock[1:] != clock[:-1]).sum())
    if height < _LOWEST or not cells or cells % 8:
        return None
    places = (np.arange(1, cells + 1) + 0.5) * (width / (cells + 2))
    checksum, *content = np.packbits(dark[int(height * _BITS), places.astype(int)]).tolist()
    if checksum != _checksum(bytes(content)):
        return None
    try:
        return bytes(content).decode()
    except UnicodeDecodeError:
        return None


def _grid(table: Table, cell: int, margin: int) -> Image:
    frames = [[_frame(text, cell) for text in row] for row in table.rows]
    widths = [max(frame.shape[1] for frame in column) for column in zip(*frames, strict=True)]
    step = cell * _CELLS_HIGH + margin
    patch = np.empty((margin + step * len(frames), margin + sum(width + margin for width in widths), 3), np.uint8)
    patch[:] = _PATCH
    for row, entries in enumerate(frames):
        for column, frame in enumerate(entries):
            top, left = margin + row * step, margin + sum(widths[:column]) + margin * column
            patch[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
    return patch


def _frame(text: str, cell: int) -> Image:
    content = text.encode()
    bits = np.unpackbits(np.frombuffer(bytes([_checksum(content)]) + content, np.uint8))
    cells = np.zeros((_CELLS_HIGH, len(bits) + 2), np.uint8)
    cells[1:4, 1:-1] = 255 * (1 - bits)
    cells[4:-1, 1:-1:2] = 255
    drawn = cells.repeat(cell, axis=0).repeat(cell, axis=1)
    return np.repeat(drawn[:, :, None], 3, axis=2)


def _framed(dark: NDArray[np.uint8]) -> bool:
    edges = (dark[0], dark[-1], dark[:, 0], dark[:, -1])
    return all(edge.mean() > 0.9 for edge in edges) and dark.mean() < 0.9


def _checksum(content: bytes) -> int:
    return (sum(content) * 31 + len(content) + 1) % 256
