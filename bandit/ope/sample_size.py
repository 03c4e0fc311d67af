"""How many sends of equal weight tell as much as these.

Open this file when an evaluation says that sends count as few.
"""

import numpy as np

from bandit.core.columns import Floats


def effective_sample_size(w: Floats) -> float:
    """(sum w)^2 / sum w^2 of weights [n] (Kish 1965).

    This is the number of equally weighted sends that would be as good. It is between 1 and n, and
    0 where all weights are 0.

    Raises ValueError at the first weight that is negative, or not finite.
    """
    wrong = ~((w >= 0) & np.isfinite(w))
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(f"weight[{i}] = {w[i]}; must be a finite number, at least 0")
    largest = float(np.max(w, initial=0.0))
    if largest == 0.0:
        return 0.0
    scaled = np.asarray(w, np.float64) / largest
    return float(scaled.sum() ** 2 / (scaled**2).sum())
