"""Nothing is sent to the makers of what we run on."""

from __future__ import annotations

import os
import subprocess
import sys


def test_onnxruntime_is_told_to_send_nothing() -> None:
    """Importing any engine switches its telemetry off before it is loaded, unless a person has set it otherwise."""
    asked = "os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in sys.modules"
    code = f"import sys, os, pipeline.engines.base; print({asked})"
    bare = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bare, timeout=60
    )
    assert told.stdout.split() == ["1", "False"]
