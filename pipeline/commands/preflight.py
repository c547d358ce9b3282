"""Is everything there that a worker needs, before it takes its first event?"""

from __future__ import annotations

from typing import Protocol

from connectors.kafka_admin import TopicInfo, TopicSpec
from pipeline.errors import Environment
from pipeline.settings import Settings
from pipeline.topics import HEADROOM_BYTES, Topics

TIMEOUT_S = 15.0


class Buckets(Protocol):
    def check_bucket(self, bucket: str) -> None: ...


class Cluster(Protocol):
    def topics(self, timeout_s: float) -> dict[str, TopicInfo]: ...


def topic_specs(settings: Settings, *, partitions: int, replication: int) -> list[TopicSpec]:
    """Every topic of ours, as it should be."""
    topics = topics_of(settings)
    largest = settings.kafka.max_event_bytes
    sizes = {topics.documents: largest}
    sizes |= dict.fromkeys(
        (topics.pages, topics.results, topics.dead_letter, *topics.retry.values()), largest + HEADROOM_BYTES
    )
    return [TopicSpec(name, partitions, replication, {"max.message.bytes": str(size)}) for name, size in sizes.items()]


def topics_of(settings: Settings) -> Topics:
    return Topics.under(settings.kafka.topic_prefix, settings.flow.retry_delays_s)


def check_topics(cluster: Cluster, settings: Settings) -> None:
    """Raises Environment when the cluster does not answer or a topic is missing."""
    there = cluster.topics(TIMEOUT_S)
    missing = [spec.name for spec in topic_specs(settings, partitions=1, replication=1) if spec.name not in there]
    if missing:
        raise Environment(
            f"These topics are missing: {', '.join(missing)}; run `pagestream topics create`.",
            code="topic_missing",
            stage="check",
        )


def check_buckets(store: Buckets, settings: Settings) -> None:
    """Raises Environment when the store does not answer, refuses us, or a bucket is missing."""
    for bucket in (*sorted(settings.store.input_buckets), settings.store.results_bucket):
        store.check_bucket(bucket)
