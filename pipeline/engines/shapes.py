"""Which shapes a GPU is given: few, fixed, and each a function of the one item.

A device may compute an item differently in another shape, so the shape of a run, its number of items too, follows from
the bucket of its items and from nothing else. Every shape is known beforehand: TensorRT builds for these and no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ocr.preprocess import CONTEXT_COLUMNS, CropShape, PageLimits, largest_side, page_size

PAGE_STEP = 160
"""Sides of padded pages: multiples of five strides, and a part of the usual limit of 960."""

CROP_STEPS = ((640, 64), (1280, 128), (1 << 30, 320))
"""Widths of padded crops: up to the first figure, multiples of the second. Beyond `CONTEXT_COLUMNS`, at most a tenth of
the wider ones is padding."""

CROP_CLASSES = (320, 640, 1280, 1 << 30)
"""Widths up to which crops share a number: each class has half the crops of the one before, so that runs of all widths
cost much the same, and the memory for the widest is not 64 times theirs."""

USUAL_PAGE = 960

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Items in a run: pages, and crops of the narrowest class."""

    pages: int = 4
    crops: int = 64

    def crops_in(self, columns: int) -> int:
        """How many crops of a padded width go into a run."""
        return max(1, self.crops >> _crop_class(columns))

    def crop_cost(self, columns: int) -> int:
        """What one of them costs, where a run costs `crops`."""
        return self.crops // self.crops_in(columns)


@dataclass(frozen=True, slots=True)
class Profile:
    """Runs that one TensorRT engine serves: `count` images of any of `sizes`, which ascend."""

    count: int
    sizes: tuple[Size, ...]

    @property
    def least(self) -> Size:
        return min(height for height, _ in self.sizes), min(width for _, width in self.sizes)

    @property
    def most(self) -> Size:
        return max(height for height, _ in self.sizes), max(width for _, width in self.sizes)


def runs_for(limits: PageLimits) -> Runs:
    """Fewer pages in a run where pages are shown larger than usual, for a run's memory grows with their area."""
    side = max(USUAL_PAGE, padded_side(largest_side(limits)))
    return Runs(pages=max(1, Runs().pages * USUAL_PAGE**2 // side**2))


def padded_page(height: int, width: int, limits: PageLimits) -> Size:
    """Height and width of the input a page is set into."""
    shown = page_size(height, width, limits)
    return padded_side(shown[0]), padded_side(shown[1])


def padded_side(side: int) -> int:
    return _up(side, PAGE_STEP)


def padded_width(columns: int) -> int:
    """Columns of the input a crop of `columns` is set into."""
    step = next(step for limit, step in CROP_STEPS if columns <= limit)
    return _up(columns, step)


def page_profiles(limits: PageLimits, runs: Runs) -> tuple[Profile, ...]:
    """Every padded page there can be: one profile."""
    sides = range(PAGE_STEP, padded_side(largest_side(limits)) + 1, PAGE_STEP)
    return (Profile(runs.pages, tuple((height, width) for height in sides for width in sides)),)


def crop_profiles(shape: CropShape, runs: Runs) -> tuple[Profile, ...]:
    """Every padded crop there can be: a profile for each class of widths, in the order of `CROP_CLASSES`."""
    widths = sorted({padded_width(columns) for columns in range(min(CONTEXT_COLUMNS, shape.widest), shape.widest + 1)})
    classes: dict[int, list[Size]] = {}
    for width in widths:
        classes.setdefault(_crop_class(width), []).append((shape.height, width))
    return tuple(Profile(runs.crops_in(sizes[0][1]), tuple(sizes)) for sizes in classes.values())


def serving(profiles: Sequence[Profile], size: Size) -> int:
    """Which of the profiles a padded item belongs to."""
    height, width = size
    return next(i for i, profile in enumerate(profiles) if height <= profile.most[0] and width <= profile.most[1])


def _crop_class(columns: int) -> int:
    return next(place for place, widest in enumerate(CROP_CLASSES) if columns <= widest)


def _up(side: int, step: int) -> int:
    return -(-side // step) * step
