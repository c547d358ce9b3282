"""Where lines lie in the frame of a table."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.ocr.tables.frame import frame_of
from tests.unit.table_answers import quads


@pytest.mark.parametrize("nowhere", [np.inf, -np.inf, np.nan])
def test_what_is_no_place_has_no_box(nowhere: float) -> None:
    """However much of it is none; what stands beside it keeps its own."""
    lines = quads([(0, 0, 100, 20), (0, 40, 100, 60)])
    frame = frame_of(lines)
    assert frame is not None
    strange = np.concatenate([lines, lines[:1], lines[:1]])
    strange[2] = nowhere
    strange[3, 1, 0] = nowhere
    boxes = frame.boxes(strange)
    assert np.isnan(boxes[2:]).all()
    assert boxes[:2] == pytest.approx(frame.boxes(lines))
