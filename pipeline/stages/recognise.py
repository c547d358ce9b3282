"""Crops to lines. A line that reads badly, or stands on its side, is read again in other ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.engines.base import Engine, Image, Reading
from pipeline.ocr.show_through import Faint, FaintRead, faint_part
from pipeline.ocr.text.by_shape import by_shape
from pipeline.ocr.turned_lines import Turned, turned_crop, turns_to_try
from pipeline.stages.parts import Crop, Line


def recognise(engine: Engine, crops: Sequence[Crop]) -> list[Line]:
    """One line a crop, in order; its text may be empty. Runs on the engine's own thread.

    At most five more crops are read for each one: two turned, its faint part in two mirrors, and without that part.
    """
    readings = engine.recognise([crop.image for crop in crops])
    first = list(zip(crops, readings, strict=True))
    turns = [() if crop.mark else turns_to_try(crop.polygon, reading) for crop, reading in first]
    faint = [None if crop.mark else faint_part(crop.image, reading) for crop, reading in first]
    wanted = [image for wish in zip(crops, turns, faint, strict=True) for image in _images(*wish)]
    answers = engine.recognise(wanted) if wanted else []
    again = iter([by_shape(reading, image) for image, reading in zip(wanted, answers, strict=True)])
    return [
        Line(
            crop.polygon,
            by_shape(reading, crop.image),
            crop.mark,
            turned=tuple(Turned(turn, next(again)) for turn in quarters),
            faint=_faint_read(reading, part, again),
            stamp=crop.stamp,
        )
        for (crop, reading), quarters, part in zip(first, turns, faint, strict=True)
    ]


def _images(crop: Crop, quarters: Sequence[int], faint: Faint | None) -> Iterator[Image]:
    for turn in quarters:
        yield turned_crop(crop.image, turn)
    if faint is not None:
        yield from faint.mirrored
        if faint.own is not None:
            yield faint.own.image


def _faint_read(reading: Reading, faint: Faint | None, again: Iterator[Reading]) -> FaintRead | None:
    if faint is None:
        return None
    mirrored = max((next(again) for _ in faint.mirrored), key=lambda one: one.mean_probability)
    return FaintRead(reading, mirrored, (next(again), faint.own.corners) if faint.own is not None else None)
