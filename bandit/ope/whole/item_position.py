"""Item-position weights: a click depends on the member, the article and the slot, on no other slot.

Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen (2018), "Offline evaluation of ranking
policies with click models", section 4; the independent estimator of McInerney et al. (2020).
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bandit.core.types import Bools, Floats
from bandit.ope.inputs import check_chances, weigh_items
from bandit.ope.trust.tiredness import undo

if TYPE_CHECKING:
    from bandit.ope.whole.beside import Beside


def item_position(logged: Floats, target: Floats, reward: Floats | Bools) -> NDArray[np.float64]:
    """sum_j target[i, j, j] / logged[i, j, j] reward[i, j], terms [n].

    It is unbiased where a click depends on its own slot and article alone. The weights do not
    multiply down the slate, so its variance is that of single slots. With one slot it is IPS.

    Raises ValueError for values that cannot be (`inputs.check_chances`).

    >>> logged, target = np.full((3, 1, 1), 0.25), np.array([0.5, 0.0, 1.0]).reshape(3, 1, 1)
    >>> item_position(logged, target, np.array([[1.0], [1.0], [0.0]])).tolist()
    [2.0, 0.0, 0.0]
    """
    check_chances(logged, target, reward)
    terms: NDArray[np.float64] = (weigh_items(logged, target) * reward).sum(axis=1)
    return terms


def read_items(log: "Beside", share: float) -> tuple[Floats, Floats]:
    """`item_position` as `tiredness.find_terms` takes it: terms [n], and by slot [n, k]."""
    free = undo(log.reward, share)
    terms = log.spread(item_position(log.logged, log.target, free))
    return terms, log.spread(weigh_items(log.logged, log.target) * free)
