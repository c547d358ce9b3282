"""The child's side: read a request, answer it, until the parent hangs up.

`python -m pipeline.decode.child '<DecodeLimits as JSON>' <parent's pid>`. Imports neither numpy nor any of the rest of
the pipeline, so it starts quickly and holds nothing worth stealing.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from pipeline.decode.confine import allow_cpu, confine
from pipeline.decode.formats import Format, sniff
from pipeline.decode.images import ImagePages
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.pdf import PdfPages
from pipeline.decode.protocol import (
    PREFIX,
    Close,
    Closed,
    Failed,
    Open,
    Opened,
    Ready,
    Render,
    Reply,
    Request,
    frame,
    parse_request,
    reply_header,
)
from pipeline.decode.refusals import refusal
from pipeline.decode.rendered import OpenDocument
from pipeline.errors import Rejected


def open_document(request: Open, limits: DecodeLimits) -> tuple[Format, OpenDocument]:
    """Raises Rejected."""
    form = sniff(request.document)
    if form is Format.PDF:
        return form, PdfPages(request.document, dpi=request.dpi, password=request.password, limits=limits)
    return form, ImagePages(request.document, form=form, limits=limits)


class Complaints:
    """What decoders write to standard error. libtiff says there, and nowhere else, that it has guessed at data."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        for end in (self._read, write):
            os.set_blocking(end, False)  # a flood of complaints is cut off, not waited for
        os.dup2(write, 2)
        os.dup2(write, 1)  # a stray print must not look like a reply
        os.close(write)

    def heard(self) -> bool:
        """Whether there was anything since the last call. The words are thrown away."""
        heard = False
        with suppress(BlockingIOError):
            while os.read(self._read, 65_536):
                heard = True
        return heard


class Session:
    """At most one open document."""

    def __init__(self, limits: DecodeLimits, complaints: Complaints) -> None:
        self._limits = limits
        self._complaints = complaints
        self._document: OpenDocument | None = None

    def answer(self, request: Request) -> tuple[Reply, memoryview]:
        try:
            match request:
                case Open():
                    return self._open(request), NOTHING
                case Render(number):
                    return self._render(number)
                case Close():
                    self._close()
                    return Closed(), NOTHING
        except Rejected as error:
            return Failed(error.code), NOTHING
        except MemoryError:
            return Failed("page_too_large" if isinstance(request, Render) else "document_too_large"), NOTHING

    def _open(self, request: Open) -> Opened:
        self._close()
        form, self._document = open_document(request, self._limits)
        return Opened(form, self._document.sizes)

    def _render(self, number: int) -> tuple[Reply, memoryview]:
        if self._document is None:
            raise refusal("page_out_of_range")
        self._complaints.heard()
        rendered = self._document.render(number)
        damage = ("data_damaged",) if self._complaints.heard() else ()
        return replace(rendered.header, warnings=rendered.header.warnings + damage), rendered.pixels

    def _close(self) -> None:
        document, self._document = self._document, None
        if document is not None:
            document.close()


NOTHING = memoryview(b"")


def read_request(source: BinaryIO) -> Request | None:
    """None when the parent has hung up."""
    prefix = source.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    header_size, body_size = PREFIX.unpack(prefix)
    header, body = source.read(header_size), source.read(body_size)
    return parse_request(json.loads(header), body) if len(body) == body_size else None


def write_reply(out: int, reply: Reply, body: memoryview) -> None:
    for data in (memoryview(frame(reply_header(reply), len(body))), body):
        while data:
            data = data[os.write(out, data) :]


def main() -> None:
    limits = DecodeLimits.from_fields(json.loads(sys.argv[1]))
    warnings.simplefilter("ignore")  # Pillow's remarks hold file names and metadata
    out = os.dup(1)
    session = Session(limits, Complaints())
    write_reply(out, Ready(confine(limits, parent=int(sys.argv[2]))), NOTHING)
    with os.fdopen(0, "rb") as source:
        while (request := read_request(source)) is not None:
            allow_cpu(limits.cpu_seconds)
            write_reply(out, *session.answer(request))


if __name__ == "__main__":
    main()
