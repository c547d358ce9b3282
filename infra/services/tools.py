"""Which Java, Maven and Go does this machine have, and how are they asked to install something."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.services.failures import Failed, Unavailable

JAVA_AT_LEAST = 17  # what Kafka 4 brokers need
DEADLINE_S = 1800  # a cold Go build takes about five minutes on two cores; slow machines get six times that


def java() -> str:
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=f"{home}/bin") if home else None
    path = path or shutil.which("java")
    if path is None:
        raise Unavailable(f"Java {JAVA_AT_LEAST} or later is not installed")
    told = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    major = re.search(r'version "(\d+)', told)
    if major is None or int(major[1]) < JAVA_AT_LEAST:
        raise Unavailable(f"the Java here is older than {JAVA_AT_LEAST}")
    return path


def maven() -> str:
    path = shutil.which("mvn")
    if path is None:
        raise Unavailable("Maven (mvn) is not installed")
    return path


def go() -> str:
    path = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if path is None:
        raise Unavailable("Go is not installed")
    return path


def build_with_go(package: str, *, module: Path, output: Path, log: Path) -> None:
    """Compile `package` at the versions and checksums that `module`'s go.mod and go.sum pin; no C compiler needed."""
    command = [go(), "build", "-trimpath", "-ldflags=-s -w", "-o", str(output), package]
    environment = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    run(command, folder=module, environment=environment, log=log)


def run(command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None, log: Path) -> None:
    """Run a command that installs or sets up something to its end; what it prints goes to `log`."""
    try:
        with log.open("wb") as output:
            subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=DEADLINE_S,
                check=True,
            )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{Path(command[0]).name} did not end within {DEADLINE_S} s", log=log) from error
    except subprocess.CalledProcessError as error:
        raise Failed(f"{Path(command[0]).name} ended with exit status {error.returncode}", log=log) from error
