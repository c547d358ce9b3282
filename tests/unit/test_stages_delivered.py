"""Lines of a page as they are delivered: check boxes of a form reach their labels whichever way it lies."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.decode.protocol import CheckBox
from pipeline.ocr.orientation import Rotation, to_page
from pipeline.ocr.text.reading import Reading
from pipeline.stages.delivered import Delivered, with_check_boxes
from tests.unit.table_answers import quads

WIDTH, HEIGHT = 600, 400
LABELS = quads([(130, 95, 300, 125), (130, 195, 300, 225)])


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_check_box_reaches_its_label_on_a_turned_page(rotation: Rotation) -> None:
    """The file tells where a viewer shows it; lines lie on the upright page. What was read is kept."""
    boxes = [CheckBox(shown(box, rotation), ticked) for box, ticked in (((100, 100, 120, 120), True), (ALONE, False))]
    readings = [Reading(text, 0.9) for text in ("Cash", "Cheque")]
    lines = [Delivered(polygon, reading, reading) for polygon, reading in zip(LABELS, readings, strict=True)]
    cash, cheque, alone = with_check_boxes(lines, boxes, rotation, width=WIDTH, height=HEIGHT)
    assert [line.reading.text for line in (cash, cheque, alone)] == ["☑ Cash", "Cheque", "☐"]
    assert (cash.read_as, cheque.read_as, alone.read_as) == ("Cash", None, None)
    assert np.allclose([*alone.polygon.min(axis=0), *alone.polygon.max(axis=0)], ALONE, atol=1)
    assert cash.polygon[:, 0].min() <= 100


ALONE = (500, 300, 520, 320)


def shown(box: tuple[int, int, int, int], rotation: Rotation) -> tuple[float, float, float, float]:
    """A box of the upright page where a viewer shows it."""
    width, height = (WIDTH, HEIGHT) if rotation in (0, 180) else (HEIGHT, WIDTH)
    corners = to_page(quads([box]), rotation, width=width, height=height)[0]
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return x0, y0, x1, y1
