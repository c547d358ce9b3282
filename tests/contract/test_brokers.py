"""The broker laws, over the twin in memory and over a real Kafka."""

from __future__ import annotations

from dataclasses import replace

import pytest
from confluent_kafka import Producer

from connectors.kafka_admin import KafkaAdmin, TopicSpec
from connectors.kafka_broker import KafkaBroker
from connectors.kafka_reader import KafkaReader
from connectors.kafka_settings import KafkaSettings
from connectors.memory_broker import MemoryBroker, MemoryCluster
from schemas.record import Headers, Record
from tests.contract.broker_laws import Bench, Broker, BrokerLaws
from tests.services import unique

LARGEST = 100_000


class MemoryBench:
    def __init__(self) -> None:
        self.cluster = MemoryCluster(max_record_bytes=LARGEST)

    def topic(self, partitions: int = 1) -> str:
        name = unique("topic")
        self.cluster.create_topic(name, partitions)
        return name

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers = (),
    ) -> None:
        self.cluster.produce(topic, value, key=key, partition=partition, headers=headers)

    def written(self, topic: str) -> list[Record]:
        return self.cluster.records(topic)

    def broker(self, group: str, *, max_poll_interval_s: float) -> Broker:
        return MemoryBroker(self.cluster, group)

    def give_up(self, group: str, broker: Broker) -> None:
        assert isinstance(broker, MemoryBroker)
        self.cluster.lose(group, broker.member_id)

    def max_record_bytes(self) -> int:
        return LARGEST


class KafkaBench:
    def __init__(self, address: str) -> None:
        self.settings = KafkaSettings(bootstrap_servers=address, session_timeout_s=6.0, max_record_bytes=10 * LARGEST)
        self._admin = KafkaAdmin(self.settings)
        self._producer = Producer({"bootstrap.servers": address, "linger.ms": 0})

    def topic(self, partitions: int = 1) -> str:
        name = unique("topic")
        self.create(name, partitions)
        return name

    def create(self, name: str, partitions: int = 1) -> None:
        spec = TopicSpec(name, partitions, configs={"max.message.bytes": str(LARGEST)})
        [outcome] = self._admin.create_topics([spec], timeout_s=20.0)
        assert outcome.state == "created"

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers = (),
    ) -> None:
        place = {} if partition is None else {"partition": partition}
        self._producer.produce(topic, value=value, key=key, headers=list(headers), **place)
        assert self._producer.flush(10.0) == 0

    def written(self, topic: str) -> list[Record]:
        reader = KafkaReader(self.settings, [topic])
        try:
            return list(reader.scan(20.0))
        finally:
            reader.close()

    def broker(self, group: str, *, max_poll_interval_s: float) -> Broker:
        return KafkaBroker(replace(self.settings, group=group, max_poll_interval_s=max_poll_interval_s))

    def give_up(self, group: str, broker: Broker) -> None:
        """The client leaves by itself when it is not polled."""

    def max_record_bytes(self) -> int:
        return LARGEST


class TestMemoryBroker(BrokerLaws):
    @pytest.fixture
    def bench(self) -> Bench:
        return MemoryBench()


@pytest.fixture(scope="module")
def kafka(kafka_address: str) -> KafkaBench:
    return KafkaBench(kafka_address)


@pytest.mark.kafka
class TestKafkaBroker(BrokerLaws):
    @pytest.fixture
    def bench(self, kafka: KafkaBench) -> Bench:
        return kafka
