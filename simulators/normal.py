"""Normal and lognormal numbers from keyed uniform numbers."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri


def to_normal(uniform: NDArray[np.floating]) -> NDArray[np.float64]:
    """Standard normal numbers by the inverse of the normal CDF, of the shape of `uniform`.

    Uniforms in [0, 1) are kept 1e-12 away from both ends, so no number is beyond 7.04.
    """
    return np.asarray(ndtri(np.clip(uniform, 1e-12, 1 - 1e-12)))


def to_lognormal(
    uniform: NDArray[np.floating], median: float, spread: float
) -> NDArray[np.float64]:
    """Lognormal numbers of the shape of `uniform`; `spread` is the sd of their logarithm."""
    return np.asarray(median * np.exp(spread * to_normal(uniform)))
