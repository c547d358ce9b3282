"""Does an engine still read? One page whose text is known.

PaddleOCR on some GPUs has answered with nothing, or with nonsense, and no error: an engine must show that it reads
before it takes work, and again now and then. The page is small, for a worker that starts waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from pipeline.engines.base import Engine, Image
from pipeline.engines.whole_page import read_page
from pipeline.errors import Fatal

LINES = ("Known answer page", "with 0123456789")
ENOUGH = 0.9
"""Share of characters that must agree, over all lines. A broken engine is far below; no model needs to be perfect."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownPage:
    """`image`: (height, width, 3) uint8 BGR; `lines`: what it says, from the top."""

    image: Image
    lines: tuple[str, ...] = LINES


def draw_known_page() -> KnownPage:
    """160 x 440 pixels, black on white, in the font that Pillow carries with it."""
    page = Picture.new("RGB", (440, 160), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(40)
    for row, line in enumerate(LINES):
        draw.text((32, 24 + 64 * row), line, fill="black", font=font)
    return KnownPage(np.ascontiguousarray(np.asarray(page)[:, :, ::-1]))


def share_read(engine: Engine, known: KnownPage) -> float:
    """How much of the known text the engine reads, 0 to 1. Runs on the engine's own thread."""
    page, _ = read_page(engine, known.image)
    ordered = sorted(page.lines, key=lambda line: float(line.polygon[:, 1].mean()))
    found = "".join(line.text for line in ordered).replace(" ", "")
    return SequenceMatcher(None, found, "".join(known.lines).replace(" ", ""), autojunk=False).ratio()


def require_known_answer(engine: Engine, known: KnownPage) -> None:
    """Raises Fatal: the engine's own, or `known_answer_failed` for wrong text and for every other exception."""
    try:
        enough = share_read(engine, known) >= ENOUGH
    except Fatal:
        raise
    except Exception as error:
        raise _failed() from error
    if not enough:
        raise _failed()


def _failed() -> Fatal:
    return Fatal(
        "The engine does not read its known page; check the device, its drivers and the models.",
        code="known_answer_failed",
        stage="engine",
    )
