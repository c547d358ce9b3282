"""How large a page is shown to the detector: by the height of its print, and again larger where print is left over."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pipeline.engines.base import Engine, Image, Regions
from pipeline.ocr.ink import Ink, ink_of
from pipeline.ocr.orientation import Rotation, turned

LEGIBLE_PX = 6.0
"""Median height of characters, in the detector's pixels, from which on it finds lines reliably. It loses lines of print
of 3.0 to 5.3 pixels, and none of 5.7 and more (38 pages of all kinds)."""

WANTED_PX = 7.5
"""Height at which smaller print is shown. At 7.4 the detector finds every character of six pages of small print."""

CLOSER = 1.25
"""A second look must show print this many times larger to be worth its time."""

LEFT_OVER = 12
"""Characters in lines of text that no box holds, from which on a page is looked at again."""

MOST_PIXELS = 60 * 960 * 960
"""Pixels that the detector is shown of one page at most: about 7 s of a processor core."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A page as the detector is to see it: `share` detector pixels a page pixel. `ink` lies in the frame of `image`."""

    image: Image
    ink: Ink
    share: float

    def turned(self, rotation: Rotation) -> Look:
        """The same page turned clockwise; its ink is found again, for characters are no longer in rows."""
        image = turned(self.image, rotation)
        return Look(image, ink_of(image), self.share)


def look_at(engine: Engine, page: Image) -> Look:
    ink = ink_of(page)
    height, width = page.shape[:2]
    usual = engine.page_share(height, width)
    return Look(page, ink, _share_for(ink.height_px, usual, height=height, width=width))


def look_closer(engine: Engine, look: Look, text: Regions) -> Regions:
    """What is found on the page, or on the page shown larger, whichever leaves less print over."""
    left = _left_over(look, text)
    if len(left.boxes) < LEFT_OVER:
        return text
    height, width = look.image.shape[:2]
    closer = replace(look, share=_share_for(left.height_px, look.share, height=height, width=width))
    if closer.share < CLOSER * look.share:
        return text
    (found,) = engine.detect([closer.image], [closer.share])
    return found if len(_left_over(closer, found).boxes) < len(left.boxes) else text


def _share_for(height_px: float, usual: float, *, height: int, width: int) -> float:
    """Detector pixels a page pixel that show characters of `height_px` large enough; never less than `usual`."""
    if not height_px or height_px * usual >= LEGIBLE_PX:
        return usual
    most = min(1.0, math.sqrt(MOST_PIXELS / (height * width)))
    return max(usual, min(most, WANTED_PX / height_px))


def _left_over(look: Look, text: Regions) -> Ink:
    height, width = look.image.shape[:2]
    return look.ink.print.outside(text.polygons, height=height, width=width).in_lines()
