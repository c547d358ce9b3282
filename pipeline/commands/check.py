"""`pagestream check`: would a worker start here, and on what would it run?"""

from __future__ import annotations

from collections.abc import Callable

import typer
from rich.table import Table
from rich.text import Text

from pipeline.commands.exits import exit_code, places, told_plainly
from pipeline.commands.terminal import output
from pipeline.errors import PagestreamError
from pipeline.settings import Settings, load_settings

COLLECTOR_TIMEOUT_S = 3.0


def check() -> None:
    """Look at settings, broker, topics, store and engine; read a page whose text is known."""
    with told_plainly():
        settings = load_settings()
    worst = 0
    table = Table("what", "state", "detail", title="pagestream check")
    for what, look in PARTS.items():
        state, detail, code = _looked(look, settings)
        table.add_row(what, state, detail)
        worst = max(worst, code)
    console = output()
    console.print(table)
    console.print("Settings in effect (secrets are files and stay there):")
    console.print_json(settings.model_dump_json())
    raise typer.Exit(worst)


def _looked(look: Callable[[Settings], str], settings: Settings) -> tuple[Text, str, int]:
    try:
        return Text("ok", "green"), look(settings), 0
    except PagestreamError as error:
        return Text(error.code, "red"), "\n".join([error.message, *places(error)]), exit_code(error)


def _broker(settings: Settings) -> str:
    from connectors.kafka_admin import KafkaAdmin
    from pipeline.app import kafka_settings
    from pipeline.commands.preflight import TIMEOUT_S

    brokers = KafkaAdmin(kafka_settings(settings)).ping(TIMEOUT_S)
    return f"{brokers} brokers answer at {settings.kafka.bootstrap_servers}"


def _topics(settings: Settings) -> str:
    from connectors.kafka_admin import KafkaAdmin
    from pipeline.app import kafka_settings
    from pipeline.commands.preflight import check_topics, topics_of

    check_topics(KafkaAdmin(kafka_settings(settings)), settings)
    return f"all there; events are read from {topics_of(settings).documents}"


def _store(settings: Settings) -> str:
    from connectors.object_store import S3Store
    from pipeline.app import store_settings
    from pipeline.commands.preflight import check_buckets

    store = S3Store(store_settings(settings))
    try:
        check_buckets(store, settings)
    finally:
        store.close()
    buckets = ", ".join(sorted(settings.store.input_buckets))
    return f"{settings.store.endpoint}: reads {buckets}; writes {settings.store.results_bucket}"


def _engine(settings: Settings) -> str:
    from pipeline.app import known_page, load_engines
    from pipeline.engines.known_answer import require_known_answer

    engines = load_engines(settings)
    known = known_page(settings)
    for engine in engines:
        require_known_answer(engine, known)
    models = "\n".join(
        f"{m.name}: {m.runtime} on {m.device}, {m.precision}, sha256 {m.sha256[:12]}" for m in engines[0].models
    )
    for engine in engines:
        engine.close()
    return f"{len(engines)} lanes; each reads its known page\n{models}"


def _traces(settings: Settings) -> str:
    """A worker runs without a collector: so that none answers is no reason not to start."""
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    endpoint = settings.telemetry.otlp_endpoint
    if endpoint is None:
        return "not exported: telemetry.otlp_endpoint is not set"
    empty = Request(f"{endpoint.rstrip('/')}/v1/traces", b"", {"content-type": "application/x-protobuf"})
    try:
        urlopen(empty, timeout=COLLECTOR_TIMEOUT_S).close()
    except HTTPError:
        return f"exported to {endpoint}, which answers"
    except (URLError, OSError):
        return f"LOST: nothing answers at {endpoint}; the worker runs without"
    return f"exported to {endpoint}, which answers"


PARTS = {"broker": _broker, "topics": _topics, "store": _store, "engine": _engine, "traces": _traces}
