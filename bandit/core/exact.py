"""Matrix products that give the same bits in any batch, on any machine.

The last bits of a BLAS product depend on the shape of the batch. Here both factors are first
rounded to a grid of 2^-20. Every partial sum is then a multiple of 2^-40, and as long as
sum |a b| < 2^13 it needs at most 53 bits: each float64 addition is exact, so the order of
summation cannot matter.

Open this file when scores have to be the same for a member whoever else is planned for.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GRID = 2.0**20
LIMIT = 2.0**13


def snap(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """`x` rounded to multiples of 2^-20, as float64."""
    snapped = np.asarray(np.multiply(x, GRID, dtype=np.float64))
    np.rint(snapped, snapped)
    snapped *= 1 / GRID  # a power of two: to multiply is as exact as to divide, and faster
    return snapped


class Factor(NamedTuple):
    """A factor of exact products, rounded to the grid once for however many of them.

    table: [n, d], rounded to the grid
    longest: Euclidean length of its longest row, by which `dot` bounds the sums
    """

    table: NDArray[np.float64]
    longest: float

    @classmethod
    def of(cls, x: "NDArray[np.floating] | Factor") -> "Factor":
        """The factor of a table, or the factor itself."""
        if isinstance(x, Factor):
            return x
        table = snap(x)
        return cls(table, _find_longest(np.einsum("nd,nd->n", table, table)))

    @classmethod
    def of_parts(cls, x: NDArray[np.floating], at: int) -> "tuple[Factor, Factor]":
        """The factors of a table's rows before row `at`, and of the rest, in as many calls."""
        table = snap(x)
        squares = np.einsum("nd,nd->n", table, table)
        return (
            cls(table[:at], _find_longest(squares[:at])),
            cls(table[at:], _find_longest(squares[at:])),
        )


def _find_longest(squares: NDArray[np.float64]) -> float:
    """The greatest length of rows with these squares; 0 where there is none."""
    one = len(squares) == 1
    return math.sqrt(squares.item() if one else np.maximum.reduce(squares, initial=0.0))


def dot(a: NDArray[np.floating] | Factor, b: NDArray[np.floating] | Factor) -> NDArray[np.float64]:
    """`a` [n, d] times `b` [m, d] transposed, [n, m]: exact for the factors rounded to the grid.

    Raises ValueError where the sum could leave the exact range.
    """
    a, b = Factor.of(a), Factor.of(b)
    # by Cauchy-Schwarz sum |a_d b_d| <= |a| |b| in each row
    reach = a.longest * b.longest
    if not reach < LIMIT:
        raise ValueError(
            f"scores could reach {reach:.3g}; exact products need less than {LIMIT:.0f}: "
            "scale the features"
        )
    return a.table @ b.table.T
