"""When two readings of a page agree: overlap, pairing, and how texts differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from pipeline.ocr.agreement import (
    SAME_LINE,
    Difference,
    ReadLine,
    ReadPage,
    agreement,
    area,
    difference,
    edit_distance,
    intersection,
    iou,
    pair_lines,
    resized,
)

SIDE = 1_000
boxes = st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(1, 100), st.integers(1, 100))
words = st.text("abAB.,- x1", max_size=12)


def quad(box: tuple[int, int, int, int]) -> np.ndarray:
    x, y, width, height = box
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def turned(polygon: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = polygon.mean(axis=0)
    return ((polygon - middle) @ matrix.T + middle).astype(np.float32)


def line(text: str, *box: int, confidence: float = 0.9) -> ReadLine:
    return ReadLine(text, quad(box), confidence)


def page(*lines: ReadLine) -> ReadPage:
    return ReadPage(SIDE, SIDE, lines)


readings = st.lists(st.tuples(words, boxes), max_size=8).map(lambda all_: page(*(line(t, *box) for t, box in all_)))


@given(boxes, boxes)
def test_overlap_of_upright_boxes_is_exact(one, other):
    """Of boxes along the axes the shared area is width times height of what they share."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(wide, 0) * max(high, 0)
    assert intersection(quad(one), quad(other)) == pytest.approx(shared, rel=1e-3, abs=1e-3)


@given(boxes, boxes, st.floats(-80, 80), st.floats(-80, 80))
def test_iou_is_symmetric_and_between_0_and_1(one, other, turn, other_turn):
    """Whatever the two polygons: which comes first makes no difference, and a share is a share."""
    a, b = turned(quad(one), turn), turned(quad(other), other_turn)
    assert 0 <= iou(a, b) <= 1
    assert iou(a, b) == pytest.approx(iou(b, a), abs=1e-3)


@given(boxes, st.floats(-80, 80))
def test_a_polygon_overlaps_itself_wholly(box, turn):
    """At any angle, and whichever corner it begins with."""
    polygon = turned(quad(box), turn)
    assert iou(polygon, np.roll(polygon, 1, axis=0)) == pytest.approx(1, abs=5e-3)


def test_nothing_has_no_overlap():
    """A polygon without area overlaps nothing, itself included."""
    assert area(quad((5, 5, 0, 9))) == 0
    assert iou(quad((5, 5, 0, 9)), quad((5, 5, 0, 9))) == 0


@given(readings, readings)
def test_every_line_is_counted_once(ours, theirs):
    """Each line is in one pair or alone; pairs overlap by half at least."""
    found = pair_lines(ours, theirs)
    mine = [id(pair.ours) for pair in found.pairs] + [id(one) for one in found.only_ours]
    assert sorted(mine) == sorted(id(one) for one in ours.lines)
    assert len(found.pairs) + len(found.only_theirs) == len(theirs.lines)
    assert all(pair.iou >= SAME_LINE for pair in found.pairs)


@given(st.lists(words, min_size=1, max_size=8), st.sampled_from([0.5, 1.0, 1.44, 3.0]))
def test_a_page_agrees_with_itself_at_any_size(texts, scale):
    """The same lines, rendered larger or smaller, pair one to one, and agree wholly."""
    ours = page(*(line(text, 10, 40 * at, 300, 30) for at, text in enumerate(texts)))
    theirs = resized(ours, width=round(SIDE * scale), height=round(SIDE * scale))
    found = pair_lines(ours, theirs)
    assert [(pair.ours.text, pair.theirs.text) for pair in found.pairs] == [(text, text) for text in texts]
    assert agreement([found]) == 1


def test_the_better_overlap_wins():
    """Of two lines that lie over one, the one that fits better is its partner; the other is alone."""
    ours = page(line("one", 0, 0, 100, 20))
    theirs = page(line("shifted", 30, 0, 100, 20), line("near", 5, 0, 100, 20))
    found = pair_lines(ours, theirs)
    assert [pair.theirs.text for pair in found.pairs] == ["near"]
    assert [one.text for one in found.only_theirs] == ["shifted"]


def test_agreement_is_over_all_lines_of_either():
    """Equal pairs over the union; a line of one side alone counts against it; without lines there is no share."""
    ours = page(line("same", 0, 0, 100, 20), line("a b", 0, 50, 100, 20), line("mine", 0, 100, 100, 20))
    theirs = page(line("same", 0, 0, 100, 20), line("ab", 0, 50, 100, 20), line("yours", 0, 200, 100, 20))
    found = pair_lines(ours, theirs)
    assert agreement([found]) == 1 / 4
    assert agreement([found], alike=frozenset({Difference.NONE, Difference.SPACING})) == 2 / 4
    assert agreement([pair_lines(page(), page())]) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"),
    [
        ("Total 5", "Total 5", Difference.NONE),
        ("Total 5", "Total5", Difference.SPACING),
        ("Total 5", "TOTAL5", Difference.CASE),
        ("Total: 5.00", "total 5,00", Difference.PUNCTUATION),
        ("Total 5", "Total 6", Difference.CHARACTER),
        ("Total 5", "Tota 5", Difference.CHARACTER),
        ("Total 5", "Sum 5", Difference.MORE),
    ],
)
def test_how_texts_differ(ours, theirs, kind):
    """Each class by an example; the order of the two makes no difference."""
    assert difference(ours, theirs) is kind
    assert difference(theirs, ours) is kind


@given(words, words)
def test_edit_distance_is_levenshteins(one, other):
    """The same number as another implementation has."""
    assert edit_distance(one, other) == Levenshtein.distance(one, other)
