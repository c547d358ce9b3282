"""How likely is a line exactly right? Its recogniser's own probabilities tell, once they are calibrated.

The recogniser gives a probability to each character and each gap of a line. Summed up, what it gave to anything else is
the number of errors that it expects in the line (`expected_errors`). It is too sure of itself, so `line_confidence`
turns that number into how often lines of this length with as many expected errors are right.
"""

from __future__ import annotations

import math

from .reading import Reading

BIAS, ERRORS_WEIGHT, LENGTH_WEIGHT = 0.371, -0.859, -0.271
"""Of a logistic model of two features: the logarithms of the expected errors and of the number of characters.
`pagestream bench --calibrate` fits them; docs/measured.md says on what."""

FLOOR_ERRORS = 0.02
"""Added to the expected errors before their logarithm is taken: lines in which fewer are expected are right about as
often as one another."""


def line_confidence(reading: Reading) -> float:
    """The chance that a line is exactly right, 0 to 1; the mean probability where the engine told nothing else."""
    if reading.expected_errors is None:
        return reading.mean_probability
    errors = ERRORS_WEIGHT * math.log(reading.expected_errors + FLOOR_ERRORS)
    return 1 / (1 + math.exp(-(BIAS + errors + LENGTH_WEIGHT * length_feature(reading.text))))


def length_feature(text: str) -> float:
    """The logarithm of the number of characters, spaces left out; that of 1 where there is none."""
    return math.log(max(1, len("".join(text.split()))))
