"""A first article that opens newsletters: how many more, and estimates that allow for it.

Where the subject line is that of the first article, a newsletter is opened for it, and every slot
below earns more. Estimates of slots apart and of looks by slot take no slot for the cause of clicks
in another, so they would promise too little of a policy that puts better articles on top. What they
leave out is seen in who opened: the logger drew the first article by chances that are known, so how
often a newsletter is opened can be regressed on how well the target likes what stands first, less
what it would like on average of what the logger might have put there. That difference has mean 0
for every member, so neither who the members are nor who opens a lot is in the way: it is its own
instrument (Angrist & Imbens 1995), and the logger may be any. How well an article is liked is its
normal score among the member's open ones, in the target's order (`dependence.score_appeal`): the
best of forty is taken to be liked by more than the second. Axis: n sends. Open this file for how an
estimate allows for subject lines.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bandit.core.ids import number_ids
from bandit.core.types import Bools, Floats
from bandit.ope.inputs import weigh_items
from bandit.ope.trust.tiredness import STEP, Tiredness, undo

if TYPE_CHECKING:
    from bandit.ope.whole.beside import Beside

FEW = 10  # members whose sends count; fewer do not tell how unsure the slope is
ENOUGH = 5  # newsletters that tell a program, which opens all of them, from a member
LEAST = 0.25  # of a member's usual chance of opening: no first article is taken to leave less


@dataclass(frozen=True)
class Opening:
    """How many more newsletters are opened for their first article.

    slope: the share more that are opened where the first article has a normal score of 1 more
    influence: [n], terms of mean 0: how far each send moved the slope, so that their spread is its
        uncertainty
    sent, wanted: [n], the first article's normal score, of what was sent and of what the target
        would send on average, less its mean over what the logger might have sent
    """

    slope: float
    influence: Floats
    sent: Floats
    wanted: Floats

    @property
    def more(self) -> float:
        """The share more of newsletters that the target's would be opened: .1 is a tenth."""
        return float(self.slope * self.wanted.mean())

    @property
    def error(self) -> float:
        """The standard error of `more`, as if sends to one member were apart."""
        spread = float(np.sqrt(self.influence @ self.influence)) / len(self.influence)
        return float(abs(self.wanted.mean())) * spread

    @property
    def sure(self) -> bool:
        """Whether it is no luck that more are opened, or fewer: over two standard errors."""
        return abs(self.more) > 2 * self.error

    def lighten(self, slope: float) -> Floats:
        """What a click counts, [n], as if every first article opened as many newsletters."""
        return np.asarray(1 / np.maximum(1 + slope * self.sent, LEAST))

    def weigh(self, slope: float) -> Floats:
        """What a click counts, [n], as if its newsletter were opened as often as the target's."""
        return np.asarray(np.maximum(1 + slope * self.wanted, LEAST) * self.lighten(slope))


def find_opening(log: "Beside") -> Opening | None:
    """How many more newsletters of a log are opened for their first article.

    A send counts only if its member opened another newsletter without a click in it. Of other
    members it may be known that they opened from their click alone, which a better article brings
    as well. A send does not count either if its member opened each of five or more other
    newsletters, for programs do that.

    None where the log cannot tell: newsletters have one slot, whose clicks hold the effect already;
    it is not known who opened, or what might have stood first; or sends of fewer than ten members
    count.
    """
    if log.opened is None or log.first is None or log.reward.shape[1] < 2:
        return None
    sent, wanted = log.first.T
    member = number_ids(log.members)

    def count_others(what: Bools) -> Floats:
        return np.asarray(np.bincount(member, what)[member] - what)

    others, opens = count_others(np.ones_like(log.opened)), count_others(log.opened)
    asked = count_others(log.opened & (log.count_clicks() == 0)) > 0
    asked &= (opens < others) | (others < ENOUGH)
    opened = log.opened[asked].astype(np.float64)
    z, spread = sent[asked], float(sent[asked] @ sent[asked])
    if len(np.unique(member[asked])) < FEW or not opened.any() or not spread:
        return None
    rate = float(opened.mean())
    slope = float(z @ (opened - rate)) / spread / rate
    influence: Floats = np.zeros(len(sent))
    moved = z * (opened - rate * (1 + slope * z)) / spread - slope * (opened - rate) / len(opened)
    influence[asked] = len(sent) * moved / rate
    return Opening(slope, influence, sent, wanted)


def free_clicks(log: "Beside", tired: Tiredness | None, opening: Opening | None) -> Floats:
    """Clicks [e, k] as if none kept others away and every first article opened as many."""
    free = undo(log.reward, tired.allowed if tired else 0.0)
    return free * opening.lighten(opening.slope)[log.rows, None] if opening else free


def allow_for(log: "Beside", terms: Floats, opening: Opening | None) -> Floats:
    """What the target earns, terms [n], from those of an estimator of slots apart.

    A send's clicks below the first slot count `Opening.weigh`: fewer where its own first article
    opened it, more as the target's would open it. A click in the first slot is of the article that
    opened: weighed by its own chances (`inputs.weigh_items`) it counts as it is, for the articles
    that are liked most are both opened and clicked more. What was sent is taken off by the same
    estimate and put back as it was, so a target that does what was sent earns exactly that. The
    spread of the terms holds the uncertainty of the slope.

    terms: [n], of `tiredness.find_terms`, and what a model of clicks adds (`Beside.vary`)
    opening: how many more are opened for their first article; None: taken to be none
    """
    if opening is None:
        return terms
    own, clicked = log.count_clicks(), log.reward[:, 0]
    sent = log.spread(clicked)
    wanted = log.spread(weigh_items(log.logged, log.target)[:, 0] * clicked)

    def change(slope: float) -> Floats:
        below = (terms - wanted) * opening.weigh(slope) - (own - sent) * opening.lighten(slope)
        return np.asarray(below + wanted - sent)

    found = change(opening.slope)
    moved = (change(opening.slope + STEP).mean() - found.mean()) / STEP
    return np.asarray(found + own + moved * opening.influence)
