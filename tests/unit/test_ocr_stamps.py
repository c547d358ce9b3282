"""Laws of stamps: a coloured stamp over print is taken off it, and other colours stay where they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.ocr.geometry import Image
from pipeline.ocr.stamps import Layers, layers_of

HEIGHT_PX = 20.0
COLOURS = {"red": (48, 40, 214), "blue": (220, 100, 60), "dark blue": (120, 35, 25), "green": (70, 140, 30)}
"""BGR."""


def page_of_print() -> Image:
    page = np.full((500, 800, 3), 255, np.uint8)
    for y in range(60, 480, 45):
        cv2.putText(page, "Freight and customs 18,450.00", (40, y), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
    return page


def ring(colour: tuple[int, int, int]) -> Image:
    """A stamp alone on its page: a ring with a word in it."""
    stamp = np.full((500, 800, 3), 255, np.uint8)
    cv2.circle(stamp, (300, 240), 110, colour, 6, cv2.LINE_AA)
    cv2.putText(stamp, "PAID", (215, 255), cv2.FONT_HERSHEY_SIMPLEX, 2.0, colour, 8, cv2.LINE_AA)
    return stamp


def printed_over(page: Image, ink: Image) -> Image:
    """Two transparent inks on one sheet."""
    return np.asarray(page.astype(np.uint16) * ink // 255, np.uint8)


def layers(page: Image) -> Layers:
    found = layers_of(page, HEIGHT_PX)
    assert found is not None
    return found


def dark(image: Image) -> Image:
    return np.asarray(image.max(axis=2) < 128, np.uint8)


@pytest.mark.parametrize("colour", COLOURS.values(), ids=COLOURS.keys())
def test_print_is_seen_without_the_stamp(colour: tuple[int, int, int]) -> None:
    """The print layer is the page as it was before it was stamped, but for pixels at the edges of strokes."""
    before = page_of_print()
    own = layers(printed_over(before, ring(colour))).print
    assert (dark(own) != dark(before)).mean() < 0.002


@pytest.mark.parametrize("colour", COLOURS.values(), ids=COLOURS.keys())
def test_a_stamp_is_seen_without_the_print(colour: tuple[int, int, int]) -> None:
    """The stamp layer is dark where the stamp is, and white elsewhere."""
    alone = layers(printed_over(page_of_print(), ring(colour))).stamps
    stamp = np.asarray(ring(colour).min(axis=2) < 128, np.uint8)
    assert (dark(alone) & stamp).sum() > 0.85 * stamp.sum()
    assert (dark(alone) & ~cv2.dilate(stamp, np.ones((7, 7), np.uint8)) & 1).sum() == 0


def test_the_rest_of_the_page_stays() -> None:
    """Outside of the stamp no pixel is changed: a coloured heading is print."""
    page = printed_over(page_of_print(), ring(COLOURS["red"]))
    cv2.putText(page, "Invoice", (560, 480), cv2.FONT_HERSHEY_SIMPLEX, 1.2, COLOURS["blue"], 3)
    assert np.array_equal(layers(page).print[:, 520:], page[:, 520:])


def test_a_stamp_beside_print_is_print() -> None:
    """What covers nothing is read where it stands."""
    assert layers_of(ring(COLOURS["red"]), HEIGHT_PX) is None


def test_a_page_without_colour_has_no_stamps() -> None:
    assert layers_of(page_of_print(), HEIGHT_PX) is None


@pytest.mark.parametrize("colour", [(60, 220, 255), (255, 200, 140), *COLOURS.values()])
def test_a_coloured_ground_is_no_stamp(colour: tuple[int, int, int]) -> None:
    """Print on a coloured row, or marked with a pen, stays on it."""
    ground = np.full((500, 800, 3), 255, np.uint8)
    ground[75:115, 30:500] = colour
    assert layers_of(printed_over(page_of_print(), ground), HEIGHT_PX) is None


def test_coloured_edges_of_letters_are_no_stamp() -> None:
    """Screens draw black letters with red edges on one side and blue ones on the other."""
    page = page_of_print()
    page[:, 3:, 0] = page_of_print()[:, :-3, 0]
    assert layers_of(page, HEIGHT_PX) is None


def test_coloured_paper_has_no_stamps() -> None:
    """On paper that is coloured itself, colour tells nothing."""
    paper = np.full((500, 800, 3), (120, 200, 235), np.uint8)
    assert layers_of(printed_over(printed_over(page_of_print(), ring(COLOURS["red"])), paper), HEIGHT_PX) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (40, 7), (9, 9)])
def test_pages_of_any_size_are_looked_at(shape: tuple[int, int]) -> None:
    """Pages of a few coloured pixels have no stamps, and nothing fails."""
    assert layers_of(np.full((*shape, 3), (0, 0, 255), np.uint8), HEIGHT_PX) is None
