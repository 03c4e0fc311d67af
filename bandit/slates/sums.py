"""Sums over the articles that have the same bits whichever other members are in the array.

numpy chooses the order of a sum by the array's shape, and the order decides the last bit. Here sums
run over the articles in a fixed order, one after the other. Open this file to see which order the
masses of a slot are added in.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK = 8  # articles that are summed together
NO_WEIGHT = 1e-300  # less than any sum of weights that are there (`exploration.weigh`)
# Members until whom one call that adds in order costs less than a call for each article. numpy's
# accumulate has no order of its own: each sum is made of the one before, so the bits are the same.
FEW = 100


def add_up(mass: NDArray[np.floating]) -> NDArray[np.float64]:
    """Sums [n] over the articles of mass [n, m]: blocks of eight first, then the blocks.

    Where one article is taken away, only its block has to be summed again, and the bits are those
    of summing everything again.
    """
    n, m = mass.shape
    if n <= FEW:
        blocks = np.zeros((n, -(-m // BLOCK), BLOCK), dtype=mass.dtype)
        blocks.reshape(n, -1)[:, :m] = mass  # adding a 0 changes nothing
        summed = np.add.accumulate(np.add.accumulate(blocks, axis=2)[..., -1], axis=1)
        return np.asarray(summed[:, -1])
    columns = np.ascontiguousarray(mass.T)
    sums = [add_rows(columns[at : at + BLOCK]) for at in range(0, len(columns), BLOCK)]
    return add_rows(np.stack(sums))


def cumulate(mass: NDArray[np.floating]) -> NDArray[np.floating]:
    """Cumulative sums [m, n] over the articles of mass [m, n]; the last row holds the totals."""
    if mass.shape[1] <= FEW:
        return np.asarray(np.add.accumulate(mass, axis=0))
    mass = np.ascontiguousarray(mass)
    sums = np.empty_like(mass)
    sums[:1] = mass[:1]
    for j in range(1, len(mass)):
        np.add(sums[j - 1], mass[j], out=sums[j])
    return sums


def add_rows(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """The sum [n] of the rows [j, n], from the first row on."""
    whole: NDArray[np.float64] = rows[0].copy()
    for row in rows[1:]:
        np.add(whole, row, out=whole)
    return whole
