"""Are lines right as often as their confidence says, by ground truth? And which weights would state it best?

A line is judged where its box and a transcribed one overlap (`pipeline.ocr.agreement.pair_lines`). It is right if the
two say the same but for letter case, spaces and forms of one character (NFKC).

Documents are split in two by their name, so that weights are never shown on what they were fitted to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pipeline.bench.truth import Truth, plain
from pipeline.ocr.agreement import Pair, ReadLine, ReadPage, pair_lines
from pipeline.ocr.text.confidence import BIAS, ERRORS_WEIGHT, LENGTH_WEIGHT, length_feature

EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
"""Of the bins that confidences are counted in; the last one holds 1 itself."""

FOLDS = 5
_STEPS, _STEP_ENDS, _SHRINK = 50, 1e-9, 1e-3
"""Newton's steps at most, the change of weights that ends them, and the weight of a penalty that keeps weights finite
where all lines are right."""

_SUREST = 1e-6
"""Confidences are kept this far from 0 and 1 before their log-odds are taken."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """A line that was delivered with the confidence `stated`, 0 to 1, and whether it is `right`. `length`: the feature
    of that name of its text."""

    document: str
    stated: float
    length: float
    right: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """Lines with a confidence from `low` up to `high`. `stated`: their mean confidence; `right`: the share of them."""

    low: float
    high: float
    lines: int
    stated: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """`error`: the expected calibration error, the mean distance of `stated` and `right` over the bins by their lines.
    `separation`: the area under the ROC curve, None where all lines are right or none is."""

    lines: int
    right: float
    error: float
    separation: float | None
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """Of `pipeline.ocr.text.confidence`. The default are those in use."""

    bias: float = BIAS
    errors: float = ERRORS_WEIGHT
    length: float = LENGTH_WEIGHT

    def restated(self, line: Judged) -> Judged:
        """The line as it would be delivered with these weights."""
        odds = self.bias + self.errors * _errors_feature(line) + self.length * line.length
        return replace(line, stated=1 / (1 + float(np.exp(-odds))))


def judged(readings: Mapping[str, Sequence[ReadPage]], known: Mapping[str, Truth]) -> list[Judged]:
    """The lines of first pages that ground truth has a line for."""
    return [
        _judged(name, pair)
        for name, pages in sorted(readings.items())
        if name in known and pages
        for pair in pair_lines(pages[0], _as_page(known[name])).pairs
    ]


def halves(lines: Iterable[Judged]) -> tuple[list[Judged], list[Judged]]:
    """Lines to fit weights to, and lines of other documents to show them on."""
    first: list[Judged] = []
    second: list[Judged] = []
    for line in lines:
        (second if crc32(line.document.encode()) % 2 else first).append(line)
    return first, second


def fitted(lines: Sequence[Judged]) -> Weights:
    """The weights under which these lines are likeliest. Needs at least one line."""
    inputs = np.array([[1.0, _errors_feature(line), line.length] for line in lines])
    right = np.array([line.right for line in lines], np.float64)
    weights = np.array([BIAS, ERRORS_WEIGHT, LENGTH_WEIGHT])
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (right - chances) - _SHRINK * weights
        curve = (inputs * (chances * (1 - chances))[:, None]).T @ inputs + _SHRINK * np.eye(3)
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < _STEP_ENDS:
            break
    return Weights(*weights.tolist())


def restated(lines: Iterable[Judged], weights: Weights) -> list[Judged]:
    return [weights.restated(line) for line in lines]


def cross_validated(lines: Sequence[Judged]) -> list[Judged]:
    """Each line with weights that were fitted without a fifth of the documents, its own among them."""
    found: list[Judged] = []
    for fold in range(FOLDS):
        rest = [line for line in lines if _fold(line) != fold]
        found += restated([line for line in lines if _fold(line) == fold], fitted(rest)) if rest else []
    return found


def _fold(line: Judged) -> int:
    """Independent of the half that a document is in."""
    return crc32(line.document.encode()) // 2 % FOLDS


def reliability(lines: Sequence[Judged]) -> Reliability:
    """Needs at least one line."""
    stated = np.array([line.stated for line in lines])
    right = np.array([line.right for line in lines])
    places = np.clip(np.searchsorted(EDGES, stated, side="right") - 1, 0, len(EDGES) - 2)
    bins = tuple(_bin(place, stated[places == place], right[places == place]) for place in np.unique(places).tolist())
    error = sum(one.lines * abs(one.stated - one.right) for one in bins) / len(lines)
    return Reliability(len(lines), float(right.mean()), error, _separation(stated, right), bins)


def _bin(place: int, stated: Values, right: NDArray[np.bool_]) -> Bin:
    return Bin(EDGES[place], EDGES[place + 1], len(stated), float(stated.mean()), float(right.mean()))


def _separation(stated: Values, right: NDArray[np.bool_]) -> float | None:
    """The chance that a line that is right has a higher confidence than one that is not; ties count half."""
    if right.all() or not right.any():
        return None
    ordered = np.sort(stated[~right])
    below, upto = (np.searchsorted(ordered, stated[right], side=side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(ordered))


def _judged(document: str, pair: Pair) -> Judged:
    text = pair.ours.text
    return Judged(document, pair.ours.confidence, length_feature(text), plain(text) == plain(pair.theirs.text))


def _errors_feature(line: Judged) -> float:
    """The logarithm of the expected errors: what the weights in use made the line's confidence of."""
    stated = min(max(line.stated, _SUREST), 1 - _SUREST)
    odds = float(np.log(stated / (1 - stated)))
    return (odds - BIAS - LENGTH_WEIGHT * line.length) / ERRORS_WEIGHT


def _as_page(truth: Truth) -> ReadPage:
    lines = tuple(ReadLine(line.text, line.polygon, 1.0) for line in truth.lines if line.text is not None)
    return ReadPage(truth.width, truth.height, lines)
