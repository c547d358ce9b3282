"""A PDF written by hand: text and rules as vectors, in faces every viewer has. Places are in points, y downwards."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Face = Literal["Helvetica", "Helvetica-Bold", "Times-Roman"]
FACES: tuple[Face, ...] = ("Helvetica", "Helvetica-Bold", "Times-Roman")
A4 = (595, 842)


@dataclass(slots=True)
class PdfPage:
    """One A4 page, drawn upon until it is written."""

    drawn: list[str] = field(default_factory=list)

    def write(self, x: float, y: float, text: str, *, size: float, face: Face = "Helvetica") -> None:
        """ASCII text; `y` is its baseline."""
        escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        self.drawn.append(f"BT /F{FACES.index(face)} {size} Tf {x} {A4[1] - y} Td ({escaped}) Tj ET")

    def line(self, x0: float, y0: float, x1: float, y1: float, *, width: float = 0.7) -> None:
        self.drawn.append(f"{width} w {x0} {A4[1] - y0} m {x1} {A4[1] - y1} l S")

    def shade(self, x: float, y: float, width: float, height: float, *, grey: float) -> None:
        self.drawn.append(f"{grey} g {x} {A4[1] - y - height} {width} {height} re f 0 g")


def pdf(pages: Sequence[PdfPage]) -> bytes:
    first = 3 + len(FACES)
    kids = " ".join(f"{first + 2 * index} 0 R" for index in range(len(pages)))
    fonts = " ".join(f"/F{index} {3 + index} 0 R" for index in range(len(FACES)))
    bodies = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>"]
    bodies += [f"<</Type/Font/Subtype/Type1/BaseFont/{face}>>" for face in FACES]
    out = [body.encode() for body in bodies]
    for index, page in enumerate(pages):
        box, contents = f"[0 0 {A4[0]} {A4[1]}]", first + 2 * index + 1
        resources = f"<</Font<<{fonts}>>>>"
        page_object = f"<</Type/Page/Parent 2 0 R/MediaBox{box}/Resources{resources}/Contents {contents} 0 R>>"
        packed = zlib.compress("\n".join(page.drawn).encode("ascii"))
        stream = b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed)
        out += [page_object.encode(), stream]
    return pdf_file(out)


def pdf_file(bodies: Sequence[bytes]) -> bytes:
    """Objects numbered from 1 (the catalogue), with the table that says where each begins."""
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(out)
