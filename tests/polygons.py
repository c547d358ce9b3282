"""Lines' polygons for tests."""

from __future__ import annotations

import numpy as np

from pipeline.ocr.geometry import Polygons, no_polygons


def boxes(*places: tuple[float, float, float, float]) -> Polygons:
    """Upright ones, each by x, y, width and height."""
    if not places:
        return no_polygons()
    return np.array([[(x, y), (x + w, y), (x + w, y + h), (x, y + h)] for x, y, w, h in places], np.float32)
