"""What a line is by its text: a page number, the beginning of a list's item."""

from __future__ import annotations

import re
import unicodedata

_ROMAN = r"(?=[ivxlc])c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
_NUMBER = rf"(?:\d{{1,4}}|{_ROMAN})"
_PAGE_NUMBER = re.compile(
    rf"(?:pages?|pg|p|seite|s|página|pag|pagina|strona|стр|страница|第)?[.:]?\s*{_NUMBER}"
    rf"(?:\s*(?:of|/|von|de|di|из|z)\s*{_NUMBER})?\s*(?:[页頁]|ページ)?",
    re.IGNORECASE,
)
_AROUND = " \t-–—―·•|.[](){}<>~*"

_ITEM = re.compile(
    r"[•‣◦▪▫●○■□◆◇►➢➤✓✔·]"
    r"|[-–—*](?=\s|[^\W\d])"
    r"|\(?(?:\d{1,3}|[^\W\d_]|[ivx]{1,5})[.)](?!\d|[^\W\d_]\.)"
    r"|\[\d{1,3}\]"
    r"|[①-⑳]",
    re.IGNORECASE,
)


def is_page_number(text: str) -> bool:
    """12, - 5 -, Page 3 of 7, iv, 3/7, 第3页, 3 ページ; nothing beside it."""
    return _PAGE_NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip(_AROUND)) is not None


def is_item(text: str) -> bool:
    """Begins with a bullet, or with a number or letter and a full stop or bracket."""
    return _ITEM.match(text.strip()) is not None


def is_marker(text: str) -> bool:
    """What begins an item, and nothing after it: detectors often find bullets and numbers by themselves."""
    return _ITEM.fullmatch(text.strip()) is not None
