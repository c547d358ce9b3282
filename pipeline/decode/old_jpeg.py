"""TIFF pages with old-style JPEG (compression 6), as older scanners and copiers write them. Child process only.

Such a file holds a whole JPEG and says where. libtiff reads some of them and refuses others; the JPEG itself is sound.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from pipeline.decode.refusals import refusal

_COMPRESSION: Final = 259
_OLD_JPEG: Final = 6
_BEGIN, _LENGTH = 513, 514
"""TIFF tags: how a page is compressed, and of old-style JPEG where the whole JPEG begins and how long it is."""


def in_new_style(page: Image.Image, document: bytes) -> Image.Image:
    """The page's JPEG opened by itself, where it is one of the old style; any other page as it is. Nothing is decoded.

    Raises Rejected `unsupported_format` for one whose parts lie apart, and `corrupt_image` where it has another size.
    """
    tags = getattr(page, "tag_v2", {})
    if tags.get(_COMPRESSION) != _OLD_JPEG:
        return page
    begin, length = tags.get(_BEGIN), tags.get(_LENGTH)
    if not isinstance(begin, int) or not isinstance(length, int) or document[begin : begin + 2] != b"\xff\xd8":
        raise refusal("unsupported_format")
    try:
        image = Image.open(io.BytesIO(document[begin : begin + length]), formats=("JPEG",))
    except MemoryError:
        raise
    except Exception as error:
        raise refusal("corrupt_image") from error
    if image.size != page.size:
        raise refusal("corrupt_image")
    image.info.setdefault("dpi", page.info.get("dpi"))
    return image
