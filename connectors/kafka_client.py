"""Clients of librdkafka: made with errors of ours, and let go of within a deadline."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from connectors.errors import failure
from connectors.kafka_errors import RAISED

Client = TypeVar("Client")
Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


def made(make: Callable[[dict[str, Any]], Client], properties: dict[str, Any]) -> Client:
    """Raises Fatal `broker_settings` for properties that librdkafka does not take."""
    try:
        return make(properties)
    except (KafkaException, ValueError, TypeError) as error:
        raise failure("broker_settings", "check") from error


def bounded(call: Callable[[], Answer], timeout_s: float) -> Answer:
    """Make a call, and wait no longer than this whatever the client makes of its own timeout.

    `send_offsets_to_transaction` is reported to wait for ever when a coordinator goes away, and a worker was once found
    in it (librdkafka 2.16.0) minutes after its broker was back. Such a call is left behind on its thread, and raises a
    KafkaException that can't be retried: the client it was made on is to be let go.
    """
    answer: Future[Answer] = Future()

    def make() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=make, name="kafka-call", daemon=True).start()
    try:
        return answer.result(timeout_s)
    except FutureTimeout as error:
        _log.warning("a call of the Kafka client did not return within %.1f s: it is left behind", timeout_s)
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the call did not return")) from error


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
