"""What every broker of ours promises, written once; `test_brokers.py` says over which brokers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import pytest

from connectors.errors import OwnershipLost
from pipeline.errors import Environment, PagestreamError
from pipeline.runner import Broker
from schemas.record import Headers, OutRecord, Partition, Position, Record
from tests.services import until

POLL_S = 0.1


class Bench(Protocol):
    """A cluster to try brokers on."""

    def topic(self, partitions: int = 1) -> str: ...

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers = (),
    ) -> None: ...

    def written(self, topic: str) -> list[Record]:
        """Everything in it that a read_committed consumer sees."""
        ...

    def broker(self, group: str, *, max_poll_interval_s: float) -> Broker: ...

    def give_up(self, group: str, broker: Broker) -> None:
        """See to it that the group gives up this member, which does not poll, within its poll interval."""
        ...

    def max_record_bytes(self) -> int: ...


def nothing(partitions: Collection[Partition]) -> None:
    """What a listener does unless told otherwise."""


@dataclass
class Member:
    """A broker with a listener that writes down what it hears."""

    broker: Broker
    topics: Sequence[str]
    owned: dict[Partition, Position] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    read: list[Record] = field(default_factory=list)
    on_assigned: Callable[[Collection[Partition]], None] = nothing
    on_revoked: Callable[[Collection[Partition]], None] = nothing
    on_lost: Callable[[Collection[Partition]], None] = nothing

    def assigned(self, positions: Mapping[Partition, Position]) -> None:
        self.heard.append("assigned")
        assert not self.owned.keys() & positions.keys()
        self.owned |= positions
        self.on_assigned(positions)

    def revoked(self, partitions: Collection[Partition]) -> None:
        self.heard.append("revoked")
        assert self.owned.keys() >= set(partitions)
        self.on_revoked(partitions)
        self._drop(partitions)

    def lost(self, partitions: Collection[Partition]) -> None:
        self.heard.append("lost")
        assert self.owned.keys() >= set(partitions)
        self._drop(partitions)
        self.on_lost(partitions)

    def _drop(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            del self.owned[partition]

    def poll(self, max_records: int = 100, timeout_s: float = POLL_S) -> list[Record]:
        records = self.broker.poll(max_records, timeout_s)
        assert len(records) <= max_records
        assert self.owned.keys() >= {record.partition for record in records}
        self.read += records
        return records

    def own(self, count: int) -> None:
        until(lambda: self.poll() is not None and len(self.owned) == count)

    def read_until(self, count: int) -> list[Record]:
        until(lambda: self.poll() is not None and len(self.read) >= count)
        return self.read


class BrokerLaws:
    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError

    @pytest.fixture
    def join(self, bench: Bench) -> Iterator[Callable[..., Member]]:
        members: list[Member] = []

        def joined(group: str, topic: str, *, max_poll_interval_s: float = 300.0) -> Member:
            member = Member(bench.broker(group, max_poll_interval_s=max_poll_interval_s), [topic])
            members.append(member)
            member.broker.subscribe([topic], member)
            return member

        yield joined
        for member in members:
            member.broker.close()

    def test_a_record_comes_as_it_was_written(self, bench, join):
        """Key, value, headers in order with duplicates, and the partition are what was produced."""
        topic = bench.topic(2)
        headers = (("a", b"1"), ("b", b"\x00\xff"), ("a", b""))
        bench.produce(topic, b"value", key=b"key", partition=1, headers=headers)
        [record] = join(topic, topic).read_until(1)
        assert (record.partition, record.offset) == (Partition(topic, 1), 0)
        assert (record.key, record.value, record.headers) == (b"key", b"value", headers)
        assert record.timestamp_ms is not None
        assert record.timestamp_ms > 1_600_000_000_000

    def test_a_tombstone_stays_a_tombstone(self, bench, join):
        """No value and no key are None, not empty."""
        topic = bench.topic()
        bench.produce(topic, None)
        bench.produce(topic, b"", key=b"")
        first, second = join(topic, topic).read_until(2)
        assert (first.key, first.value) == (None, None)
        assert (second.key, second.value) == (b"", b"")

    def test_a_new_group_begins_with_the_earliest_record(self, bench, join):
        """Without a committed position a partition starts at its first record, with no metadata."""
        topic = bench.topic()
        for number in range(3):
            bench.produce(topic, b"%d" % number)
        member = join(topic, topic)
        assert [record.value for record in member.read_until(3)] == [b"0", b"1", b"2"]
        assert member.owned == {Partition(topic, 0): Position(0, "", None)}

    def test_assigned_comes_before_any_record(self, bench, join):
        """A listener knows a partition before it gets a record of it (checked at every poll)."""
        topic = bench.topic(3)
        for number in range(30):
            bench.produce(topic, b"", partition=number % 3)
        member = join(topic, topic)
        member.read_until(30)
        assert member.heard == ["assigned"]

    def test_a_key_keeps_its_partition_and_its_order(self, bench, join):
        """Records of one key share a partition, in the order they were published."""
        source, target = bench.topic(), bench.topic(4)
        member = join(source, source)
        member.own(1)
        records = [OutRecord(target, b"key-%d" % (number % 8), b"%d" % number) for number in range(64)]
        member.broker.publish(records, {Partition(source, 0): Position(0)})
        places: dict[bytes | None, set[Partition]] = {}
        for record in bench.written(target):
            places.setdefault(record.key, set()).add(record.partition)
        assert {len(partitions) for partitions in places.values()} == {1}
        assert len({partition for partitions in places.values() for partition in partitions}) > 1
        for key in places:
            values = [int(record.value or b"") for record in bench.written(target) if record.key == key]
            assert values == sorted(values)
            assert len(values) == 8

    def test_what_is_published_is_visible_whole(self, bench, join):
        """Records, headers and tombstones of a publish are there when it returns."""
        source, target = bench.topic(), bench.topic()
        member = join(source, source)
        member.own(1)
        headers = (("traceparent", b"00-1"), ("x", b""))
        member.broker.publish(
            [OutRecord(target, b"k", b"v", headers), OutRecord(target, None, None)], {Partition(source, 0): Position(0)}
        )
        first, second = bench.written(target)
        assert (first.key, first.value, first.headers) == (b"k", b"v", headers)
        assert (second.key, second.value, second.headers) == (None, None, ())

    @pytest.mark.parametrize("way", ["commit", "publish"])
    def test_a_position_comes_back_whole(self, bench, join, way):
        """Offset, metadata and leader epoch of the last commit are what the next member is assigned."""
        topic = bench.topic()
        for number in range(5):
            bench.produce(topic, b"%d" % number)
        first = join(topic, topic)
        epoch = first.read_until(5)[0].leader_epoch
        position = Position(3, "é;t=not-a-token;" + "x" * 3_000, epoch)
        if way == "commit":
            first.broker.commit({Partition(topic, 0): position})
        else:
            first.broker.publish([], {Partition(topic, 0): position})
        first.broker.close()
        second = join(topic, topic)
        assert second.read_until(2)[0].value == b"3"
        assert second.owned == {Partition(topic, 0): position}

    def test_a_later_commit_replaces_metadata(self, bench, join):
        """A plain commit after a publish leaves nothing of the earlier metadata."""
        topic = bench.topic()
        bench.produce(topic, b"")
        first = join(topic, topic)
        first.read_until(1)
        first.broker.publish([], {Partition(topic, 0): Position(0, "one")})
        first.broker.commit({Partition(topic, 0): Position(1)})
        first.broker.close()
        second = join(topic, topic)
        second.own(1)
        assert second.owned[Partition(topic, 0)].offset == 1
        assert second.owned[Partition(topic, 0)].metadata == ""

    def test_an_empty_publish_is_nothing(self, bench, join):
        """Neither records nor positions: no transaction, no error."""
        topic = bench.topic()
        join(topic, topic).broker.publish([], {})

    def test_a_paused_partition_gives_nothing_and_loses_nothing(self, bench, join):
        """Pausing stops one partition only; after resuming it continues with the very next record."""
        topic = bench.topic(2)
        for number in range(50):
            bench.produce(topic, b"%d" % number, partition=number % 2)
        member = join(topic, topic)
        until(lambda: member.poll(5))
        paused, other = Partition(topic, 0), Partition(topic, 1)
        member.broker.pause([paused])
        seen = len([record for record in member.read if record.partition == paused])
        until(lambda: member.poll(5) is not None and sum(record.partition == other for record in member.read) == 25)
        assert member.poll(100) == []
        assert len([record for record in member.read if record.partition == paused]) == seen
        member.broker.resume([paused])
        member.read_until(50)
        for partition in (paused, other):
            offsets = [record.offset for record in member.read if record.partition == partition]
            assert offsets == list(range(25))

    def test_pausing_and_resuming_often_neither_loses_nor_doubles(self, bench, join):
        """Every record comes once and in order, however often reading is interrupted."""
        topic = bench.topic()
        for number in range(300):
            bench.produce(topic, b"%d" % number)
        member = join(topic, topic)
        while len(member.read) < 300:
            until(lambda: member.poll(7))
            member.broker.pause(member.owned)
            member.poll(7, 0)
            member.broker.resume(member.owned)
        assert [record.offset for record in member.read] == list(range(300))

    def test_pausing_inside_assigned_holds(self, bench, join):
        """A listener that pauses what it is assigned gets no record of it."""
        topic = bench.topic()
        member = join(topic, topic)
        member.on_assigned = member.broker.pause
        member.own(1)
        bench.produce(topic, b"")
        assert member.poll(10, 1.0) == []
        member.broker.resume(member.owned)
        member.read_until(1)

    def test_a_pause_ends_with_the_assignment(self, bench, join):
        """A partition that was paused when it was revoked is read when it comes back; the one that stayed is not."""
        topic = bench.topic(2)
        first = join(topic, topic)
        first.own(2)
        first.broker.pause(first.owned)
        second = join(topic, topic)
        until(lambda: (first.poll(), second.poll()) and len(first.owned) == len(second.owned) == 1)
        [stayed], [moved] = first.owned, second.owned
        second.broker.close()
        first.own(2)
        for partition in (stayed, moved):
            bench.produce(topic, b"", partition=partition.number)
        assert [record.partition for record in first.read_until(1)] == [moved]
        assert first.poll(timeout_s=1.0) == []

    def test_pausing_what_is_not_ours_is_nothing(self, bench, join):
        """Pause and resume of partitions that have moved on raise nothing."""
        topic = bench.topic()
        member = join(topic, topic)
        member.broker.pause([Partition(topic, 7)])
        member.broker.resume([Partition(topic, 7)])

    def test_a_poll_wakes_for_a_record(self, bench, join):
        """A record that another thread produces ends a long poll early."""
        topic = bench.topic()
        member = join(topic, topic)
        member.own(1)
        producer = threading.Timer(0.2, lambda: bench.produce(topic, b"now"))
        producer.start()
        assert [record.value for record in member.poll(10, 20.0)] == [b"now"]
        producer.join()

    def test_lag_can_reach_zero_on_a_transactional_topic(self, bench, join):
        """The end of a transaction takes an offset; the position passes it although no record tells of it."""
        source, target = bench.topic(), bench.topic()
        writer = join(f"{source}-writer", source)
        writer.own(1)
        reader = join(target, target)
        reader.own(1)
        assert reader.broker.position(Partition(target, 0)) == 0
        writer.broker.publish([OutRecord(target, None, b"")], {Partition(source, 0): Position(0)})
        reader.read_until(1)
        until(lambda: reader.poll() == [] and reader.broker.position(Partition(target, 0)) == 2)
        assert reader.broker.position(Partition(target, 1)) is None

    def test_two_members_share_and_nothing_is_read_again(self, bench, join):
        """When a second member joins, it starts where the first committed inside `revoked`."""
        topic = bench.topic(2)
        for number in range(20):
            bench.produce(topic, b"%d" % number, partition=number % 2)
        first = join(topic, topic)
        first.read_until(20)
        first.on_revoked = lambda partitions: first.broker.publish(
            [], {partition: Position(10, "told") for partition in partitions}
        )
        second = join(topic, topic)
        until(lambda: (first.poll(), second.poll()) and len(first.owned) == len(second.owned) == 1)
        assert first.heard == ["assigned", "revoked"]
        assert [(position.offset, position.metadata) for position in second.owned.values()] == [(10, "told")]
        assert second.read == []

    def test_close_revokes_and_the_others_take_over(self, bench, join):
        """Closing tells revoked once, may publish there, and frees the partitions."""
        source, target = bench.topic(), bench.topic()
        first = join(source, source)
        first.own(1)
        first.on_revoked = lambda partitions: first.broker.publish(
            [OutRecord(target, None, b"last")], dict.fromkeys(partitions, Position(0, "closed"))
        )
        first.broker.close()
        first.broker.close()
        assert first.heard == ["assigned", "revoked"]
        second = join(source, source)
        second.own(1)
        assert second.owned[Partition(source, 0)].metadata == "closed"
        assert [record.value for record in bench.written(target)] == [b"last"]

    def test_an_error_in_a_callback_comes_out_of_poll(self, bench, join):
        """What a listener raises is not swallowed."""
        topic = bench.topic()
        member = join(topic, topic)

        def broken(partitions: Collection[Partition]) -> None:
            raise ZeroDivisionError

        member.on_assigned = broken
        with pytest.raises(ZeroDivisionError):
            member.own(1)
        member.on_assigned = nothing
        bench.produce(topic, b"")
        member.read_until(1)

    @pytest.mark.parametrize("way", ["commit", "publish"])
    def test_nobody_commits_what_is_not_theirs(self, bench, join, way):
        """A position of a partition that is not ours is refused and nothing of the call is committed."""
        topic, target = bench.topic(2), bench.topic()
        first = join(topic, topic)
        first.own(2)
        second = join(topic, topic)
        until(lambda: (first.poll(), second.poll()) and len(first.owned) == len(second.owned) == 1)
        everything = {Partition(topic, number): Position(0, "stolen") for number in range(2)}
        ways: dict[str, Callable[[], None]] = {
            "commit": lambda: first.broker.commit(everything),
            "publish": lambda: first.broker.publish([OutRecord(target, None, b"stolen")], everything),
        }
        with pytest.raises(OwnershipLost):
            ways[way]()
        assert bench.written(target) == []
        second.broker.close()
        until(lambda: first.poll() is not None and len(first.owned) == 2)
        assert {position.metadata for position in first.owned.values()} == {""}

    def test_after_ownership_is_lost_everything_is_told_lost_and_comes_again(self, bench, join):
        """The next poll after OwnershipLost tells lost for all, then assigned from the committed positions."""
        topic = bench.topic()
        for number in range(4):
            bench.produce(topic, b"%d" % number)
        member = join(topic, topic)
        member.read_until(4)
        member.broker.publish([], {Partition(topic, 0): Position(2, "kept")})
        with pytest.raises(OwnershipLost):
            member.broker.publish([], {Partition(topic, 0): Position(4), Partition(topic, 9): Position(1)})
        with pytest.raises(OwnershipLost):
            member.broker.publish([], {Partition(topic, 0): Position(4)})
        member.read.clear()
        assert [record.offset for record in member.read_until(2)] == [2, 3]
        assert member.heard == ["assigned", "lost", "assigned"]
        assert member.owned[Partition(topic, 0)].metadata == "kept"

    def test_a_member_given_up_commits_nothing(self, bench, join):
        """A zombie's publish raises OwnershipLost and stays unseen; its listener hears lost, not revoked."""
        source, target = bench.topic(), bench.topic()
        zombie = join(source, source, max_poll_interval_s=6.0)
        zombie.own(1)
        bench.give_up(source, zombie.broker)
        heir = join(source, source)
        heir.own(1)
        with pytest.raises(OwnershipLost):
            zombie.broker.publish([OutRecord(target, None, b"ghost")], {Partition(source, 0): Position(0, "ghost")})
        assert bench.written(target) == []
        until(lambda: (zombie.poll(), heir.poll()) and "lost" in zombie.heard)
        assert "revoked" not in zombie.heard
        heir.broker.publish([OutRecord(target, None, b"heir")], {Partition(source, 0): Position(0)})
        assert [record.value for record in bench.written(target)] == [b"heir"]

    def test_lost_must_not_publish(self, bench, join):
        """A publish inside `lost` is refused."""
        topic = bench.topic()
        member = join(topic, topic)
        member.own(1)
        refused: list[PagestreamError] = []

        def publish(partitions: Collection[Partition]) -> None:
            try:
                member.broker.publish([], dict.fromkeys(partitions, Position(1)))
            except OwnershipLost as error:
                refused.append(error)

        member.on_lost = publish
        with pytest.raises(OwnershipLost):
            member.broker.commit({Partition(topic, 9): Position(0)})
        until(lambda: member.poll() is not None and refused)

    def test_a_record_too_large_takes_everything_with_it(self, bench, join):
        """One record over the limit: nothing of the publish is committed, and the next one works."""
        source, target = bench.topic(), bench.topic()
        member = join(source, source)
        member.own(1)
        records = [
            OutRecord(target, None, b"small"),
            OutRecord(target, None, Random(1).randbytes(bench.max_record_bytes())),
        ]
        with pytest.raises(Environment) as caught:
            member.broker.publish(records, {Partition(source, 0): Position(0, "large")})
        assert caught.value.code == "record_too_large"
        member.broker.publish(records[:1], {Partition(source, 0): Position(0, "small")})
        assert [record.value for record in bench.written(target)] == [b"small"]

    def test_a_missing_topic_takes_everything_with_it(self, bench, join):
        """A record for a topic that is not there: nothing of the publish is committed, and the next one works."""
        source, target = bench.topic(), bench.topic()
        member = join(source, source)
        member.own(1)
        records = [OutRecord(target, None, b"here"), OutRecord(f"{target}-missing", None, b"nowhere")]
        with pytest.raises(Environment) as caught:
            member.broker.publish(records, {Partition(source, 0): Position(0)})
        assert caught.value.code == "topic_missing"
        assert f"topic {target}-missing" in caught.value.__notes__[0].split(", ")
        member.broker.publish(records[:1], {Partition(source, 0): Position(0)})
        assert [record.value for record in bench.written(target)] == [b"here"]
