"""PDF pages are drawn as a viewer shows them, and measured before they are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.decode.limits import DecodeLimits
from pipeline.decode.pdf import PdfPages
from pipeline.decode.protocol import PageSize
from pipeline.errors import Rejected
from tests.documents import (
    CORNERS,
    PdfPageSpec,
    corners,
    encrypted_pdf,
    make_pdf,
    quarters_at,
    quarters_pdf,
    stream_object,
)

LIMITS = DecodeLimits()
TURNED = {
    0: ("red", "green", "blue", "yellow"),
    90: ("blue", "red", "yellow", "green"),
    180: ("yellow", "blue", "green", "red"),
    270: ("green", "yellow", "red", "blue"),
}


def pages_of(
    document: bytes, *, dpi: int = 144, password: str | None = None, limits: DecodeLimits = LIMITS
) -> PdfPages:
    return PdfPages(document, dpi=dpi, password=password, limits=limits)


def image_of(pages: PdfPages, number: int = 1) -> NDArray[np.uint8]:
    rendered = pages.render(number)
    assert pages.sizes[number - 1] == PageSize(rendered.header.width, rendered.header.height)
    return np.frombuffer(rendered.pixels, np.uint8).reshape(rendered.header.height, rendered.header.width, 3)


def code_of(document: bytes, *, password: str | None = None, limits: DecodeLimits = LIMITS) -> str:
    with pytest.raises(Rejected) as caught:
        pages_of(document, password=password, limits=limits).render(1)
    return caught.value.code


def test_a_page_is_bgr_at_the_dpi_asked() -> None:
    """Points become pixels at the dpi asked, blue channel first, and the page says its dpi."""
    pages = pages_of(quarters_pdf())
    image = image_of(pages)
    assert image.shape == (80, 120, 3)
    assert corners(image) == CORNERS
    assert pages.render(1).header.dpi == 144


@pytest.mark.parametrize("dpi", [72, 100, 150, 200, 300, 400, 600])
def test_whole_pixels_stay_whole(dpi: int) -> None:
    """US Letter is 8.5 x 11 inches at every dpi: no pixel is added by binary fractions."""
    pages = pages_of(make_pdf([PdfPageSpec(media_box=(0, 0, 612, 792))]), dpi=dpi)
    assert pages.sizes == (PageSize(round(8.5 * dpi), 11 * dpi),)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_rotation_and_crop_box_make_the_frame(rotate: int) -> None:
    """The page is its CropBox, turned clockwise by /Rotate, wherever on the MediaBox the CropBox lies."""
    page = PdfPageSpec(
        media_box=(-50, -70, 250, 300), crop_box=(30, 20, 90, 60), rotate=rotate, content=quarters_at(30, 20, 60, 40)
    )
    image = image_of(pages_of(make_pdf([page])))
    assert image.shape == ((80, 120, 3) if rotate in (0, 180) else (120, 80, 3))
    assert corners(image) == TURNED[rotate]


def test_form_fields_are_drawn() -> None:
    """What a person typed into a form is on the page."""
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(x)/F 4/Rect[0 0 60 40]/P 3 0 R/AP<</N 6 0 R>>>>"
    appearance = stream_object(quarters_at(0, 0, 60, 40), b"/Type/XObject/Subtype/Form/BBox[0 0 60 40]")
    document = make_pdf(
        [PdfPageSpec(extra=b"/Annots[5 0 R]")],
        objects=[field, appearance],
        catalog=b"/AcroForm<</Fields[5 0 R]>>",
    )
    assert corners(image_of(pages_of(document))) == CORNERS


BUTTON = (
    b"<</Type/Annot/Subtype/Widget/FT/Btn/T(%d)/Ff %d/F %d/Rect[10 20 20 30]/P 3 0 R"
    b"/V/%s/AS/%s/AP<</N<</Yes 7 0 R>>>>>>"
)


def button(number: int, *, radio: bool = False, flags: int = 4, ticked: bool = True) -> bytes:
    """A check box or radio button, 10 points wide, 10 right of the page's corner and 20 above."""
    state = b"Yes" if ticked else b"Off"
    return BUTTON % (number, 1 << 15 if radio else 0, flags, state, state)


def boxes_of(*buttons: bytes, page: PdfPageSpec) -> list[tuple[tuple[float, ...], bool]]:
    """The check boxes told of a page at 144 dpi that holds `buttons`: pixels, and whether they are ticked."""
    kids = b" ".join(b"%d 0 R" % (5 + number) for number in range(len(buttons)))
    form = stream_object(b"0 0 10 10 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 10 10]")
    document = make_pdf(
        [replace(page, extra=page.extra + b"/Annots[%s]" % kids)],
        objects=[*buttons, form],
        catalog=b"/AcroForm<</Fields[%s]>>" % kids,
    )
    return [(one.box, one.ticked) for one in pages_of(document).render(1).header.check_boxes]


