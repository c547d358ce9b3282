"""Write records, without a transaction: what `submit` and replays need."""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import Producer

from connectors.kafka_client import let_go, made
from connectors.kafka_delivery import deliver
from connectors.kafka_errors import Notices
from connectors.kafka_settings import KafkaSettings, writing_properties
from pipeline.errors import PagestreamError
from schemas.record import OutRecord

_CLOSE_TIMEOUT_S = 5.0


class KafkaWriter:
    """An idempotent producer: no duplicates within one `write`. One thread owns it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._notices = Notices(settings.bootstrap_servers)
        self._producer = made(Producer, writing_properties(settings) | {"error_cb": self._notices})

    def write(self, records: Sequence[OutRecord], *, timeout_s: float) -> None:
        """Returns when all are stored on all replicas that are in sync. After an error some may be, others not."""
        try:
            deliver(
                self._producer, records, deadline=time.monotonic() + timeout_s, stage="submit", notices=self._notices
            )
        except PagestreamError:
            self._producer.purge()
            raise

    def close(self) -> None:
        let_go(self._producer, _CLOSE_TIMEOUT_S)
