"""A letter from a flatbed scanner: grey, a little askew, dust and grain on it."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.samples.paper import Picture, Sheet, blotches, encoded, grain, turn, wrap

WIDTH, HEIGHT, DPI = 1240, 1754, 150
MARGIN = 150
SKEW_DEGREES = 0.8

HEAD = ("Harbour Street Gardens", "Notes of the spring meeting, 14 March 2025")
PARAGRAPHS = (
    "Fourteen of the nineteen plot holders came. The water butts behind the shed will be replaced before the end of "
    "April; two offers were read out, and the cheaper one, from Ellis and Daughter, was taken by a show of hands. The "
    "old butts go to whoever fetches them first.",
    "Plot 7 has been free since January. Three families are on the waiting list, and the Okafors, who have waited "
    "longest, will be asked this week. The path along the north wall floods after heavy rain: it needs about four "
    "tonnes of gravel. Members with a barrow are asked to come on Saturday 5 April at nine.",
)
FOOT = "Written down by R. Lindqvist, secretary"


def lines() -> list[str]:
    """What is written on it, line by line."""
    return [*HEAD, *(line for paragraph in PARAGRAPHS for line in wrap(paragraph, WIDTH - 2 * MARGIN, 34)), FOOT]


def draw() -> bytes:
    """PNG, greyscale."""
    random = np.random.default_rng(1)
    uneven = np.asarray(0.93 * _letter() + 0.05 * blotches(HEIGHT, WIDTH, 300, random) - 0.03, np.float32)
    askew = turn(uneven, SKEW_DEGREES, around=0.86)
    soft = np.asarray(cv2.GaussianBlur(_dust(askew, random), (0, 0), 0.7), np.float32)
    return encoded(grain(soft, 0.035, random), "PNG", dpi=(DPI, DPI))


def _letter() -> Picture:
    sheet = Sheet(WIDTH, HEIGHT)
    sheet.write(MARGIN, 170, HEAD[0], size=54, weight=1)
    sheet.write(MARGIN, 250, HEAD[1], size=34)
    sheet.rule(MARGIN, 318, WIDTH - MARGIN)
    y = 370
    for paragraph in PARAGRAPHS:
        for line in wrap(paragraph, WIDTH - 2 * MARGIN, 34):
            sheet.write(MARGIN, y, line, size=34)
            y += 54
        y += 44
    sheet.write(MARGIN, y + 70, FOOT, size=30)
    return sheet.picture()


def _dust(page: Picture, random: np.random.Generator) -> Picture:
    dusty = page.copy()
    for x, y in zip(random.integers(0, WIDTH, 260), random.integers(0, HEIGHT, 260), strict=True):
        cv2.circle(dusty, (int(x), int(y)), int(random.integers(1, 3)), float(random.uniform(0.45, 0.8)), -1)
    return dusty
