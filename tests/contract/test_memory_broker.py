"""What the memory cluster has beyond the laws: scripted rebalances, faults, trimming, producing from many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.errors import FAILURES, OwnershipLost
from connectors.memory_broker import MemoryBroker, MemoryCluster
from pipeline.errors import Environment, Retryable
from schemas.record import OutRecord, Partition, Position
from tests.contract.broker_laws import Member

HERE = Partition("in", 0)
OUT = OutRecord("out", b"key", b"value")


@pytest.fixture
def cluster() -> MemoryCluster:
    cluster = MemoryCluster()
    cluster.create_topic("in", 4)
    cluster.create_topic("out")
    return cluster


def joined(cluster: MemoryCluster) -> Member:
    member = Member(MemoryBroker(cluster, "group"), ["in"])
    member.broker.subscribe(["in"], member)
    member.poll(timeout_s=0)
    return member


@pytest.mark.parametrize("code", ["transaction_aborted", "broker_unavailable", "record_too_large"])
def test_a_fault_of_publish_commits_nothing(cluster, code):
    """As often as asked the publish fails with its code and leaves nothing behind; then it works."""
    member = joined(cluster)
    cluster.fail("publish", code, calls=2)
    for _ in range(2):
        with pytest.raises((Retryable, Environment)) as caught:
            member.broker.publish([OUT], {HERE: Position(1)})
        assert (type(caught.value), caught.value.code) == (FAILURES[code][0], code)
    assert cluster.records("out") == []
    assert cluster.committed("group") == {}
    member.broker.publish([OUT], {HERE: Position(1, "m")})
    assert [record.value for record in cluster.records("out")] == [b"value"]
    assert cluster.committed("group") == {HERE: Position(1, "m")}


def test_ownership_lost_by_a_fault_is_lost(cluster):
    """A publish that loses ownership is followed by lost and assigned, as on a real cluster."""
    member = joined(cluster)
    cluster.fail("publish", "ownership_lost")
    with pytest.raises(OwnershipLost):
        member.broker.publish([OUT], {HERE: Position(1)})
    member.poll(timeout_s=0)
    assert member.heard == ["assigned", "lost", "assigned"]
    assert cluster.records("out") == []


def test_an_answer_that_is_lost_is_found_again(cluster):
    """The publish is committed once, returns as usual, and the fault is used up."""
    member = joined(cluster)
    cluster.lose_answers()
    member.broker.publish([OUT], {HERE: Position(1)})
    assert len(cluster.records("out")) == 1
    assert cluster.unheard == 0


def test_faults_of_poll_and_commit(cluster):
    """Polls and commits fail as often as asked, and lose no record by it."""
    member = joined(cluster)
    cluster.produce("in", b"1")
    cluster.fail("poll", "broker_unavailable")
    with pytest.raises(Environment):
        member.poll()
    assert len(member.poll()) == 1
    cluster.fail("commit", "broker_unavailable")
    with pytest.raises(Environment):
        member.broker.commit({HERE: Position(1)})
    assert cluster.committed("group") == {}


def test_a_rebalance_moves_every_partition(cluster):
    """After `rebalance` each partition has been revoked, and belongs to the other member."""
    first, second = joined(cluster), joined(cluster)
    first.poll(timeout_s=0)
    second.poll(timeout_s=0)
    before = cluster.owners("group")
    cluster.rebalance("group")
    for _ in range(2):
        first.poll(timeout_s=0)
        second.poll(timeout_s=0)
    after = cluster.owners("group")
    assert before.keys() == after.keys()
    assert all(before[partition] != after[partition] for partition in before)


def test_a_lone_member_is_rebalanced_to_itself(cluster):
    """`rebalance` with one member revokes everything and assigns it again."""
    member = joined(cluster)
    cluster.rebalance("group")
    member.poll(timeout_s=0)
    assert member.heard == ["assigned", "revoked", "assigned"]
    assert len(member.owned) == 4


def test_many_threads_may_produce(cluster):
    """Records of all threads arrive once each, in the order of their offsets."""
    member = joined(cluster)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: cluster.produce("in", b"%d" % number), range(400)))
    member.read_until(400)
    assert {int(record.value or b"") for record in member.read} == set(range(400))
    for partition in member.owned:
        offsets = [record.offset for record in member.read if record.partition == partition]
        assert offsets == list(range(len(offsets)))


def test_trimming_forgets_and_lag_counts_what_is_left(cluster):
    """Trimmed records are gone, a new group begins after them, and lag counts to the committed position."""
    for number in range(4):
        cluster.produce("in", b"%d" % number, partition=0)
    cluster.trim(HERE, 3)
    assert [record.value for record in cluster.records("in")] == [b"3"]
    assert cluster.lag("group", "in") == 1
    member = joined(cluster)
    assert member.owned[HERE] == Position(3)
    member.read_until(1)
    member.broker.commit({HERE: Position(4)})
    assert cluster.lag("group", "in") == 0
