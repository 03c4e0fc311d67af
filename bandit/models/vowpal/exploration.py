"""What Vowpal Wabbit explores by: the options checked together, and the function that fills a slot.

epsilon, first, softmax and squarecb (Foster & Rakhlin 2020) are functions of costs: a slot is
filled by the function of that name in `bandit.slates.exploration`, among what is open. bag (votes
of bootstrapped policies), cover (Agarwal et al. 2014), regcb and regcbopt (Foster et al. 2018:
confidence bounds; optimistic) and rnd (bonuses from random networks) know more than costs, so VW's
own pmf is asked for (`asking.ask_tiers`).

Scores must be click rates, because squarecb and softmax look at their differences. So combinations
under which VW learns something else are refused, and each refusal says why.
"""

from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.models.vowpal.options import VowpalOptions, check_whole, write_numbers
from bandit.slates.exploration import Shares, epsilon_greedy, greedy, softmax, squarecb

BY_COSTS = ("epsilon", "first", "softmax", "squarecb")
BY_PMF = ("bag", "cover", "regcb", "regcbopt", "rnd")
CB_TYPES = {"squarecb": ("mtr",), "regcb": ("mtr",), "regcbopt": ("mtr",)}
EVERY_TYPE = ("mtr", "ips", "dr")
UNWEIGHTED = ("cover", "regcb", "regcbopt")  # cannot be taught with a weight for each decision


@dataclass(frozen=True)
class Exploration:
    """How VW explores.

    options: those that every Vowpal Wabbit policy has
    policies: how many vote in bag and cover, or networks in rnd; higher is slower
    mellowness: width of the confidence bounds of regcb and regcbopt; higher explores more
    rnd_alpha: size of the bonuses of rnd; higher explores more
    least_cost: the least that a decision can have, of regcb and regcbopt
    known: what `options.explore` may be

    Raises ValueError for what VW would not take, or would take and be harmed by.
    """

    options: VowpalOptions
    policies: int = 1
    mellowness: float = 0.0
    rnd_alpha: float = 0.1
    least_cost: float = -1.0
    known: tuple[str, ...] = BY_COSTS + BY_PMF

    def __post_init__(self) -> None:
        explore, cb_type = self.options.explore, self.options.cb_type
        if explore not in self.known:
            raise ValueError(f"explore = {explore!r}; choose from {', '.join(self.known)}")
        if cb_type == "dm":
            raise ValueError(
                "cb_type = 'dm'; it learns how often an article is both shown and clicked, .1 "
                f"where the click rate is .9: choose from {', '.join(EVERY_TYPE)}"
            )
        allowed = CB_TYPES.get(explore, EVERY_TYPE)
        if cb_type not in allowed:
            raise ValueError(
                f"cb_type = {cb_type!r}; with explore = {explore!r} "
                f"choose from {', '.join(allowed)}"
            )
        if cb_type == "ips" and self.options.clip == 1:
            raise ValueError(
                "cb_type = 'ips' with clip = 1; without weights it learns how often an article is "
                "both shown and clicked: give a clip below 1, or choose mtr or dr"
            )
        if self.options.unclicked < 1 and (cb_type == "ips" or explore in UNWEIGHTED):
            raise ValueError(
                f"unclicked = {self.options.unclicked} with explore = {explore!r} and "
                f"cb_type = {cb_type!r}; there VW cannot weight the slots that are kept, and high "
                "click rates would be learned as less above the low ones than they are: must be 1"
            )
        check_whole("policies", self.policies, 64)
        check.at_least("mellowness", self.mellowness, 0)
        check.at_least("rnd_alpha", self.rnd_alpha, 1e-6)

    @property
    def arguments(self) -> str:
        """VW's arguments for how it explores.

        The uniform share of bag, cover, regcb and rnd is ours (`pmf`), so there VW has none.
        """
        number, given = write_numbers, self.options
        bounds = number(cb_min_cost=self.least_cost, cb_max_cost=0.0, mellowness=self.mellowness)
        explore = {
            "epsilon": number(epsilon=given.epsilon),
            "first": number(first=given.first),
            "softmax": "--softmax " + number(**{"lambda": 1 / given.temperature}),
            "squarecb": number(epsilon=0.0),  # VW's squarecb cannot be taught with weights
            "bag": number(bag=self.policies),
            "cover": number(cover=self.policies) + " --nounif",
            "regcb": f"--regcb {bounds}",
            "regcbopt": f"--regcb {bounds} --regcbopt",
            "rnd": number(rnd=self.policies, rnd_alpha=self.rnd_alpha),
        }
        return f"{explore[given.explore]} --cb_type {given.cb_type}"

    def pmf(self, decisions: int) -> Shares:
        """How a slot is filled after so many decisions.

        It is given rewards, or of the logarithms of VW's pmf.
        """
        given = self.options
        match given.explore:
            case "epsilon":
                return epsilon_greedy(given.epsilon)
            case "first":
                return epsilon_greedy(1.0) if decisions < given.first else greedy
            case "softmax":
                return softmax(given.temperature)
            case "squarecb":  # VW's schedule
                grown = float(np.power(float(decisions), given.gamma_exponent))
                return squarecb(given.gamma_scale * grown)
        return softmax(1.0, floor=given.epsilon)
