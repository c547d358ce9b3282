"""The format comes from the bytes, or the document is refused with a reason."""

import pytest
from PIL import Image

from pipeline.decode.formats import Format, sniff
from pipeline.errors import Rejected
from tests.documents import make_image, quarters_pdf


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.PDF])
def test_images_are_known_by_their_bytes(form: Format) -> None:
    """Whatever Pillow writes as a format is recognised as that format."""
    assert sniff(make_image(Image.new("RGB", (4, 4)), form.name)) is form


@pytest.mark.parametrize("garbage", [b"", b"\xef\xbb\xbf", b"@PJL\n" * 100, b"x" * 1019])
def test_a_pdf_may_start_late(garbage: bytes) -> None:
    """A PDF header counts when it begins within the first 1024 bytes, as viewers have it."""
    assert sniff(garbage + quarters_pdf()) is Format.PDF


def test_nothing_is_empty() -> None:
    """No bytes are `empty_file`, not an unknown format."""
    with pytest.raises(Rejected) as caught:
        sniff(b"")
    assert caught.value.code == "empty_file"


@pytest.mark.parametrize(
    "document",
    [
        b"BM is how this text starts",
        b"PK\x03\x04",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"II*",
        b"GIF90a",
        b"x" * 1020 + b"%PDF-1.7",
    ],
)
def test_what_we_do_not_read_is_said(document: bytes) -> None:
    """Other bytes, however near, are `unsupported_format`."""
    with pytest.raises(Rejected) as caught:
        sniff(document)
    assert caught.value.code == "unsupported_format"
