"""Crops to lines."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.engines.base import Engine
from pipeline.ocr.text.by_shape import by_shape
from pipeline.stages.parts import Crop, Line


def recognise(engine: Engine, crops: Sequence[Crop]) -> list[Line]:
    """One line a crop, in order; its text may be empty. Runs on the engine's own thread."""
    readings = engine.recognise([crop.image for crop in crops])
    return [
        Line(crop.polygon, by_shape(reading, crop.image), crop.mark)
        for crop, reading in zip(crops, readings, strict=True)
    ]
