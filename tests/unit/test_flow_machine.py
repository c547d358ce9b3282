"""Whatever happens, in whatever order, every document has one end and nothing is left behind.

Hypothesis plays the world: records of all kinds, answers in any order and of any family, rebalances, deaths of the
process between any two commands, restarts from what was committed. `flow_shell` checks every command.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pipeline.core.breaker import BreakerPolicy
from pipeline.core.events import Drain, MemorySeen
from schemas.record import Partition
from tests.unit.flow_shell import RETRIES, Broker, Crash, Shell, error_of, policy_of

INPUTS = (Partition("documents", 0), Partition("documents", 1))
PARTITIONS = (*INPUTS, RETRIES)
LENIENT = BreakerPolicy(max_run=10_000, max_ratio=2.0, window=10)

UPSETS = ("commits", "drain", "memory", "fail", "fatal", "alien", "release", "death", "death")

kinds = st.one_of(
    st.just(["good"]),
    st.lists(st.sampled_from(["good", "good", "refused", "none"]), min_size=1, max_size=6),
    st.just(["broken"]),
    st.just(["none"]),
)
verdicts = st.sampled_from(["ok"] * 6 + ["rejected", "retryable", "environment"])
sizes = st.integers(0, 12)
picks = st.integers(0, 30)


class World(RuleBasedStateMachine):
    @initialize(
        lanes=st.integers(1, 2),
        max_documents=st.sampled_from([1, 5]),
        max_round=st.sampled_from([1, 4, 256]),
        pause=st.sampled_from([0.0, 0.25]),
        strict=st.booleans(),
        later=st.booleans(),
    )
    def begin(self, lanes: int, max_documents: int, max_round: int, pause: float, strict: bool, later: bool) -> None:
        breaker = BreakerPolicy(max_run=6, max_ratio=0.9, window=20) if strict else LENIENT
        self.policy = policy_of(
            lanes=lanes,
            max_documents=max_documents,
            max_round=max_round,
            breaker=breaker,
            publish_interval_s=pause,
        )
        self.broker = Broker(PARTITIONS)
        self.shell = Shell(self.policy, self.broker, later=later)
        self.shell.assign(PARTITIONS)
        self.aliens: list[tuple[Partition, int]] = []

    def restart(self, *, applied: bool) -> None:
        """The old process is gone; the new one is given what nobody holds."""
        self.shell.check_replay()
        self.shell.resolve(applied=applied)
        self.broker.check(PARTITIONS)
        self.shell.commit_fails, self.shell.fuse = False, None
        self.shell.restart()
        self.shell.assign(PARTITIONS)

    def guarded(self, step: object, *arguments: object) -> None:
        """Do a step; the process may die in the middle of it, or come to its own end."""
        try:
            step(*arguments)  # type: ignore[operator]
        except Crash:
            self.restart(applied=bool(self.shell.now % 2))
            return
        if self.shell.exit is not None:
            self.restart(applied=True)

    # --- what happens all the time -------------------------------------------------------------------------------

    @rule(
        partition=st.sampled_from(INPUTS),
        several=st.lists(kinds, min_size=1, max_size=6),
        controls=st.integers(0, 2),
        most=st.integers(0, 8),
    )
    def arrive(self, partition: Partition, several: list[list[str]], controls: int, most: int) -> None:
        for one in several:
            self.broker.append(partition, one, controls=controls)
        if most:
            self.guarded(self.shell.deliver, partition, most)

    @rule(most=st.integers(1, 8))
    def deliver(self, most: int) -> None:
        for partition in PARTITIONS:
            self.guarded(self.shell.deliver, partition, most)

    @rule(choices=st.lists(st.tuples(picks, sizes), min_size=3, max_size=12), passed=st.sampled_from([0.0, 0.1, 0.3]))
    @precondition(lambda self: self.shell.waiting())
    def succeed(self, choices: list[tuple[int, int]], passed: float) -> None:
        for which, size in choices:
            self.guarded(self.shell.answer, which, "ok", size)
        self.guarded(self.shell.tick, passed)

    @rule(choices=st.lists(st.tuples(picks, verdicts, sizes), min_size=3, max_size=12))
    @precondition(lambda self: self.shell.waiting())
    def answer(self, choices: list[tuple[int, str, int]]) -> None:
        for which, verdict, size in choices:
            self.guarded(self.shell.answer, which, verdict, size)

    @rule(seed=st.integers(0, 2**32), turns=st.integers(5, 60), faults=st.sampled_from([0.0, 0.1, 0.4]))
    def work(self, seed: int, turns: int, faults: float) -> None:
        """Turns of the loop: hear an answer, take what there is to read, tick."""
        chance = Random(seed)
        for _ in range(turns):
            verdict = chance.choice(["rejected", "retryable", "environment"]) if chance.random() < faults else "ok"
            self.guarded(self.shell.answer, chance.randrange(30), verdict, chance.randrange(12))
            self.guarded(self.shell.deliver, chance.choice(PARTITIONS), 2)
            self.guarded(self.shell.tick, chance.choice([0.0, 0.0, 0.1, 0.3]))

    @rule(passed=st.sampled_from([0.0, 0.1, 1.0, 15.0]))
    def tick(self, passed: float) -> None:
        self.guarded(self.shell.tick, passed)

    @rule()
    @precondition(lambda self: self.shell.flow.due() is not None)
    def wait_until_due(self) -> None:
        self.guarded(self.shell.tick, max(0.0, (self.shell.flow.due() or 0.0) - self.shell.now))

    # --- what happens now and then ---------------------------------------------------------------------------------

    @rule(partition=st.sampled_from(PARTITIONS), how=st.sampled_from(["revoke", "lose", "assign", "assign"]))
    def rebalance(self, partition: Partition, how: str) -> None:
        if how == "assign":
            self.assign()
        elif partition in self.shell.read:
            self.guarded(getattr(self.shell, how), [partition])

    @rule(verdicts=st.lists(st.sampled_from(["ok", "retryable", "environment", "fatal"]), min_size=1, max_size=3))
    def foresee_rounds(self, verdicts: list[str]) -> None:
        self.shell.publish_verdicts = list(verdicts)

    @rule(lane=st.integers(0, 1), verdict=st.sampled_from(["ok", "ok", "fatal"]))
    @precondition(lambda self: self.shell.lanes)
    def look(self, lane: int, verdict: str) -> None:
        """A lane looks at its known page again. It has no batch in hand then: others take what is in line."""
        self.guarded(self.shell.look, sorted(self.shell.lanes)[lane % len(self.shell.lanes)], verdict)

    @rule(how=st.sampled_from(UPSETS), n=picks)
    def upset(self, how: str, n: int) -> None:
        match how:
            case "commits":
                self.shell.commit_fails = not self.shell.commit_fails
            case "drain":
                self.guarded(self.shell.tell, Drain())
            case "fail":
                self.guarded(self.shell.tell, Drain(error_of("environment")))
            case "fatal":
                self.guarded(self.shell.answer, n, "fatal", n)
            case "memory":
                self.guarded(self.shell.tell, MemorySeen(self.policy.memory_ceiling or 0))
            case "alien":
                self.aliens.append((INPUTS[0], self.broker.ends[INPUTS[0]]))
                self.broker.append(INPUTS[0], ["alien"])
            case "release":
                self.understand()
            case "death" if n % 2:
                self.restart(applied=n % 4 == 1)
            case "death":
                self.shell.fuse = n // 2

    def understand(self) -> None:
        """A release that can read the records that no one could."""
        for partition, offset in self.aliens:
            known = Broker([partition])
            known.append(partition, ["good"])
            self.broker.logs[partition][offset] = replace(known.logs[partition][0], offset=offset)
            self.broker.kinds[partition, offset] = ["good"]
        self.aliens = []
        self.restart(applied=True)

    def assign(self) -> None:
        """A partition is only given out once no round that carries it is open."""
        carried = self.shell.held.round.positions if self.shell.held.round is not None else {}
        free = [p for p in PARTITIONS if p not in self.shell.read and p not in carried]
        if free:
            self.guarded(self.shell.assign, free)

    # --- laws ----------------------------------------------------------------------------------------------------

    @invariant()
    def a_restart_is_given_what_has_no_end(self) -> None:
        if hasattr(self, "broker"):
            self.broker.check(PARTITIONS)

    @invariant()
    def a_suspect_runs_alone(self) -> None:
        if not hasattr(self, "shell") or self.shell.exit is not None:
            return
        begun = self.shell.begun - {o.unit.id for o in self._settled()}
        for unit in begun:
            tracker = self.shell.flow._partitions.owner(unit)
            if tracker is not None and unit not in self._settled_ids():
                suspect = tracker.starts(unit.offset, unit.index) >= self.policy.max_starts - 1
                assert not suspect or begun == {unit}

    def _settled(self) -> list[object]:
        settling = self.shell.flow._settling
        return [*settling._settled, *settling._round]

    def _settled_ids(self) -> set[object]:
        return {outcome.unit.id for outcome in self._settled()}  # type: ignore[attr-defined]

    def teardown(self) -> None:
        """In the end all is well, all is read, and everything has exactly one end."""
        if not hasattr(self, "shell"):
            return
        if self.aliens or self.policy.breaker is not LENIENT or self.shell.flow._draining:
            self.understand()
            self.shell.policy = replace(self.policy, breaker=LENIENT)
            self.restart(applied=False)
        self.assign()
        self.shell.finish()
        self.assign()
        self.shell.finish()
        assert self.shell.exit is None
        self.shell.check_empty()
        for partition in PARTITIONS:
            assert self.broker.committed[partition].offset == self.broker.ends[partition]
            assert all(key in self.broker.ended for key in self.broker.documents(partition))
        self.shell.tell(Drain())
        self.shell.tick()
        assert self.shell.exit is not None
        assert self.shell.exit.error is None
        self.shell.check_replay()


World.TestCase.settings = settings(stateful_step_count=60)
TestWorld = World.TestCase
