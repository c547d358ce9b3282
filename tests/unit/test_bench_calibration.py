"""Whether lines are right as often as they say, and weights that make them so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bench.calibration import Judged, Weights, cross_validated, fitted, halves, judged, reliability, restated
from pipeline.bench.truth import Printed, Truth
from pipeline.ocr.agreement import Points, ReadLine, ReadPage
from pipeline.ocr.text.confidence import length_feature, line_confidence
from pipeline.ocr.text.reading import Reading

TEXTS = st.text("abc ", min_size=1, max_size=40)
LINES = st.builds(
    Judged,
    st.sampled_from([f"{number}.png" for number in range(12)]),
    st.floats(0.01, 0.99),
    TEXTS.map(length_feature),
    st.booleans(),
)


def quad(y: int, width: int = 200) -> Points:
    return np.array([[10, y], [10 + width, y], [10 + width, y + 20], [10, y + 20]], np.float32)


def test_only_lines_that_ground_truth_frames_alike_are_judged() -> None:
    """By their text without case and spaces. A line that nobody transcribed, or half of one, says nothing."""
    read = ReadPage(
        400,
        600,
        (
            ReadLine("Total 5.00", quad(10), 0.9),
            ReadLine("Tota1", quad(50), 0.8),
            ReadLine("half", quad(90, width=80), 0.7),
            ReadLine("stamp", quad(130), 0.6),
        ),
    )
    printed = (
        Printed("TOTAL 5.00", quad(10)),
        Printed("TOTAL", quad(50)),
        Printed("HALF OF IT", quad(90)),
        Printed(None, quad(130)),
    )
    found = judged({"a.png": (read,), "b.png": (read,)}, {"a.png": Truth(400, 600, printed)})
    assert [(line.document, line.stated, line.right) for line in found] == [("a.png", 0.9, True), ("a.png", 0.8, False)]


@given(st.lists(LINES, max_size=60))
def test_no_document_is_fitted_to_and_shown(lines: list[Judged]) -> None:
    """The halves hold all lines, and those of a document are in one of them."""
    first, second = halves(lines)
    assert len(first) + len(second) == len(lines)
    assert not {line.document for line in first} & {line.document for line in second}


@given(st.lists(LINES, min_size=1, max_size=60))
def test_the_weights_in_use_restate_what_is_stated(lines: list[Judged]) -> None:
    """Log-odds and back: nothing is lost on the way."""
    for line, again in zip(lines, restated(lines, Weights()), strict=True):
        assert again.stated == pytest.approx(line.stated, abs=1e-9)


@given(TEXTS, st.floats(0, 5))
def test_lines_are_restated_as_they_would_be_delivered(text: str, errors: float) -> None:
    """Other weights give a line the confidence that its recogniser's expected errors have under them."""
    reading = Reading(text, 0.5, expected_errors=errors)
    line = Judged("a.png", line_confidence(reading), length_feature(text), True)
    used, other = Weights(), Weights(bias=1.5, errors=-0.5, length=-0.1)
    feature = (math.log(1 / line.stated - 1) + used.bias + used.length * line.length) / -used.errors
    expected = 1 / (1 + math.exp(-(other.bias + other.errors * feature + other.length * line.length)))
    assert other.restated(line).stated == pytest.approx(expected, abs=1e-6)


def drawn(weights: Weights, count: int) -> list[Judged]:
    """Lines that are right as often as `weights` say, with what the weights in use state of them."""
    chance = np.random.default_rng(7)
    lines = [
        Judged(f"{number % 40}.png", stated, length, right=False)
        for number, (stated, length) in enumerate(
            zip(chance.uniform(0.02, 0.98, count), chance.uniform(0, 4, count), strict=True)
        )
    ]
    rights = (chance.random(count) < [line.stated for line in restated(lines, weights)]).tolist()
    return [Judged(line.document, line.stated, line.length, right) for line, right in zip(lines, rights, strict=True)]


def test_weights_are_found_that_lines_follow() -> None:
    """Of 20 000 lines that are right as often as some weights say, those weights; and they calibrate other lines."""
    meant = Weights(bias=-0.5, errors=-1.4, length=-0.1)
    lines = drawn(meant, 20_000)
    found = fitted(lines)
    assert (found.bias, found.errors, found.length) == pytest.approx((meant.bias, meant.errors, meant.length), abs=0.15)
    assert reliability(cross_validated(lines)).error < 0.02 < reliability(lines).error


def test_every_line_is_shown_once_in_folds() -> None:
    """With weights of other documents, so in another order, and none is left out."""
    lines = drawn(Weights(), 400)
    found = cross_validated(lines)
    assert sorted((line.document, line.length) for line in found) == sorted(
        (line.document, line.length) for line in lines
    )


def line(stated: float, right: bool) -> Judged:
    return Judged("a.png", stated, 0.0, right)


def test_reliability_counts_what_is_stated_against_what_is_right() -> None:
    """By bins, each weighing as much as it has lines; the highest holds a confidence of 1."""
    found = reliability([line(0.85, True), line(0.85, False), line(1.0, True), line(0.6, False)])
    assert [(one.low, one.high, one.lines, one.right) for one in found.bins] == [
        (0.5, 0.7, 1, 0.0),
        (0.8, 0.9, 2, 0.5),
        (0.99, 1.0, 1, 1.0),
    ]
    assert found.error == pytest.approx((0.6 + 2 * 0.35 + 0) / 4)


def test_separation_is_the_chance_to_tell_a_right_line_from_a_wrong_one() -> None:
    """1 where every right line is surer, a half where all say the same, and unknown where none is wrong."""
    assert reliability([line(0.9, True), line(0.8, True), line(0.7, False)]).separation == 1
    assert reliability([line(0.9, True), line(0.9, False)]).separation == 0.5
    assert reliability([line(0.9, True)]).separation is None
