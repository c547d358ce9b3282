"""Kinds of files that came out blank, squashed or not at all: what a viewer shows is what is read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from pipeline.decode.formats import Format, sniff
from pipeline.decode.images import ImagePages
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.pdf import PdfPages
from pipeline.decode.protocol import PageSize
from pipeline.errors import Rejected
from tests.documents import PdfPageSpec, exif_orientation, make_image, make_pdf, make_tiff, quarters_at

LIMITS = DecodeLimits()


@pytest.fixture(autouse=True)
def _pillow_keeps_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a picture sets Pillow's limit for the whole process."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


def levels_of(document: bytes, limits: DecodeLimits = LIMITS) -> np.ndarray:
    """Grey levels of the first page."""
    rendered = ImagePages(document, form=sniff(document), limits=limits).render(1)
    shape = rendered.header.height, rendered.header.width, 3
    return np.frombuffer(rendered.pixels, np.uint8).reshape(shape).mean(axis=2)


def printed(mode: str, ground: object, ink: object) -> Image.Image:
    picture = Image.new(mode, (400, 120), ground)  # type: ignore[arg-type]
    ImageDraw.Draw(picture).text((20, 20), "Fare 86.40", fill=ink, font=ImageFont.load_default(48))  # type: ignore[arg-type]
    return picture


def directory(entries: Sequence[tuple[int, int]]) -> bytes:
    """Of a TIFF: tags and their values, without the offset of the next directory."""
    packed = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries]
    return len(entries).to_bytes(2, "little") + b"".join(packed)


def grey_tiff(levels: np.ndarray, *, bits: int) -> bytes:
    """A TIFF of uint16 `levels`, packed as `bits` a sample: 12 or 16."""
    high, low = levels.astype(">u2").view(np.uint8).reshape(-1, 2).T
    packed = levels.astype("<u2").tobytes()
    if bits == 12:
        nibbles = np.stack([high & 15, low >> 4, low & 15], axis=1).reshape(-1, 2)
        packed = (nibbles[:, 0] << 4 | nibbles[:, 1]).tobytes()
    height, width = levels.shape
    entries = [(256, width), (257, height), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1), (278, height)]
    link = (8 + len(packed)).to_bytes(4, "little")
    return b"II*\0" + link + packed + directory([*entries, (279, len(packed))]) + bytes(4)


@pytest.mark.parametrize(("bits", "white"), [(12, 4095), (16, 4095), (16, 1023), (16, 65535)])
def test_grey_uses_its_own_scale(bits: int, white: int) -> None:
    """White of a scanner of 10 or 12 bits is white, whether its levels are packed or stored as 16 bits."""
    grey = np.full((40, 60), white, np.uint16)
    grey[10:20, 10:20] = 0
    levels = levels_of(grey_tiff(grey, bits=bits))
    assert (levels[0, 0], levels[15, 15]) == (255, 0)


def test_light_print_on_a_transparent_ground_is_seen() -> None:
    """White print alone on nothing is set on black, beside dark print on grey; dark print, and a picture with margins,
    on white."""
    light = levels_of(make_image(printed("RGBA", (0, 0, 0, 0), "white"), "PNG"))
    dark = levels_of(make_image(printed("RGBA", (0, 0, 0, 0), "black"), "PNG"))
    assert (light.min(), light.max()) == (0, 255)
    assert np.median(light) == 0
    assert np.median(dark) == 255
    faint = levels_of(make_image(printed("RGBA", (0, 0, 0, 0), (255, 255, 255, 100)), "PNG"))
    assert (faint.min(), faint.max()) == (0, 100)
    both = printed("RGBA", (0, 0, 0, 0), "white")
    both.paste(printed("RGBA", (0, 0, 0, 0), "black").crop((0, 0, 200, 120)), (0, 0))
    mixed = levels_of(make_image(both, "PNG"))
    assert (mixed.min(), np.median(mixed), mixed.max()) == (0, 128, 255)
    page = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    page.paste(Image.new("RGBA", (380, 380), "white"), (10, 10))
    assert levels_of(make_image(page, "PNG")).min() == 255


@pytest.mark.parametrize(
    ("form", "name"), [(Format.JPEG2000, "JPEG2000"), (Format.AVIF, "AVIF"), (Format.HEIF, "HEIF")]
)
def test_pictures_of_newer_formats_are_read(form: Format, name: str) -> None:
    """By their bytes, whatever their names are."""
    document = make_image(printed("RGB", "white", "black"), name)
    assert sniff(document) is form
    levels = levels_of(document)
    assert levels.shape == (120, 400)
    assert levels.min() < 60 < 200 < np.median(levels)


def test_a_video_is_no_picture() -> None:
    """ISO media files are read by their brand; `mif1` alone does not say which picture it is."""
    for brands in (b"isom", b"mif1", b"mp42" + bytes(4) + b"heic"):
        with pytest.raises(Rejected) as refused:
            sniff((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + bytes(64))
        assert refused.value.code == "unsupported_format"
    for brand, form in ((b"avif", Format.AVIF), (b"heic", Format.HEIF)):
        assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1" + brand + bytes(64)) is form


def old_jpeg(pictures: Sequence[Image.Image], *, begin: int = 0, counted: int | None = None) -> bytes:
    """A TIFF of old-style JPEG, a page each: a whole JPEG, and a directory that says where it begins and ends.

    `begin` bytes behind its first is where it is said to begin, and `counted` are the bytes it is said to have.
    """
    document, link = b"II*\0", b""
    for picture in pictures:
        jpeg, at = make_image(picture, "JPEG", quality=90), len(document) + len(link) + 4
        jpeg += bytes(len(jpeg) % 2)
        entries = [(256, picture.width), (257, picture.height), (258, 8), (259, 6), (262, 1), (273, at), (277, 1)]
        entries += [(278, picture.height), (279, len(jpeg)), (513, at + begin), (514, counted or len(jpeg))]
        document += link + (at + len(jpeg)).to_bytes(4, "little") + jpeg
        link = directory(entries)
    return document + link + bytes(4)


def test_old_style_jpeg_in_a_tiff_is_read() -> None:
    """As older copiers write it: any of its pages, though the header alone is counted."""
    pictures = [printed("L", 255, 0), printed("L", 0, 255).resize((200, 60))]
    for counted in (None, 100):
        document = old_jpeg(pictures, counted=counted)
        pages = ImagePages(document, form=sniff(document), limits=LIMITS)
        for number in (2, 1, 2):
            seen = np.frombuffer(pages.render(number).pixels, np.uint8)[::3].astype(float)
            assert np.abs(seen - np.asarray(pictures[number - 1]).ravel()).mean() < 4


def test_an_old_style_jpeg_in_parts_is_refused() -> None:
    """Its reason is the format, not damage."""
    with pytest.raises(Rejected) as refused:
        levels_of(old_jpeg([printed("L", 255, 0)], begin=1))
    assert refused.value.code == "unsupported_format"


@pytest.mark.parametrize("form", ["JPEG", "JPEG2000"])
@pytest.mark.parametrize("size", [(1200, 900), (1203, 901)])
def test_a_picture_that_is_too_large_is_decoded_reduced(form: str, size: tuple[int, int]) -> None:
    """A JPEG or JPEG 2000 at half or a quarter of its sides, with a warning."""
    document = make_image(printed("RGB", "white", "black").resize(size), form, dpi=(300, 300))
    pages = ImagePages(document, form=sniff(document), limits=DecodeLimits(max_page_pixels=200_000))
    header = pages.render(1).header
    assert pages.sizes == (PageSize(header.width, header.height),)
    assert (header.width, header.height) == (-(-size[0] // 4), -(-size[1] // 4))
    assert header.dpi == (75.0 if form == "JPEG" else None)
    assert header.warnings == ("resolution_reduced",)


@pytest.mark.parametrize(
    ("form", "options"), [("PNG", {}), ("TIFF", {}), ("JPEG2000", {"num_resolutions": 1}), ("JPEG", {})]
)
def test_a_picture_that_cannot_be_reduced_enough_is_refused(form: str, options: dict[str, int]) -> None:
    """Other formats, a JPEG 2000 without smaller levels, a JPEG too large at an eighth."""
    limits = DecodeLimits(max_page_pixels=10_000 if form == "JPEG" else 200_000)
    with pytest.raises(Rejected) as refused:
        levels_of(make_image(Image.new("RGB", (1200, 900)), form, **options), limits)
    assert refused.value.code == "page_too_large"


def test_pages_of_a_tiff_keep_their_resolution() -> None:
    """Pages narrower than the first are whole, not reduced."""
    document = make_tiff([Image.new("L", (width, 20)) for width in (60, 30)], dpi=(200, 200))
    pages = ImagePages(document, form=sniff(document), limits=LIMITS)
    for number in (1, 2):
        header = pages.render(number).header
        assert (header.dpi, header.warnings) == (200.0, ())


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_a_turned_page_is_stretched_across_its_own_axis(form: str) -> None:
    """The resolution across is that of the page as it is stored."""
    document = make_image(Image.new("L", (200, 100)), form, dpi=(200, 100), exif=exif_orientation(6))
    pages = ImagePages(document, form=sniff(document), limits=LIMITS)
    header = pages.render(1).header
    assert pages.sizes == (PageSize(200, 200),)
    assert (header.width, header.height, header.dpi) == (200, 200, 200.0)


def test_a_nonsense_ratio_stretches_nothing() -> None:
    """Pixels twelve times as high as wide are a wrong number."""
    document = make_image(Image.new("L", (200, 100)), "TIFF", dpi=(1200, 100))
    header = ImagePages(document, form=sniff(document), limits=LIMITS).render(1).header
    assert (header.width, header.height, header.dpi, header.warnings) == (200, 100, None, ())


def test_user_units_make_a_page_as_large_as_a_viewer_shows_it() -> None:
    """A page of 60 by 40 units of 2 points is 120 by 80 points."""
    page = PdfPageSpec(content=quarters_at(0, 0, 60, 40), extra=b"/UserUnit 2")
    pages = PdfPages(make_pdf([page]), dpi=144, password=None, limits=LIMITS)
    header = pages.render(1).header
    assert (header.width, header.height, header.dpi) == (240, 160, 144.0)


def packed_pdf(*, unit: float) -> bytes:
    """A PDF of one page of 60 by 40 units, whose dictionaries lie together in a compressed object stream."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 60 40]/UserUnit %g>>" % unit,
    }
    places, bodies = b"", b""
    for number, body in objects.items():
        places += b"%d %d " % (number, len(bodies))
        bodies += body + b" "
    head = b"%PDF-1.7\n"
    stream = zlib.compress(places + bodies)
    packed = b"4 0 obj<</Type/ObjStm/N 3/First %d/Filter/FlateDecode/Length %d>>stream\n" % (len(places), len(stream))
    packed += stream + b"\nendstream endobj\n"
    rows = [(0, 0, 255), (2, 4, 0), (2, 4, 1), (2, 4, 2), (1, len(head), 0), (1, len(head) + len(packed), 0)]
    table = b"".join(struct.pack(">BHB", *row) for row in rows)
    index = b"5 0 obj<</Type/XRef/Size 6/W[1 2 1]/Root 1 0 R/Length %d>>stream\n" % len(table)
    index += table + b"\nendstream endobj\n"
    return head + packed + index + b"startxref\n%d\n%%%%EOF" % (len(head) + len(packed))


