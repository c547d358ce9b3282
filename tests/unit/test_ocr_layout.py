"""What a layout network is shown, and how regions come out of its heads. The heads here are made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.layout import (
    BINS,
    HEIGHT,
    KINDS,
    MOST_BOXES,
    STRIDES,
    WIDTH,
    Head,
    find_regions,
    layout_tensor,
    shown_width,
)


def places(width: int = WIDTH) -> list[int]:
    """How many each head has in an input so wide."""
    return [-(-HEIGHT // stride) * -(-width // stride) for stride in STRIDES]


def silent(width: int = WIDTH) -> tuple[list[Head], list[Head]]:
    """Heads that see nothing anywhere."""
    scores = [np.full((count, len(KINDS)), 0.01, np.float32) for count in places(width)]
    return scores, [np.zeros((count, 4 * BINS), np.float32) for count in places(width)]


def see(heads: tuple[list[Head], list[Head]], *, head: int, at: tuple[int, int], kind: int, score: float,
        strides: tuple[int, int, int, int]) -> None:  # fmt: skip
    """Let a head see a box at (row, column) that reaches so many strides to the left, top, right and bottom."""
    place = at[0] * -(-WIDTH // STRIDES[head]) + at[1]
    heads[0][head][place, kind] = score
    weights = np.full((4, BINS), -50.0, np.float32)
    weights[np.arange(4), strides] = 50.0
    heads[1][head][place] = weights.reshape(-1)


def middle(head: int, row: int, column: int) -> tuple[float, float]:
    return (column + 0.5) * STRIDES[head], (row + 0.5) * STRIDES[head]


@pytest.mark.parametrize("head", range(len(STRIDES)))
def test_a_box_is_where_the_head_says(head: int) -> None:
    """Around the middle of its place a box reaches as many strides as the weights say, in the page's own pixels."""
    heads = silent()
    see(heads, head=head, at=(3, 4), kind=KINDS.index("table"), score=0.8, strides=(1, 2, 3, 0))
    (region,) = find_regions(*heads, height=HEIGHT * 2, width=WIDTH * 2)
    x, y = middle(head, 3, 4)
    stride = STRIDES[head]
    assert region.kind == "table"
    assert region.score == pytest.approx(0.8)
    assert region.box == pytest.approx([2 * v for v in (x - stride, y - 2 * stride, x + 3 * stride, y)], abs=1e-3)


def test_weights_between_bins_are_averaged() -> None:
    """Two bins of equal weight mean the distance half-way between them."""
    heads = silent()
    see(heads, head=1, at=(10, 10), kind=0, score=0.9, strides=(2, 2, 2, 2))
    place = 10 * -(-WIDTH // 16) + 10
    heads[1][1][place, [2, 3]] = 50.0  # to the left: 2 or 3 strides
    (region,) = find_regions(*heads, height=HEIGHT, width=WIDTH)
    assert region.box[0] == pytest.approx(middle(1, 10, 10)[0] - 2.5 * 16, abs=1e-3)


def test_the_better_of_two_overlapping_boxes_stays() -> None:
    """Of boxes of one kind that overlap by more than half, only the surest is told; other kinds are no rivals."""
    heads = silent()
    reach = (4, 4, 4, 4)
    for column, score in ((10, 0.6), (11, 0.9)):
        see(heads, head=1, at=(10, column), kind=KINDS.index("figure"), score=score, strides=reach)
    see(heads, head=1, at=(11, 10), kind=KINDS.index("table"), score=0.7, strides=reach)
    see(heads, head=1, at=(10, 30), kind=KINDS.index("figure"), score=0.5, strides=reach)
    regions = find_regions(*heads, height=HEIGHT, width=WIDTH)
    assert [(region.kind, round(region.score, 2)) for region in regions] == [
        ("figure", 0.9), ("table", 0.7), ("figure", 0.5),
    ]  # fmt: skip


def test_captions_of_both_sorts_are_one_kind() -> None:
    """What may be a figure's caption or a table's is told once."""
    heads = silent()
    captions = [number for number, kind in enumerate(KINDS) if kind == "caption"]
    for column, kind in enumerate(captions):
        see(heads, head=1, at=(10, 10 + column), kind=kind, score=0.6 + column / 10, strides=(4, 4, 4, 4))
    (region,) = find_regions(*heads, height=HEIGHT, width=WIDTH)
    assert (region.kind, round(region.score, 2)) == ("caption", 0.7)


def test_the_white_beside_a_page_holds_nothing() -> None:
    """Regions end at the page's edge, and those beyond it are not told."""
    heads = silent()
    see(heads, head=1, at=(20, 5), kind=0, score=0.9, strides=(4, 2, 4, 7))
    see(heads, head=1, at=(40, 5), kind=0, score=0.9, strides=(4, 4, 4, 4))
    (region,) = find_regions(*heads, height=350, width=WIDTH)
    assert region.box[3] == 350


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 2**32 - 1))
def test_regions_lie_inside_the_page(height: int, width: int, seed: int) -> None:
    """Whatever the heads say, boxes lie inside the page and have a size; the surest come first."""
    random = np.random.default_rng(seed)
    scores, weights = silent(shown_width(height, width))
    for score, weight in zip(scores, weights, strict=True):
        score[random.integers(0, len(score), 20), random.integers(0, len(KINDS), 20)] = random.uniform(0, 1.01, 20)
        weight[:] = random.normal(0, 20, weight.shape)
    regions = find_regions(scores, weights, height=height, width=width)
    for region in regions:
        x0, y0, x1, y1 = region.box
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        assert 0 < region.score <= 1
    assert [region.score for region in regions] == sorted((region.score for region in regions), reverse=True)


def test_a_page_of_boxes_is_bounded() -> None:
    """Heads that see everything everywhere get an answer, of a bounded length."""
    scores = [np.full((count, len(KINDS)), 0.9, np.float32) for count in places()]
    weights = [np.zeros((count, 4 * BINS), np.float32) for count in places()]
    assert 0 < len(find_regions(scores, weights, height=HEIGHT, width=WIDTH)) <= MOST_BOXES


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_page_is_shown_in_its_own_proportions(height: int, width: int) -> None:
    """A black page lies at the top left, as large as fits, and all beside it is white."""
    tensor = layout_tensor(np.zeros((height, width, 3), np.uint8))
    assert tensor.shape == (3, HEIGHT, shown_width(height, width))
    dark = tensor[0] < 0
    rows, columns = int(dark[:, 0].sum()), int(dark[0].sum())
    assert dark[:rows, :columns].all()
    assert dark.sum() == rows * columns
    assert rows == HEIGHT or columns == WIDTH
    assert abs(rows - columns * height / width) <= 1 + height / width
    assert columns <= tensor.shape[2] < max(257, columns + 32)


def test_a_box_on_a_narrow_page_is_where_the_head_says() -> None:
    """Places are counted by the rows of the input the page was shown in, which is narrower for a narrow page."""
    heads = silent(320)
    place = 3 * (320 // 16) + 4
    heads[0][1][place, KINDS.index("table")] = 0.8
    weights = np.full((4, BINS), -50.0, np.float32)
    weights[:, 2] = 50.0
    heads[1][1][place] = weights.reshape(-1)
    (region,) = find_regions(*heads, height=HEIGHT, width=300)
    x, y = middle(1, 3, 4)
    assert region.box == pytest.approx((x - 32, y - 32, x + 32, y + 32), abs=1e-3)
