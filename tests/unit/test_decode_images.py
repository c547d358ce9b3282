"""Image files become pages as a viewer shows them: 8-bit BGR on white, upright, whole."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFile

from pipeline.decode.formats import Format, sniff
from pipeline.decode.images import ImagePages
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.protocol import PageHeader, PageSize
from pipeline.errors import Rejected
from tests.documents import (
    CORNERS,
    corners,
    exif_orientation,
    make_image,
    make_tiff,
    quarters,
    stored_for_viewing,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # as the child does: Pillow warns of all it mends

LIMITS = DecodeLimits()
LOSSLESS = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}


def pages_of(document: bytes, limits: DecodeLimits = LIMITS) -> ImagePages:
    return ImagePages(document, form=sniff(document), limits=limits)


def page_of(document: bytes, number: int = 1) -> tuple[PageHeader, NDArray[np.uint8]]:
    pages = pages_of(document)
    rendered = pages.render(number)
    header = rendered.header
    size = pages.sizes[number - 1]
    assert size == PageSize(header.width, header.height)
    return header, np.frombuffer(rendered.pixels, np.uint8).reshape(header.height, header.width, 3)


def code_of(document: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        page_of(document)
    return caught.value.code


@pytest.mark.parametrize("form", [form.name for form in Format if form is not Format.PDF])
def test_every_format_gives_bgr(form: str) -> None:
    """Each format gives the same picture, blue channel first."""
    _, image = page_of(make_image(quarters(), form, **LOSSLESS.get(form, {})))
    assert image.shape == (40, 60, 3)
    assert corners(image) == CORNERS


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_honoured(form: str, orientation: int) -> None:
    """A page stored turned or mirrored is shown upright, and its size is known upright before it is decoded."""
    stored = stored_for_viewing(quarters(), orientation)
    _, image = page_of(make_image(stored, form, exif=exif_orientation(orientation), **LOSSLESS.get(form, {})))
    assert image.shape == (40, 60, 3)
    assert corners(image) == CORNERS


def test_an_orientation_behind_the_pixels_is_honoured() -> None:
    """A PNG may name its orientation after its pixels; page and size are upright all the same."""
    stored = make_image(stored_for_viewing(quarters(), 6), "PNG", exif=exif_orientation(6))
    start = stored.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(stored[start : start + 4], "big")
    tail = stored.index(b"IEND") - 4
    _, image = page_of(stored[:start] + stored[end:tail] + stored[start:end] + stored[tail:])
    assert image.shape == (40, 60, 3)
    assert corners(image) == CORNERS


def test_measuring_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening an image reads its header only."""
    documents = [make_image(quarters(), form.name) for form in Format if form is not Format.PDF]
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("decoded"))
    assert [pages_of(document).sizes for document in documents] == [(PageSize(60, 40),)] * len(documents)


def test_a_nonsense_orientation_is_none() -> None:
    """An orientation outside 1 to 8 leaves the page as it is stored."""
    _, image = page_of(make_image(quarters(), "JPEG", exif=exif_orientation(77), **LOSSLESS["JPEG"]))
    assert corners(image) == CORNERS


