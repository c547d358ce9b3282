"""What every test may count on: a clean environment, one example budget, and one policy for services that are absent.

A test marked `kafka`, `store`, `jaeger` or `models` needs the real thing. Where it is absent the test is skipped with
the reason; with CI=true it fails, for there nothing may be left out unseen.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

from pipeline.settings import models_home

NEEDED = {
    "kafka": ("PAGESTREAM_TEST_KAFKA",),
    "store": ("PAGESTREAM_TEST_STORE", "PAGESTREAM_TEST_STORE_ACCESS_KEY", "PAGESTREAM_TEST_STORE_SECRET_KEY"),
    "jaeger": ("PAGESTREAM_TEST_JAEGER_QUERY", "PAGESTREAM_TEST_JAEGER_OTLP"),
}
"""Variables that say where a service is; `make test` and `.services/env` set them."""

MODELS = "PAGESTREAM_ENGINE__MODELS_DIRECTORY"
IN_CI = os.environ.get("CI") == "true"

for _name in [name for name in os.environ if name.startswith("PAGESTREAM_")]:
    if not _name.startswith("PAGESTREAM_TEST_") and _name != MODELS:
        del os.environ[_name]  # a developer's own settings would change what the code under test does

hypothesis.settings.register_profile("dev", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "dev")


def pytest_configure(config: pytest.Config) -> None:
    for need in (*NEEDED, "models"):
        config.addinivalue_line("markers", f"{need}: needs the real thing; see the top of tests/conftest.py")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for need in (*NEEDED, "models"):
        if item.get_closest_marker(need) is not None:
            require(need)


def require(need: str) -> None:
    """Go on only where it is there: otherwise skip with the reason, or fail in CI."""
    reason = _why_absent(need)
    if reason is None:
        return
    if IN_CI:
        pytest.fail(f"no {need}: {reason}", pytrace=False)
    pytest.skip(f"no {need}: {reason}")


def _why_absent(need: str) -> str | None:
    if need == "models":
        needed = [_models() / name / "inference.onnx" for name in ("small/det", "tiny/det", "structure/layout")]
        return None if all(path.exists() for path in needed) else "run `.venv/bin/pagestream models fetch small tiny`"
    if all(os.environ.get(name) for name in NEEDED[need]):
        return None
    service = "minio" if need == "store" else need
    reasons = dict(told.split(": ", 1) for told in os.environ.get("PAGESTREAM_TEST_SKIPPED", "").split("; ") if told)
    return reasons.get(service, "use `make test`; or `make up`, then `source .services/env`")


def _models() -> Path:
    return Path(os.environ.get(MODELS) or models_home())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"not run ({count}): {reason}", yellow=True)


@pytest.fixture(scope="session")
def kafka_address() -> str:
    """host:port of a real broker."""
    require("kafka")
    return os.environ["PAGESTREAM_TEST_KAFKA"]


@pytest.fixture(scope="session")
def store_address() -> tuple[str, str, str]:
    """(http://host:port, access key, secret key) of a real store."""
    require("store")
    endpoint, access_key, secret_key = (os.environ[name] for name in NEEDED["store"])
    return endpoint, access_key, secret_key


@pytest.fixture(scope="session")
def jaeger() -> tuple[str, str]:
    """(query, OTLP over HTTP), each http://host:port."""
    require("jaeger")
    query, otlp = (os.environ[name] for name in NEEDED["jaeger"])
    return query, otlp


@pytest.fixture(scope="session")
def models_directory() -> Path:
    """Where `pagestream models fetch` has put the models."""
    require("models")
    return _models()
