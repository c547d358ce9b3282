"""How we reach the S3 store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from minio.credentials.credentials import Credentials
from minio.credentials.providers import Provider

from connectors.errors import failure
from pipeline.errors import Fatal

Addressing = Literal["auto", "path", "virtual"]


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Address, credentials (as files, read again for each request, so that they may be rotated), and limits."""

    endpoint: str = "http://127.0.0.1:9000"
    region: str = "us-east-1"
    """Given, so that nobody has to ask the store for it (which takes a right of its own)."""
    access_key_file: Path | None = None
    secret_key_file: Path | None = None
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    addressing: Addressing = "auto"
    """`virtual` puts the bucket into the host name; `auto` does so at Amazon only."""
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 10.0
    """How long the store may be silent."""
    request_deadline_s: float = 30.0
    """For everything that has no deadline of its own: stat, list, check."""
    attempts: int = 4
    connections: int = 16
    """At most so many at once; further callers wait their turn."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint)
        extra = parts.username or parts.query or parts.fragment or parts.path.strip("/")
        if parts.scheme not in ("http", "https") or not parts.hostname or extra:
            raise _bad("Give the store's endpoint as http://host:port or https://host:port, and nothing more.")
        if (self.access_key_file is None) != (self.secret_key_file is None):
            raise _bad("Give the store both access_key_file and secret_key_file, or neither.")
        keys = [file for file in (self.access_key_file, self.secret_key_file) if file is not None]
        if not all(file.is_file() for file in keys):
            raise _bad("The store's access_key_file or secret_key_file is not there: check their paths.")
        if self.ca_file is not None and not self.ca_file.is_file():
            raise _bad("The store's ca_file is not a file: check its path.")

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc

    @property
    def secure(self) -> bool:
        return self.endpoint.startswith("https:")

    def credentials(self) -> Provider | None:
        if self.access_key_file is None or self.secret_key_file is None:
            return None
        return FileCredentials(self.access_key_file, self.secret_key_file)


class FileCredentials(Provider):
    """Keys as the files have them at this moment."""

    def __init__(self, access_key_file: Path, secret_key_file: Path) -> None:
        self._files = (access_key_file, secret_key_file)

    def retrieve(self) -> Credentials:
        try:
            access_key, secret_key = (path.read_text(encoding="utf-8").strip() for path in self._files)
            return Credentials(access_key, secret_key)
        except (OSError, ValueError) as error:
            raise failure("store_forbidden", "check") from error


def _bad(sentence: str) -> Fatal:
    return Fatal(sentence, code="store_settings", stage="check")