@pytest.mark.parametrize(
    ("page", "box"),
    [
        (PdfPageSpec(), (20, 20, 40, 40)),
        (PdfPageSpec(rotate=90), (40, 20, 60, 40)),
        (PdfPageSpec(crop_box=(5, 10, 60, 40)), (10, 20, 30, 40)),
        (PdfPageSpec(extra=b"/UserUnit 2"), (40, 40, 80, 80)),
    ],
)
@pytest.mark.parametrize("radio", [False, True])
def test_buttons_of_a_form_are_told_where_a_viewer_shows_them(
    page: PdfPageSpec, box: tuple[float, ...], radio: bool
) -> None:
    """Check boxes and radio buttons, in pixels of the page after its rotation, crop box and unit; ticked or not."""
    assert boxes_of(button(1, radio=radio), button(2, radio=radio, ticked=False), page=page) == [
        (pytest.approx(box, abs=1), True),
        (pytest.approx(box, abs=1), False),
    ]


def test_buttons_that_are_not_shown_are_not_told() -> None:
    """Hidden ones, and ones for paper only."""
    assert boxes_of(button(1, flags=2), button(2, flags=4 | 32), page=PdfPageSpec()) == []


def test_annotations_are_drawn() -> None:
    """A stamp that a viewer shows is on the page."""
    stamp = b"<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 60 40]/AP<</N 6 0 R>>>>"
    appearance = stream_object(quarters_at(0, 0, 60, 40), b"/Type/XObject/Subtype/Form/BBox[0 0 60 40]")
    document = make_pdf([PdfPageSpec(extra=b"/Annots[5 0 R]")], objects=[stamp, appearance])
    assert corners(image_of(pages_of(document))) == CORNERS


def test_a_giant_page_costs_only_itself() -> None:
    """A page too large at the dpi asked is refused by its box; its neighbours are drawn."""
    giant = PdfPageSpec(media_box=(0, 0, 100_000, 100_000))
    plain = PdfPageSpec(content=quarters_at(0, 0, 60, 40))
    pages = pages_of(make_pdf([plain, giant, plain]))
    with pytest.raises(Rejected) as caught:
        pages.render(2)
    assert caught.value.code == "page_too_large"
    assert corners(image_of(pages, 1)) == corners(image_of(pages, 3)) == CORNERS


def test_pages_are_counted() -> None:
    """A document of just the limit is opened, one page more is refused."""
    limits = DecodeLimits(max_pages=3)
    assert len(pages_of(quarters_pdf(3), limits=limits).sizes) == 3
    assert code_of(quarters_pdf(4), limits=limits) == "too_many_pages"


def test_pixels_of_the_whole_document_are_counted() -> None:
    """The sum over pages is limited, exactly; pages refused for their own size don't count."""
    giant = PdfPageSpec(media_box=(0, 0, 100_000, 100_000))
    limits = DecodeLimits(max_document_pixels=2 * 120 * 80)
    assert len(pages_of(make_pdf([PdfPageSpec(), giant, PdfPageSpec()]), limits=limits).sizes) == 3
    assert code_of(quarters_pdf(3), limits=limits) == "document_too_large"


@pytest.mark.parametrize("number", [0, -1, 2])
def test_only_pages_that_exist(number: int) -> None:
    """Pages count from 1; any other number is `page_out_of_range`."""
    with pytest.raises(Rejected) as caught:
        pages_of(quarters_pdf()).render(number)
    assert caught.value.code == "page_out_of_range"


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_passwords(algorithm: str) -> None:
    """An encrypted PDF asks for its password, says when it is wrong, and opens with the right one."""
    document = encrypted_pdf("glove", algorithm=algorithm)
    assert code_of(document) == "encrypted_pdf"
    assert code_of(document, password="boot") == "wrong_password"
    assert corners(image_of(pages_of(document, password="glove"))) == CORNERS


def test_a_password_too_many_does_no_harm() -> None:
    """A PDF that needs no password opens whatever password is given."""
    assert corners(image_of(pages_of(quarters_pdf(), password="glove"))) == CORNERS


@pytest.mark.parametrize(
    "document",
    [b"%PDF-1.7\n%%EOF", quarters_pdf()[:200], quarters_pdf().replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]")],
    ids=["nothing", "cut", "loop"],
)
def test_a_broken_pdf_is_refused(document: bytes) -> None:
    """A PDF that can't be opened, or has no readable page, is `corrupt_pdf`."""
    assert code_of(document) == "corrupt_pdf"


def test_a_broken_page_costs_only_itself() -> None:
    """A page object that is none is refused alone."""
    document = quarters_pdf(3).replace(b"/Kids[3 0 R 5 0 R 7 0 R]", b"/Kids[3 0 R 99 0 R 7 0 R]")
    pages = pages_of(document)
    with pytest.raises(Rejected) as caught:
        pages.render(2)
    assert caught.value.code == "corrupt_pdf"
    assert corners(image_of(pages, 3)) == CORNERS
