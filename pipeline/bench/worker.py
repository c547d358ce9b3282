"""A worker in a process of its own, as its users run it: `pagestream run`, with settings that are given."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from pipeline.errors import Fatal
from pipeline.settings import Settings

STOP_S = 15.0
"""Less than the bench waits for a side to leave: nothing is under way by then."""


class WorkerProcess:
    """Its settings and its log lie in a folder that goes with it."""

    def __init__(self, settings: Settings) -> None:
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="pagestream-")))
        config, self._log = folder / "settings.yaml", folder / "worker.log"
        config.write_text(yaml.safe_dump(settings.model_dump(mode="json")), encoding="utf-8")
        self._process = _run(config, self._log)

    def require_running(self) -> None:
        """Raises Fatal `bench_worker_ended`, with the last line of its log: that holds neither text nor keys."""
        if (code := self._process.poll()) is not None:
            message = f"The worker ended with exit code {code}: {self._last_words()}"
            raise Fatal(message, code="bench_worker_ended", stage="bench")

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)
        self._stack.close()

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def _run(config: Path, log: Path) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PAGESTREAM_")}
    with log.open("wb") as words:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", "run"],
            env={**clean, "PAGESTREAM_CONFIG": str(config)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
        )
