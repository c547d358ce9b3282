"""Figures that are text in truth."""

from __future__ import annotations

import numpy as np

from pipeline.ocr.figures import is_text
from pipeline.ocr.geometry import Polygons, sizes
from pipeline.ocr.layout import Region
from tests.polygons import boxes

PAGE = Region("figure", (0, 0, 500, 600), 0.95)


def read_as_text(lines: Polygons, *, beside: int = 0) -> bool:
    """Of a figure as large as the page. `beside`: how many lines of the page are not in it."""
    others = boxes(*((600, 20 * row, 100, 10) for row in range(beside)))
    polygons = np.concatenate([lines, others])
    along, across = sizes(polygons).T
    return is_text(PAGE, polygons, along / across)


def together(*, height: float = 20) -> Polygons:
    """Of what these span they fill the half."""
    return boxes(*((100, 20 + 2 * height * row, 200, height) for row in range(10)))


def all_around() -> Polygons:
    """As much, in four corners."""
    return boxes(*((x, y, 200, 25) for x in (0, 300) for y in (0, 30, 520, 550)))


def words(count: int) -> Polygons:
    return boxes(*((100, 100 + 16 * row, 40, 10) for row in range(count)))


def test_a_photo_of_a_page_is_text() -> None:
    """However much there is around it: its lines stand together. Labels stand all around what they are of."""
    assert read_as_text(together())
    assert not read_as_text(all_around())


def test_most_of_the_page_must_be_in_it() -> None:
    """Or its lines run on, as those of labels don't."""
    assert read_as_text(together(height=26), beside=9)
    assert not read_as_text(together(height=26), beside=11)
    assert read_as_text(together(height=24), beside=11)
    assert not read_as_text(together(height=24)[:3], beside=11)


def test_a_few_words_in_a_picture_are_no_text() -> None:
    """Though they stand together."""
    assert not read_as_text(words(7))
    assert read_as_text(words(8))


def test_an_empty_picture_is_none() -> None:
    """Nothing stands in it."""
    assert not read_as_text(boxes(), beside=3)
