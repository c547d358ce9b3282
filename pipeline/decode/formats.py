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
    JPEG2000 = "image/jp2"
    AVIF = "image/avif"
    HEIF = "image/heic"
    PDF = "application/pdf"


SIGNATURES = {
    b"\xff\xd8\xff": Format.JPEG,
    b"\x89PNG\r\n\x1a\n": Format.PNG,
    b"GIF87a": Format.GIF,
    b"GIF89a": Format.GIF,
    b"\0\0\0\x0cjP  \r\n\x87\n": Format.JPEG2000,
    b"\xff\x4f\xff\x51": Format.JPEG2000,  # a bare codestream
    b"II*\0": Format.TIFF,
    b"MM\0*": Format.TIFF,
    b"II+\0": Format.TIFF,  # BigTIFF
    b"MM\0+": Format.TIFF,
}

BRANDS = {
    Format.AVIF: (b"avif", b"avis"),
    Format.HEIF: (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
}
PICTURE_BRANDS = (b"mif1", b"msf1", b"mif2", b"miaf")
"""Brands of ISO media files, ISO/IEC 23008-12; the latter say no more than that it is a picture. Others are videos'."""

MOST_BRANDS_BYTES = 256


def sniff(document: bytes) -> Format:
    """Raises Rejected `empty_file` or `unsupported_format`."""
    if not document:
        raise refusal("empty_file")
    for signature, form in SIGNATURES.items():
        if document.startswith(signature):
            return form
    if document.startswith(b"RIFF") and document[8:12] == b"WEBP":
        return Format.WEBP
    if document[4:8] == b"ftyp" and (picture := _iso_picture(document)) is not None:
        return picture
    if document.startswith(b"BM") and int.from_bytes(document[14:18], "little") in BMP_HEADER_SIZES:
        return Format.BMP
    if b"%PDF-" in document[:PDF_HEADER_WINDOW]:
        return Format.PDF
    raise refusal("unsupported_format")


def _iso_picture(document: bytes) -> Format | None:
    """By its major brand, or by the first compatible one that says more where the major one says only "a picture"."""
    end = min(int.from_bytes(document[:4], "big"), MOST_BRANDS_BYTES)
    major, compatible = document[8:12], [document[at : at + 4] for at in range(16, end, 4)]
    for brand in (major, *(compatible if major in PICTURE_BRANDS else ())):
        for form, brands in BRANDS.items():
            if brand in brands:
                return form
    return None
