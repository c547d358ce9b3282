"""What a store or a network does at its worst, and that it stays within bounds."""

from __future__ import annotations

import gzip
import shutil
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connectors.object_store import S3Store, StoreSettings
from pipeline.errors import Environment, Fatal, PagestreamError, Rejected, Retryable
from schemas.objects import ObjectRef
from tests.contract.http_server import Request, Server, head, serving, whole

REF = ObjectRef("bucket", "key")
ETAG = "0123456789abcdef0123456789abcdef"


def reader(server: Server, **settings: object) -> S3Store:
    limits = {"connect_timeout_s": 1.0, "read_timeout_s": 0.3, "request_deadline_s": 3.0, "attempts": 3} | settings
    return S3Store(StoreSettings(server.url, **limits))


def failing(
    store: S3Store, *, max_bytes: int = 10**6, deadline_s: float = 5.0, ref: ObjectRef = REF
) -> PagestreamError:
    with pytest.raises(PagestreamError) as caught:
        store.get(ref, max_bytes=max_bytes, deadline_s=deadline_s)
    store.close()
    return caught.value


def code(error: PagestreamError, family: type[PagestreamError]) -> str:
    assert type(error) is family
    return error.code


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent"])
def test_a_redirect_is_never_followed(status):
    """Another host gets no request, whatever the kind of redirect."""
    with serving(lambda request, out: out.write(whole(b"stolen"))) as other:
        answer = head(status, Location=f"{other.url}/bucket/key", Content_Length=0)
        with serving(lambda request, out: out.write(answer)) as server:
            assert code(failing(reader(server)), Environment) == "store_redirected"
        assert other.requests == []


def test_a_body_is_never_unpacked():
    """Content-Encoding is left alone: the bytes are those on the wire, and so is their limit."""
    packed = gzip.compress(bytes(10_000_000))
    with serving(lambda request, out: out.write(whole(packed, Content_Encoding="gzip", ETag=f'"{ETAG}"'))) as server:
        info, body = reader(server).get(REF, max_bytes=len(packed), deadline_s=5)
        assert body == packed
        assert info.size == len(packed)


def test_more_bytes_than_declared_allowed_are_not_read():
    """Without a length the bytes are counted as they come, and the connection is dropped at the limit."""

    def endless(request: Request, out) -> str:
        out.write(head("200 OK", Transfer_Encoding="chunked"))
        while not server.ended.is_set():
            out.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
        return "close"

    with serving(endless) as server:
        assert code(failing(reader(server), max_bytes=200_000), Rejected) == "object_too_large"


def test_a_length_over_the_limit_is_refused_before_the_body():
    """A declared length over the limit ends the call although no byte of the body came."""

    def declared(request: Request, out) -> str:
        out.write(head("200 OK", Content_Length=10**9))
        out.flush()
        server.ended.wait(20)
        return "close"

    with serving(declared) as server:
        assert code(failing(reader(server)), Rejected) == "object_too_large"


def test_a_stalled_body_is_given_up():
    """Silence in the middle of a body is `store_timeout`, after a few attempts and not at the deadline."""

    def stalled(request: Request, out) -> str:
        out.write(head("200 OK", Content_Length=100) + b"half")
        out.flush()
        server.ended.wait(20)
        return "close"

    began = time.monotonic()
    with serving(stalled) as server:
        assert code(failing(reader(server), deadline_s=30), Retryable) == "store_timeout"
        assert len(server.requests) == 3
    assert time.monotonic() - began < 10


def test_a_dripping_body_ends_at_the_deadline():
    """Bytes that come one by one, each in time, do not stretch the deadline."""

    def dripping(request: Request, out) -> str:
        out.write(head("200 OK", Content_Length=100_000))
        while not server.ended.wait(0.02):
            out.write(b".")
            out.flush()
        return "close"

    began = time.monotonic()
    with serving(dripping) as server:
        assert code(failing(reader(server), deadline_s=0.6), Retryable) == "store_timeout"
        assert 0.5 < time.monotonic() - began < 2


def test_a_body_that_is_cut_comes_whole_or_not_at_all():
    """A cut body is fetched again; when every attempt is cut the call fails and returns no part of it."""
    cut = head("200 OK", Content_Length=100) + b"half"

    def answer(request: Request, out) -> str:
        out.write(cut if len(server.requests) % 4 else whole(b"all of it"))
        return "close"

    with serving(answer) as server:
        assert code(failing(reader(server)), Retryable) == "store_interrupted"
        assert len(server.requests) == 3
        assert reader(server).get(REF, max_bytes=100, deadline_s=5)[1] == b"all of it"


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Oh", "502 Bad", "503 Slow Down", "504 Late"])
def test_a_busy_store_is_asked_again_a_few_times(status):
    """Two refusals are overcome; refusals without end are `store_unavailable` after the attempts allowed."""
    busy = head(status, Content_Length=0)

    def answer(request: Request, out) -> None:
        out.write(whole(b"at last") if len(server.requests) == 3 else busy)

    with serving(answer) as server:
        assert reader(server).get(REF, max_bytes=100, deadline_s=5)[1] == b"at last"
        assert code(failing(reader(server)), Environment) == "store_unavailable"
        assert len(server.requests) == 6


