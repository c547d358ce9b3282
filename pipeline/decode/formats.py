"""What the bytes are. Names, extensions and content types lie; only the bytes are asked."""

from __future__ import annotations

from enum import StrEnum

from pipeline.decode.refusals import refusal

PDF_HEADER_WINDOW = 1024  # viewers, PDFium among them, accept a header that starts this late
BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)  # "BM" alone opens many a text


class Format(StrEnum):
    """The formats we read; the value is the media type, the name is Pillow's word for it."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    BMP = "image/bmp"
    GIF = "image/gif"
    TIFF = "image/tiff"
    PDF = "application/pdf"


SIGNATURES = {
    b"\xff\xd8\xff": Format.JPEG,
    b"\x89PNG\r\n\x1a\n": Format.PNG,
    b"GIF87a": Format.GIF,
    b"GIF89a": Format.GIF,
    b"II*\0": Format.TIFF,
    b"MM\0*": Format.TIFF,
    b"II+\0": Format.TIFF,  # BigTIFF
    b"MM\0+": Format.TIFF,
}


def sniff(document: bytes) -> Format:
    """Raises Rejected `empty_file` or `unsupported_format`."""
    if not document:
        raise refusal("empty_file")
    for signature, form in SIGNATURES.items():
        if document.startswith(signature):
            return form
    if document.startswith(b"RIFF") and document[8:12] == b"WEBP":
        return Format.WEBP
    if document.startswith(b"BM") and int.from_bytes(document[14:18], "little") in BMP_HEADER_SIZES:
        return Format.BMP
    if b"%PDF-" in document[:PDF_HEADER_WINDOW]:
        return Format.PDF
    raise refusal("unsupported_format")
