"""Kafka's smaller tools: settings, admin, reader, writer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer

from connectors.kafka_admin import KafkaAdmin, TopicOutcome, TopicSpec
from connectors.kafka_reader import KafkaReader
from connectors.kafka_settings import (
    PROTECTED,
    KafkaSettings,
    client_properties,
    member_properties,
    transaction_properties,
)
from connectors.kafka_writer import KafkaWriter
from pipeline.errors import Environment, Fatal
from schemas.record import OutRecord
from tests.services import unique, until

NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:1", request_timeout_s=0.5)


@pytest.fixture
def settings(kafka_address: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka_address)


@pytest.fixture
def topic(settings: KafkaSettings) -> str:
    name = unique("topic")
    KafkaAdmin(settings).create_topics([TopicSpec(name, 3)], timeout_s=20)
    return name


@pytest.fixture
def writer(settings: KafkaSettings) -> Iterator[KafkaWriter]:
    with closing(KafkaWriter(settings)) as writer:
        yield writer


@pytest.mark.parametrize("name", sorted(PROTECTED | {"error_cb", "oauth_cb"}))
def test_no_extra_overrides_the_promise(name):
    """A protected property in `extra` is refused, by its name."""
    with pytest.raises(Fatal, match=name):
        KafkaSettings(extra={name: "anything"})


def test_extras_are_passed_on():
    """Other properties reach every client."""
    properties = client_properties(KafkaSettings(extra={"statistics.interval.ms": "0"}))
    assert properties["statistics.interval.ms"] == "0"


def test_every_property_of_ours_is_protected():
    """What carries the promise in a client's properties can't be set from outside."""
    settings = KafkaSettings()
    promised = {"enable.auto.commit", "enable.auto.offset.store", "isolation.level", "auto.offset.reset"}
    assert promised <= member_properties(settings).keys() & PROTECTED
    assert {"enable.idempotence", "transactional.id"} <= transaction_properties(settings, "id").keys() & PROTECTED


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_the_client_takes_our_properties(protocol, mechanism, tmp_path):
    """librdkafka accepts what we make of any security settings; the password is the file's, without its line end."""
    (tmp_path / "password").write_text("secret\n")
    settings = KafkaSettings(
        bootstrap_servers="127.0.0.1:1",
        security_protocol=protocol,
        sasl_mechanism=mechanism,
        sasl_username="user",
        sasl_password_file=tmp_path / "password",
        transaction_timeout_s=3.0,
    )
    if protocol.startswith("SASL"):
        assert client_properties(settings)["sasl.password"] == "secret"
    Consumer(member_properties(settings)).close()
    Producer(transaction_properties(settings, "id")).close()


def test_a_secret_that_is_missing_is_told_without_its_path(tmp_path):
    """An unreadable password file is Fatal; SASL without user or password is, too."""
    missing = tmp_path / "patient-zero"
    settings = KafkaSettings(security_protocol="SASL_SSL", sasl_username="user", sasl_password_file=missing)
    with pytest.raises(Fatal) as caught:
        client_properties(settings)
    assert "patient" not in caught.value.message
    with pytest.raises(Fatal):
        KafkaSettings(security_protocol="SASL_SSL", sasl_username="user")


def test_settings_the_client_refuses_are_fatal():
    """A property that librdkafka does not know stops us at the start."""
    with pytest.raises(Fatal) as caught:
        KafkaWriter(KafkaSettings(extra={"no.such.property": "1"}))
    assert caught.value.code == "broker_settings"


def test_nobody_there_is_told_in_time():
    """Admin, writer and reader each give up at their deadline, and a note of the error says who did not answer."""
    began = time.monotonic()
    failed = []
    with pytest.raises(Environment) as caught:
        KafkaAdmin(NOBODY).ping(0.5)
    failed.append(caught.value)
    with closing(KafkaWriter(NOBODY)) as writer, pytest.raises(Environment) as caught:
        writer.write([OutRecord("topic", None, b"")], timeout_s=0.5)
    failed.append(caught.value)
    with pytest.raises(Environment) as caught:
        KafkaReader(NOBODY, ["topic"])
    failed.append(caught.value)
    assert [error.code for error in failed] == ["broker_unavailable"] * 3
    assert all(f"brokers {NOBODY.bootstrap_servers}" in error.__notes__[0].split(", ") for error in failed)
    assert time.monotonic() - began < 15


def test_a_missing_ca_is_fatal():
    """A CA file that is not there stops us at the start."""
    with pytest.raises(Fatal):
        KafkaAdmin(replace(NOBODY, security_protocol="SSL", tls_ca_file=Path("/nowhere/ca.pem")))


