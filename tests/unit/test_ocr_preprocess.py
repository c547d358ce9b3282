"""Sizes are functions of the item alone, and pixels become what the models were trained on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.preprocess import (
    CONTEXT_COLUMNS,
    CROP_STEP,
    STRIDE,
    CropShape,
    Normalisation,
    PageLimits,
    crop_tensor,
    crop_width,
    page_scale,
    page_size,
    page_tensor,
)

SIDES = st.integers(1, 20_000)
LIMITS = st.builds(PageLimits, st.integers(320, 2000), st.sampled_from(["max", "min"]))
SHAPE = CropShape(height=48, widest=3200)
PLAIN = Normalisation(1 / 255, (0.0, 0.5, 0.25), (1.0, 0.5, 0.125))


@given(height=SIDES, width=SIDES, limits=LIMITS)
def test_sizes_fit_the_network(height: int, width: int, limits: PageLimits) -> None:
    """Both sides are multiples of the stride, at least one stride, and never above the ceiling."""
    for side in page_size(height, width, limits):
        assert side % STRIDE == 0
        assert STRIDE <= side <= limits.ceiling


@given(height=SIDES, width=SIDES, side=st.integers(320, 2000))
def test_a_largest_side_is_kept(height: int, width: int, side: int) -> None:
    """Under `max` no page is shown larger than the limit, or than itself, but for rounding to the stride."""
    shown = page_size(height, width, PageLimits(side, "max"))
    assert max(shown) <= max(STRIDE, min(side, max(height, width)) + STRIDE / 2)


@given(height=st.integers(300, 1500), width=st.integers(300, 1500))
def test_a_smallest_side_is_reached(height: int, width: int) -> None:
    """Under `min` the shorter side is shown at the limit or above, but for rounding to the stride."""
    assert min(page_size(height, width, PageLimits(736, "min"))) >= 736 - STRIDE / 2


def test_an_ordinary_page() -> None:
    """A scan of 992 x 1403 pixels is shown at 672 x 960."""
    assert page_size(1403, 992, PageLimits()) == (960, 672)


@given(height=st.integers(1, 200), width=st.integers(1, 200))
def test_scale_leads_back_to_the_page(height: int, width: int) -> None:
    """The far corner of what the detector sees is the far corner of the page, or of the black it was set into."""
    size = page_size(height, width, PageLimits())
    corner = page_scale(height, width, size) * np.array(size[::-1])
    least = STRIDE if height + width < 64 else 0
    assert corner == pytest.approx([max(width, least), max(height, least)], rel=1e-5)


def test_pixels_are_normalised_by_channel() -> None:
    """Each channel is (pixel * scale - mean) / std, channels first, in the image's own order."""
    page = np.full((64, 64, 3), (255, 0, 51), np.uint8)
    tensor = page_tensor(page, (64, 64), PLAIN)
    assert tensor.shape == (3, 64, 64)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    assert tensor[:, 5, 9] == pytest.approx([1.0, -1.0, (0.2 - 0.25) / 0.125], abs=1e-5)


def test_a_page_of_one_pixel_is_set_into_black() -> None:
    """Pages of a few pixels aren't blown up to the whole input."""
    tensor = page_tensor(np.full((1, 1, 3), 255, np.uint8), (32, 32), Normalisation(1 / 255, (0, 0, 0), (1, 1, 1)))
    assert tensor.sum() == pytest.approx(3)


@given(height=SIDES, width=SIDES)
def test_short_crops_keep_their_proportions(height: int, width: int) -> None:
    """A crop of up to 80 columns takes its own width at the recogniser's height, up to the next step."""
    columns, natural = crop_width(height, width, SHAPE), 48 * width / height
    assert columns % CROP_STEP == 0
    assert CROP_STEP <= columns <= SHAPE.widest
    if natural <= 80:
        assert natural <= columns < natural + CROP_STEP + 1


@given(height=st.integers(1, 2_000), width=SIDES)
def test_long_crops_are_squeezed(height: int, width: int) -> None:
    """A longer crop takes 65 to 100 % of its own columns, and never fewer than a shorter one."""
    columns, natural = crop_width(height, width, SHAPE), 48 * width / height
    assert columns <= crop_width(height, width + 1, SHAPE)
    if columns < SHAPE.widest:
        assert 0.65 * natural <= columns < natural + CROP_STEP + 1


@pytest.mark.parametrize(("width", "columns"), [(80, 80), (180, 152), (400, 288), (1400, 1144)])
def test_how_much_long_crops_are_squeezed(width: int, columns: int) -> None:
    """Columns up to the 80th count in full, those up to the 400th 0.65, those beyond 0.85."""
    assert crop_width(48, width, SHAPE) == columns


def test_a_short_crop_is_padded_on_the_right() -> None:
    """The recogniser reads at least `CONTEXT_COLUMNS` columns; those that the crop lacks are zero."""
    tensor = crop_tensor(np.full((48, 77, 3), 255, np.uint8), SHAPE, Normalisation(1 / 255, (0, 0, 0), (1, 1, 1)))
    assert tensor.shape == (3, 48, CONTEXT_COLUMNS)
    assert tensor[:, :, :80].min() == pytest.approx(1)
    assert not tensor[:, :, 80:].any()


def test_a_long_crop_is_not_padded() -> None:
    """The last column of what the recogniser reads is still the crop."""
    tensor = crop_tensor(np.full((48, 300, 3), 255, np.uint8), SHAPE, Normalisation(1 / 255, (0, 0, 0), (1, 1, 1)))
    assert tensor.shape[2] > CONTEXT_COLUMNS
    assert tensor.min() == pytest.approx(1)
