"""HTTP to the store, within a deadline and within bounds.

What the libraries do by themselves, and what is done about it here: they wait 300 s for a silent store, follow
redirects to any host, gunzip a body behind its Content-Length, read an error's body without end, open more connections
than the pool keeps, and repeat requests by rules of their own (but not for 429).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from urllib3 import BaseHTTPResponse, HTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError, TimeoutError

from connectors.errors import failure
from pipeline.errors import Rejected

_CHUNK_BYTES: Final = 256 * 1024
_MAX_ANSWER_BYTES: Final = 16 * 2**20
"""Of an answer that is no object: an error, or one page of a list."""


class BodyStopped(Exception):
    """A body came to a stop: cut off, silent for too long, or without an end. `code` says what that makes it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Patience:
    """Of one call: when it must be over (monotonic), and how long the store may keep silent until then."""

    deadline: float
    connect_s: float
    read_s: float

    def left_s(self) -> float:
        return self.deadline - time.monotonic()


class _Call(threading.local):
    patience: Patience | None = None
    status: int = 0


class BoundedPool(PoolManager):
    """Connections for minio-py, which passes no deadlines on: they are kept for each thread instead."""

    def __init__(self, *, connections: int, ca_file: Path | None) -> None:
        trust: dict[str, Any] = {"ca_certs": str(ca_file)} if ca_file is not None else {}
        super().__init__(maxsize=connections, block=True, cert_reqs="CERT_REQUIRED", **trust)
        self._call = _Call()

    @contextmanager
    def within(self, patience: Patience) -> Iterator[None]:
        """Requests of this thread keep to these limits."""
        self._call.patience, self._call.status = patience, 0
        try:
            yield
        finally:
            self._call.patience = None

    @property
    def status(self) -> int:
        """Of this thread's last answer; 0 before there was any."""
        return self._call.status

    def urlopen(self, method: str, url: str, redirect: bool = True, **options: Any) -> BaseHTTPResponse:  # type: ignore[override]
        patience = self._call.patience
        if patience is None or patience.left_s() <= 0:
            raise TimeoutError("no time left for a request")
        whole = options.pop("preload_content", True)
        left_s = patience.left_s()
        timeout = Timeout(connect=min(patience.connect_s, left_s), read=min(patience.read_s, left_s))
        response = super().urlopen(
            method,
            url,
            redirect=False,
            retries=False,
            timeout=timeout,
            pool_timeout=left_s,
            preload_content=False,
            **options,
        )
        self._call.status = response.status
        return _read_whole(response, method, patience) if whole or response.status >= 300 else response


def read_body(response: BaseHTTPResponse, max_bytes: int, patience: Patience) -> bytes:
    """The body as it came, never decoded. Raises Rejected `object_too_large`, or BodyStopped."""
    chunks: list[bytes] = []
    size = 0
    while chunk := _next_chunk(response, patience):
        size += len(chunk)
        if size > max_bytes:
            raise failure("object_too_large", "fetch")
        chunks.append(chunk)
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) != size and response.status == 200:
        raise BodyStopped("store_interrupted")
    return b"".join(chunks)


def _next_chunk(response: BaseHTTPResponse, patience: Patience) -> bytes:
    """What one read of the socket gives: `read` would wait for all it was asked for, however slowly that drips in."""
    left_s = patience.left_s()
    if left_s <= 0:
        raise BodyStopped("store_timeout")
    socket = getattr(getattr(response, "connection", None), "sock", None)
    if socket is not None:
        socket.settimeout(min(patience.read_s, left_s))
    try:
        return response.read1(_CHUNK_BYTES, decode_content=False)
    except (ReadTimeoutError, OSError) as error:
        raise BodyStopped("store_timeout") from error
    except HTTPError as error:
        raise BodyStopped("store_interrupted") from error


def _read_whole(response: BaseHTTPResponse, method: str, patience: Patience) -> BaseHTTPResponse:
    """The same answer with its body in memory."""
    try:
        body = b"" if method == "HEAD" else read_body(response, _MAX_ANSWER_BYTES, patience)
    except Rejected as error:
        raise BodyStopped("store_unavailable") from error
    finally:
        response.close()
        response.release_conn()
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-encoding"}
    return HTTPResponse(
        body=BytesIO(body),
        headers=headers,
        status=response.status,
        reason=response.reason,
        request_method=method,
        enforce_content_length=False,
    )
