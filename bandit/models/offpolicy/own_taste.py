"""What a member's own clicks say beyond the attributes, learned click by click.

Online logistic regression with one precision for each dimension. Open this file to see how the
off-policy learner follows single members; what attributes say is fitted in `exposures.py`.
"""

import numpy as np

from bandit.core.ids import Aliases
from bandit.core.state import State
from bandit.core.types import Floats, Ids
from bandit.models.offpolicy.pages import Decisions
from bandit.models.profiles import Profiles


class OwnTaste:
    """Each member's own taste, a vector [q] beside what the attributes say.

    sd: how far members differ beyond their attributes; at 0 their own clicks are not looked at
    is_text: [q], which dimensions have this sd; the others have 1
    """

    def __init__(self, sd: float, is_text: Floats) -> None:
        self._counts = sd > 0
        self._variance = np.where(is_text, max(sd, 1e-6) ** 2, 1.0)
        self._profiles = Profiles(len(is_text))

    def look_up(self, ids: Ids) -> tuple[Floats, Floats]:
        """Mean and precision [n, q] of each member's own taste, after the clicks so far."""
        rows, profiles = self._profiles.find_rows(ids), self._profiles
        precision = np.tile(1 / self._variance, (len(ids), 1))
        shift = np.zeros((len(ids), len(self._variance)))
        met = rows >= 0
        precision[met] += profiles.precision[rows[met]]
        shift[met] = profiles.shift[rows[met]]
        return shift / precision * self._counts, precision

    def learn(
        self, decisions: Decisions, own: Floats, precision: Floats, p: Floats, looked: Floats
    ) -> None:
        """One step for each member who opened: the Newton step with a diagonal precision.

        own, precision: [s, q], as `look_up` gave them
        p, looked: [e], P(click | looked at) and the chance that the slot was looked at
        """
        articles = decisions.context.article_features[decisions.article]
        learned = np.zeros((2, *own.shape))
        np.add.at(learned[0], decisions.send, (looked * p * (1 - p))[:, None] * articles**2)
        np.add.at(
            learned[1], decisions.send, (looked * (decisions.clicked - p))[:, None] * articles
        )
        at = self._profiles.add(decisions.context.member_ids)
        self._profiles.precision[at] += learned[0]
        self._profiles.shift[at] = (precision + learned[0]) * own + learned[1]

    def follow(self, aliases: Aliases) -> None:
        """Members' own tastes follow their ids, and add up."""
        self._profiles.follow(aliases)

    def state(self) -> State:
        """The members' profiles."""
        return self._profiles.state()

    def restore(self, state: State) -> None:
        """Go on from a state. Raises ValueError for arrays that do not fit."""
        self._profiles = Profiles(len(self._variance))
        self._profiles.restore(state)