def test_a_silent_store_is_unavailable():
    """A store that takes requests and never answers is `store_unavailable`, within the deadline."""

    def silent(request: Request, out) -> str:
        server.ended.wait(20)
        return "close"

    began = time.monotonic()
    with serving(silent) as server:
        store = reader(server, read_timeout_s=30.0)
        assert code(failing(store, deadline_s=0.5), Environment) == "store_unavailable"
    assert time.monotonic() - began < 3


def test_the_answer_of_an_error_is_bounded():
    """An error whose body never ends is cut off by the deadline or the limit, not by memory."""

    def endless(request: Request, out) -> str:
        out.write(head("500 Oh", Content_Type="application/xml"))
        while not server.ended.is_set():
            out.write(bytes(1_000_000))
        return "close"

    with serving(endless) as server:
        assert code(failing(reader(server), deadline_s=5), Environment) == "store_unavailable"


def test_an_answer_that_is_no_xml_is_an_error_of_ours():
    """A proxy's error page is told by its status, never as a parser's exception."""
    page = b"<html>Forbidden"
    forbidden = head("403 Forbidden", Content_Type="text/html", Content_Length=len(page)) + page
    with serving(lambda request, out: out.write(forbidden)) as server:
        assert code(failing(reader(server)), Environment) == "store_forbidden"
    with serving(lambda request, out: out.write(whole(b"no xml"))) as server, pytest.raises(Environment) as caught:
        reader(server).list_objects("bucket", "", 10)
    assert caught.value.code == "store_unavailable"


def test_what_is_meant_is_asked_for_and_checked():
    """Etag and version go into the request, nothing else is asked; an answer that ignores them is refused."""
    other = whole(b"other", ETag='"ffffffffffffffffffffffffffffffff"')
    with serving(lambda request, out: out.write(other)) as server:
        ref = ObjectRef("bucket", "key", "version-1", ETAG)
        assert code(failing(reader(server), ref=ref), Rejected) == "object_changed"
        [request] = server.requests
        assert request.target == "/bucket/key?versionId=version-1"
        assert request.headers["if-match"] == f'"{ETAG}"'


def test_a_connection_is_used_again_and_never_more_than_allowed():
    """One caller needs one connection; many callers wait for the connections there are, and each is served."""
    with serving(lambda request, out: out.write(whole(bytes(300_000)))) as server:
        store = reader(server, connections=3, read_timeout_s=5.0)
        for _ in range(5):
            store.get(REF, max_bytes=10**6, deadline_s=5)
        assert server.connections == 1
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: store.get(REF, max_bytes=10**6, deadline_s=10), range(60)))
        assert len(answers) == 60
        assert server.open_most <= 3
        store.close()


def test_a_large_body_may_take_longer_than_a_connection(tmp_path):
    """A put is bounded by its deadline, not by the time a connection may take."""

    def slowly(request: Request, out) -> None:
        out.write(head("200 OK", Content_Length=0, ETag=f'"{ETAG}"'))

    with serving(slowly) as server:
        store = reader(server, connect_timeout_s=0.001)
        store.put("bucket", "key", bytes(50_000_000), content_type="a/b", deadline_s=30)
        [request] = server.requests
        assert len(request.body) == 50_000_000
        store.close()


def test_the_environment_has_no_say(monkeypatch):
    """Proxy variables are not followed: the endpoint is the one in the settings."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving(lambda request, out: out.write(whole(b"direct"))) as server:
        assert reader(server).get(REF, max_bytes=100, deadline_s=5)[1] == b"direct"


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:9000", "ftp://host", "http://", "http://host/path", "http://user:pw@host", "http://h?q=1"]
)
def test_an_endpoint_is_an_address_and_nothing_more(endpoint):
    """What is not http(s)://host:port is refused before anything is asked."""
    with pytest.raises(Fatal):
        StoreSettings(endpoint)


def test_half_of_the_keys_is_refused(tmp_path):
    """An access key without a secret key is a mistake, not anonymous access."""
    with pytest.raises(Fatal):
        StoreSettings(access_key_file=tmp_path / "key")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1 in one file, its own authority."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path / "certificate.pem"
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=test"
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {path} -out {tmp_path / 'ca.pem'}"
    subprocess.run(command.split(), check=True, capture_output=True, timeout=30)
    path.write_text(path.read_text() + (tmp_path / "ca.pem").read_text())
    return path


def test_only_a_known_authority_is_trusted(certificate):
    """With our CA file the store is reached over TLS; without it, it is not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(lambda request, out: out.write(whole(b"sealed")), tls=context) as server:
        trusting = reader(server, ca_file=certificate.with_name("ca.pem"), read_timeout_s=5.0)
        assert trusting.get(REF, max_bytes=100, deadline_s=5)[1] == b"sealed"
        assert code(failing(reader(server)), Environment) == "store_unavailable"
        trusting.close()
