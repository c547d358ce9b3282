"""What lines are by their text: a page number, an item of a list."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

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
    r"|\(?(?:\d{1,3}|[^\W\d_]|[ivx]{1,5})[.)](?!\d)"
    r"|[①-⑳]",
    re.IGNORECASE,
)


def is_page_number(text: str) -> bool:
    """12, - 5 -, Page 3 of 7, iv, 3/7, 第3页, 3 ページ; nothing beside it."""
    return _PAGE_NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip(_AROUND)) is not None


def is_list(texts: Sequence[str]) -> bool:
    """Two lines or more, most of which begin with a bullet, or a number or letter with a full stop or bracket."""
    begun = sum(_ITEM.match(text.strip()) is not None for text in texts)
    return len(texts) >= 2 and 2 * begun > len(texts)
