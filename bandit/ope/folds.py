"""Who is in which part of a log, where a model must not see what it is corrected by.

Open this file for the one way in which logs are divided.
"""

from collections.abc import Callable

import numpy as np

from bandit.core import check, keys
from bandit.core.types import Floats, Ids, Ints


def assign_folds(members: Ids, folds: int, seed: int = 0) -> Ints:
    """Each send's fold [n], 0 to folds - 1: all sends of a member in one, by a keyed lot.

    Raises ValueError for fewer than two folds.
    """
    check.whole("folds", folds, 2)
    lots = keys.uniforms(seed, "", "fold", keys.member_keys(members), 1)[:, 0]
    return np.asarray((lots * folds).astype(np.int64))


def cross_fit(
    members: Ids, fit: Callable[[Ints, Ints], tuple[Floats, Floats]], folds: int = 2, seed: int = 0
) -> tuple[Floats, Floats]:
    """What a model says of every send that was fitted on the sends of other members.

    members: [n]
    fit: called with the rows to fit on and the rows to speak of, either may hold no click or be
        empty; returns `shown` and `wanted` of the latter, whatever their shape after the first axis
    folds, seed: as for `assign_folds`

    Returns shown and wanted of all rows. Raises ValueError for fewer than two folds.
    """
    fold = assign_folds(members, folds, seed)
    parts = [np.flatnonzero(fold == each) for each in range(folds)]
    told = [fit(np.flatnonzero(fold != each), rows) for each, rows in enumerate(parts)]
    order = np.argsort(np.concatenate(parts))
    shown, wanted = (np.concatenate(each)[order] for each in zip(*told, strict=True))
    return shown, wanted
