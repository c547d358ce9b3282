"""Is what a consumer complains of over? Clients mend most things by themselves; what lasts has to be told.

librdkafka says when brokers go away and never when they are back, so whoever waits has to ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaException

from connectors.kafka_errors import Notices, code_of, error_of, explained

_PATIENT: Final = frozenset({"broker_unavailable", "broker_failure"})
_ASK_EVERY_S: Final = 1.0
ASK_TIMEOUT_S: Final = 2.0


class Outage:
    """One consumer's complaint, from the first word of it until a question is answered well. Times are monotonic."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._ask_at: float | None = None
        self.code = ""

    def note(self, code: str, now: float) -> None:
        """A complaint. What only a person can mend (rights, a missing topic) is told without patience."""
        if self._ask_at is None or (self.code in _PATIENT and code not in _PATIENT):
            self.code = code
            self._ask_at = now + (self._grace_s if code in _PATIENT else 0.0)

    def due(self, now: float) -> bool:
        """Time to ask whether it is over. Put off by asking."""
        if self._ask_at is None or now < self._ask_at:
            return False
        self._ask_at = now + _ASK_EVERY_S
        return True

    def over(self) -> None:
        self._ask_at = None
        self.code = ""


def trouble(consumer: Consumer, topics: Sequence[str], notices: Notices) -> str:
    """The code of what is wrong with these topics now; nothing, if they can be read."""
    for topic in topics:
        try:
            found = consumer.list_topics(topic, timeout=ASK_TIMEOUT_S).topics[topic]
        except KafkaException as error:
            return explained(error_of(error), "receive", notices).code
        if found.error is not None:
            return code_of(found.error)
    return ""
