"""Specks and dust that a detector took for text: a character or two, where no character can be read."""

from __future__ import annotations

import numpy as np

from .geometry import Polygons, sizes
from .text.plain import is_plain
from .text.reading import Reading

_MOST_CHARACTERS = 2

_UNREAD = 0.4
"""Mean probability below which so short a text is a guess."""

_LEAST_SIDE_PX = 14
"""Shorter side of a box, the detector's margin included, that a character of East Asia needs: with fewer pixels its
strokes are a blot."""


def is_speck(polygon: Polygons, reading: Reading) -> bool:
    """Whether a line is probably no text. `polygon`: (4, 2), its box on the page, in pixels."""
    text = "".join(reading.text.split())
    if not 0 < len(text) <= _MOST_CHARACTERS:
        return False
    tiny = float(np.min(sizes(polygon[None]))) < _LEAST_SIDE_PX
    return reading.mean_probability < _UNREAD or (tiny and not all(map(is_plain, text)))
