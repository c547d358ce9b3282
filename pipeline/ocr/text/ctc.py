"""What a line says: greedy decoding of connectionist temporal classification (CTC)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLANK = 0
"""The class that stands for no character; PaddleOCR puts it first."""

SPACE = -1
SPACE_WEIGHT = 4.0
"""The class of the space, and how often it counts: it is what a squeezed line loses first.

F1 of words, 61 receipts and 31 pages of many scripts: 0.9535 and 0.7619 with 1, 0.9546 and 0.7616 with 4, 0.9551 and
0.7614 with 8, 0.9546 and 0.7607 with 16."""

Best = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Of each step, a class and its weighed probability, each (..., steps)."""


def weights(classes: int) -> NDArray[np.float32]:
    """(classes,): what each class's probability is multiplied with before the best is chosen."""
    every = np.ones(classes, np.float32)
    every[SPACE] = SPACE_WEIGHT
    return every


def weigh(probabilities: NDArray[np.float32]) -> None:
    """(..., steps, classes), in place, as by `weights`: but one is 1."""
    probabilities[..., SPACE] *= np.float32(SPACE_WEIGHT)


def best_classes(weighed: NDArray[np.float32]) -> Best:
    """(..., steps, classes) -> the best class of each step, and its weighed probability."""
    classes = weighed.argmax(axis=-1)
    return classes, np.take_along_axis(weighed, classes[..., None], axis=-1)[..., 0]


def best_among(weighed: NDArray[np.float32], allowed: NDArray[np.bool_], best: Best) -> Best:
    """(steps, classes) -> the best of the `allowed` classes of each step; `best` is that of all classes."""
    classes, values = best[0].copy(), best[1].copy()
    steps = np.flatnonzero(~allowed[classes])
    classes[steps], values[steps] = best_classes(weighed[steps] * allowed)
    return classes, values


def preferred(first: Best, second: Best, odds: float) -> Best:
    """Of each step the second choice, unless the first is `odds` times likelier or more."""
    taken = second[1] * np.float32(odds) > first[1]
    return np.where(taken, second[0], first[0]), np.where(taken, second[1], first[1])


def counted(classes: NDArray[np.int64]) -> NDArray[np.intp]:
    """(steps,) -> the steps at which a character is said: the first of its run, as PaddleOCR has it."""
    said = classes != BLANK
    said[1:] &= classes[1:] != classes[:-1]
    return np.flatnonzero(said)


def decode(best: Best, characters: Sequence[str]) -> tuple[str, float]:
    """Text of one line and the mean probability of its characters (0 where there are none).

    `best` is that of one line.
    """
    classes, weighed = best
    kept = counted(classes)
    if not len(kept):
        return "", 0.0
    text = "".join(characters[index] for index in classes[kept])
    spaces = classes[kept] == len(characters) - 1
    return text, float(np.where(spaces, weighed[kept] / SPACE_WEIGHT, weighed[kept]).mean(dtype=np.float64))