@pytest.mark.parametrize(("unit", "scale"), [(1, 1), (2, 2), (2.5, 2.5), (-3, 1)])
def test_user_units_among_compressed_objects_count(unit: float, scale: float) -> None:
    """Newer files keep the pages' dictionaries in compressed streams; a unit that is not positive is 1."""
    assert b"UserUnit" not in packed_pdf(unit=unit)
    header = PdfPages(packed_pdf(unit=unit), dpi=144, password=None, limits=LIMITS).render(1).header
    assert (header.width, header.height, header.dpi) == (120 * scale, 80 * scale, 144.0)


def test_a_page_too_large_for_its_limit_is_rendered_with_fewer_dots() -> None:
    """Its size keeps the limit, its resolution is told, and so is that it was reduced."""
    page = PdfPageSpec(media_box=(0, 0, 720, 720), content=quarters_at(0, 0, 720, 720))
    pages = PdfPages(make_pdf([page]), dpi=200, password=None, limits=DecodeLimits(max_page_pixels=1_000_000))
    header = pages.render(1).header
    assert header.width * header.height <= 1_000_000
    assert header.width == pytest.approx(1000, abs=2)
    assert header.dpi == pytest.approx(100, abs=0.5)
    assert header.warnings == ("resolution_reduced",)


@given(st.floats(50, 3000), st.floats(50, 3000), st.integers(36, 600))
def test_a_reduced_page_keeps_its_limit(width: float, height: float, dpi: int) -> None:
    """Whatever a page measures: rounded up, it has no more pixels than allowed, or it is refused."""
    limits = DecodeLimits(max_page_pixels=1_000_000)
    page = PdfPageSpec(media_box=(0, 0, width, height))
    size = PdfPages(make_pdf([page]), dpi=dpi, password=None, limits=limits).sizes[0]
    assert size is not None
    refused = 10 * width / 72 * 10 * height / 72 > 0.9 * limits.max_page_pixels
    assert limits.page_allows(size.width, size.height) or refused