@pytest.mark.kafka
def test_brokers_are_counted_and_topics_described(settings, topic):
    """Ping answers how many brokers there are; a topic is seen with its partitions and copies."""
    admin = KafkaAdmin(settings)
    assert admin.ping(10) >= 1
    found = admin.topics(10)[topic]
    assert (found.partitions, found.replication) == (3, 1)


@pytest.mark.kafka
def test_topics_are_created_once_and_compared_after(settings):
    """Creating again changes nothing: the same is `exists`, anything else `differs` and says how."""
    admin, name = KafkaAdmin(settings), unique("topic")
    spec = TopicSpec(name, 2, configs={"max.message.bytes": "200000"})
    other = TopicSpec(name, 3, configs={"max.message.bytes": "300000"})
    assert admin.create_topics([spec], timeout_s=20) == [TopicOutcome(name, "created")]
    assert admin.create_topics([spec], timeout_s=20) == [TopicOutcome(name, "exists")]
    [outcome] = admin.create_topics([other], timeout_s=20)
    assert outcome.state == "differs"
    assert outcome.differs == ("partitions: 2, not 3", "max.message.bytes: 200000, not 300000")
    assert admin.topics(10)[name].partitions == 2


@pytest.mark.kafka
def test_what_is_deleted_is_gone_and_may_be_deleted_again(settings):
    """A topic of ours goes; one that is not there, and a group that never was, are no reason to stop."""
    admin, name = KafkaAdmin(settings), unique("topic")
    admin.create_topics([TopicSpec(name)], timeout_s=20)
    for _ in range(2):
        admin.delete_topics([name, unique("nobody-has-this")], timeout_s=20)
        until(lambda: name not in admin.topics(10))
    admin.delete_group(unique("nobody-has-this"), timeout_s=20)


@pytest.mark.kafka
def test_a_scan_reads_to_the_end_and_stops(settings, topic, writer):
    """Everything of all partitions, and no waiting for more."""
    writer.write([OutRecord(topic, b"%d" % number, b"%d" % number) for number in range(100)], timeout_s=10)
    with closing(KafkaReader(settings, [topic])) as reader:
        assert {int(record.value or b"") for record in reader.scan(20)} == set(range(100))


@pytest.mark.kafka
def test_following_from_the_end_sees_only_what_is_new(settings, topic, writer):
    """A reader made before a write sees the write and nothing older, and ends at its deadline."""
    writer.write([OutRecord(topic, None, b"old")], timeout_s=10)
    with closing(KafkaReader(settings, [topic], start="end")) as reader:
        writer.write([OutRecord(topic, None, b"new")], timeout_s=10)
        assert next(reader.follow(20)).value == b"new"
        assert list(reader.follow(0.5)) == []


@pytest.mark.kafka
def test_an_open_transaction_is_not_seen_and_not_waited_for(settings, topic, writer):
    """Records of a transaction that is open are not read, and a scan ends before them."""
    writer.write([OutRecord(topic, None, b"committed")], timeout_s=10)
    producer = Producer(transaction_properties(settings, topic))
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce(topic, value=b"open")
    assert producer.flush(10) == 0
    with closing(KafkaReader(settings, [topic])) as reader:
        assert [record.value for record in reader.scan(20)] == [b"committed"]
    producer.abort_transaction(10)


@pytest.mark.kafka
def test_a_missing_topic_is_told(settings, writer):
    """Reading or writing a topic that is not there is `topic_missing`, and creates nothing."""
    name = unique("missing")
    with pytest.raises(Environment) as caught:
        KafkaReader(settings, [name])
    place = f"topic {name}, brokers {settings.bootstrap_servers}"
    assert (caught.value.code, caught.value.__notes__) == ("topic_missing", [place])
    with pytest.raises(Environment) as caught:
        writer.write([OutRecord(name, None, b"")], timeout_s=20)
    assert (caught.value.code, caught.value.__notes__) == ("topic_missing", [place])
    assert name not in KafkaAdmin(settings).topics(10)


@pytest.mark.kafka
def test_a_record_over_the_limit_is_told_and_the_writer_goes_on(settings, topic):
    """Too large by our own limit: `record_too_large`; the next write works."""
    with closing(KafkaWriter(replace(settings, max_record_bytes=10_000))) as writer:
        with pytest.raises(Environment) as caught:
            writer.write([OutRecord(topic, None, bytes(20_000))], timeout_s=10)
        assert caught.value.code == "record_too_large"
        writer.write([OutRecord(topic, None, b"small")], timeout_s=10)
    with closing(KafkaReader(settings, [topic])) as reader:
        assert [record.value for record in reader.scan(20)] == [b"small"]
