"""How text is drawn as bars and read back: writing that needs no model, for the fake engine and for tests.

A line is a black frame eight cells high. Inside, above, each cell is one bit (black is 1) of the text in UTF-8, after
one byte of checksum; below, cells alternate, which tells how many there are. So pages may be scaled, or compressed.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def draw_page(lines: Sequence[str], *, cell: int = 3, margin: int = 24) -> Image:
    """A white page with one frame for each line, from top to bottom; `cell` and `margin` in pixels."""
    frames = [_frame(line, cell) for line in lines]
    width = max((frame.shape[1] for frame in frames), default=0) + 2 * margin
    step = cell * _CELLS_HIGH + margin
    page = np.full((margin + step * max(len(frames), 1), width, 3), 255, np.uint8)
    for row, frame in enumerate(frames):
        top = margin + row * step
        page[top : top + frame.shape[0], margin : margin + frame.shape[1]] = frame[:, :, None]
    return page


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


def _frame(text: str, cell: int) -> NDArray[np.uint8]:
    content = text.encode()
    bits = np.unpackbits(np.frombuffer(bytes([_checksum(content)]) + content, np.uint8))
    cells = np.zeros((_CELLS_HIGH, len(bits) + 2), np.uint8)
    cells[1:4, 1:-1] = 255 * (1 - bits)
    cells[4:-1, 1:-1:2] = 255
    return cells.repeat(cell, axis=0).repeat(cell, axis=1)


def _framed(dark: NDArray[np.uint8]) -> bool:
    edges = (dark[0], dark[-1], dark[:, 0], dark[:, -1])
    return all(edge.mean() > 0.9 for edge in edges) and dark.mean() < 0.9


def _checksum(content: bytes) -> int:
    return (sum(content) * 31 + len(content) + 1) % 256
