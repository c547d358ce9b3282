"""Where two sides differ, whom ground truth sides with, and how that is written down."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bench.parity import ONLY_OURS, ONLY_THEIRS, compare
from pipeline.bench.truth import Sides, closer, truths
from pipeline.commands.bench_lines import write_lines
from pipeline.errors import Fatal
from pipeline.ocr.agreement import Difference, ReadLine, ReadPage

PADDLE = "PaddleOCR"


def quad(x: int, y: int, width: int = 200, height: int = 20) -> np.ndarray:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def page(*lines: tuple[str, int]) -> ReadPage:
    """Lines by their text and how far down the page they are."""
    return ReadPage(400, 600, tuple(ReadLine(text, quad(10, y), 0.9) for text, y in lines))


@pytest.fixture
def transcripts(tmp_path: Path) -> Path:
    """Of `a.png`, half the size of the pages here: a line of two parts, one left out, and one read by nobody."""
    told = [
        {"text": "PAID", "box": (quad(65, 5, 40, 10)).tolist()},
        {"text": "Invoice 7", "box": (quad(5, 5, 60, 10)).tolist()},
        {"text": "###", "box": (quad(5, 50, 100, 10)).tolist(), "ignore": True},
    ]
    (tmp_path / "a.json").write_bytes(orjson.dumps({"width": 200, "height": 300, "lines": told}))
    return tmp_path


def test_truth_is_read_in_the_direction_of_the_line(transcripts):
    """All that is transcribed under a line, in order, at whatever size the page was rendered."""
    truth = truths(transcripts, ["a.png", "b.png"])["a.png"]
    assert truth.under(quad(10, 10), width=400, height=600) == "Invoice 7 PAID"
    assert truth.under(quad(10, 100), width=400, height=600) is None
    assert truth.under(quad(10, 400), width=400, height=600) is None


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"lines": [{"text": "a"}]}', b'{"lines": [{"text": "a", "box": 1}]}'])
def test_a_transcript_in_another_form_is_told(tmp_path, body):
    """It ends the command with a sentence, and is not passed over."""
    (tmp_path / "a.json").write_bytes(body)
    with pytest.raises(Fatal) as caught:
        truths(tmp_path, ["a.png"])
    assert caught.value.code == "bench_bad_truth"


def test_a_transcript_without_boxes_sides_with_nobody(tmp_path):
    """Text of which nobody says where it is can't be compared with a line."""
    told = {"width": 1, "height": 1, "lines": [{"text": "a", "box": None}]}
    (tmp_path / "a.json").write_bytes(orjson.dumps(told))
    (tmp_path / "b.json").write_bytes(orjson.dumps({"pages": []}))
    assert truths(tmp_path, ["a.png", "b.png"]) == {}


@given(st.text(), st.text(), st.none() | st.text())
def test_truth_is_impartial(ours, theirs, truth):
    """With the sides changed over it says the same of the other; equal texts are equally far."""
    opposite = {Sides.OURS: Sides.THEIRS, Sides.THEIRS: Sides.OURS}
    said = closer(ours, theirs, truth)
    assert closer(theirs, ours, truth) is opposite.get(said, said)
    assert closer(ours, ours, truth) in (Sides.NEITHER, Sides.UNKNOWN)
    assert (said is Sides.UNKNOWN) == (truth is None)


def test_case_and_spaces_are_no_matter_of_truth():
    """Transcripts have customs of their own there."""
    assert closer("Total 5", "TOTAL5", "total 5") is Sides.NEITHER
    assert closer("Total 5", "Total 6", "TOTAL5") is Sides.OURS


def test_each_difference_is_told_with_its_class_and_side(transcripts):
    """Every line that is not the same on both sides is there once; those that are the same are not."""
    ours = {"a.png": [page(("Invoice 7 PAID", 10), ("same", 200), ("mine", 300), ("a b", 500))]}
    theirs = {"a.png": [page(("lnvoice 7 PAID", 10), ("same", 200), ("yours", 400), ("ab", 500))]}
    parity = compare(ours, theirs, truths(transcripts, ours))
    assert [(line.kind, line.ours, line.theirs, line.sides_with) for line in parity.differing] == [
        (Difference.CHARACTER, "Invoice 7 PAID", "lnvoice 7 PAID", Sides.OURS),
        (Difference.SPACING, "a b", "ab", Sides.UNKNOWN),
        (ONLY_OURS, "mine", "", Sides.UNKNOWN),
        (ONLY_THEIRS, "", "yours", Sides.UNKNOWN),
    ]
    assert (parity.lines, parity.same_text, parity.same_but_spacing, parity.iou) == (5, 1 / 5, 2 / 5, 1)
    assert sum(sum(counts.values()) for counts in parity.counts().values()) == len(parity.differing)


def test_a_page_that_one_side_lacks_counts_against_agreement():
    """Its lines are the other side's alone; a document that one side lacks is not compared."""
    parity = compare({"a": [page(("x", 0))] * 2, "b": [page(("y", 0))]}, {"a": [page(("x", 0))]}, {})
    assert (parity.documents, parity.pages, parity.lines, parity.same_text) == (1, 2, 2, 1 / 2)


@given(text=st.text(max_size=40))
def test_any_text_keeps_to_its_cell(tmp_path_factory, text):
    """Whatever a line says, its row has as many cells as the head."""
    path = tmp_path_factory.mktemp("lines") / "lines.md"
    parity = compare({"a|b": [page((f"x{text}", 0))]}, {"a|b": [page(("other", 0))]}, {})
    write_lines(path, {PADDLE: parity})
    rows = [line for line in path.read_text(encoding="utf-8").split("\n") if line.startswith("| ")]
    table = rows[[row.startswith("| document") for row in rows].index(True) :]
    assert len(table) == 3
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in table} == {10}
