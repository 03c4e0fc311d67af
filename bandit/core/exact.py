"""Matrix products that give the same bits in any batch, on any machine.

A BLAS product's last bits depend on the batch's shape. Here both factors first go onto a grid of 2^-20. Every partial
sum is then a multiple of 2^-40, and as long as sum |a b| < 2^13 it needs at most 53 bits: each float64 addition is
exact, so the order of summation cannot matter.
"""

import numpy as np
from numpy.typing import NDArray

GRID = 2.0**20
LIMIT = 2.0**13


def snap(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """`x` rounded to multiples of 2^-20, as float64."""
    snapped: NDArray[np.float64] = np.rint(np.asarray(x, dtype=np.float64) * GRID) / GRID
    return snapped


def dot(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """`a` [n, d] times `b` [m, d] transposed, [n, m]: exact for the factors on the grid.

    Raises ValueError where the sum could leave the exact range.
    """
    a, b = snap(a), snap(b)
    # Cauchy-Schwarz: sum |a_d b_d| <= |a| |b|, row by row, so the check does not depend on the batch either
    reach = _longest(a) * _longest(b)
    if not reach < LIMIT:
        raise ValueError(
            f"scores could reach {reach:.3g}; exact products need less than {LIMIT:.0f}: scale the features"
        )
    return a @ b.T


def _longest(x: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.einsum("nd,nd->n", x, x).max(initial=0.0)))
