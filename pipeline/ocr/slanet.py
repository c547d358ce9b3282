"""How a table is shown to SLANet, PaddleOCR's table networks, and how their answer is read.

A network writes a table as HTML in pieces, with a box for each cell. How close to the text a table is cut decides more
than anything else whether it gets it right, so the cut is part of the question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image
from .preprocess import IMAGENET, Tensor, normalise
from .tables.structure import Structure

SIDE = 488
"""Of the square both networks were trained on (PaddleOCR's SLANet configurations)."""

SURE = 0.9
"""Probability that every token of an answer has when no other answer is worth asking for. Of 33 tables, 19 are read so
surely; one of the 19 would be read better by another attempt."""

BoxesIn = Literal["square", "image"]
"""What boxes are shares of: the padded square, or the image within it."""

_OPENING = ("<td>", "<td", "<td></td>")
_ROOM = 2.0
"""Pixels between text and cut, whatever its size."""


def vocabulary(characters: str) -> tuple[str, ...]:
    """The tokens of a network's classes. `characters`: one a line, from its file's metadata.

    As PaddleOCR's `merge_no_span_structure` has it: a cell without spans is one token.
    """
    tokens = [token for token in characters.splitlines() if token not in ("<td>", "<td></td>")]
    return ("", *tokens, "<td></td>", "")


def cut(image: Image, text: tuple[float, float, float, float], share: float) -> tuple[Image, tuple[int, int]]:
    """The part of `image` with its text (x0, y0, x1, y1), `share` of the text's longer side around it, and where its
    top left lies in the image. White stands for what is outside of the image."""
    height, width = image.shape[:2]
    (x0, x1), (y0, y1) = (sorted(np.clip(text[axis::2], 0, side).tolist()) for axis, side in ((0, width), (1, height)))
    margin = share * max(x1 - x0, y1 - y0) + _ROOM
    left, top = int(x0 - margin), int(y0 - margin)
    right, bottom = max(left + 1, int(x1 + margin)), max(top + 1, int(y1 + margin))
    part = np.full((bottom - top, right - left, 3), 255, np.uint8)
    rows, columns = slice(max(0, top), min(height, bottom)), slice(max(0, left), min(width, right))
    inside = image[rows, columns]
    part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = inside
    return part, (left, top)


def table_tensor(table: Image) -> Tensor:
    """(3, SIDE, SIDE): the table in its own proportions at the top left, zeros beside it; BGR, for PaddleOCR gives its
    table networks the image as OpenCV loads it."""
    height, width = _shown(table.shape[0], table.shape[1])
    square = np.zeros((3, SIDE, SIDE), np.float32)
    shown = cv2.resize(table, (width, height), interpolation=cv2.INTER_LINEAR)
    square[:, :height, :width] = normalise(np.asarray(shown, np.uint8), IMAGENET)
    return square


def structure_of(
    probabilities: NDArray[np.float32],
    shares: NDArray[np.float32],
    tokens: Sequence[str],
    *,
    frame: BoxesIn,
    height: int,
    width: int,
) -> Structure:
    """What a network says of a table of `height` x `width` pixels, its boxes in those pixels.

    `probabilities` is (steps, tokens); `shares` is (steps, 4), x0, y0, x1, y1, or (steps, 8), x, y of four corners.
    """
    classes, scores = probabilities.argmax(axis=1), probabilities.max(axis=1)
    ends = np.flatnonzero(classes == len(tokens) - 1)
    steps = np.flatnonzero(classes[: ends[0]] if len(ends) else classes)  # class 0 is the beginning: no token
    written = tuple(tokens[number] for number in classes[steps])
    opening = np.array([token in _OPENING for token in written], bool)
    size = (max(height, width),) * 2 if frame == "square" else (width, height)
    boxes = _quadrilaterals(shares[steps][opening]) * np.array(size, np.float32)
    return Structure(written, boxes.astype(np.float32), scores[steps].astype(np.float32))


def is_sure(structure: Structure) -> bool:
    """Whether an answer needs no other beside it: every token is likely, and all rows have as many columns."""
    if not structure.tokens or not float(structure.scores.min()) >= SURE:  # not-a-number is not
        return False
    return len(set(row_widths(structure.tokens))) == 1


def row_widths(tokens: Iterable[str]) -> list[int]:
    """Columns that each row fills, those that cells of the rows above reach down to among them."""
    widths, reaching = [0], Counter[int]()
    across = down = 1
    for token in tokens:
        match token:
            case "<tr>":
                widths.append(reaching[len(widths)])
            case "<td>" | "<td></td>":
                widths[-1] += 1
            case "<td":
                across = down = 1
            case ">":
                widths[-1] += across
                reaching.update({len(widths) + row: across for row in range(down - 1)})
            case _ if span := re.fullmatch(r' (col|row)span="(\d{1,3})"', token):  # no network's own are longer
                across, down = (int(span[2]), down) if span[1] == "col" else (across, int(span[2]))
    return widths[1:]


def _shown(height: int, width: int) -> tuple[int, int]:
    longer = max(height, width)
    return max(1, height * SIDE // longer), max(1, width * SIDE // longer)


def _quadrilaterals(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 4, 2), clockwise from the top left, out of corners or of the two ends of a diagonal."""
    if shares.shape[1] == 4:
        shares = shares[:, [0, 1, 2, 1, 2, 3, 0, 3]]
    return shares.reshape(-1, 4, 2)
