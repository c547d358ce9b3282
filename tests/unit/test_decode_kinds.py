"""Kinds of files that came out blank, squashed or not at all: what a viewer shows is what is read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont, TiffImagePlugin

from pipeline.decode.formats import Format, sniff
from pipeline.decode.images import ImagePages
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.pdf import PdfPages
from pipeline.errors import Rejected
from tests.documents import PdfPageSpec, make_image, make_pdf, quarters_at

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


def test_grey_of_12_bits_uses_its_own_scale() -> None:
    """White of 4 095 is white, not black."""
    grey = np.full((40, 60), 4095, np.uint16)
    grey[10:20, 10:20] = 0
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[258] = 12
    plain = make_image(Image.fromarray(grey), "TIFF")
    twelve = plain.replace(b"\x02\x01\x03\x00\x01\x00\x00\x00\x10\x00", b"\x02\x01\x03\x00\x01\x00\x00\x00\x0c\x00")
    assert twelve != plain
    image = Image.open(io.BytesIO(twelve))
    assert image.tag_v2[258] == (12,)  # type: ignore[attr-defined]
    from pipeline.decode.images import _eight_bits

    wide = Image.fromarray(grey)
    wide.tag_v2 = image.tag_v2  # type: ignore[attr-defined]
    assert np.asarray(_eight_bits(wide)).max() == 255


def test_light_print_on_a_transparent_ground_is_seen() -> None:
    """White print alone on nothing is set on black; dark print, and a picture with margins, on white."""
    light = levels_of(make_image(printed("RGBA", (0, 0, 0, 0), "white"), "PNG"))
    dark = levels_of(make_image(printed("RGBA", (0, 0, 0, 0), "black"), "PNG"))
    assert (light.min(), light.max()) == (0, 255)
    assert np.median(light) == 0
    assert np.median(dark) == 255
    page = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    page.paste(Image.new("RGBA", (380, 380), "white"), (10, 10))
    assert levels_of(make_image(page, "PNG")).min() == 255


@pytest.mark.parametrize(("form", "name"), [(Format.JPEG2000, "JPEG2000"), (Format.AVIF, "AVIF")])
def test_pictures_of_newer_formats_are_read(form: Format, name: str) -> None:
    """By their bytes, whatever their names are."""
    document = make_image(printed("RGB", "white", "black"), name)
    assert sniff(document) is form
    levels = levels_of(document)
    assert levels.shape == (120, 400)
    assert levels.min() < 60 < 200 < np.median(levels)


def test_a_video_is_no_picture() -> None:
    """ISO media files are read by their brand; `mif1` alone does not say which picture it is."""
    for brands in (b"isom", b"heic", b"mif1" + bytes(4) + b"heic"):
        with pytest.raises(Rejected) as refused:
            sniff((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + bytes(64))
        assert refused.value.code == "unsupported_format"
    assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0avifmif1" + bytes(64)) is Format.AVIF


def old_jpeg(picture: Image.Image, *, begin: int | None = None) -> bytes:
    """A TIFF of old-style JPEG: one whole JPEG behind the header, and a directory that says where."""
    jpeg = make_image(picture, "JPEG", quality=90)
    begin = 8 if begin is None else begin
    entries = [(256, picture.width), (257, picture.height), (258, 8), (259, 6), (262, 1), (273, 8), (277, 1)]
    entries += [(278, picture.height), (279, len(jpeg)), (513, begin), (514, len(jpeg))]
    directory = len(entries).to_bytes(2, "little")
    for tag, value in entries:
        directory += tag.to_bytes(2, "little") + b"\4\0" + (1).to_bytes(4, "little") + value.to_bytes(4, "little")
    padded = jpeg + bytes(len(jpeg) % 2)
    return b"II*\0" + (8 + len(padded)).to_bytes(4, "little") + padded + directory + bytes(4)


def test_old_style_jpeg_in_a_tiff_is_read() -> None:
    """As older copiers write it; where its parts lie apart it is refused with the reason."""
    picture = printed("L", 255, 0)
    levels = levels_of(old_jpeg(picture))
    assert np.abs(levels - np.asarray(picture)).mean() < 4
    with pytest.raises(Rejected) as refused:
        levels_of(old_jpeg(picture, begin=9))
    assert refused.value.code == "unsupported_format"


def test_a_jpeg_that_is_too_large_is_decoded_reduced() -> None:
    """Half or a quarter of its sides, with a warning; a PNG can't be, and is refused."""
    picture = Image.new("RGB", (1200, 900), "white")
    small = DecodeLimits(max_page_pixels=200_000)
    document = make_image(picture, "JPEG", dpi=(300, 300))
    pages = ImagePages(document, form=sniff(document), limits=small)
    header = pages.render(1).header
    assert (header.width, header.height, header.dpi) == (300, 225, 75.0)
    assert "resolution_reduced" in header.warnings
    with pytest.raises(Rejected) as refused:
        levels_of(make_image(picture, "PNG"), small)
    assert refused.value.code == "page_too_large"


def test_user_units_make_a_page_as_large_as_a_viewer_shows_it() -> None:
    """A page of 60 by 40 units of 2 points is 120 by 80 points."""
    page = PdfPageSpec(content=quarters_at(0, 0, 60, 40), extra=b"/UserUnit 2")
    pages = PdfPages(make_pdf([page]), dpi=144, password=None, limits=LIMITS)
    header = pages.render(1).header
    assert (header.width, header.height, header.dpi) == (240, 160, 144.0)


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
    size = PdfPages(
        make_pdf([PdfPageSpec(media_box=(0, 0, width, height))]), dpi=dpi, password=None, limits=limits
    ).sizes[0]
    assert size is not None
    refused = 10 * width / 72 * 10 * height / 72 > 0.9 * limits.max_page_pixels
    assert limits.page_allows(size.width, size.height) or refused
