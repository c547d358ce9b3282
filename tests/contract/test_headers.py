"""W3C trace context in and out of record headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.headers import TraceContext, read_trace, valid_tracestate, write_trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01".encode()

contexts = st.builds(
    TraceContext,
    st.text("0123456789abcdef", min_size=32, max_size=32).filter(lambda text: set(text) != {"0"}),
    st.text("0123456789abcdef", min_size=16, max_size=16).filter(lambda text: set(text) != {"0"}),
    st.integers(0, 255),
    st.sampled_from(["", "a=1", "vendor@tenant=x y,b=2"]),
)
names = st.text(min_size=1, max_size=9).filter(lambda name: name not in ("traceparent", "tracestate"))
others = st.lists(st.tuples(names, st.binary(max_size=9)))


@given(contexts, others)
def test_what_is_written_is_read(context, headers):
    """Any context survives any other headers, which stay as they were, in order."""
    written = write_trace(tuple(headers), context)
    assert read_trace(written) == context
    assert written[: len(headers)] == tuple(headers)


def test_writing_replaces():
    """A record has one context: the one written last."""
    old = (("traceparent", PARENT), ("tracestate", b"a=1"), ("x", b"y"))
    new = TraceContext("1" * 32, "2" * 16, 0)
    assert write_trace(old, new) == (("x", b"y"), ("traceparent", f"00-{'1' * 32}-{'2' * 16}-00".encode()))


@pytest.mark.parametrize(
    "parent",
    [
        b"",
        b"\xff\xfe",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + b"\n",
        b" " + PARENT,
        PARENT + b"-more",
        b"ff" + PARENT[2:],
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"01-{TRACE}-{SPAN}-01more".encode(),
    ],
)
def test_a_parent_that_is_not_valid_is_none(parent):
    """What the grammar does not allow is dropped, with its state."""
    assert read_trace((("traceparent", parent), ("tracestate", b"a=1"))) is None


def test_a_later_version_is_read_as_far_as_we_know_it():
    """A version that is to come may add fields after the flags."""
    found = read_trace((("traceparent", b"01" + PARENT[2:] + b"-what-is-to-come"),))
    assert found == TraceContext(TRACE, SPAN, 1)


def test_two_parents_are_none():
    """Nobody can say which of two is meant."""
    assert read_trace((("traceparent", PARENT), ("traceparent", PARENT))) is None
    assert read_trace((("x", b"y"),)) is None


@pytest.mark.parametrize("state", ["a", "=1", "a=", "A=1", "a=1,a=2", "a=é", "a=x=y", "a=1,b", "a@=1", "a=\x7f"])
def test_a_state_that_is_not_valid_is_dropped_alone(state):
    """The parent stays when its state is not valid."""
    assert read_trace((("traceparent", PARENT), ("tracestate", state.encode()))) == TraceContext(TRACE, SPAN, 1)


def test_a_state_may_come_in_parts():
    """Several tracestate headers are one list; blanks around members and empty members do not count."""
    headers = (("traceparent", PARENT), ("tracestate", b"a=1 ,"), ("tracestate", b"\tb=2"))
    assert read_trace(headers) == TraceContext(TRACE, SPAN, 1, "a=1,b=2")


@given(st.integers(0, 60), st.integers(1, 120))
def test_a_state_is_capped_to_whole_members(count, size):
    """At most 32 members and 512 characters; the first ones stay, whole, and as many as fit."""
    members = [f"k{number}={'v' * size}" for number in range(count)]
    kept = valid_tracestate(",".join(members))
    found = kept.split(",") if kept else []
    assert found == members[: len(found)]
    assert len(found) <= 32
    assert len(kept) <= 512
    if len(found) < min(count, 32):
        assert len(",".join(members[: len(found) + 1])) > 512
