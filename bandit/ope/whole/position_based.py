"""Position-based weights: a click is a look at the slot times the article's appeal, and no more.

Where that holds, what an article earned in one slot says what it would earn in any other, so an
article counts wherever the logger might have put it. Li et al. (2018), section 4.3. The curve of
looks may be known, or is estimated from the same log; its uncertainty is then part of the terms.
Open this file to see how.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Bools, Floats
from bandit.ope.inputs import check_chances
from bandit.ope.trust.tiredness import undo

if TYPE_CHECKING:
    from bandit.ope.whole.beside import Beside

Terms = NDArray[np.float64]
STEPS, CLOSE = 5000, 1e-10  # of the climb to the curve; it stops where no slot moves by more


def weigh_positions(logged: Floats, target: Floats, curve: Floats) -> Floats:
    """sum_l curve[l] target[i, j, l] / sum_l curve[l] logged[i, j, l], [n, k].

    Where a slot is never looked at and its article cannot be shown elsewhere, the weight is 1.

    logged, target: [n, k, k], as in `inputs.check_chances`
    curve: [k], the chance that each slot is looked at, up to a factor; at least 0
    """
    check.shape("curve", curve, logged.shape[1:2])
    if not ((curve >= 0) & np.isfinite(curve)).all() or not curve.any():
        raise ValueError(f"curve = {curve.tolist()}; must be finite, at least 0, and not all 0")
    above, below = target @ curve, logged @ curve
    return np.divide(above, below, out=np.ones_like(below), where=below > 0)


def split_positions(logged: Floats, target: Floats, reward: Floats, curve: Floats) -> Floats:
    """What of `position_based` falls in each slot of the target, [n, k].

    It is sum_j reward[i, j] curve[l] target[i, j, l] / sum_m curve[m] logged[i, j, m]: a click says
    what the article would earn in each slot that the target may show it in.

    logged, target, reward, curve: as for `position_based`
    """
    below = (logged @ curve)[..., None]
    each = np.divide(target * curve, below, out=np.zeros_like(target), where=below > 0)
    return np.asarray(np.einsum("njl,nj->nl", each, np.asarray(reward, np.float64)))


def position_based(logged: Floats, target: Floats, reward: Floats | Bools, curve: Floats) -> Terms:
    """sum_j weigh_positions[i, j] reward[i, j], terms [n], with a curve that is known.

    It is unbiased where P(click) = curve[slot] x appeal(member, article). With one slot it is IPS.

    Raises ValueError for values that cannot be (`inputs.check_chances`), and what is no curve.
    """
    check_chances(logged, target, reward)
    terms: Terms = (weigh_positions(logged, target, curve) * reward).sum(axis=1)
    return terms


def estimate_curve(logged: Floats, reward: Floats | Bools) -> Floats:
    """The curve [k] from which slot each click came, 1 at the first slot that had any.

    Of a clicked article the slot is known, and so is how likely the logger was to put it in any
    other: under the position-based model a click comes from slot l with probability
    curve[l] logged[i, j, l] over its sum, whatever the article's appeal and the member's readiness
    to open. The curve is where that likelihood is highest, found by Hunter's (2004, "MM algorithms
    for generalized Bradley-Terry models") steps; the idea is the intervention harvesting of
    Agarwal, Zaitsev, Wang, Li, Najork & Joachims (2019). A slot without a click has 0.

    logged: [n, k, k], as in `inputs.check_chances`; reward: [n, k], at least 0

    Raises ValueError where nothing was clicked.
    """
    row, slot = np.nonzero(reward)
    clicks = np.asarray(reward, np.float64)[row, slot]
    if not len(clicks):
        raise ValueError("nothing was clicked: there is no curve to be estimated")
    chance, k = logged[row, slot], logged.shape[1]
    total = np.bincount(slot, clicks, k)
    curve = np.where(total > 0, 1.0, 0.0)
    for _ in range(STEPS):
        support = (clicks / (chance @ curve)) @ chance
        moved = np.divide(total, support, out=np.zeros(k), where=support > 0)
        moved /= moved.max()
        near = np.abs(moved - curve).max() < CLOSE
        curve = moved
        if near:
            break
    return np.asarray(curve / curve[np.flatnonzero(total)[0]])


def position_based_learned(
    logged: Floats, target: Floats, reward: Floats | Bools, curve: Floats | None = None
) -> Terms:
    """`position_based` with the curve of `estimate_curve`, terms [n].

    A term is that of the known curve, and how far the send moved the curve times how far the curve
    moves the estimate (the influence function of an estimate in two steps: Newey & McFadden 1994).
    The mean is as before, and the spread holds the curve's uncertainty. Where nothing was clicked
    all terms are 0.

    curve: that of `estimate_curve` for the same log; None: it is found

    Raises ValueError for values that cannot be (`inputs.check_chances`).
    """
    check_chances(logged, target, reward)
    if not np.any(reward):
        return np.zeros(len(logged))
    clicks = np.asarray(reward, np.float64)
    curve = estimate_curve(logged, clicks) if curve is None else curve
    weight = weigh_positions(logged, target, curve)
    base = np.maximum(logged @ curve, 1e-300)[..., None]
    share = logged * curve / base  # of each slot in the clicks, [n, k, k]
    score = clicks - np.einsum("nj,njl->nl", clicks, share)
    spread = np.einsum("nj,njl->l", clicks, share)
    information = np.diag(spread) - np.einsum("nj,njl,njm->lm", clicks, share, share)
    slope = np.einsum("nj,njl->l", clicks, target * curve / base - weight[..., None] * share)
    terms: Terms = (weight * clicks).sum(axis=1)
    terms += score @ (np.linalg.pinv(information, hermitian=True, rcond=1e-9) @ slope)
    return terms


def read_positions(log: "Beside", share: float) -> tuple[Floats, Floats]:
    """`position_based_learned` for `tiredness.find_terms`: terms [n], and by slot [n, k]."""
    free = undo(log.reward, share)
    if not free.any():
        nothing = log.spread(free)
        return nothing.sum(axis=1), nothing
    curve = estimate_curve(log.logged, free)
    terms = position_based_learned(log.logged, log.target, free, curve)
    return log.spread(terms), log.spread(split_positions(log.logged, log.target, free, curve))
