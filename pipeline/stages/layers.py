"""Pages with coloured stamps over print: the print is found and read without the stamps, and each stamp on its own."""

from __future__ import annotations

from dataclasses import replace

from pipeline.engines.base import Engine, Regions
from pipeline.ocr.geometry import crop
from pipeline.ocr.ink import ink_of
from pipeline.ocr.stamps import layers_of
from pipeline.stages.look import Look
from pipeline.stages.parts import Crop


def without_stamps(engine: Engine, look: Look, text: Regions) -> tuple[Look, Regions, tuple[Crop, ...] | None]:
    """The page without its stamps, the print found there, and the lines of its stamps.

    A page without stamps over print stays as it is, with None for their lines; others are shown to the detector twice
    more.
    """
    layers = layers_of(look.image, look.ink.height_px)
    if layers is None:
        return look, text, None
    own, stamps = engine.detect([layers.print, layers.stamps], [look.share, look.share])
    lines = tuple(Crop(crop(layers.stamps, polygon), polygon, stamp=True) for polygon in stamps.polygons)
    return replace(look, image=layers.print, ink=ink_of(layers.print)), own, lines
