"""Crops to lines. A line that reads badly, or stands on its side, is read again in other ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.engines.base import Engine, Image, Reading
from pipeline.ocr.show_through import Faint, FaintRead, faint_part
from pipeline.ocr.turned_lines import may_be_turned
from pipeline.stages.parts import Crop, Line


def recognise(engine: Engine, crops: Sequence[Crop]) -> list[Line]:
    """One line a crop, in order; its text may be empty. Runs on the engine's own thread.

    At most three more crops are read for each one: on its head, its faint part in the mirror, and without that part.
    """
    readings = engine.recognise([crop.image for crop in crops])
    first = list(zip(crops, readings, strict=True))
    turned = [_on_its_head(crop, reading) for crop, reading in first]
    faint = [None if crop.mark else faint_part(crop.image, reading) for crop, reading in first]
    wanted = [image for pair in zip(turned, faint, strict=True) for image in _images(*pair)]
    again = iter(engine.recognise(wanted) if wanted else ())
    return [
        Line(
            crop.polygon,
            reading,
            crop.mark,
            turned=next(again) if head is not None else None,
            faint=_faint_read(reading, part, again),
        )
        for (crop, reading), head, part in zip(first, turned, faint, strict=True)
    ]


def _on_its_head(crop: Crop, reading: Reading) -> Image | None:
    if crop.mark or not may_be_turned(crop.polygon, reading):
        return None
    return np.ascontiguousarray(crop.image[::-1, ::-1])


def _images(head: Image | None, faint: Faint | None) -> Iterator[Image]:
    if head is not None:
        yield head
    if faint is not None:
        yield faint.mirrored
        if faint.print is not None:
            yield faint.print


def _faint_read(reading: Reading, faint: Faint | None, again: Iterator[Reading]) -> FaintRead | None:
    if faint is None:
        return None
    mirrored = next(again)
    return FaintRead(reading, mirrored, next(again) if faint.print is not None else None)
