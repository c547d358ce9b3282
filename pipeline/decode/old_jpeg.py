"""TIFF pages with old-style JPEG (compression 6), as older scanners and copiers write them. Child process only.

Most such files hold one whole JPEG and say where it begins. libtiff reads some of them and refuses others, though the
JPEG itself is sound: so Pillow's JPEG decoder reads it. Files whose tables and scan lie apart are left to libtiff.
"""

from __future__ import annotations

import io
from typing import Any, Final

from PIL import Image

_COMPRESSION, _OLD_JPEG = 259, 6
_STRIP_BEGINS, _STRIP_LENGTHS = 273, 279
_BEGIN, _LENGTH = 513, 514
"""TIFF tags: how a page is compressed; where its strips begin, and their bytes; the same of old-style JPEG."""

_START_OF_IMAGE: Final = b"\xff\xd8"


def is_old_jpeg(page: Image.Image) -> bool:
    return bool(getattr(page, "tag_v2", {}).get(_COMPRESSION) == _OLD_JPEG)


def whole_jpeg(page: Image.Image, document: bytes) -> Image.Image | None:
    """The JPEG of an old-style page, opened by itself and not decoded; None where the file holds no whole one."""
    stream = _stream(page.tag_v2, document)  # type: ignore[attr-defined]  # only TIFF pages come here
    try:
        jpeg = Image.open(io.BytesIO(stream), formats=("JPEG",))
    except MemoryError:
        raise
    except Exception:
        return None
    if jpeg.size != page.size:
        return None
    jpeg.info["dpi"] = page.info.get("dpi")
    return jpeg


def _stream(tags: Any, document: bytes) -> bytes:
    """From the JPEG's first byte to its last, or to that of the last strip: some files count the header only."""
    begin, length = tags.get(_BEGIN), tags.get(_LENGTH, 0)
    if not isinstance(begin, int) or not isinstance(length, int) or not document.startswith(_START_OF_IMAGE, begin):
        return b""
    strips = zip(tags.get(_STRIP_BEGINS, ()), tags.get(_STRIP_LENGTHS, ()), strict=False)
    return document[begin : max(begin + length, *(sum(strip) for strip in strips), begin)]
