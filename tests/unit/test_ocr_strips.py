"""Pages that are too high to be seen whole are cut into strips, and put together again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.geometry import Polygons, no_polygons
from pipeline.ocr.strips import joined, strips_for
from tests.unit.table_answers import quads

SEEN = 960.0


def cut(polygons: Polygons, height: int, width: int) -> list[tuple[int, int]]:
    """As for a detector that sees 960 pixels at most."""
    shown, square = min(1.0, SEEN / max(height, width)), min(1.0, SEEN / width)
    return strips_for(polygons, height=height, width=width, shown=shown, shown_square=square)


def rows(height: int, width: int, size: int) -> Polygons:
    """Lines of one size down the page."""
    return quads([(10, y, width - 10, y + size) for y in range(10, height - size, 2 * size)])


@given(st.integers(1, 3000), st.integers(1, 30_000))
def test_strips_leave_nothing_out(width: int, height: int) -> None:
    """From the first row of pixels to the last, each strip begins before the one above ends; there are few."""
    strips = cut(no_polygons(), height, width)
    if not strips:
        return
    assert (strips[0][0], strips[-1][1]) == (0, height)
    assert all(top < end for (top, _), (_, end) in zip(strips[1:], strips[:-1], strict=True))
    assert 2 <= len(strips) <= 24


def test_small_text_on_a_high_page_is_looked_at_closer() -> None:
    """Lines of 20 pixels on a till roll are seen with 4; on a letter with 8 of 20, and of 30 with 12."""
    assert len(cut(rows(5000, 1000, 20), 5000, 1000)) > 4
    assert len(cut(rows(2400, 1700, 20), 2400, 1700)) == 2
    assert cut(rows(2400, 1700, 30), 2400, 1700) == []


def test_a_page_that_is_seen_well_enough_is_not_cut() -> None:
    """Nothing is gained on pages that are wider than high, seen in full, or blank."""
    assert cut(rows(1000, 5000, 20), 1000, 5000) == []
    assert cut(rows(900, 300, 5), 900, 300) == []
    assert cut(no_polygons(), 3508, 2480) == []
    assert cut(no_polygons(), 5000, 1000) != []


@given(st.integers(4, 40), st.integers(0, 2**32 - 1))
def test_each_line_is_found_once(size: int, seed: int) -> None:
    """Strips see whole lines and pieces at their ends; together they are the lines of the page, in its frame."""
    width, height = 400, 3000
    lines = rows(height, width, size)
    strips = cut(no_polygons(), height, width)
    noise = np.random.default_rng(seed)
    found = []
    for top, end in strips:
        seen = np.clip(lines, (0, top), (width, end)) - np.array([0, top], np.float32)
        seen = seen[np.ptp(seen[:, :, 1], axis=1) > 1]
        found.append((seen + noise.uniform(-0.4, 0.4, seen.shape)).astype(np.float32))
    polygons, places = joined(strips, found)
    assert len(polygons) == len(lines)
    order = np.argsort(polygons[:, 0, 1])
    assert np.abs(polygons[order] - lines).max() < 1
    assert len(set(places.tolist())) == len(places) <= sum(map(len, found))
