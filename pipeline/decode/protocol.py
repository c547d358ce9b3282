"""What parent and child say to each other: a JSON header and a body of bytes, each with its length in front.

Both sides live in one version of this package, but a child that a document has taken over may say anything: the parent
believes a reply only so far as `parse_reply` has checked it. No pickles.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, field
from typing import Any

from pipeline.decode.formats import Format
from pipeline.decode.refusals import MESSAGES

PREFIX = struct.Struct("!IQ")
"""Length of the header, then of the body, in bytes."""

MAX_HEADER = 4 * 1024 * 1024
WARNINGS = frozenset(
    {
        "data_damaged",  # the decoder complained and went on; part of the page may be missing
        "first_frame_only",
        "orientation_unreadable",
        "pixels_not_square",  # its pixels were stretched until they were
        "resolution_reduced",  # at the resolution asked for it would have been too large
    }
)


class ProtocolError(Exception):
    """The other side said something it may not say."""


@dataclass(frozen=True, slots=True)
class Open:
    document: bytes = field(repr=False)
    dpi: int
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Render:
    number: int


@dataclass(frozen=True, slots=True)
class Close:
    pass


Request = Open | Render | Close


@dataclass(frozen=True, slots=True)
class PageSize:
    """Pixels of a page as it will be rendered."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Opened:
    """`sizes` has one entry a page, in order; None where the page can't be measured (rendering it says why)."""

    format: Format
    sizes: tuple[PageSize | None, ...]

    @property
    def page_count(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True, slots=True)
class CheckBox:
    """A check box or radio button of a form: x0, y0, x1, y1 in pixels of its page, and whether it is ticked."""

    box: tuple[float, float, float, float]
    ticked: bool


MOST_CHECK_BOXES = 2_000
"""Of one page; a file with more is no form that people fill in."""


@dataclass(frozen=True, slots=True)
class PageHeader:
    """A page; its body is width * height * 3 bytes, BGR, rows from the top, without padding."""

    number: int
    width: int
    height: int
    dpi: float | None
    warnings: tuple[str, ...]
    check_boxes: tuple[CheckBox, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    code: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The child is confined and listens; `confinement` names what held on this machine."""

    confinement: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    pass


Reply = Ready | Opened | PageHeader | Failed | Closed


def frame(header: dict[str, Any], body_size: int = 0) -> bytes:
    """Everything of a message that comes before its body."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return PREFIX.pack(len(text), body_size) + text


def request_header(request: Request) -> tuple[dict[str, Any], bytes]:
    match request:
        case Open(document, dpi, password):
            return {"ask": "open", "dpi": dpi, "password": password}, document
        case Render(number):
            return {"ask": "render", "number": number}, b""
        case Close():
            return {"ask": "close"}, b""


def parse_request(header: dict[str, Any], body: bytes) -> Request:
    match header:
        case {"ask": "open", "dpi": dpi, "password": password}:
            return Open(body, dpi, password)
        case {"ask": "render", "number": number}:
            return Render(number)
        case {"ask": "close"}:
            return Close()
    raise ProtocolError("unknown request")


def reply_header(reply: Reply) -> dict[str, Any]:
    match reply:
        case Ready(confinement):
            return {"say": "ready", "confinement": confinement}
        case Opened(form, sizes):
            return {"say": "opened", "format": form, "sizes": [size and (size.width, size.height) for size in sizes]}
        case PageHeader(number, width, height, dpi, warnings, check_boxes):
            return {
                "say": "page",
                "number": number,
                "width": width,
                "height": height,
                "dpi": dpi,
                "warnings": warnings,
                "check_boxes": [[*one.box, one.ticked] for one in check_boxes],
            }
        case Failed(code):
            return {"say": "failed", "code": code}
        case Closed():
            return {"say": "closed"}


def fits(reply: Reply, request: Request | None) -> bool:
    """Whether `reply` is one that `request` (or starting, for None) can have."""
    match request, reply:
        case (None, Ready()) | (Close(), Closed()) | (Open() | Render(), Failed()):
            return True
        case Open(), Opened():
            return reply.page_count > 0
        case Render(number), PageHeader():
            return reply.number == number
    return False


def parse_reply(text: bytes, body_size: int) -> Reply:
    """Raises ProtocolError for anything an honest child would not send."""
    try:
        reply = _reply(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise ProtocolError("unreadable reply") from error
    expected = reply.width * reply.height * 3 if isinstance(reply, PageHeader) else 0
    if body_size != expected:
        raise ProtocolError("body of the wrong size")
    return reply


def _reply(header: Any) -> Reply:
    match header:
        case {"say": "ready", "confinement": [*confinement]}:
            return Ready(tuple(str(word) for word in confinement))
        case {"say": "opened", "format": str(form), "sizes": [*sizes]}:
            return Opened(Format(form), tuple(_size(size) for size in sizes))
        case {"say": "page", "number": int(number), "width": int(width), "height": int(height), "dpi": dpi} if (
            width > 0 and height > 0 and WARNINGS.issuperset(header["warnings"])
        ):
            boxes = tuple(_check_box(box) for box in header.get("check_boxes", [])[:MOST_CHECK_BOXES])
            resolution = None if dpi is None else float(dpi)
            return PageHeader(number, width, height, resolution, tuple(header["warnings"]), boxes)
        case {"say": "failed", "code": str(code)} if code in MESSAGES:
            return Failed(code)
        case {"say": "closed"}:
            return Closed()
    raise ProtocolError("unknown reply")


def _check_box(box: Any) -> CheckBox:
    match box:
        case [float(x0) | int(x0), float(y0) | int(y0), float(x1) | int(x1), float(y1) | int(y1), bool(ticked)]:
            corners = (float(x0), float(y0), float(x1), float(y1))
            if all(map(math.isfinite, corners)):
                return CheckBox(corners, ticked)
    raise ProtocolError("impossible check box")


def _size(size: Any) -> PageSize | None:
    match size:
        case None:
            return None
        case [int(width), int(height)] if width > 0 and height > 0:
            return PageSize(width, height)
    raise ProtocolError("impossible page size")
