"""How we reach Kafka, and which client properties carry the promise (nobody may override those)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from pipeline.errors import Fatal

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

_PROTECTED_NAMES: Final = """
    acks allow.auto.create.topics auto.commit.enable auto.offset.reset bootstrap.servers default.topic.config
    delivery.report.only.error delivery.timeout.ms enable.auto.commit enable.auto.offset.store enable.gapless.guarantee
    enable.idempotence enable.partition.eof group.id group.protocol group.remote.assignor isolation.level log.queue
    log_cb logger max.in.flight max.in.flight.requests.per.connection max.poll.interval.ms message.max.bytes
    message.send.max.retries message.timeout.ms metadata.broker.list partition.assignment.strategy partitioner
    request.required.acks request.timeout.ms retries sasl.mechanism sasl.mechanisms sasl.password sasl.username
    security.protocol session.timeout.ms socket.timeout.ms ssl.ca.location ssl.certificate.location ssl.key.location
    ssl.key.password ssl.key.pem ssl.keystore.password transaction.timeout.ms transactional.id
"""
PROTECTED: Final = frozenset(_PROTECTED_NAMES.split())
"""Properties that are ours alone: they hold the promise, have a field below, or would put a secret into settings."""

_log = logging.getLogger("connectors.kafka")


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Addresses, credentials (as files) and limits. Defaults suit a broker on the same machine."""

    bootstrap_servers: str = "127.0.0.1:9092"
    group: str = "pagestream"
    application: str = "pagestream"
    """Client id, and the prefix of transactional ids: an ACL on this prefix is what the producer needs."""
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password_file: Path | None = None
    tls_ca_file: Path | None = None
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    tls_key_password_file: Path | None = None
    session_timeout_s: float = 10.0
    """How soon the group gives up on a process that died."""
    max_poll_interval_s: float = 300.0
    """How long the owning thread may stay away from `poll()` before its work no longer counts."""
    transaction_timeout_s: float = 10.0
    """How long a dead process may hold up readers of its output partitions."""
    publish_timeout_s: float = 20.0
    resolve_timeout_s: float = 60.0
    """How long to ask whether a transaction was committed, before giving up the process."""
    request_timeout_s: float = 10.0
    unavailable_after_s: float = 30.0
    """How long brokers may be away before `poll()` says so."""
    max_record_bytes: int = 1_048_576
    prefetch_kib: int = 4_096
    """What the client reads ahead, per partition at most: events are small, and pausing throws the rest away."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further librdkafka properties."""

    def __post_init__(self) -> None:
        refused = sorted(name for name in self.extra if name in PROTECTED or name.endswith("_cb"))
        if refused:
            raise _bad_settings(f"Remove from the extra Kafka properties, they are not free: {', '.join(refused)}.")
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password_file):
            raise _bad_settings("SASL needs sasl_username and sasl_password_file.")


def client_properties(settings: KafkaSettings) -> dict[str, Any]:
    """What every client of ours has in common. Reads the secret files."""
    properties: dict[str, Any] = {
        **settings.extra,
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": settings.application,
        "security.protocol": settings.security_protocol,
        "socket.timeout.ms": _ms(settings.request_timeout_s),
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 2_000,
        "logger": QuietLog(),
    }
    if settings.security_protocol.startswith("SASL"):
        properties |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": _secret(settings.sasl_password_file),
        }
    if settings.security_protocol.endswith("SSL"):
        files = {
            "ssl.ca.location": settings.tls_ca_file,
            "ssl.certificate.location": settings.tls_certificate_file,
            "ssl.key.location": settings.tls_key_file,
        }
        properties |= {name: str(path) for name, path in files.items() if path is not None}
        if settings.tls_key_password_file is not None:
            properties["ssl.key.password"] = _secret(settings.tls_key_password_file)
    return properties


def reading_properties(settings: KafkaSettings) -> dict[str, Any]:
    """A consumer that sees committed records only and moves nothing by itself."""
    return client_properties(settings) | {
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": False,
        "queued.min.messages": 1_000,
        "queued.max.messages.kbytes": settings.prefetch_kib,
    }


def member_properties(settings: KafkaSettings) -> dict[str, Any]:
    """A member of the group. Cooperative: partitions that stay are not interrupted by a rebalance."""
    return reading_properties(settings) | {
        "group.id": settings.group,
        "group.protocol": "classic",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": _ms(settings.session_timeout_s),
        "heartbeat.interval.ms": min(3_000, _ms(settings.session_timeout_s) // 3),
        "max.poll.interval.ms": _ms(settings.max_poll_interval_s),
        # A missing topic that appears is noticed at this pace.
        "topic.metadata.refresh.interval.ms": 30_000,
        # What waits for a fetch under way: a partition that is resumed, and a queue that has room again.
        "fetch.wait.max.ms": 100,
        "fetch.queue.backoff.ms": 50,
    }


def writing_properties(settings: KafkaSettings) -> dict[str, Any]:
    """An idempotent producer. Keys go where Java's default partitioner puts them."""
    return (
        {"compression.type": "lz4"}
        | client_properties(settings)
        | {
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "message.max.bytes": settings.max_record_bytes,
            "delivery.report.only.error": True,
            "linger.ms": 0,
            # How long a missing topic may be one that was only just created.
            "topic.metadata.propagation.max.ms": 2_000,
        }
    )


def transaction_properties(settings: KafkaSettings, transactional_id: str) -> dict[str, Any]:
    """The transactional producer.

    Each transaction finds the end of the last one still being written and retries after the backoff: with librdkafka's
    100 ms a producer makes 9 transactions a second on one broker, with 10 ms about 40. The maximum keeps a broker in
    trouble from being hammered.
    """
    return (
        {"retry.backoff.ms": 5, "retry.backoff.max.ms": 500}
        | writing_properties(settings)
        | {
            "transactional.id": transactional_id,
            # The client refuses a request timeout above the transaction's.
            "socket.timeout.ms": _ms(min(settings.request_timeout_s, settings.transaction_timeout_s)),
            "transaction.timeout.ms": _ms(settings.transaction_timeout_s),
        }
    )


class QuietLog:
    """librdkafka's lines as debug records: what matters in them reaches us as errors as well, and is raised."""

    def log(self, level: int, message: str, *arguments: object) -> None:
        _log.log(level if level >= logging.CRITICAL else logging.DEBUG, message, *arguments)


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)


def _secret(path: Path | None) -> str:
    try:
        return "" if path is None else path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _bad_settings("A Kafka secret file can't be read: check its path and permissions.") from error


def _bad_settings(message: str) -> Fatal:
    return Fatal(message, code="broker_settings", stage="check")
