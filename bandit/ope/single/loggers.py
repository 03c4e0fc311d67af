"""Several loggers in one log: last month's policy, this month's, and a share at random.

Agarwal, Basu, Schnabel & Joachims (2017), "Effective evaluation using logged bandit feedback from
multiple loggers". Plain weights of each send's own logger stay unbiased; these have less variance.
Open this file where not every send was chosen by the same policy.
"""

import numpy as np

from bandit.core import check
from bandit.core.types import Floats, Ints


def balance(chances: Floats, sends: Floats | Ints) -> Floats:
    """The mean chance of what was shown over the loggers, by how much each sent, [n].

    Put it in place of `logged` (`weighing.weigh`): the balance heuristic of multiple importance
    sampling (Veach & Guibas 1995), balanced IPS in Agarwal et al. (2017), eq. 3. No such weight is
    larger than the largest of a single logger, and one logger may lack support if another has it.

    chances: [n, l], of each logger, for what was shown to each
    sends: [l], how many each logger sent

    Raises ValueError for shapes that differ, sends below 0, and where no logger had a chance.

    >>> balance(np.array([[0.5, 0.1]]), np.array([1, 3])).tolist()
    [0.2]
    """
    check.shape("sends", sends, chances.shape[1:])
    if min(sends, default=-1) < 0 or not sum(sends) > 0:
        raise ValueError(f"sends = {list(sends)}; must be at least 0, and one of them above")
    mean = chances @ (np.asarray(sends, np.float64) / np.sum(sends))
    if not (mean > 0).all():
        raise ValueError(f"send {int(np.argmin(mean))}: no logger could have shown this")
    return np.asarray(mean)


def weigh_loggers(terms: Floats, logger: Ints) -> Floats:
    """What each send's term counts for, [n], with mean 1: its logger's precision.

    terms * weigh_loggers(terms, logger) averages the loggers' own estimates by the inverse of their
    variances: weighted IPS in Agarwal et al. (2017), eq. 5. A logger whose terms do not vary at
    all would take all the weight, and is refused.

    terms: [n], of any estimator whose terms' mean is an estimate for each logger alone
    logger: [n], which one chose, whole numbers from 0; each has at least two sends

    Raises ValueError for shapes that differ, and a logger without spread or with one send.
    """
    check.shape("logger", logger, terms.shape)
    count = np.bincount(logger)
    used = count > 0
    mean = np.bincount(logger, terms) / np.maximum(count, 1)
    spread = np.bincount(logger, (terms - mean[logger]) ** 2) / np.maximum(count, 1)
    flat = used & ~(spread > 0)
    if flat.any():
        which = int(flat.argmax())
        raise ValueError(
            f"logger {which}: its {count[which]} terms do not vary, so nothing says how good they "
            "are; use `balance`"
        )
    precision = np.divide(1.0, spread, out=np.zeros_like(spread), where=used)
    return np.asarray((len(terms) * precision / (count * precision).sum())[logger])
