"""Do clicks in one slot depend on what the others show? A test on the log itself.

Item-position and position-based estimators assume that they do not, the cascade that they depend on
the slots above alone. The logger drew the slates, so this can be asked of the log: given the
article of a slot, what stands in the other slots was left to chance that is known. If clicks do not
depend on it, the sends that were clicked have neither more nor less appealing neighbours than that
chance says: a randomisation test (Fisher 1935) whose null distribution needs no model of clicks.
Open this file to see what is compared, and what the p-values mean.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bandit.core.ids import number_ids
from bandit.core.types import Bools, Floats, Ids
from bandit.ope.trust.tiredness import MOST, count_opened, count_pairs

if TYPE_CHECKING:
    from bandit.slates.walks import Walks

DOUBT = 0.01  # a p-value below this is taken as proof that clicks depend on other slots
CROWDED = 0.1  # likewise of `together`, for where a click keeps others away an estimate is far off
PIECE = 2000  # members whose articles are ranked at once, to save memory
# Of the pairs of clicks in one newsletter that independent slots would give, at least so many are
# expected: an article that stands in one slot is missing in another, which takes some of them away.
AT_LEAST = 0.7
OF_ONE = 0.95  # the same beside pairs of clicks of the same member in two newsletters


@dataclass(frozen=True)
class Dependence:
    """What the log says of clicks and the articles in other slots.

    above: p-value of: clicks do not depend on the articles above
    below: p-value of: clicks do not depend on the articles below
    together: p-value of: a click does not keep others away
    kept: the share of clicks below it that a click keeps away; estimates of slots apart allow for
        that, so that it refutes nothing, up to `tiredness.MOST`; None: not known
    error: its standard error
    NaN where there is nothing to tell it by.
    """

    above: float
    below: float
    together: float = float("nan")
    kept: float | None = None
    error: float = 0.0

    @property
    def least(self) -> float:
        """The smallest p-value of what is not allowed for; NaN where there is none."""
        together = self.together if self.kept is None else float("nan")
        known = [p for p in (self.above, self.below, together) if p == p]
        return min(known, default=float("nan"))

    @property
    def refuted(self) -> bool:
        """Whether slots are not apart."""
        return self.above < DOUBT or self.below < DOUBT or self.crowded

    @property
    def crowded(self) -> bool:
        """Whether a click keeps others away, and estimates of slots apart cannot allow for it."""
        return self.together < CROWDED if self.kept is None else self.kept > MOST

    @property
    def sure(self) -> bool:
        """Whether it is no luck that clicks are kept away: share over two standard errors."""
        return self.kept is not None and self.kept > 2 * self.error

    @property
    def words(self) -> str:
        """The finding in a sentence."""
        if np.isnan(self.least):
            return "the log cannot tell whether clicks depend on other slots"
        for where, p in (("above", self.above), ("below", self.below)):
            if p < DOUBT:
                return f"clicks depend on the articles {where} (p = {p:.2g})"
        if self.crowded:
            return f"a click in one slot keeps others away (p = {self.together:.2g})"
        told = f"(p = {self.least:.2g})"
        if not self.kept:
            return f"no sign that clicks depend on other slots {told}"
        if self.sure:
            kept = f"a click keeps {self.kept:.0%} of those below away, which is allowed for"
            return f"{kept}; no sign that clicks depend on what stands in other slots {told}"
        none = f"no sign that clicks depend on what stands in other slots {told}"
        return f"{none}; a click may keep others below away, which is allowed for"


def rank_appeal(appeal: Floats, open: Bools) -> Floats:
    """The share of a member's open articles that an article beats, ties by half, less .5, [n, m].

    Ranks keep one outlying score from being the whole test. What is not open has 0.

    appeal: [n, m], in any unit, NaN for unknown; open: [n, m]
    """
    from scipy.stats import rankdata  # the sender has no need of it

    known = open & np.isfinite(appeal)
    rank = rankdata(np.where(known, appeal, np.inf), axis=1) - 0.5
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.where(known, rank / count - 0.5, 0.0)


def score_appeal(appeal: Floats, open: Bools) -> Floats:
    """The normal scores of the open articles in a member's order, 0 for the others, [n, m].

    Van der Waerden (1952): the quantiles of a normal variable at the articles' ranks.

    appeal: [n, m], in any unit, NaN for unknown; open: [n, m]

    >>> score_appeal(np.array([[0.2, 0.9, 0.4]]), np.array([[True, True, True]])).round(2).tolist()
    [[-0.97, 0.97, 0.0]]
    """
    from scipy.special import ndtri  # the sender has no need of it

    found = np.empty(appeal.shape)
    for at in range(0, len(found), PIECE):
        some = slice(at, at + PIECE)
        found[some] = ndtri(rank_appeal(appeal[some], open[some]) + 0.5)
    return found


def lean(walks: "Walks", reward: Floats | Bools, appeal: Floats) -> Floats:
    """How much more each click has appealing neighbours than chance says, [e, k, c, 2].

    The last axis is: the slots above a click, the slots below. If clicks do not depend on them,
    each has mean 0 for every send, whatever the member and the clicked article are like: given the
    walks, each that leaves the article open was the sent one with a probability that is known, the
    chance that it shows the article.

    walks: of the logger; the slates that were sent come first
    reward: [e, k]
    appeal: [e, m, c], fixed before these clicks came (`rank_appeal`), as for `walk_beside`
    """
    e, _, c = appeal.shape
    known = np.concatenate([appeal, np.zeros((e, 1, c))], axis=1)  # -1, the last: empty
    shown = known[np.arange(e)[None, :, None], walks.choice]  # [d, e, k, c]
    k = reward.shape[1]
    found = np.zeros((e, k, c, 2))
    for j in range(k):
        chance = walks.chance[:, :, j, j]
        total = chance.sum(axis=0)
        share = np.divide(chance, total, out=np.zeros_like(chance), where=total > 0)
        expected = np.einsum("de,delc->elc", share, shown[:, :, :j])
        above = (shown[0, :, :j] - expected).sum(axis=1)
        below = (shown[0, :, j + 1 :] - walks.mean[:, j + 1 :]).sum(axis=1)
        found[:, j] = reward[:, j, None, None] * np.stack([above, below], axis=2)
    return found


def find_dependence(leans: Floats, members: Ids) -> Dependence:
    """p-values of all that leans [e, k, c, 2] say, with c kinds of appeal, clustered by member [e].

    The sums of the kinds are compared with their cluster-robust spread by Wald's chi-square.
    """
    member = number_ids(members)
    return Dependence(*(_find_p(leans[..., side].sum(axis=1), member) for side in range(2)))


def _find_p(leans: Floats, member: Ids) -> float:
    """Wald's p-value that columns [e, c], of known mean 0, sum to 0; NaN if there is nothing."""
    from scipy.special import chdtrc  # the sender has no need of it

    groups = np.stack(
        [np.bincount(member, column).astype(np.float64) for column in leans.T], axis=1
    )
    spread, total = groups.T @ groups, leans.sum(axis=0)
    scale = np.sqrt(np.diag(spread))
    kept = scale > 0
    if not kept.any():
        return float("nan")
    spread = (spread / np.outer(scale + ~kept, scale + ~kept))[np.ix_(kept, kept)]
    total = (total / (scale + ~kept))[kept]
    value, vector = np.linalg.eigh(spread)
    firm = value > 1e-6
    wald = ((vector.T @ total)[firm] ** 2 / value[firm]).sum()
    return float(chdtrc(int(firm.sum()), wald))


