"""A till receipt, photographed by hand: in perspective, curled, under a lamp from one side."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.samples.paper import Picture, Sheet, blotches, encoded, grain

PAPER = (620, 1040)
PHOTO = (1200, 1600)
CORNERS = ((300, 150), (945, 225), (1003, 1425), (195, 1368))
"""Where the paper's corners lie in the photo, clockwise from the top left."""

SHOP = ("CORNER BAKERY", "12 Mill Lane, Easton", "Tel 0113 496 0142")
ITEMS = (
    ("2 Rye loaf", 780),
    ("1 Seed roll x4", 360),
    ("1 Apple cake", 1450),
    ("3 Oat biscuit", 435),
    ("1 Coffee, ground 500g", 925),
    ("1 Paper bag", 15),
)
"""What was bought, and its price in cents."""

WHEN, THANKS = "2025-04-05  09:41   Till 2", "Thank you, come again"


def total() -> int:
    return sum(price for _, price in ITEMS)


def tax() -> int:
    """What of the total is tax, at 7 %."""
    return round(total() * 7 / 107)


def lines() -> list[str]:
    """What is printed on it; a name and its price stand far apart."""
    bought = [part for name, price in ITEMS for part in (name, _money(price))]
    (name, price), (note, part) = _sums()
    return [*SHOP, *bought, name, "EUR", _money(price), note, _money(part), WHEN, THANKS]


def draw() -> bytes:
    """JPEG, in colour."""
    random = np.random.default_rng(2)
    paper = _curled(_print())
    photo = _on_table(paper, random)
    photo *= _lamp()[..., None] * np.array([1.0, 0.965, 0.90], np.float32)
    photo = cv2.GaussianBlur(photo, (0, 0), 0.9).astype(np.float32)
    return encoded(grain(photo, 0.02, random), "JPEG", quality=88)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _sums() -> list[tuple[str, int]]:
    return [("TOTAL", total()), ("incl. 7 % tax", tax())]


def _print() -> Picture:
    width, height = PAPER
    sheet = Sheet(width, height)
    left, right = 48, width - 48
    for y, text, size in zip((60, 128, 172), SHOP, (50, 30, 30), strict=True):
        sheet.write(width / 2, y, text, size=size, weight=int(size > 40), anchor="ma")
    y = 260
    sheet.rule(left, y - 16, right)
    for name, price in ITEMS:
        sheet.write(left, y, name, size=33)
        sheet.write(right, y, _money(price), size=33, anchor="ra")
        y += 62
    sheet.rule(left, y + 6, right, width=3)
    (name, price), (note, part) = _sums()
    sheet.write(left, y + 34, name, size=48, weight=1)
    sheet.write(left + 250, y + 44, "EUR", size=36)
    sheet.write(right, y + 34, _money(price), size=48, weight=1, anchor="ra")
    sheet.write(left, y + 118, note, size=30)
    sheet.write(right, y + 118, _money(part), size=30, anchor="ra")
    sheet.rule(left, y + 178, right)
    sheet.write(width / 2, y + 214, WHEN, size=30, anchor="ma")
    sheet.write(width / 2, y + 290, THANKS, size=34, anchor="ma")
    return sheet.picture()


def _curled(paper: Picture) -> Picture:
    """Thermal paper never lies flat: its rows bow, and a crease shows as a pale band."""
    height, width = paper.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    bow = 9 * np.sin(np.pi * x / width) * np.cos(2.2 * np.pi * y / height)
    bent = cv2.remap(paper, x, y + bow, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shade = 0.90 + 0.06 * np.cos(2.2 * np.pi * y / height + 0.6) - 0.05 * np.exp(-(((y - 0.62 * height) / 9) ** 2))
    return np.asarray(bent * shade, np.float32)


def _on_table(paper: Picture, random: np.random.Generator) -> Picture:
    """The paper in perspective on a wooden table, with the shadow it throws."""
    width, height = PHOTO
    table = _wood(random)
    flat = np.array([(0, 0), (PAPER[0], 0), PAPER, (0, PAPER[1])], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, np.array(CORNERS, np.float32))
    seen = cv2.warpPerspective(paper, matrix, (width, height), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.ones_like(paper), matrix, (width, height), flags=cv2.INTER_LINEAR)
    shadow = cv2.GaussianBlur(np.roll(mask, (16, 20), (0, 1)), (0, 0), 14)
    table *= (1 - 0.55 * shadow)[..., None]
    return np.asarray(table * (1 - mask[..., None]) + (seen * mask)[..., None], np.float32)


def _wood(random: np.random.Generator) -> Picture:
    width, height = PHOTO
    warp = blotches(height, width, 260, random) * 5
    x = np.arange(width, dtype=np.float32)[None] / 34
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (x + warp))
    fibre = blotches(height, width, 5, random)
    value = 0.30 + 0.07 * rings + 0.05 * fibre
    return np.asarray(value[..., None] * np.array([1.25, 0.86, 0.56], np.float32), np.float32)


def _lamp() -> Picture:
    """Light that falls off from the upper left, and a hand's soft shadow from the lower right."""
    width, height = PHOTO
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    falling = 1.06 - 0.42 * np.hypot((x - 330) / width, (y - 300) / height)
    hand = 0.20 / (1 + np.exp(-(x + 0.8 * y - 1850) / 60))
    return np.asarray(falling * (1 - hand), np.float32)