def test_unreadable_exif_costs_only_itself() -> None:
    """A page whose EXIF is garbage is still read."""
    header, image = page_of(make_image(quarters(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff", **LOSSLESS["JPEG"]))
    assert corners(image) == CORNERS
    assert set(header.warnings) <= {"orientation_unreadable"}


@pytest.mark.parametrize(
    ("mode", "form"),
    [("RGB", "PNG"), ("P", "PNG"), ("P", "GIF"), ("P", "BMP"), ("CMYK", "TIFF"), ("CMYK", "JPEG"), ("YCbCr", "TIFF")],
)
def test_colour_models(mode: str, form: str) -> None:
    """Colours survive palettes, CMYK (Adobe's inverted kind too) and YCbCr."""
    options = {"quality": 95} if form == "JPEG" else {}
    _, image = page_of(make_image(quarters().convert(mode), form, **options))
    assert corners(image) == CORNERS


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "GIF"])
def test_one_bit(form: str) -> None:
    """A bilevel page is black and white, the right way round."""
    page = Image.new("1", (20, 10), 1)
    page.paste(0, (0, 0, 10, 10))
    _, image = page_of(make_image(page, form))
    assert corners(image) == ("black", "white", "black", "white")


def test_fax() -> None:
    """A Group 4 fax, where white is zero, is black on white."""
    page = Image.new("1", (20, 10), 1)
    page.paste(0, (0, 0, 10, 10))
    _, image = page_of(make_image(page, "TIFF", compression="group4"))
    assert corners(image) == ("black", "white", "black", "white")


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled(form: str) -> None:
    """16-bit grey keeps its shades: it is scaled to 8 bits, not clipped."""
    wide = Image.fromarray(np.array([[0, 257 * 64, 257 * 128, 65535]], np.uint16))
    _, image = page_of(make_image(wide, form))
    assert image[0, :, 0].tolist() == [0, 64, 128, 255]


def test_sixteen_bits_where_white_is_zero() -> None:
    """16-bit grey that counts from white is turned round."""
    wide = Image.fromarray(np.array([[0, 65535]], np.uint16))
    _, image = page_of(make_image(wide, "TIFF", tiffinfo={262: 0}))
    assert image[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_alpha_lies_on_white(mode: str) -> None:
    """What is transparent shows white paper, whatever colour hides under it; half of black is grey."""
    page = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    page.putpixel((1, 0), (0, 0, 0, 128))
    form = "TIFF" if mode == "PA" else "PNG"
    _, image = page_of(make_image(page if mode == "PA" else page.convert(mode), form))
    assert image[0, 0].tolist() == [255, 255, 255]
    assert abs(int(image[0, 1, 0]) - 127) <= 1


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P"])
def test_a_transparent_colour_lies_on_white(mode: str) -> None:
    """PNG's single transparent colour shows white paper too."""
    page = Image.new(mode, (4, 4), 0)
    _, image = page_of(make_image(page, "PNG", transparency=(0, 0, 0) if mode == "RGB" else 0))
    assert image.min() == 255


def test_floating_point_pictures_are_refused() -> None:
    """Measurements without a scale are no page."""
    assert code_of(make_image(Image.new("F", (4, 4)), "TIFF")) == "unsupported_format"


def test_pages_of_a_tiff_in_any_order() -> None:
    """Each directory of a TIFF is a page with its own size and orientation, asked in any order and twice."""
    document = make_tiff([Image.new("RGB", (30 + n, 20), (n * 10, 0, 0)) for n in range(4)])
    pages = pages_of(document)
    assert pages.sizes == tuple(PageSize(30 + n, 20) for n in range(4))
    for number in (3, 1, 4, 4, 2, 1):
        rendered = pages.render(number)
        assert rendered.header.width == 29 + number
        assert rendered.pixels[2] == (number - 1) * 10


def test_a_broken_directory_costs_its_page() -> None:
    """A TIFF whose second directory is damaged still gives its first page, and counts the second."""
    document = bytearray(make_tiff([quarters(), quarters()]))
    (first,) = struct.unpack_from("<I", document, 4)
    (entries,) = struct.unpack_from("<H", document, first)
    (second,) = struct.unpack_from("<I", document, first + 2 + 12 * entries)
    struct.pack_into("<H", document, second, 0)
    pages = pages_of(bytes(document))
    assert pages.sizes == (PageSize(60, 40), None)
    assert pages.render(1).header.width == 60
    with pytest.raises(Rejected) as caught:
        pages.render(2)
    assert caught.value.code == "corrupt_image"


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_animations_give_their_first_frame_and_say_so(form: str) -> None:
    """Of an animation the first frame is the page, and the page warns of it."""
    frames = [quarters(), Image.new("RGB", (60, 40))]
    header, image = page_of(make_image(frames[0], form, save_all=True, append_images=frames[1:], lossless=True))
    assert corners(image) == CORNERS
    assert header.warnings == ("first_frame_only",)


@pytest.mark.parametrize(
    ("dpi", "seen"), [((300, 300), 300), ((1, 1), None), ((65_000, 65_000), None), ((200, 199), 199.5)]
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_resolution_is_believed_when_sane(form: str, dpi: tuple[int, int], seen: float | None) -> None:
    """A file's own dpi is passed on when it can be true, and is unknown otherwise."""
    header, _ = page_of(make_image(quarters(), form, dpi=dpi))
    assert header.dpi == (None if seen is None else pytest.approx(seen, abs=0.05))
    assert header.warnings == ()


def test_pixels_that_are_not_square_are_stretched() -> None:
    """A fax at 204 x 98 dpi is delivered at 204 dpi either way, and its page says so."""
    flat = quarters()
    header, image = page_of(make_image(flat, "TIFF", dpi=(204, 98)))
    assert header.dpi == 204.0
    assert "pixels_not_square" in header.warnings
    assert (header.width, header.height) == (flat.width, round(flat.height * 204 / 98))
    assert image.shape[:2] == (header.height, header.width)


CUT_SHORT = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("WEBP", {}),
    ("BMP", {}),
    ("GIF", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_deflate"}),
]
NOISE = Image.fromarray(np.random.default_rng(7).integers(0, 256, (50, 70, 3), np.uint8))
WHOLE = [make_image(NOISE, form, **options) for form, options in CUT_SHORT]


@given(whole=st.sampled_from(WHOLE), share=st.floats(0.05, 0.99))
def test_a_file_cut_short_is_never_half_read(whole: bytes, share: float) -> None:
    """Wherever it is cut, an image is refused whole."""
    assert code_of(whole[: int(len(whole) * share)]) in {"corrupt_image", "unsupported_format"}


@given(page=st.sampled_from([NOISE, Image.new("L", (100, 100), 9)]), place=st.floats(0, 1), bits=st.integers(1, 255))
def test_a_png_with_a_changed_byte_is_refused(page: Image.Image, place: float, bits: int) -> None:
    """PNG carries checksums, and they are used: on smooth pages the decoder alone would not notice."""
    document = bytearray(make_image(page, "PNG"))
    first, last = document.index(b"IDAT") + 4, document.index(b"IEND") - 9
    document[first + int((last - first) * place)] ^= bits
    assert code_of(bytes(document)) == "corrupt_image"


def bomb(form: str, width: int, height: int) -> bytes:
    """A small file whose header claims `width` x `height`."""
    document = bytearray(make_image(Image.new("L", (8, 8)), form))
    match form:
        case "GIF":
            struct.pack_into("<HH", document, 6, width, height)
        case "BMP":
            struct.pack_into("<ii", document, 18, width, height)
        case "JPEG":
            struct.pack_into(">HH", document, document.index(b"\xff\xc0") + 5, height, width)
    return bytes(document)


@pytest.mark.parametrize("form", ["GIF", "BMP", "JPEG"])
def test_a_claim_of_too_many_pixels_is_refused_from_the_header(form: str) -> None:
    """A bomb is refused by what its header says, before its pixels are made."""
    assert code_of(bomb(form, 60_000, 60_000)) == "page_too_large"


def test_the_pixel_limit_is_exact() -> None:
    """A page of just the limit is read, one pixel column more is refused."""
    limits = DecodeLimits(max_page_pixels=60 * 40)
    pages = pages_of(make_tiff([quarters(), Image.new("RGB", (61, 40))]), limits)
    assert pages.render(1).header.width == 60
    with pytest.raises(Rejected) as caught:
        pages.render(2)
    assert caught.value.code == "page_too_large"


def test_a_tiff_of_too_many_pages_is_refused() -> None:
    """The page limit holds for TIFF; a document of just the limit is read."""
    document = make_tiff([Image.new("1", (4, 4))] * 3)
    assert len(pages_of(document, DecodeLimits(max_pages=3)).sizes) == 3
    with pytest.raises(Rejected) as caught:
        pages_of(document, DecodeLimits(max_pages=2))
    assert caught.value.code == "too_many_pages"


def test_a_ring_of_directories_ends() -> None:
    """A TIFF whose last directory points back to its first has as many pages as directories."""
    document = bytearray(make_tiff([quarters(), quarters()]))
    (first,) = struct.unpack_from("<I", document, 4)
    (entries,) = struct.unpack_from("<H", document, first)
    (second,) = struct.unpack_from("<I", document, first + 2 + 12 * entries)
    (entries,) = struct.unpack_from("<H", document, second)
    struct.pack_into("<I", document, second + 2 + 12 * entries, first)
    assert len(pages_of(bytes(document)).sizes) == 2


@given(st.binary(max_size=200), st.sampled_from([form for form in Format if form is not Format.PDF]))
def test_any_bytes_are_read_or_refused(tail: bytes, form: Format) -> None:
    """After a format's own opening bytes, anything at all ends in a page or in Rejected, nothing else."""
    head = make_image(Image.new("RGB", (8, 8)), form.name)[:40]
    with suppress(Rejected):
        page_of(head + tail)


def test_photographs_with_a_second_picture() -> None:
    """A camera's multi-picture JPEG is its first picture, without a warning."""
    out = io.BytesIO()
    quarters().save(out, "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))], quality=95)
    header, image = page_of(out.getvalue())
    assert corners(image) == CORNERS
    assert header.warnings == ()
