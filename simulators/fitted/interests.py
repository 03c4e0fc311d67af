"""What each member of a log wants, how far that is known, and draws from what is not.

Interests are those of the profile model. Open this to see how a posterior becomes members who
differ as much as real ones; `clicks` learns it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from bandit.core import exact, keys
from bandit.core.types import Floats, Ids
from bandit.models.profiles import Profiles
from simulators.fitted.members import LoggedMembers


@dataclass(frozen=True)
class LearnedInterests:
    """What the profile model learned: w_i ~ Normal(B x_i, variance), b_j ~ Normal(0, quality).

    B: [p, q], what attributes say of interests
    variance: [q], of interests around that
    quality: variance of articles' appeal beyond their text
    profiles: what each member's clicks say
    appeal: article -> mean and variance of b_j
    foreseen: for each round, how much each member was thought to care for the first slot's article
        before the issue, readiness to click apart, logits [n]
    """

    B: Floats
    variance: Floats
    quality: float
    profiles: Profiles
    appeal: Mapping[Any, tuple[float, float]]
    foreseen: Sequence[Floats]

    def draw_interests(self, who: LoggedMembers, seed: int) -> Floats:
        """A draw of each member's interests [n, q] from the posterior.

        Members whom nothing was learned of are drawn from what their attributes say.
        """
        prior = exact.dot(who.features, self.B.T)
        variance = np.broadcast_to(self.variance, prior.shape)
        belief = self.profiles.posterior(self.profiles.find_rows(who.ids), prior, variance)
        noise = draw_normal(who.draw(seed, "interests", 1 + prior.shape[1]))
        return np.asarray(
            belief.mean + np.sqrt(belief.spread) * noise[:, 1:] + belief.root * noise[:, :1]
        )

    def draw_appeals(self, ids: Ids, seed: int) -> Floats:
        """A draw of each article's appeal [m] from its posterior; of a new one, from the prior."""
        known = [self.appeal.get(article, (0.0, self.quality)) for article in ids]
        mean, variance = np.array(known).reshape(-1, 2).T
        uniform = keys.uniforms(seed, "logged", "appeal", keys.member_keys(ids), 1)[:, 0]
        return np.asarray(mean + np.sqrt(variance) * draw_normal(uniform))


def draw_normal(uniform: Floats) -> Floats:
    """Standard normal numbers by the inverse CDF of `uniform`, of any shape; none beyond 7 sd."""
    return np.asarray(ndtri(np.clip(uniform, 1e-12, 1 - 1e-12)))
