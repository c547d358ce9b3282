"""Where log lines go, and what they may hold: codes, numbers and coordinates; never text, keys or secrets."""

from __future__ import annotations

import logging

from rich.logging import RichHandler

from pipeline.commands.exits import complain

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to_stderr(level: str) -> None:
    logging.basicConfig(level=level.upper(), format=FORMAT)
    # Third parties' lines may quote addresses with keys in them.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)


def log_warnings() -> None:
    """Warnings and worse, above the progress bar and not through it."""
    handler = RichHandler(console=complain, show_path=False, markup=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    log_to_stderr("warning")
    # The loop would say that what is cut off by Ctrl-C is read again; that is true of topics that outlive it only.
    logging.getLogger("pipeline.runner").setLevel(logging.ERROR)
