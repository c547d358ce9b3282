"""Where do services keep their things.

home   per checkout, git-ignored: data, logs, secrets, and one record per running service
cache  per user: what was downloaded or compiled, keyed by a digest of its pins, shared by all checkouts
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.services.say import say, step

REPOSITORY = Path(__file__).resolve().parents[2]
PINS = Path(__file__).resolve().parent / "pins"


@dataclass(frozen=True, slots=True)
class Home:
    root: Path
    cache: Path

    def data(self, service: str) -> Path:
        return _folder(self.root / "data" / service)

    def log(self, service: str) -> Path:
        return _folder(self.root / "log") / f"{service}.log"

    def record(self, service: str) -> Path:
        return self.root / "run" / f"{service}.json"

    @property
    def environment(self) -> Path:
        """Shell lines that point a worker and the tests at what runs here."""
        return self.root / "env"

    def secret(self, name: str) -> Path:
        """A file with a random secret, made on first use.

        Only its owner gets into the folder. The file itself can be read by all, for it is mounted into containers that
        run as other users.
        """
        folder = _folder(self.root / "secrets")
        folder.chmod(0o700)
        path = folder / name
        if not path.exists():
            path.write_text(secrets.token_hex(16))
            path.chmod(0o644)
        return path

    def wipe(self, service: str) -> None:
        """Forget a service's data and logs. The store's keys stay: they belong to no one run."""
        shutil.rmtree(self.root / "data" / service, ignore_errors=True)
        for log in (self.root / "log").glob(f"*{service}.log"):
            log.unlink()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process of ours changes this home. The lock ends with its holder."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another run that uses these services to end ...")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def installed(self, service: str, pins: Sequence[Path], build: Callable[[Path, Path], None]) -> Path:
        """The folder that `build(folder, log)` fills, unless a run with the same pins did. Never half-filled."""
        target = self.cache / f"{service}-{_digest(pins)}"
        if target.exists():
            return target
        work = _folder(self.cache / f".{target.name}.{os.getpid()}")
        try:
            with step(service, "installing, the first time only (minutes where it is compiled)"):
                build(work, self.log(f"install-{service}"))
            if not target.exists():
                work.rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return target


def usual_home() -> Home:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pagestream" / "services"
    return Home(Path(os.environ.get("PAGESTREAM_SERVICES_HOME") or REPOSITORY / ".services").absolute(), cache)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _digest(pins: Sequence[Path]) -> str:
    total = hashlib.sha256(f"{platform.system()} {platform.machine()}".encode())
    for path in pins:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]
