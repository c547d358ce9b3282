"""`python -m infra.services up|down|status|run`: what each does stands in its help."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from types import FrameType
from typing import NoReturn

from infra.services import report, stack
from infra.services.failures import Failed
from infra.services.home import Home, usual_home
from infra.services.say import say

DONE, FAILED, MISSING = 0, 1, 3
END_DEADLINE_S = 60  # what a program that is told to end may take


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell hands it on as ignored
    home = usual_home()
    try:
        match arguments.command:
            case "up":
                return _up(home, arguments.only)
            case "down":
                return _down(home, arguments.only, wipe=arguments.wipe)
            case "status":
                return _status(home)
            case "secrets":
                return _secrets(home)
            case _:
                return _run(home, arguments.program)
    except Failed as failure:
        say(f"FAILED: {failure.explain()}")
        return FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _up(home: Home, names: list[str]) -> int:
    with home.alone():
        outcome = stack.up(home, names)
    report.table(home)
    report.environment(home)
    if outcome.failed:
        return FAILED
    return MISSING if any(not stack.SERVICES[name].optional for name in outcome.skipped) else DONE


def _down(home: Home, names: list[str], *, wipe: bool) -> int:
    with home.alone():
        if not stack.running(home):
            say("No service runs.")
        stack.down(home, names)
        for name in names if wipe else ():
            home.wipe(name)
    return DONE


def _status(home: Home) -> int:
    report.table(home)
    report.environment(home)
    return DONE if stack.running(home) else FAILED


def _secrets(home: Home) -> int:
    say(f"the store's keys are in {home.secret('access-key')} and {home.secret('secret-key')}")
    return DONE


def _run(home: Home, program: list[str]) -> int:
    """With the services that are up, or else with a stack of its own that leaves nothing behind."""
    if stack.running(home):
        say(f"using the services that are up ({', '.join(stack.running(home))}); they stay up")
        return _call(program, stack.exports(home), skipped={})
    own = Home(home.root / "test", home.cache)
    names = [name for name, service in stack.SERVICES.items() if not service.optional]
    with own.alone():
        _clear(own)
        try:
            outcome = stack.up(own, names)
            return FAILED if outcome.failed else _call(program, stack.exports(own), outcome.skipped)
        finally:
            _clear(own)


def _clear(home: Home) -> None:
    stack.down(home, list(stack.SERVICES))
    for name in stack.SERVICES:
        home.wipe(name)


def _call(program: list[str], exports: dict[str, str], skipped: dict[str, str]) -> int:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
    child = subprocess.Popen(program, env={**os.environ, **exports, "PAGESTREAM_TEST_SKIPPED": reasons})
    try:
        return child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait(END_DEADLINE_S)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """An end asked for by a signal still runs every `finally` on the way out."""
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.services",
        description="Kafka, an S3-compatible store and Jaeger on this machine: no containers, loopback only.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    texts = {
        "up": "install what is missing, start what does not run, print where it is; status 3: a tool is missing",
        "down": "end the processes that were started here; data stays",
        "status": "print what runs, and where",
        "secrets": "make the store's keys where they are missing, and say where they are",
        "run": "run a program with the services up, and stop those that this started",
    }
    names = list(stack.SERVICES)
    for command, text in texts.items():
        child = commands.add_parser(command, help=text, description=text)
        if command in ("up", "down"):
            text = ", ".join(names)
            child.add_argument("--only", nargs="+", choices=names, default=names, metavar="SERVICE", help=text)
        if command == "down":
            child.add_argument("--wipe", action="store_true", help="remove their data as well")
        if command == "run":
            child.add_argument("program", nargs="+", help="the program and its arguments, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
