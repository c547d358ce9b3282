"""Headers of retry and dead-letter records."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.failures import (
    DEAD_LETTER,
    MESSAGE_BYTES,
    RETRY,
    DeadLetter,
    Origin,
    RetryState,
    dead_letter_headers,
    original_headers,
    read_dead_letter,
    read_retry,
    retry_headers,
)
from schemas.problems import Malformed
from schemas.record import Headers

FIRST = Origin("documents", 3, 1042, index=2, timestamp_ms=1_795_361_400_250)
THEIRS: Headers = (("traceparent", b"00-x"), ("retry.policy", b"\xff"), ("a", b"1"), ("a", b""), ("dlq.note", b"kept"))

numbers = st.integers(0, 2**63 - 1)
origins = st.builds(Origin, st.text(min_size=1), numbers, numbers, numbers, st.none() | numbers)
foreign = st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=4).map(tuple)


@given(original=foreign, origin=origins, attempt=numbers, due=numbers, code=st.text())
def test_a_retry_says_what_it_was_told(original: Headers, origin: Origin, attempt: int, due: int, code: str) -> None:
    """Reading gives back what was written, and the original's own headers."""
    headers = retry_headers(original, origin, attempt=attempt, not_before_ms=due, code=code)
    assert RetryState(origin, attempt, due, code) == read_retry(headers)
    assert original == original_headers(headers, RETRY)


def test_headers_do_not_grow_with_attempts() -> None:
    """A retry of a retry carries one set of ours, and the originals byte for byte, in order, duplicates kept."""
    once = retry_headers(THEIRS, FIRST, attempt=1, not_before_ms=5, code="store_slow")
    twice = retry_headers(original_headers(once, RETRY), FIRST, attempt=2, not_before_ms=9, code="store_slow")
    assert twice[: len(THEIRS)] == THEIRS
    assert len(once) == len(twice)
    assert read_retry(twice) == RetryState(FIRST, 2, 9, "store_slow")


def test_a_dead_letter_keeps_the_original_and_drops_the_retry() -> None:
    """The first record's headers come first and unchanged; ours say why and where from."""
    retried = retry_headers(THEIRS, FIRST, attempt=2, not_before_ms=5, code="store_slow")
    headers = dead_letter_headers(
        original_headers(retried, RETRY), FIRST, code="no_pages", stage="decode", message="Look.", attempts=3
    )
    assert headers[: len(THEIRS)] == THEIRS
    assert read_retry(headers) is None
    expected = DeadLetter(Origin("documents", 3, 1042, 2), "no_pages", "decode", "Look.", 3, None)
    assert expected == read_dead_letter(headers)
    assert original_headers(headers, DEAD_LETTER) == THEIRS


@given(message=st.text(max_size=3000))
@example(message="a" + "ß" * 1000)
def test_a_message_is_cut_between_characters(message: str) -> None:
    """A dead letter stays small whatever the message, and its message stays text."""
    headers = dead_letter_headers((), FIRST, code="x", stage="y", message=message, attempts=1, document_id="d")
    letter = read_dead_letter(headers)
    assert letter is not None
    assert len(letter.message.encode()) <= MESSAGE_BYTES
    assert message.startswith(letter.message)
    assert letter.document_id == "d"


@pytest.mark.parametrize("name", ["retry.attempt", "retry.not-before-ms", "retry.offset", "retry.topic"])
@pytest.mark.parametrize("value", [None, b"\xff"])
def test_half_a_retry_is_a_typed_problem(name: str, value: bytes | None) -> None:
    """A header that is missing or garbage raises Malformed and nothing else."""
    whole = retry_headers((), FIRST, attempt=1, not_before_ms=5, code="c")
    broken = tuple(header for header in whole if header[0] != name) + (((name, value),) if value else ())
    with pytest.raises(Malformed, match=name):
        read_retry(broken)


@pytest.mark.parametrize("value", [b"-1", b"1.5", b" 1", b"1" * 20, b""])
def test_numbers_are_plain_digits(value: bytes) -> None:
    """Signs, points, spaces and endless digits are no number."""
    whole = retry_headers((), FIRST, attempt=1, not_before_ms=5, code="c")
    with pytest.raises(Malformed):
        read_retry((*whole, ("retry.attempt", value)))


def test_a_record_without_ours_says_nothing() -> None:
    """A plain record is neither retry nor dead letter, and is its own original."""
    assert read_retry(THEIRS) is None
    assert read_dead_letter(THEIRS) is None
    assert original_headers(THEIRS, DEAD_LETTER) == THEIRS
