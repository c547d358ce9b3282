"""Answers that never come: outcomes are found out, on a real broker, with a client that is made to lie."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from threading import Event

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from connectors import kafka_transactions
from connectors.errors import OwnershipLost
from connectors.kafka_broker import KafkaBroker
from connectors.kafka_records import topic_partition
from connectors.kafka_settings import KafkaSettings, transaction_properties
from pipeline.errors import Environment, Fatal, Retryable
from schemas.record import OutRecord, Partition, Position
from tests.contract.broker_laws import Broker, Member
from tests.contract.test_brokers import KafkaBench
from tests.services import until

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def bench(kafka_address: str) -> KafkaBench:
    return KafkaBench(kafka_address)


@pytest.fixture
def source(bench: KafkaBench) -> str:
    return bench.topic()


@pytest.fixture
def target(bench: KafkaBench) -> str:
    return bench.topic()


@pytest.fixture
def member(bench: KafkaBench, source: str) -> Iterator[Member]:
    member = Member(bench.broker(source, max_poll_interval_s=300), [source])
    member.broker.subscribe([source], member)
    member.own(1)
    yield member
    member.broker.close()


@dataclass
class Planned:
    """What the next calls do instead, each given the true one. Empty: the true one."""

    commits: list[Callable[[Callable[[], None]], None]] = field(default_factory=list)
    positions: list[Callable[[Callable[[], None]], None]] = field(default_factory=list)


def error(code: int, **traits: bool) -> KafkaException:
    return KafkaException(KafkaError(code, "made up by the test", **traits))


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Planned:
    planned = Planned()

    class Lying(Producer):
        def commit_transaction(self, timeout: float = -1) -> None:
            true = super().commit_transaction
            if planned.commits:
                planned.commits.pop(0)(lambda: true(10.0))
            else:
                true(timeout)

        def send_offsets_to_transaction(self, positions, group_metadata, timeout: float = -1) -> None:
            true = super().send_offsets_to_transaction
            if planned.positions:
                planned.positions.pop(0)(lambda: true(positions, group_metadata, 10.0))
            else:
                true(positions, group_metadata, timeout)

    monkeypatch.setattr(kafka_transactions, "Producer", Lying)
    return planned


@pytest.fixture
def commits(planned: Planned) -> list[Callable[[Callable[[], None]], None]]:
    return planned.commits


def unheard(commit: Callable[[], None]) -> None:
    commit()
    raise error(KafkaError._TRANSPORT)


def unsent(commit: Callable[[], None]) -> None:
    raise error(KafkaError._TRANSPORT)


def slow(commit: Callable[[], None]) -> None:
    raise error(KafkaError._TIMED_OUT, retriable=True)


def complaint(broker: Broker) -> str:
    """The code of what a poll raises; nothing if it raises nothing."""
    try:
        broker.poll(10, 0.1)
    except Environment as told:
        return told.code
    return ""


class Hanging:
    """A call that does not come back before the test is over, in spite of its timeout; before that, maybe, the call."""

    def __init__(self) -> None:
        self.over = Event()

    def before(self, call: Callable[[], None]) -> None:
        self.over.wait(60)

    def after(self, call: Callable[[], None]) -> None:
        call()
        self.over.wait(60)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    hanging = Hanging()
    yield hanging
    hanging.over.set()


def publish(member: Member, source: str, target: str, value: bytes = b"once", offset: int = 0) -> None:
    member.broker.publish([OutRecord(target, b"key", value)], {Partition(source, 0): Position(offset, "done")})


def test_a_commit_whose_answer_was_lost_counts(bench, member, source, target, commits):
    """Committed but unheard: publish returns, the record is there once, and the next publish works."""
    commits.append(unheard)
    publish(member, source, target)
    publish(member, source, target, b"next")
    assert [record.value for record in bench.written(target)] == [b"once", b"next"]


def test_a_commit_that_never_arrived_may_be_repeated(bench, member, source, target, commits):
    """Never committed: Retryable, nothing is visible, and the repeated publish makes it once."""
    commits.append(unsent)
    with pytest.raises(Retryable) as caught:
        publish(member, source, target)
    assert caught.value.code == "transaction_aborted"
    assert bench.written(target) == []
    publish(member, source, target)
    assert [record.value for record in bench.written(target)] == [b"once"]


def test_a_commit_that_takes_its_time_is_waited_for(bench, member, source, target, commits):
    """Timeouts that allow it are answered by the same call again."""
    commits.extend([slow, slow])
    publish(member, source, target)
    assert commits == []
    assert [record.value for record in bench.written(target)] == [b"once"]


def test_equal_positions_are_told_apart(bench, member, source, target, commits):
    """A publish that stores the very position that stands already is not taken for the earlier one."""
    publish(member, source, target, b"first")
    commits.append(unsent)
    with pytest.raises(Retryable):
        publish(member, source, target, b"second")
    assert [record.value for record in bench.written(target)] == [b"first"]


def test_any_order_of_lies_gives_each_record_once(bench, member, source, target, commits):
    """Repeating whatever is Retryable, and only that, writes every record exactly once and in order."""
    chance = Random(20261122)
    for number in range(12):
        commits[:] = chance.choices([unheard, unsent, slow], k=chance.randrange(3))
        done = False
        while not done:
            try:
                publish(member, source, target, b"%d" % number, number)
                done = True
            except Retryable:
                assert len(bench.written(target)) == number
    assert [record.value for record in bench.written(target)] == [b"%d" % number for number in range(12)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_that_never_returns_holds_up_nobody(bench, member, source, target, planned, hanging, when):
    """Positions sent with a timeout that the client does not keep: Environment in bounded time, and then it works."""
    planned.positions.append(getattr(hanging, when))
    began = time.monotonic()
    with pytest.raises(Environment) as caught:
        publish(member, source, target)
    assert caught.value.code == "broker_unavailable"
    assert time.monotonic() - began < 15
    assert bench.written(target) == []
    publish(member, source, target)
    assert [record.value for record in bench.written(target)] == [b"once"]


def test_a_commit_that_never_returns_is_found_out(bench, member, source, target, planned, hanging):
    """Whether it hangs before the commit or after, each record is written once."""
    planned.commits.append(hanging.after)
    publish(member, source, target, b"after")
    planned.commits.append(hanging.before)
    with pytest.raises(Retryable):
        publish(member, source, target, b"before")
    assert [record.value for record in bench.written(target)] == [b"after"]


def test_without_positions_an_unheard_outcome_stops_us(member, target, commits):
    """Records without a position leave no trace to look for: Fatal, not a guess."""
    commits.append(unheard)
    with pytest.raises(Fatal) as caught:
        member.broker.publish([OutRecord(target, None, b"")], {})
    assert caught.value.code == "outcome_unknown"


def test_a_fenced_producer_loses_its_work_and_goes_on(bench, member, source, target):
    """When another took our transactional id, the publish is lost; after joining again everything works."""
    publish(member, source, target)
    transactional_id = member.broker._transactions._transactional_id
    thief = Producer({**transaction_properties(bench.settings, transactional_id)})
    thief.init_transactions(10.0)
    with pytest.raises(OwnershipLost) as caught:
        publish(member, source, target, b"ghost", 5)
    assert caught.value.code == "fenced"
    assert [record.value for record in bench.written(target)] == [b"once"]
    member.heard.clear()
    member.own(1)
    assert member.heard == ["lost", "assigned"]
    assert member.owned[Partition(source, 0)] == Position(0, "done", None)
    publish(member, source, target, b"again")
    assert [record.value for record in bench.written(target)] == [b"once", b"again"]


def test_what_a_dead_process_left_open_does_not_count(bench, source, target):
    """Positions in a transaction of a process that died are not what its heir begins with, nor are records seen."""
    dying = Member(bench.broker(source, max_poll_interval_s=300), [source])
    dying.broker.subscribe([source], dying)
    dying.own(1)
    publish(dying, source, target)
    open_one = Producer(transaction_properties(replace(bench.settings, transaction_timeout_s=3.0), f"dead-{source}"))
    open_one.init_transactions(10.0)
    open_one.begin_transaction()
    open_one.produce(target, value=b"ghost")
    membership = dying.broker._member().membership([Partition(source, 0)])
    open_one.send_offsets_to_transaction([topic_partition(Partition(source, 0), Position(9, "ghost"))], membership, 5.0)
    assert open_one.flush(5.0) == 0
    dying.broker.close()
    heir = Member(bench.broker(source, max_poll_interval_s=300), [source])
    heir.broker.subscribe([source], heir)
    heir.own(1)
    assert heir.owned[Partition(source, 0)].metadata == "done"
    assert [record.value for record in bench.written(target)] == [b"once"]
    heir.broker.close()


def test_a_thread_that_stayed_away_publishes_nothing(bench, source, target, monkeypatch):
    """Past the poll interval a publish is refused before the broker is asked."""
    broker = KafkaBroker(replace(bench.settings, group=source, max_poll_interval_s=30.0))
    member = Member(broker, [source])
    broker.subscribe([source], member)
    member.own(1)
    consumer = broker._member()
    monkeypatch.setattr(consumer, "_polled_at", consumer._polled_at - 31.0)
    with pytest.raises(OwnershipLost):
        publish(member, source, target)
    assert bench.written(target) == []
    broker.close()


def test_brokers_that_stay_away_are_told_of():
    """Nobody listens: publish and poll say so in bounded time, as nobody's document's fault."""
    settings = KafkaSettings(
        bootstrap_servers="127.0.0.1:1", publish_timeout_s=1.0, request_timeout_s=1.0, unavailable_after_s=0.5
    )
    broker = KafkaBroker(settings)
    broker.subscribe(["nothing"], Member(broker, ["nothing"]))
    with pytest.raises(Environment) as caught:
        broker.publish([OutRecord("nothing", None, b"")], {})
    assert caught.value.code == "broker_unavailable"
    assert until(lambda: complaint(broker)) == "broker_unavailable"
    broker.close()


def test_a_missing_topic_is_told_until_it_is_there(bench):
    """Subscribed to a topic that is not there, poll says so again and again; once it is there, records come."""
    name = f"{bench.topic()}-late"
    member = Member(bench.broker(name, max_poll_interval_s=300), [name])
    member.broker.subscribe([name], member)
    for _ in range(2):
        assert until(lambda: complaint(member.broker)) == "topic_missing"
    bench.create(name)
    until(lambda: complaint(member.broker) == "" and member.owned)
    bench.produce(name, b"")
    member.read_until(1)
    member.broker.close()
