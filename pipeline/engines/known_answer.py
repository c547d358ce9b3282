"""Does an engine still read? One page whose text is known.

PaddleOCR on some GPUs has answered with nothing, or with nonsense, and no error: an engine must show that it reads
before it takes work.
"""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from pipeline.engines.base import Engine, Image
from pipeline.errors import Fatal
from pipeline.ocr.geometry import crop

LINES = ("Known answer page", "0123456789", "The text on this page is fixed")
ENOUGH = 0.9
"""Share of characters that must agree, over all lines. A broken engine is far below; no model needs to be perfect."""


def draw_known_page() -> Image:
    """(300, 900, 3) uint8 BGR, black on white, in the font that Pillow carries with it."""
    page = Picture.new("RGB", (900, 300), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(40)
    for row, line in enumerate(LINES):
        draw.text((40, 40 + 80 * row), line, fill="black", font=font)
    return np.ascontiguousarray(np.asarray(page)[:, :, ::-1])


def agreement(engine: Engine, page: Image, lines: tuple[str, ...] = LINES) -> float:
    """How much of the known text the engine reads, 0 to 1. Runs on the engine's own thread."""
    (regions,) = engine.detect([page])
    ordered = sorted(regions.polygons, key=lambda polygon: float(polygon[:, 1].mean()))
    readings = engine.recognise([crop(page, polygon) for polygon in ordered]) if ordered else []
    found = "".join(reading.text for reading in readings).replace(" ", "")
    return SequenceMatcher(None, found, "".join(lines).replace(" ", ""), autojunk=False).ratio()


def require_known_answer(engine: Engine, page: Image, lines: tuple[str, ...] = LINES) -> None:
    """Raises Fatal `known_answer_failed`."""
    if agreement(engine, page, lines) < ENOUGH:
        raise Fatal(
            "The engine does not read its known page; check the device, its drivers and the models.",
            code="known_answer_failed",
            stage="engine",
        )
