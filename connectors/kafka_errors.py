"""What a Kafka client's error means to us: its code in `connectors.errors`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException

from connectors.errors import failure
from pipeline.errors import PagestreamError

_NAMES: Final = {
    "broker_unavailable": """
        _ALL_BROKERS_DOWN _TRANSPORT _RESOLVE _TIMED_OUT _TIMED_OUT_QUEUE _MSG_TIMED_OUT _WAIT_COORD _RETRY
        COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR COORDINATOR_LOAD_IN_PROGRESS REQUEST_TIMED_OUT NETWORK_EXCEPTION
        NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND LEADER_NOT_AVAILABLE NOT_LEADER_FOR_PARTITION
        BROKER_NOT_AVAILABLE REPLICA_NOT_AVAILABLE KAFKA_STORAGE_ERROR UNSTABLE_OFFSET_COMMIT CONCURRENT_TRANSACTIONS
        NOT_CONTROLLER _QUEUE_FULL""",
    "broker_forbidden": """
        _AUTHENTICATION _SSL SASL_AUTHENTICATION_FAILED UNSUPPORTED_SASL_MECHANISM ILLEGAL_SASL_STATE
        TOPIC_AUTHORIZATION_FAILED GROUP_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED
        TRANSACTIONAL_ID_AUTHORIZATION_FAILED SECURITY_DISABLED""",
    "topic_missing": "UNKNOWN_TOPIC_OR_PART _UNKNOWN_TOPIC _UNKNOWN_PARTITION TOPIC_EXCEPTION",
    "record_too_large": "MSG_SIZE_TOO_LARGE RECORD_LIST_TOO_LARGE",
    "ownership_lost": """
        ILLEGAL_GENERATION UNKNOWN_MEMBER_ID _ASSIGNMENT_LOST _MAX_POLL_EXCEEDED STALE_MEMBER_EPOCH
        FENCED_MEMBER_EPOCH""",
    "fenced": "_FENCED INVALID_PRODUCER_EPOCH PRODUCER_FENCED TRANSACTION_COORDINATOR_FENCED",
    "transaction_aborted": """
        REBALANCE_IN_PROGRESS INVALID_PRODUCER_ID_MAPPING UNKNOWN_PRODUCER_ID OUT_OF_ORDER_SEQUENCE_NUMBER
        INVALID_TXN_STATE TRANSACTION_ABORTABLE _STATE _INCONSISTENT _PURGE_QUEUE _PURGE_INFLIGHT _PREV_IN_PROGRESS""",
    "metadata_too_large": "OFFSET_METADATA_TOO_LARGE",
    "instance_fenced": "FENCED_INSTANCE_ID UNRELEASED_INSTANCE_ID",
    "broker_settings": "_INVALID_ARG",
}
_CODES: Final[dict[int, str]] = {
    getattr(KafkaError, name): code for code, names in _NAMES.items() for name in names.split()
}


class Notices:
    """What a client says outside of any call (its `error_cb`). A timeout alone never tells that a password is wrong.

    `brokers`: whom that client asks.
    """

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self.last: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        self.last = error

    @property
    def forbidden(self) -> bool:
        return self.last is not None and code_of(self.last) == "broker_forbidden"

    def place(self, topics: Sequence[str] = ()) -> str:
        """As `connectors.errors.failure` takes it."""
        return ", ".join([*(f"topic {topic}" for topic in topics), f"brokers {self._brokers}"])


RAISED: Final = (KafkaException, SystemError)
"""What calls of a client raise. A fatal error comes while callbacks are served, and the bindings then call the next one
with an exception pending, which Python answers with a SystemError caused by it."""


def error_of(exception: KafkaException | SystemError) -> KafkaError:
    """The error inside."""
    cause: BaseException | None = exception
    while cause is not None and not isinstance(cause, KafkaException):
        cause = cause.__cause__
    found: Any = cause.args[0] if cause is not None and cause.args else None
    return found if isinstance(found, KafkaError) else KafkaError(KafkaError._FAIL)


def code_of(error: KafkaError) -> str:
    return _CODES.get(error.code(), "broker_failure")


def explained(error: KafkaError, stage: str, notices: Notices, topics: Sequence[str] = ()) -> PagestreamError:
    """Our error for theirs. A client that was refused before it timed out was refused. `topics`: those it is about."""
    code = code_of(error)
    if code == "broker_unavailable" and notices.forbidden:
        code = "broker_forbidden"
    return failure(code, stage, notices.place(() if code == "broker_unavailable" else topics))
