"""A month of our own sends: what other policies would have earned on all slots, beside the truth.

An association is sent at random, or by `profile` with its share of exploration, until policies have
settled and for a month more. Each candidate learns the same log, and is judged by each issue of the
month before it learns from it, as `experiments.evaluate` does. Open this file for what the log of a
month can tell, and how surely.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from bandit.core.types import Round
from bandit.log.learning import learn_again
from bandit.ope.rewards.slates import Fit
from bandit.policy import Policy
from bandit.slates.propensity import draw
from experiments.evaluate.judge import Judgement, judge
from experiments.ope_benchmark.measure import Goal, Part, find_error, tabulate
from experiments.runner.configs import Settings, make, read_policy
from simulators.base import Simulator
from simulators.play import play

LOGGERS = ("random", "profile")
JUDGED = ("popular", "blast", "segment_learned", "lin_ts", "vw", "neural", "profile")
BEFORE, MONTH = 8, 4  # issues: to settle in, and judged
MEMBERS = 5000


def make_world(simulator: Settings, seed: int) -> Simulator:
    """The simulator of a config, until the end of the month."""
    asked = {"seed": seed, "members": MEMBERS, "issues": BEFORE + MONTH}
    world: Simulator = make(simulator | asked)
    return world


def start(name: str, world: Simulator) -> Policy:
    """A policy of that name, at its default, for this association."""
    policy: Policy = make(read_policy(name))
    policy.start(world.features)
    return policy


def measure(name: str, world: Simulator, log: list[Round]) -> float:
    """The clicks a send that a policy's own newsletters would be expected to have in the month.

    world: as it was before the log
    """
    policy, twin, earned, sends = start(name, world), world.twin(), 0.0, 0
    for round in log:
        context = twin.issue(round.context.issue)
        if context.issue > BEFORE:
            slates = draw(policy.plan(context), context, world.seed)
            earned += float(twin.expected(context, slates).sum())
            sends += len(context.members)
        learn_again(policy, round)
        twin.remember(context, round.slates, round.feedback)
    return earned / sends


def ask(name: str, logger: str, world: Simulator, log: list[Round], fit: Fit | None) -> Judgement:
    """What the month's log says of a policy, with the policy that sent it and learned on."""
    sender = None if logger == "random" else start(logger, world)
    policy = start(name, world)
    return judge(policy, log, BEFORE + 1, True, sender, 0, 8, 0.1, sender_from=1, fit=fit)


def run(
    simulator: Settings | None,
    runs: int,
    seed: int,
    tick: Callable[[], None],
    fit: Fit | None = None,
) -> Part:
    """How often the truth is outside, an answer is withheld, how wide intervals are, and tau.

    simulator: a config of the group
    fit: of a model of clicks, one of `FITS`; None: none

    Raises ValueError where there is none.
    """
    if not simulator:
        raise ValueError("simulator is not given; name a config, simulator=informz")
    rows: list[tuple[str, int, str, float]] = []
    for logger in LOGGERS:
        for each in range(seed, seed + runs):
            world = make_world(simulator, each)
            log = list(play(start(logger, world), world.twin(), started=True))
            told: list[tuple[float, float]] = []
            for name in JUDGED:
                if name == logger:
                    continue
                whole = ask(name, logger, world, log, fit).whole
                best = whole.best if whole else None
                rows.append(("withheld", each, logger, float(best is None)))
                if best and best.interval:
                    v, truth = best.interval, measure(name, world, log)
                    told.append((v.estimate, truth))
                    rows.append(("truth outside", each, logger, not v.low <= truth <= v.high))
                    rows.append(("half width", each, logger, (v.high - v.low) / 2 / truth))
                    rows.append(("relative error", each, logger, abs(v.estimate / truth - 1)))
            if len(told) > 2:
                tau = kendalltau(*np.transpose(told)).statistic
                rows.append(("1 - Kendall's tau", each, logger, 1 - float(tau)))
            tick()
    errors = tabulate(rows)
    title = f"A month of our own sends: {MONTH} issues to {MEMBERS:,} members, six slots of forty"
    return Part("month", title, 1.0, errors, _list_goals(errors))


def _list_goals(errors: pd.DataFrame) -> list[Goal]:
    goals = []
    for case, logger, bound in (
        ("truth outside", "random", 0.07),
        ("truth outside", "profile", 0.07),
        ("1 - Kendall's tau", "random", 0.2),
    ):
        mine = errors[(errors["case"] == case) & (errors["estimator"] == logger)]
        if len(mine):
            # policies on one log share its luck: one run
            values = mine.groupby("run")["error"].mean().to_numpy()
            what = f"log of {logger}: {case}"
            goals.append(Goal(what, float(values.mean()), bound, find_error(values)))
    return goals
