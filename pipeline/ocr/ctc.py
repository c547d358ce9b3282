"""What a line says: greedy decoding of connectionist temporal classification (CTC)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLANK = 0
"""The class that stands for no character; PaddleOCR puts it first."""


def alphabet(dictionary: Sequence[str]) -> tuple[str, ...]:
    """Class number -> character: blank, the dictionary in its order, and the space PaddleOCR adds last."""
    return ("", *dictionary, " ")


def best_classes(probabilities: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(..., steps, classes) -> the best class of each step, and its probability."""
    classes = probabilities.argmax(axis=-1)
    return classes, np.take_along_axis(probabilities, classes[..., None], axis=-1)[..., 0]


def decode(
    classes: NDArray[np.int64], probabilities: NDArray[np.float32], characters: Sequence[str]
) -> tuple[str, float]:
    """Text of one line and the mean probability of its characters (0 where there are none).

    `classes` and `probabilities` are (steps,). A character counts at the first step of its run, as PaddleOCR does.
    """
    kept = classes != BLANK
    kept[1:] &= classes[1:] != classes[:-1]
    if not kept.any():
        return "", 0.0
    text = "".join(characters[index] for index in classes[kept])
    return text, float(probabilities[kept].mean(dtype=np.float64))