def find_crowding(reward: Floats | Bools, sends: int) -> float:
    """p-value that a click does not keep others away, from the clicks [e, k] of some of the sends.

    If slots were independent, sends would have sum_{j < l} C_j C_l / n pairs of clicks, C_j of them
    in slot j. Who opens, and who likes to click, only adds to that. Fewer than 70 % of it, beyond
    the chance of a Poisson number, is what a reader leaves who has found something: a cascade.

    reward: of all sends that had a click, and any others
    sends: how many there were in all

    NaN where there are no pairs to be expected.
    """
    from scipy.special import pdtr  # the sender has no need of it

    clicked = np.asarray(reward) != 0
    count = clicked.sum(axis=0).astype(np.float64)
    expected = (count.sum() ** 2 - (count**2).sum()) / 2 / sends
    if not expected > 0:
        return float("nan")
    each = clicked.sum(axis=1)
    return float(pdtr(int((each * (each - 1)).sum()) // 2, AT_LEAST * expected))


def find_crowding_of_one(clicked: Floats | Bools, opened: Bools, members: Ids) -> float:
    """p-value that a click does not keep others away, from members who opened at least twice.

    If slots were independent, two slots of one opened newsletter would be clicked together as often
    as the one in one newsletter and the other in another that the same member opened: who opens,
    and who likes to click, is on both sides. Fewer than 95 % of it, beyond what differs from member
    to member, is what a reader leaves who has found something. A click is as good as a look from
    then on, so this also tells the models in which a click but makes less likely what follows.

    clicked: [n, k], of all sends
    opened: [n], the member opened it; programs that open hide something and make up nothing
    members: [n], ids

    NaN where nobody has clicked in two newsletters.
    """
    from scipy.special import ndtr  # the sender has no need of it

    count = (np.asarray(clicked) != 0).astype(np.float64)
    member, opens = count_opened(count, opened, members)
    pairs = [
        count_pairs(count[:, :slot].sum(axis=1), count[:, slot], member, opens)
        for slot in range(count.shape[1])
    ]
    within, between = np.array(pairs).sum(axis=0)
    apart = (within - OF_ONE * between)[opens > 1]
    square = float(apart @ apart)
    if not between.any() or not square > 0:
        return float("nan")
    return float(ndtr(apart.sum() / np.sqrt(square)))
