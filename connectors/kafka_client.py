"""Clients of librdkafka: made with errors of ours, and let go of within a deadline."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaException, Producer

from connectors.errors import failure
from connectors.kafka_errors import RAISED

Client = TypeVar("Client")


def made(make: Callable[[dict[str, Any]], Client], properties: dict[str, Any]) -> Client:
    """Raises Fatal `broker_settings` for properties that librdkafka does not take."""
    try:
        return make(properties)
    except (KafkaException, ValueError, TypeError) as error:
        raise failure("broker_settings", "check") from error


def let_go(client: Consumer | Producer, timeout_s: float) -> None:
    """Close a client, and wait for it no longer than this: closing has no deadline of its own when brokers are away.

    A producer's unsent records and open transaction are dropped; a consumer leaves its group.
    """

    def close() -> None:
        with suppress(*RAISED, RuntimeError):
            if isinstance(client, Producer):
                client.purge()
            client.close()

    closing = Thread(target=close, name="kafka-close", daemon=True)
    closing.start()
    closing.join(timeout_s)
