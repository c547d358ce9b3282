"""Is the cluster there, which topics has it, and are ours as they should be."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import Any, Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType  # type: ignore[attr-defined]

from connectors.errors import failure
from connectors.kafka_client import made
from connectors.kafka_errors import Notices, error_of, explained
from connectors.kafka_settings import KafkaSettings, client_properties
from pipeline.errors import PagestreamError

_NOT_THERE = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be. `configs` are the broker's own names and values, `max.message.bytes` for one."""

    name: str
    partitions: int = 1
    replication: int = 1
    configs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopicInfo:
    name: str
    partitions: int
    replication: int


@dataclass(frozen=True, slots=True)
class TopicOutcome:
    """`differs` lists what is not as it should be, as `name: found, not wanted`; nothing was changed there."""

    name: str
    state: Literal["created", "exists", "differs"]
    differs: tuple[str, ...] = ()


class KafkaAdmin:
    """Questions and topic creation. Every call has a deadline; all raise Environment when the cluster won't answer."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._notices = Notices(settings.bootstrap_servers)
        self._admin = made(AdminClient, client_properties(settings) | {"error_cb": self._notices})

    def ping(self, timeout_s: float) -> int:
        """How many brokers answer for the cluster."""
        return len(self._metadata(timeout_s).brokers)

    def topics(self, timeout_s: float) -> dict[str, TopicInfo]:
        """All topics that we may see, Kafka's own left out."""
        found = self._metadata(timeout_s).topics.values()
        return {one.topic: _info(one) for one in found if one.error is None and not one.topic.startswith("__")}

    def create_topics(self, specs: Sequence[TopicSpec], *, timeout_s: float) -> list[TopicOutcome]:
        """Create what is missing, in the order given; what is there already is compared and left alone."""
        deadline = time.monotonic() + timeout_s
        wanted = [NewTopic(spec.name, spec.partitions, spec.replication, config=dict(spec.configs)) for spec in specs]
        try:
            futures = self._admin.create_topics(wanted, operation_timeout=timeout_s, request_timeout=timeout_s)
            created = {name: self._was_created(future, deadline) for name, future in futures.items()}
            there = [spec for spec in specs if not created[spec.name]]
            differences = self._differences(there, deadline) if there else {}
        except KafkaException as error:
            raise self._explained(error_of(error)) from error
        return [_outcome(spec.name, created[spec.name], differences.get(spec.name, ())) for spec in specs]

    def delete_topics(self, names: Sequence[str], *, timeout_s: float) -> None:
        """What is not there is left at that."""
        self._discarded(
            self._admin.delete_topics(list(names), operation_timeout=timeout_s, request_timeout=timeout_s), timeout_s
        )

    def delete_group(self, group: str, *, timeout_s: float) -> None:
        """Its positions, once it has no member. What is not there is left at that."""
        self._discarded(self._admin.delete_consumer_groups([group], request_timeout=timeout_s), timeout_s)

    def _discarded(self, futures: Mapping[str, Future[None]], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        for future in futures.values():
            try:
                self._answer(future, deadline)
            except KafkaException as error:
                if error_of(error).code() not in _NOT_THERE:
                    raise self._explained(error_of(error)) from error

    def _metadata(self, timeout_s: float) -> Any:
        try:
            return self._admin.list_topics(timeout=timeout_s)
        except KafkaException as error:
            raise self._explained(error_of(error)) from error

    def _was_created(self, future: Future[None], deadline: float) -> bool:
        try:
            self._answer(future, deadline)
        except KafkaException as error:
            if error_of(error).code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
            return False
        return True

    def _differences(self, specs: Sequence[TopicSpec], deadline: float) -> dict[str, tuple[str, ...]]:
        left_s = max(0.1, deadline - time.monotonic())
        resources = [ConfigResource(ResourceType.TOPIC, spec.name) for spec in specs]
        futures = self._admin.describe_configs(resources, request_timeout=left_s)
        configs = {resource.name: self._answer(future, deadline) for resource, future in futures.items()}
        topics = self._metadata(left_s).topics
        return {spec.name: tuple(_compared(spec, _info(topics[spec.name]), configs[spec.name])) for spec in specs}

    def _answer(self, future: Future[Any], deadline: float) -> Any:
        try:
            return future.result(max(0.1, deadline - time.monotonic()))
        except FutureTimeout as error:
            raise failure("broker_unavailable", "check", self._notices.place()) from error

    def _explained(self, error: KafkaError) -> PagestreamError:
        self._admin.poll(0)
        return explained(error, "check", self._notices)


def _info(found: Any) -> TopicInfo:
    replicas = [len(one.replicas) for one in found.partitions.values()]
    return TopicInfo(found.topic, len(replicas), min(replicas, default=0))


def _compared(spec: TopicSpec, info: TopicInfo, configs: Mapping[str, Any]) -> Iterable[str]:
    found = {"partitions": str(info.partitions), "replication": str(info.replication)}
    found |= {name: configs[name].value if name in configs else "unknown" for name in spec.configs}
    wanted = {"partitions": str(spec.partitions), "replication": str(spec.replication), **spec.configs}
    return [f"{name}: {found[name]}, not {value}" for name, value in wanted.items() if found[name] != value]


def _outcome(name: str, created: bool, differs: tuple[str, ...]) -> TopicOutcome:
    if created:
        return TopicOutcome(name, "created")
    return TopicOutcome(name, "differs" if differs else "exists", differs)
