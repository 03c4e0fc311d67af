"""The options that both Vowpal Wabbit policies have, and how options become VW's command line.

Open this file for what an option means. Only numbers that are checked here, and the letters of the
two namespaces, get on VW's command line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core import check

MOST_BITS = 26


@dataclass(frozen=True)
class VowpalOptions:
    """What `vw` and `vw_ccb` have in common: how VW explores and how it learns.

    explore: what VW explores by; epsilon, first, softmax or squarecb, and in `vw` also bag, cover,
        regcb, regcbopt or rnd
    cb_type: how VW learns costs; mtr for squarecb, regcb and regcbopt; the others also ips or dr.
        VW's dm is left out: it learns how often an article is both shown and clicked, which is no
        click rate. Without weights (clip 1) so does ips
    epsilon: share of slots filled at random, not in first, softmax and squarecb; higher explores
        more
    first: of first, decisions taken at random before it turns greedy; higher explores longer
    temperature: of softmax; higher explores more
    gamma_scale, gamma_exponent: of squarecb, whose gamma is scale * decisions^exponent; higher
        explores less
    learning_rate, l2: VW's step size and its regularisation
    clip: a propensity below counts as this much; 0 has full importance weights (textbook), 1 has
        none, and neither have regcb and regcbopt ever
    interactions: of the namespaces m (member) and a (article), such as ["ma"]
    unclicked: share of the slots without a click that VW learns from, each with the weight of
        1 / unclicked of them, so that click rates stay what they are; higher is slower, and learns
        more steadily. Must be 1 for ips, cover, regcb and regcbopt, which take no such weight
    bits: VW's weights, as a power of two, at most 26, which take 1 GB

    Raises ValueError naming an option that VW would not take, or would take and be harmed by.
    """

    explore: str = "squarecb"
    cb_type: str = "mtr"
    epsilon: float = 0.02
    first: int = 1500
    temperature: float = 0.005
    gamma_scale: float = 300.0
    gamma_exponent: float = 0.5
    learning_rate: float = 0.1
    l2: float = 0.0
    clip: float = 1.0
    interactions: Sequence[str] = ("ma",)
    unclicked: float = 0.15
    bits: int = 18

    def __post_init__(self) -> None:
        check_whole("first", self.first, 10**9)
        for name in ("epsilon", "unclicked", "clip"):
            check.share(name, getattr(self, name))
        for name in ("temperature", "unclicked"):
            check.at_least(name, getattr(self, name), 1e-6)
        check.between("learning_rate", self.learning_rate, 1e-6, 100)
        check.between("gamma_scale", self.gamma_scale, 1e-6, 1e12)
        check.between("l2", self.l2, 0, 1)
        check_finite("gamma_exponent", self.gamma_exponent)
        check.between("gamma_exponent", self.gamma_exponent, -10, 10)
        check_whole("bits", self.bits, MOST_BITS)
        _check_interactions(self.interactions)

    @property
    def learning(self) -> str:
        """VW's arguments for how it learns."""
        rates = write_numbers(learning_rate=self.learning_rate, l2=self.l2)
        pairs = " ".join(f"--interactions {pair}" for pair in self.interactions)
        return f"{rates} {pairs} -b {self.bits}"


def write_numbers(**values: float) -> str:
    """Arguments made of numbers. Raises ValueError for any other value."""
    for name, value in values.items():
        check_finite(name, value)
    return " ".join(f"--{name} {value!r}" for name, value in values.items())


def check_finite(what: str, value: float) -> None:
    """Raise ValueError unless `value` is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{what} = {value!r}; must be a finite number")


def check_whole(what: str, value: int, most: int) -> None:
    """Raise ValueError unless `value` is a whole number from 1 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{what} = {value!r}; must be a whole number from 1 to {most}")


def _check_interactions(interactions: Sequence[str]) -> None:
    if isinstance(interactions, str):
        raise ValueError(f"interactions = {interactions!r}; must be a list such as ['ma']")
    for pair in interactions:
        if not isinstance(pair, str) or not 2 <= len(pair) <= 4 or set(pair) - set("ma"):
            raise ValueError(
                f"interactions: {pair!r}; must be two to four of the namespaces "
                "m (member) and a (article)"
            )
