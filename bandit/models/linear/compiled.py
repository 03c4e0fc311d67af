"""Widths of linear models as a compiled loop over the attributes that a member has.

One-hot attributes are mostly 0, six of thirty here: x' C x then needs 36 of 900 entries. All sums
are on the grid of `exact`, so they have the bits of the whole product whatever is left out. With
200 articles a member takes .8 microseconds where numpy's products take 20.
"""

import numpy as np

from bandit.compiling import compile_for
from bandit.core.exact import GRID
from bandit.core.types import Floats


@compile_for("void(float64[:,::1], float64[:,:,::1], float64[:,::1])")
def add_squares(x: Floats, C: Floats, squares: Floats) -> None:
    """Add x' C x of each member and article to `squares` [n, m].

    x: [n, p], on the grid
    C: [p, p, m], of each article, on the grid
    """
    (n, p), m = x.shape, C.shape[2]
    has, along = np.empty(p, np.int64), np.empty(m)
    for i in range(n):
        count = 0
        for r in range(p):
            if x[i, r] != 0.0:
                has[count] = r
                count += 1
        for r in has[:count]:
            along[:] = 0.0
            for s in has[:count]:
                for j in range(m):
                    along[j] += x[i, s] * C[r, s, j]
            for j in range(m):
                squares[i, j] += x[i, r] * (np.rint(along[j] * GRID) / GRID)
