"""The filter refuses what it lists and nothing else: run here by a reader of its instructions."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode.syscalls import (
    ARCHITECTURES,
    CLONE,
    CLONE3,
    CLONE_THREAD,
    REFUSED,
    RET_ALLOW,
    RET_ERRNO,
    X32_BIT,
    filter_program,
)

REFUSAL = RET_ERRNO | errno.EPERM


def verdict(program: bytes, *, architecture: int, number: int, flags: int = 0) -> int:
    """What a kernel would answer; classic BPF only jumps forward, so this ends."""
    instructions = list(struct.iter_unpack("=HBBI", program))
    accumulator = place = 0
    while True:
        code, if_true, if_false, operand = instructions[place]
        place += 1
        match code:
            case 0x20:
                accumulator = {0: number, 4: architecture, 16: flags}[operand]
            case 0x15:
                place += if_true if accumulator == operand else if_false
            case 0x35:
                place += if_true if accumulator >= operand else if_false
            case 0x45:
                place += if_true if accumulator & operand else if_false
            case 0x06:
                return operand


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_listed_calls_are_refused_and_others_allowed(machine: str) -> None:
    """On each processor exactly the listed numbers are refused, and processes of its own."""
    program = filter_program(machine)
    verdicts = [verdict(program, architecture=ARCHITECTURES[machine], number=number) for number in range(600)]
    refused = [number for number, answer in enumerate(verdicts) if answer == REFUSAL]
    assert refused == sorted([*REFUSED[machine].values(), CLONE[machine]])
    assert {answer for number, answer in enumerate(verdicts) if number not in [*refused, CLONE3]} == {RET_ALLOW}


@given(machine=st.sampled_from(sorted(ARCHITECTURES)), flags=st.integers(0, 2**32 - 1))
def test_threads_are_allowed_and_processes_are_not(machine: str, flags: int) -> None:
    """`clone` says by one flag what it starts; `clone3` is not there, so that the C library asks `clone`."""
    program, architecture = filter_program(machine), ARCHITECTURES[machine]
    started = verdict(program, architecture=architecture, number=CLONE[machine], flags=flags)
    assert started == (RET_ALLOW if flags & CLONE_THREAD else REFUSAL)
    assert verdict(program, architecture=architecture, number=CLONE3, flags=flags) == RET_ERRNO | errno.ENOSYS


@given(st.sampled_from(sorted(ARCHITECTURES)), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_other_call_tables_are_refused_whole(machine: str, architecture: int, number: int) -> None:
    """A call by another processor's numbers, or by x86-64's second table, can't slip past the list."""
    program = filter_program(machine)
    if architecture != ARCHITECTURES[machine]:
        assert verdict(program, architecture=architecture, number=number) == REFUSAL
    assert verdict(program, architecture=ARCHITECTURES[machine], number=number | X32_BIT) == REFUSAL


def test_both_processors_refuse_the_same_calls() -> None:
    """No call is forgotten on one of them; aarch64 has no fork and vfork to refuse."""
    assert REFUSED["x86_64"].keys() - {"fork", "vfork"} == REFUSED["aarch64"].keys()
