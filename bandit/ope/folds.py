"""Who is in which part of a log, where a model must not see what it is corrected by.

Open this file for the one way in which logs are divided.
"""

import numpy as np

from bandit.core import check, keys
from bandit.core.types import Ids, Ints


def assign_folds(members: Ids, folds: int, seed: int = 0) -> Ints:
    """Each send's fold [n], 0 to folds - 1: all sends of a member in one, by a keyed lot.

    Raises ValueError for fewer than two folds.
    """
    check.whole("folds", folds, 2)
    lots = keys.uniforms(seed, "", "fold", keys.member_keys(members), 1)[:, 0]
    return np.asarray((lots * folds).astype(np.int64))
