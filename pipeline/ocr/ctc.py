"""What a line says: greedy decoding of connectionist temporal classification (CTC)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLANK = 0
"""The class that stands for no character; PaddleOCR puts it first."""

Best = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Of each step, a class and its probability, each (..., steps)."""


def alphabet(dictionary: Sequence[str]) -> tuple[str, ...]:
    """Class number -> character: blank, the dictionary in its order, and the space PaddleOCR adds last."""
    return ("", *dictionary, " ")


def best_classes(probabilities: NDArray[np.float32]) -> Best:
    """(..., steps, classes) -> the best class of each step, and its probability."""
    classes = probabilities.argmax(axis=-1)
    return classes, np.take_along_axis(probabilities, classes[..., None], axis=-1)[..., 0]


def best_among(probabilities: NDArray[np.float32], allowed: NDArray[np.bool_], best: Best) -> Best:
    """(steps, classes) -> the best of the `allowed` classes of each step; `best` is that of all classes."""
    classes, values = best[0].copy(), best[1].copy()
    steps = np.flatnonzero(~allowed[classes])
    classes[steps], values[steps] = best_classes(probabilities[steps] * allowed)
    return classes, values


def preferred(first: Best, second: Best, odds: float) -> Best:
    """Of each step the second choice, unless the first is `odds` times likelier or more."""
    taken = second[1] * np.float32(odds) > first[1]
    return np.where(taken, second[0], first[0]), np.where(taken, second[1], first[1])


def decode(best: Best, characters: Sequence[str]) -> tuple[str, float]:
    """Text of one line and the mean probability of its characters (0 where there are none).

    `best` is that of one line. A character counts at the first step of its run, as PaddleOCR does.
    """
    classes, probabilities = best
    kept = classes != BLANK
    kept[1:] &= classes[1:] != classes[:-1]
    if not kept.any():
        return "", 0.0
    text = "".join(characters[index] for index in classes[kept])
    return text, float(probabilities[kept].mean(dtype=np.float64))
