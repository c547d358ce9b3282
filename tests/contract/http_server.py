"""An HTTP server on loopback that does what a test tells it to, byte for byte."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Server(socketserver.ThreadingTCPServer):
    """Answers each request with what `answer` writes; an answer may wait on `ended`."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[Request, BinaryIO], object], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.ended = threading.Event()
        self.requests: list[Request] = []
        self.connections = 0
        self.open_now = 0
        self.open_most = 0
        self.counting = threading.Lock()
        self._tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    def finish_request(self, request, client_address):
        with suppress(OSError):
            connection = self._tls.wrap_socket(request, server_side=True) if self._tls else request
            with self.counting:
                self.connections += 1
                self.open_now += 1
                self.open_most = max(self.open_most, self.open_now)
            try:
                self.RequestHandlerClass(connection, client_address, self)
            finally:
                with self.counting:
                    self.open_now -= 1
                connection.close()


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with suppress(OSError, ValueError):
            while request := self._request():
                self.server.requests.append(request)
                if self.server.answer(request, self.wfile) == "close":
                    return

    def _request(self) -> Request | None:
        line = self.rfile.readline()
        if not line:
            return None
        method, target, _ = line.decode().split(" ")
        headers = {}
        while (header := self.rfile.readline().strip()) != b"":
            name, _, value = header.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Request(method, target, headers, self.rfile.read(int(headers.get("content-length", 0))))

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()


@contextmanager
def serving(answer: Callable[[Request, BinaryIO], object], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    with Server(answer, tls) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join(5)


def head(status: str, **headers: object) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def whole(body: bytes, **headers: object) -> bytes:
    return head("200 OK", Content_Length=len(body), **headers) + body
