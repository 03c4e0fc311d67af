"""What Vowpal Wabbit explores by: its options, checked, and the function that fills a slot.

epsilon, first, softmax and squarecb (Foster & Rakhlin 2020) are functions of costs: a slot is filled by the function of that
name in `exploration`, among what is open. bag (votes of bootstrapped policies), cover (Agarwal et al. 2014), regcb and
regcbopt (Foster et al. 2018: confidence bounds; optimistic) and rnd (bonuses from random networks) know more than costs,
so VW's own pmf is asked for (`vowpal.tiers`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats
from bandit.models.vowpal import workspace as vowpal
from bandit.slates.exploration import epsilon_greedy, greedy, softmax, squarecb

BY_COSTS = ("epsilon", "first", "softmax", "squarecb")
BY_PMF = ("bag", "cover", "regcb", "regcbopt", "rnd")
CB_TYPES = {
    "squarecb": ("mtr",),
    "regcb": ("mtr",),
    "regcbopt": ("mtr",),
    "cover": ("mtr", "ips", "dr"),
}


@dataclass(frozen=True)
class Exploration:
    """least_cost: that a decision can have; of regcb. Raises ValueError for what VW would not take, or would take and be
    harmed by."""

    explore: str
    cb_type: str
    epsilon: float
    first: int
    temperature: float
    gamma_scale: float
    gamma_exponent: float
    policies: int = 1
    mellowness: float = 0.0
    rnd_alpha: float = 0.1
    least_cost: float = -1.0
    known: tuple[str, ...] = BY_COSTS + BY_PMF

    def __post_init__(self) -> None:
        if self.explore not in self.known:
            raise ValueError(f"explore = {self.explore!r}; choose from {', '.join(self.known)}")
        allowed = CB_TYPES.get(self.explore, ("mtr", "ips", "dr", "dm"))
        if self.cb_type not in allowed:
            raise ValueError(
                f"cb_type = {self.cb_type!r}; with explore = {self.explore!r} choose from {', '.join(allowed)}"
            )
        vowpal.whole("policies", self.policies, 64)
        vowpal.whole("first", self.first, 10**9)
        check.share("epsilon", self.epsilon)
        check.at_least("mellowness", self.mellowness, 0)
        for what in ("temperature", "gamma_scale", "rnd_alpha"):
            check.at_least(what, getattr(self, what), 1e-6)

    @property
    def arguments(self) -> str:
        """VW's. The uniform share of bag, cover, regcb and rnd is ours (`pmf`), so there VW has none."""
        number = vowpal.numbers
        regcb = "--regcb " + number(
            cb_min_cost=self.least_cost, cb_max_cost=0.0, mellowness=self.mellowness
        )
        options = {
            "epsilon": number(epsilon=self.epsilon),
            "first": number(first=self.first),
            "softmax": "--softmax " + number(**{"lambda": 1 / self.temperature}),
            "squarecb": "--squarecb "
            + number(gamma_scale=self.gamma_scale, gamma_exponent=self.gamma_exponent),
            "bag": number(bag=self.policies),
            "cover": number(cover=self.policies) + " --nounif",
            "regcb": regcb,
            "regcbopt": f"{regcb} --regcbopt",
            "rnd": number(rnd=self.policies, rnd_alpha=self.rnd_alpha),
        }
        return f"{options[self.explore]} --cb_type {self.cb_type}"

    def pmf(self, decisions: int) -> Callable[[Floats, Bools], Floats]:
        """How a slot is filled after so many decisions; a function of rewards, or of the logarithms of VW's pmf."""
        match self.explore:
            case "epsilon":
                return partial(epsilon_greedy, epsilon=self.epsilon)
            case "first":
                return partial(epsilon_greedy, epsilon=1.0) if decisions < self.first else greedy
            case "softmax":
                return partial(softmax, temperature=self.temperature)
            case "squarecb":
                gamma = self.gamma_scale * float(
                    np.power(float(decisions), self.gamma_exponent)
                )  # VW's schedule
                return partial(squarecb, gamma=gamma)
        return partial(_with_floor, epsilon=self.epsilon)


def _with_floor(scores: Floats, open: Bools, epsilon: float) -> Floats:
    return (1 - epsilon) * softmax(scores, open, 1.0) + epsilon * softmax(
        np.zeros_like(scores), open, 1.0
    )
