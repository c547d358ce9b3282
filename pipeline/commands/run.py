"""`pagestream run`: the service."""

from __future__ import annotations

import logging
import signal
from types import FrameType

from connectors.kafka_admin import KafkaAdmin
from connectors.kafka_broker import KafkaBroker
from connectors.object_store import S3Store
from pipeline.app import Worker, build_worker, kafka_settings, load_engines, store_settings
from pipeline.commands.exits import told_plainly
from pipeline.commands.logs import log_to_stderr
from pipeline.commands.preflight import check_buckets, check_topics
from pipeline.settings import Settings, load_settings
from pipeline.telemetry.readiness import Readiness
from pipeline.telemetry.tracing import close

log = logging.getLogger(__name__)


def run() -> None:
    """Consume events until told to stop (SIGTERM or Ctrl-C; a second one ends at once)."""
    with told_plainly():
        settings = load_settings()
        log_to_stderr(settings.telemetry.log_level)
        error = serve(settings)
        if error is not None:
            raise error


def serve(settings: Settings) -> Exception | None:
    """Returns why it stopped, unless it was asked to."""
    log.info("brokers %s, store %s", settings.kafka.bootstrap_servers, settings.store.endpoint)
    readiness = Readiness(settings.telemetry.ready_file)
    kafka = kafka_settings(settings)
    store = S3Store(store_settings(settings))
    check_buckets(store, settings)
    check_topics(KafkaAdmin(kafka), settings)
    engines = load_engines(settings)
    log.info("engine %s on %s, models %s", settings.engine.name, settings.engine.device, settings.engine.profile)
    worker = build_worker(
        settings,
        broker=KafkaBroker(kafka),
        store=store,
        engines=engines,
        readiness=readiness,
    )
    _stop_on_signals(worker)
    try:
        error = worker.runner.run()
    finally:
        close(worker.provider)
        store.close()
    log.info("stopped: %s", error.code if error is not None else "as asked")
    return error


def _stop_on_signals(worker: Worker) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        worker.runner.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
