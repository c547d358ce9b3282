"""A reply is believed only so far as it is checked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode.formats import Format
from pipeline.decode.protocol import (
    MAX_HEADER,
    PREFIX,
    Close,
    Closed,
    Failed,
    Open,
    Opened,
    PageHeader,
    PageSize,
    ProtocolError,
    Ready,
    Render,
    Reply,
    Request,
    fits,
    frame,
    parse_reply,
    parse_request,
    reply_header,
    request_header,
)

PAGE = PageHeader(1, 3, 2, None, ("data_damaged",))
REPLIES = [
    (Ready(("resources",)), 0),
    (Opened(Format.PDF, (PageSize(3, 2), None)), 0),
    (PAGE, 18),
    (Failed("corrupt_pdf"), 0),
    (Closed(), 0),
]


def header_of(message: bytes) -> bytes:
    size, _ = PREFIX.unpack_from(message)
    return message[PREFIX.size : PREFIX.size + size]


@pytest.mark.parametrize(("reply", "body_size"), REPLIES)
def test_replies_survive_the_way(reply: Reply, body_size: int) -> None:
    """What the child says is what the parent reads."""
    assert parse_reply(header_of(frame(reply_header(reply), body_size)), body_size) == reply


@pytest.mark.parametrize("request_", [Open(b"x", 200, "p"), Open(b"", 72), Render(7), Close()])
def test_requests_survive_the_way(request_: Request) -> None:
    """What the parent asks is what the child reads."""
    header, body = request_header(request_)
    assert parse_request(json.loads(header_of(frame(header, len(body)))), body) == request_


def page(**changes: Any) -> dict[str, Any]:
    return {**reply_header(PAGE), **changes}


@pytest.mark.parametrize(
    ("header", "body_size"),
    [
        (page(), 17),
        (page(width=-3, height=-2), 18),
        (page(width=0), 0),
        (page(width=3.0), 18),
        (page(warnings=["the text of a document"]), 18),
        (page(warnings=None), 18),
        (page(dpi="x"), 18),
        ({"say": "failed", "code": "the text of a document"}, 0),
        ({"say": "failed", "code": "corrupt_pdf"}, 1),
        ({"say": "opened", "format": "text/html", "sizes": []}, 0),
        ({"say": "opened", "format": "image/png", "sizes": [[1]]}, 0),
        ({"say": "opened", "format": "image/png", "sizes": [[-1, 1]]}, 0),
        ({"say": "page"}, 0),
        ({"say": "what"}, 0),
        ([], 0),
        (None, 0),
    ],
)
def test_dishonest_replies_are_refused(header: Any, body_size: int) -> None:
    """Sizes that don't add up, and words of the child's own choosing, go no further."""
    with pytest.raises(ProtocolError):
        parse_reply(json.dumps(header).encode(), body_size)


@given(st.binary(max_size=300) | st.just(b"[" * 100_000), st.integers(0, 100))
def test_garbage_is_refused(text: bytes, body_size: int) -> None:
    """Any bytes at all are a reply or a ProtocolError."""
    assert len(text) < MAX_HEADER
    with pytest.raises(ProtocolError):
        parse_reply(text, body_size)


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (Render(1), Closed()),
        (Render(2), PAGE),
        (Open(b"", 72), PAGE),
        (Open(b"", 72), Opened(Format.PDF, ())),
        (Close(), Failed("corrupt_pdf")),
        (None, Failed("corrupt_pdf")),
    ],
)
def test_an_answer_to_another_question_is_refused(request_: Request | None, reply: Reply) -> None:
    """A reply must fit what was asked."""
    assert not fits(reply, request_)


def test_passwords_and_documents_are_not_printed() -> None:
    """A request can be shown in a traceback without giving away what it holds."""
    assert "secret" not in repr(Open(b"secret", 72, "secret"))
