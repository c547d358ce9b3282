"""How likely is a line exactly right? Its recogniser's own probabilities tell, once they are calibrated.

The recogniser gives a probability to each character and each gap of a line. Summed up, what it gave to anything else is
the number of errors that it expects in the line. It is too sure of itself: `line_confidence` turns that number into how
often lines with as many expected errors are right.
"""

from __future__ import annotations

import math

from .reading import Reading

BIAS = 0.92
LOG_ERRORS_WEIGHT = -0.43
ERRORS_WEIGHT = -1.85
"""Of a logistic model of two features, the logarithm of the expected errors and their number."""

FLOOR_ERRORS = 0.003
"""Added to the expected errors before their logarithm is taken: below it, lines are right equally often."""


def line_confidence(reading: Reading) -> float:
    """The chance that a line is exactly right, 0 to 1; the mean probability where the engine told nothing else."""
    errors = reading.expected_errors
    if errors is None:
        return reading.mean_probability
    return 1 / (1 + math.exp(-(BIAS + LOG_ERRORS_WEIGHT * math.log(errors + FLOOR_ERRORS) + ERRORS_WEIGHT * errors)))
