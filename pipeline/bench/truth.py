"""Ground truth: where two readings of a line differ, which is nearer to what is printed there?

A truth file is `<document's name without or with its suffix>.json`: {"width", "height", "lines": [{"text", "box":
[[x, y] * 4], "ignore"?}]}, pixels of the first page. Letter case, spacing and forms of one character (NFKC) are left
out of the comparison: transcripts follow customs of their own there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import orjson

from pipeline.errors import Fatal
from pipeline.ocr.agreement import Points, area, edit_distance, intersection, without_spaces

UNDER = 0.5
"""Part of the smaller of two boxes that must be shared for a transcript to be about a line."""


class Sides(StrEnum):
    """Whom ground truth sides with. `UNKNOWN`: nothing is transcribed there."""

    OURS = "ours"
    THEIRS = "theirs"
    NEITHER = "neither"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Printed:
    """`polygon`: (4, 2) float32 in the truth's pixels. `text` None: something is there that nobody transcribed."""

    text: str | None
    polygon: Points


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is printed on the first page of a document."""

    width: int
    height: int
    lines: tuple[Printed, ...]

    def under(self, polygon: Points, *, width: int, height: int) -> str | None:
        """The transcript under a polygon of a page of that size, in reading direction; None where there is none."""
        scale = np.array([self.width / max(width, 1), self.height / max(height, 1)], np.float32)
        here = np.asarray(polygon * scale, np.float32)
        found = [line for line in self.lines if _shares(line.polygon, here)]
        direction = here[1] - here[0]
        found.sort(key=lambda line: float(line.polygon.mean(axis=0) @ direction))
        texts = [line.text for line in found]
        return None if None in texts or not texts else " ".join(text for text in texts if text)


def closer(ours: str, theirs: str, truth: str | None) -> Sides:
    if truth is None:
        return Sides.UNKNOWN
    printed = plain(truth)
    one, other = edit_distance(plain(ours), printed), edit_distance(plain(theirs), printed)
    if one == other:
        return Sides.NEITHER
    return Sides.OURS if one < other else Sides.THEIRS


def truths(folder: Path, names: Iterable[str]) -> dict[str, Truth]:
    """By the document's name; those without a truth file, or without boxes in it, are left out."""
    found = {}
    for name in names:
        last = PurePosixPath(name)
        path = next((folder / f"{stem}.json" for stem in (last.name, last.stem) if (folder / f"{stem}.json").is_file()),
                    None)  # fmt: skip
        truth = _read(path) if path is not None else None
        if truth is not None:
            found[name] = truth
    return found


def _read(path: Path) -> Truth | None:
    try:
        told = orjson.loads(path.read_bytes())
        lines = told.get("lines") or ()
        if any(line["box"] is None and not line.get("ignore") for line in lines):
            return None
        return Truth(told["width"], told["height"], tuple(_printed(line) for line in lines)) if lines else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Fatal(
            "A file in the --truth folder is not in the form that `pagestream bench --help` describes.",
            code="bench_bad_truth",
            stage="bench",
        ) from error


def _printed(line: dict[str, Any]) -> Printed:
    box = np.asarray(line["box"] if line["box"] is not None else np.zeros((4, 2)), np.float32).reshape(-1, 2)
    return Printed(None if line.get("ignore") else str(line["text"]), box)


def _shares(one: Points, other: Points) -> bool:
    smaller = min(area(one), area(other))
    return smaller > 0 and intersection(one, other) >= UNDER * smaller


def plain(text: str) -> str:
    """Without letter case, spaces and forms of one character."""
    return without_spaces(unicodedata.normalize("NFKC", text)).casefold()
