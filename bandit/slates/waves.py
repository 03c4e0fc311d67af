"""Who is in which wave of an issue.

Experiments and the sender both ask here, so a member who was mailed in one wave is in no other.
Open this file to see what a member's wave depends on.
"""

from collections.abc import Sequence

import numpy as np

from bandit.core import keys
from bandit.core.types import Ids, Ints


def assign_waves(campaign: str, members: Ids, shares: Sequence[float]) -> Ints:
    """Each member's wave [n], counted from 0: a keyed draw that depends on nobody else.

    members: ids [n]
    shares: of the members in each wave but the last, which takes the rest
    """
    uniform = keys.uniforms(0, campaign, "wave", keys.member_keys(members), 1)[:, 0]
    return np.searchsorted(np.cumsum(shares), uniform, side="right")
