"""Where log lines go, and what they may hold: codes, numbers and coordinates; never text, keys or secrets."""

from __future__ import annotations

import logging

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to_stderr(level: str) -> None:
    logging.basicConfig(level=level.upper(), format=FORMAT)
    # Third parties' lines may quote addresses with keys in them.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
