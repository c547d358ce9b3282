"""Which topics does the stack start with, and how are they made where they are missing.

Retry and dead-letter topics take a record of the input's size and our headers on top, or a large event could never be
dead-lettered.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from infra.services import tools
from infra.services.failures import Failed

DOCUMENTS = "pagestream.documents"
DOCUMENTS_BYTES = 1024 * 1024
LARGEST_BYTES = DOCUMENTS_BYTES + 64 * 1024
PARTITIONS = 4
DEADLINE_S = 30

MAX_BYTES = {
    DOCUMENTS: DOCUMENTS_BYTES,
    "pagestream.pages": LARGEST_BYTES,
    "pagestream.results": LARGEST_BYTES,
    "pagestream.dead-letter": LARGEST_BYTES,
    "pagestream.retry.10s": LARGEST_BYTES,
    "pagestream.retry.60s": LARGEST_BYTES,
    "pagestream.retry.600s": LARGEST_BYTES,
}


def create(broker: str, *, java: str, jars: Path, log: Path) -> None:
    """With the project's Kafka client where that is installed; else with Kafka's own tool, a Java start a topic."""
    if importlib.util.find_spec("confluent_kafka") is not None:
        _create_with_client(broker)
        return
    tool = [java, "-cp", f"{jars}/*", "org.apache.kafka.tools.TopicCommand", "--bootstrap-server", broker]
    for topic, size in MAX_BYTES.items():
        tools.run([*tool, *_arguments(topic, size)], folder=jars, log=log)


def _arguments(topic: str, size: int) -> Sequence[str]:
    settings = f"--partitions {PARTITIONS} --replication-factor 1 --config max.message.bytes={size}"
    return ["--create", "--if-not-exists", "--topic", topic, *settings.split()]


def _create_with_client(broker: str) -> None:
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    client = AdminClient({"bootstrap.servers": broker})
    wanted = [
        NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1, config={"max.message.bytes": str(size)})
        for topic, size in MAX_BYTES.items()
    ]
    for topic, outcome in client.create_topics(wanted, request_timeout=DEADLINE_S).items():
        try:
            outcome.result(timeout=DEADLINE_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise Failed(f"the topic {topic} could not be created: {error}") from error
