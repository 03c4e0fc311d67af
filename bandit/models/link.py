"""From log-odds to a chance and back.

Written in numpy, so that whoever sends a newsletter needs no more than numpy.
"""

import numpy as np

from bandit.core.columns import Floats


def expit(x: Floats | float) -> Floats:
    """1 / (1 + exp(-x)), the chance that log-odds x stand for; any shape."""
    with np.errstate(over="ignore"):  # exp(800) is inf, and the chance 0
        return np.asarray(1 / (1 + np.exp(-x)))


def logit(p: Floats | float) -> Floats:
    """log(p / (1 - p)), the log-odds of chances strictly between 0 and 1; any shape."""
    return np.asarray(np.log(p / (1 - p)))
