"""A page with what was read drawn upon it: outlines of lines in the order of reading, cells of tables, and the text
beside."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from schemas.pages import PageResult, TextLine

HEIGHT, PANEL, MARGIN = 1400, 760, 28
FINER = 2
"""Everything is drawn this many times larger and then reduced: Pillow draws slanted lines without smoothing."""

LARGEST_TEXT, ROW_SHARE = 19.0, 0.68
CONFIDENT, DOUBTFUL = 1.0, 0.75
"""Confidences whose outlines are fully green and fully red."""

INK, PALE = (32, 36, 44), (120, 126, 138)
CELL = (52, 98, 190)


def draw_page(image: NDArray[np.uint8], page: PageResult, *, title: str) -> Image.Image:
    """`image`: (height, width, 3), BGR, in the frame of the page's coordinates. Draws ASCII; other signs show as boxes,
    for the face that Pillow carries has no more."""
    height, width = image.shape[:2]
    scale = HEIGHT * FINER / height
    shown = Image.fromarray(np.ascontiguousarray(image[..., ::-1])).resize(
        (round(width * scale), HEIGHT * FINER), Image.Resampling.LANCZOS
    )
    canvas = Image.new("RGB", (shown.width + PANEL * FINER, shown.height), (248, 249, 251))
    canvas.paste(_outlined(shown, page, scale))
    _list(ImageDraw.Draw(canvas), shown.width, page, title)
    return canvas.reduce(FINER)


def _outlined(shown: Image.Image, page: PageResult, scale: float) -> Image.Image:
    veil = Image.new("RGBA", shown.size, (255, 255, 255, 0))
    draw = ImageDraw.Draw(veil)
    lines = page.lines or ()
    for cell in (cell for table in page.tables or () for cell in table.cells):
        corners = [(x * scale, y * scale) for x, y in cell.polygon]
        draw.line([*corners, corners[0]], fill=(*CELL, 200), width=3 * FINER, joint="curve")
    for line in lines:
        corners = [(x * scale, y * scale) for x, y in line.polygon]
        colour = confidence_colour(line.confidence)
        draw.polygon(corners, fill=(*colour, 36))
        draw.line([*corners, corners[0]], fill=(*colour, 255), width=2 * FINER, joint="curve")
    for number, line in enumerate(lines, start=1):
        _tag(draw, number, line, scale)
    return Image.alpha_composite(shown.convert("RGBA"), veil).convert("RGB")


def _tag(draw: ImageDraw.ImageDraw, number: int, line: TextLine, scale: float) -> None:
    """The line's number, to the left of its beginning; inside the page where there is no room."""
    face = _face(13)
    (x0, y0), (x1, y1) = line.polygon[0], line.polygon[3]
    half = face.getlength(str(number)) / 2 + 4 * FINER
    x = max(min(x0, x1) * scale - half - 3 * FINER, half)
    y = (y0 + y1) / 2 * scale
    box = (x - half, y - 9 * FINER, x + half, y + 9 * FINER)
    draw.rounded_rectangle(box, radius=4 * FINER, fill=(*confidence_colour(line.confidence), 235))
    draw.text((x, y), str(number), fill=(255, 255, 255, 255), font=face, anchor="mm")


def _list(draw: ImageDraw.ImageDraw, left: int, page: PageResult, title: str) -> None:
    lines = page.lines or ()
    x, right = left + MARGIN * FINER, left + (PANEL - MARGIN) * FINER
    draw.text((x, MARGIN * FINER), title, fill=INK, font=_face(24))
    size = f"{page.width} x {page.height} px" + (f" at {page.dpi} dpi" if page.dpi else "")
    draw.text((x, 62 * FINER), f"page {page.number}: {len(lines)} lines, {size}", fill=PALE, font=_face(15))
    top = 106 * FINER
    row = min((HEIGHT * FINER - top - MARGIN * FINER) / max(len(lines), 1), LARGEST_TEXT * FINER / ROW_SHARE)
    face = ImageFont.load_default(row * ROW_SHARE)
    for number, line in enumerate(lines, start=1):
        y = top + row * (number - 0.5)
        colour = confidence_colour(line.confidence)
        draw.text((x + 22 * FINER, y), str(number), fill=colour, font=face, anchor="rm")
        draw.text((x + 34 * FINER, y), _fitting(line.text, face, right - x - 90 * FINER), INK, face, "lm")
        draw.text((right, y), f"{line.confidence:.3f}", fill=colour, font=face, anchor="rm")


def confidence_colour(confidence: float) -> tuple[int, int, int]:
    """From red for what is doubtful, over amber, to green."""
    share = min(max((confidence - DOUBTFUL) / (CONFIDENT - DOUBTFUL), 0.0), 1.0)
    red, green, blue = colorsys.hsv_to_rgb(share * 0.39, 0.86, 0.66)
    return round(red * 255), round(green * 255), round(blue * 255)


def _fitting(text: str, face: Any, width: float) -> str:
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."


def _face(size: float) -> Any:
    return ImageFont.load_default(size * FINER)
