"""How a table is cut and shown to a table network, and how its answer is read. The answers here are made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.slanet import SIDE, BoxesIn, cut, is_sure, row_widths, structure_of, table_tensor, vocabulary
from pipeline.ocr.tables.structure import Structure

TOKENS = vocabulary('<tr>\n</tr>\n<td>\n<td\n>\n</td>\n colspan="2"\n rowspan="2"')
WRITTEN = ("<tr>", "<td></td>", "<td", ' colspan="2"', ">", "</td>", "</tr>")


def answer(written: tuple[str, ...], probability: float = 0.95, *, corners: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """The network's two outputs for these tokens; the box of step n is n hundredths from the top left, a tenth wide."""
    steps = len(written) + 3
    classes = [*map(TOKENS.index, written), len(TOKENS) - 1, TOKENS.index("<tr>"), TOKENS.index("<td></td>")]
    probabilities = np.full((steps, len(TOKENS)), (1 - probability) / (len(TOKENS) - 1), np.float32)
    probabilities[np.arange(steps), classes] = probability
    low = np.arange(steps)[:, None] / 100 * np.ones(2)
    high = low + 0.1
    if corners == 2:
        return probabilities, np.concatenate([low, high], axis=1).astype(np.float32)
    across, down = np.array([0.1, 0]), np.array([0, 0.1])
    return probabilities, np.concatenate([low, low + across, high, low + down], axis=1).astype(np.float32)


def test_cells_without_spans_are_one_token() -> None:
    """Whether its file names it so or not, a network has one token for a plain cell, and an end before and after."""
    assert TOKENS == ("", "<tr>", "</tr>", "<td", ">", "</td>", ' colspan="2"', ' rowspan="2"', "<td></td>", "")
    assert vocabulary("<tr>\n<td></td>") == ("", "<tr>", "<td></td>", "")


@pytest.mark.parametrize("corners", [2, 4])
@pytest.mark.parametrize(("frame", "size"), [("square", (300, 300)), ("image", (300, 200))])
def test_an_answer_is_read_up_to_its_end(corners: int, frame: BoxesIn, size: tuple[int, int]) -> None:
    """Tokens end at the end; each that opens a cell has its box, in the table's pixels, clockwise from the top left."""
    found = structure_of(*answer(WRITTEN, corners=corners), TOKENS, frame=frame, height=200, width=300)
    assert found.tokens == WRITTEN
    assert found.scores == pytest.approx(0.95)
    assert found.boxes.shape == (2, 4, 2)
    assert found.boxes.dtype == found.scores.dtype == np.float32
    for box, step in zip(found.boxes, (1, 2), strict=True):
        low, high = step / 100, step / 100 + 0.1
        expected = np.array([(low, low), (high, low), (high, high), (low, high)]) * size
        assert box == pytest.approx(expected, abs=1e-3)


def test_an_answer_without_an_end_is_read_to_its_last_step() -> None:
    """A network that runs out of steps has written what it has written."""
    probabilities, boxes = answer(WRITTEN)
    found = structure_of(probabilities[: len(WRITTEN)], boxes[: len(WRITTEN)], TOKENS, frame="image", height=9, width=9)
    assert found.tokens == WRITTEN


def test_an_answer_that_ends_at_once_is_empty() -> None:
    """No tokens, no boxes, and nobody is sure of that."""
    found = structure_of(*answer(()), TOKENS, frame="image", height=9, width=9)
    assert (found.tokens, found.boxes.shape, found.scores.shape) == ((), (0, 4, 2), (0,))
    assert not is_sure(found)


def structure(*rows: str, score: float = 0.95) -> Structure:
    """`rows`: `.` is a plain cell, `c` spans two columns, `r` two rows."""
    spans = {
        ".": ("<td></td>",),
        "c": ("<td", ' colspan="2"', ">", "</td>"),
        "r": ("<td", ' rowspan="2"', ">", "</td>"),
    }
    tokens = tuple(token for row in rows for token in ("<tr>", *(t for cell in row for t in spans[cell]), "</tr>"))
    cells = sum(map(len, rows))
    return Structure(tokens, np.zeros((cells, 4, 2), np.float32), np.full(len(tokens), score, np.float32))


@pytest.mark.parametrize(
    ("rows", "widths"),
    [((".", ".."), [1, 2]), (("c.", "..."), [3, 3]), (("r.", ".", ".."), [2, 2, 2]), (("r", "", "."), [1, 1, 1])],
)
def test_spans_count_where_they_reach(rows: tuple[str, ...], widths: list[int]) -> None:
    """A cell counts for every column and every row it spans, the rows after its own among them."""
    assert row_widths(structure(*rows).tokens) == widths


def test_a_sure_answer_is_likely_and_even() -> None:
    """One doubtful token, or a row shorter than the others, and another answer is worth asking for."""
    assert is_sure(structure("c.", "..."))
    assert not is_sure(structure("c.", ".."))
    doubtful = structure("..", "..")
    doubtful.scores[3] = 0.6
    assert not is_sure(doubtful)


@given(st.lists(st.sampled_from([*TOKENS, "<thead>", "nonsense"]), max_size=40))
def test_any_tokens_have_widths(tokens: list[str]) -> None:
    """Whatever a network writes, there is one width for each row it has begun."""
    assert len(row_widths(tokens)) == tokens.count("<tr>")


numbers = st.floats(-100, 100)


@given(st.integers(1, 60), st.integers(1, 60), st.tuples(numbers, numbers, numbers, numbers), st.floats(0, 0.1))
def test_a_cut_shows_what_is_there(height: int, width: int, text: tuple[float, ...], share: float) -> None:
    """Pixels of the cut are the image's, where its top left says they lie; white stands for what is outside."""
    image = np.random.default_rng(1).integers(0, 200, (height, width, 3), np.uint8)
    part, (left, top) = cut(image, (text[0], text[1], text[2], text[3]), share)
    assert part.size > 0
    assert max(part.shape) <= 1.2 * 60 + 6
    for row in range(part.shape[0]):
        for column in range(part.shape[1]):
            y, x = row + top, column + left
            inside = 0 <= y < height and 0 <= x < width
            assert part[row, column].tolist() == (image[y, x].tolist() if inside else [255, 255, 255])


def test_a_cut_leaves_its_share_around_the_text() -> None:
    """The margin is a share of the longer side, and two pixels."""
    part, corner = cut(np.zeros((400, 600, 3), np.uint8), (100, 100, 500, 200), 0.015)
    assert corner == (92, 92)
    assert part.shape[:2] == (116, 416)


@given(st.integers(1, 700), st.integers(1, 700))
def test_a_table_is_shown_at_the_top_left(height: int, width: int) -> None:
    """As large as fits, in its own proportions; beside it lie zeros."""
    tensor = table_tensor(np.full((height, width, 3), 255, np.uint8))
    assert tensor.shape == (3, SIDE, SIDE)
    light = tensor[0] > 0
    rows, columns = int(light[:, 0].sum()), int(light[0].sum())
    assert light.sum() == rows * columns
    assert max(rows, columns) == SIDE
    assert (tensor[0][~light] == 0).all()
