"""Documents made on the spot: known colours in the corners, and every kind of damage. No binaries in the repository."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image
from pypdf import PdfReader, PdfWriter

from pipeline.samples.pdf import pdf_file

RGB = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}
CORNERS = ("red", "green", "blue", "yellow")
"""Colours of the quarters of a test page: top left, top right, bottom left, bottom right."""

ORIENTATION_TAG = 0x0112


def quarters(width: int = 60, height: int = 40) -> Image.Image:
    """An upright page, wider than high, its four quarters in the colours of CORNERS."""
    page = Image.new("RGB", (width, height))
    for index, colour in enumerate(CORNERS):
        left, top = index % 2 * (width // 2), index // 2 * (height // 2)
        page.paste(RGB[colour], (left, top, left + width // 2, top + height // 2))
    return page


def corners(image: NDArray[np.uint8]) -> tuple[str, ...]:
    """Names of the colours at the centres of the quarters of a BGR image."""
    height, width = image.shape[:2]
    return tuple(_name(image[height * y // 4, width * x // 4]) for y in (1, 3) for x in (1, 3))


def _name(bgr: NDArray[np.uint8]) -> str:
    distance = {name: sum(abs(int(a) - b) for a, b in zip(bgr[::-1], rgb, strict=True)) for name, rgb in RGB.items()}
    nearest = min(distance, key=lambda name: distance[name])
    return nearest if distance[nearest] < 60 else "other"


def make_image(image: Image.Image, form: str, **options: Any) -> bytes:
    """`form` and `options` as Pillow's `save` has them; Pillow itself writes no HEIF."""
    out = io.BytesIO()
    if form == "HEIF":
        pillow_heif.from_pillow(image).save(out, **options)
    else:
        image.save(out, form, **options)
    return out.getvalue()


def make_tiff(pages: Sequence[Image.Image], **options: Any) -> bytes:
    return make_image(pages[0], "TIFF", save_all=True, append_images=list(pages[1:]), **options)


def exif_orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = value
    return exif


def stored_for_viewing(upright: Image.Image, orientation: int) -> Image.Image:
    """What a camera stores so that a viewer that honours `orientation` shows `upright` (the inverse of the tag)."""
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return upright.transpose(inverse[orientation]) if orientation in inverse else upright


@dataclass(frozen=True, slots=True)
class PdfPageSpec:
    """One page: its boxes in points, and a content stream. `extra` goes into the page's dictionary as it stands."""

    media_box: tuple[float, float, float, float] = (0, 0, 60, 40)
    crop_box: tuple[float, float, float, float] | None = None
    rotate: int = 0
    content: bytes = b""
    extra: bytes = b""


def quarters_at(left: float, bottom: float, width: float, height: float) -> bytes:
    """A content stream that paints the quarters of CORNERS into a rectangle in points, y upwards."""
    halves = (width / 2, height / 2)
    painted = []
    for index, colour in enumerate(CORNERS):
        red, green, blue = (channel // 255 for channel in RGB[colour])
        x, y = left + index % 2 * halves[0], bottom + (1 - index // 2) * halves[1]
        painted.append(f"{red} {green} {blue} rg {x} {y} {halves[0]} {halves[1]} re f")
    return "\n".join(painted).encode()


def make_pdf(pages: Sequence[PdfPageSpec], *, objects: Sequence[bytes] = (), catalog: bytes = b"") -> bytes:
    """`objects` follow the pages' own and are numbered from 3 + 2 * len(pages)."""
    kids = " ".join(f"{3 + 2 * index} 0 R" for index in range(len(pages)))
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode(),
    ]
    for index, page in enumerate(pages):
        bodies += [_page_object(page, 4 + 2 * index), stream_object(page.content)]
    return pdf_file([*bodies, *objects])


def _page_object(page: PdfPageSpec, contents: int) -> bytes:
    crop = f"/CropBox[{' '.join(map(str, page.crop_box))}]" if page.crop_box else ""
    media = " ".join(map(str, page.media_box))
    head = f"<</Type/Page/Parent 2 0 R/MediaBox[{media}]{crop}/Rotate {page.rotate}/Contents {contents} 0 R"
    return head.encode() + page.extra + b">>"


def stream_object(data: bytes, entries: bytes = b"") -> bytes:
    packed = zlib.compress(data)
    return b"<<%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (entries, len(packed), packed)


def quarters_pdf(count: int = 1) -> bytes:
    return make_pdf([PdfPageSpec(content=quarters_at(0, 0, 60, 40))] * count)


def slow_content(layers: int = 3_000) -> bytes:
    """A content stream that keeps a renderer busy for minutes: a blurred-edge path of many curves, many times over."""
    curves = "".join(
        f"{x % 60} {x * 7 % 40} {x * 13 % 60} {x * 3 % 40} {x * 5 % 60} {x * 11 % 40} c " for x in range(900)
    )
    return (f"0 0 m {curves} f*\n" * layers).encode()


def encrypted_pdf(password: str, *, algorithm: str = "AES-256") -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(quarters_pdf())))
    writer.encrypt(password, algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
