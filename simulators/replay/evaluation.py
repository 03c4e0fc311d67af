"""What a policy earns on a log, by replay: two estimates of its click rate, with intervals.

Rejection replay judges a policy by the rounds kept (`simulators.replay.replay`). The weighted form
keeps every round, weighted by target / logged probability (`bandit.ope`); it uses more of the log,
and is the only one of use where the smallest propensity is tiny.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from bandit.core.threads import use_one_thread
from bandit.core.types import Floats, Ints, Round, SlotPmf
from bandit.ope.evaluate import Estimate, evaluate
from bandit.ope.intervals import Interval
from bandit.policy import Policy
from bandit.slates.propensity import replay
from simulators.play import play
from simulators.replay.loaders.tables import ChoiceLog, Loader
from simulators.replay.replay import Replay


@dataclass(frozen=True)
class ReplayEstimate:
    """A policy's clicks a round.

    rounds: how many rounds the log has
    kept: how many of them matched the policy's choices and were kept
    rejection: the click rate of the rounds kept; None where nothing was kept
    weighted: the estimate from all rounds (snips) with its effective sample size, or the reason why
        there is none
    """

    rounds: int
    kept: int
    rejection: Interval | None
    weighted: Estimate


@use_one_thread()
def evaluate_by_replay(
    policy: Policy, log: Loader | ChoiceLog, seed: int = 0, batches: int = 26, level: float = 0.95
) -> ReplayEstimate:
    """Start `policy`, let it learn its way through the log, and say what it earned.

    Both numbers are means over the run, learning included. Intervals speak of the luck in clicks,
    not of the luck in what the policy learned: replay several seeds for that.

    seed: orders the rounds, and keys the policy's draws
    batches: how many issues the log is cut into; the policy learns after each
    level: confidence of the intervals
    """
    place = Replay(log, seed, batches)
    target: list[Floats] = []
    rows: list[Ints] = []

    def note(wave: int, plan: SlotPmf | None, sent: Round | None) -> None:
        if plan is None or sent is None:
            return
        rows.append(place.find_rows(sent.context))
        target.append(replay(plan, sent.context, place.log.choice[rows[-1]][:, None]))

    answers = [round.feedback for round in play(policy, place, watch=note)]
    kept = sum(int(feedback.opened.sum()) for feedback in answers)
    clicks = sum(int(feedback.clicked.sum()) for feedback in answers)
    met = np.concatenate(rows)
    estimates = evaluate(
        place.log.propensity[met][:, None],
        np.concatenate(target),
        place.log.clicked[met][:, None],
        np.ones((len(met), 1), dtype=bool),
        met,
        level=level,
    )
    weighted = next(estimate for estimate in estimates if estimate.estimator == "snips")
    rejection = exact_interval(clicks, kept, level) if kept else None
    return ReplayEstimate(len(met), kept, rejection, weighted)


def exact_interval(clicks: int, kept: int, level: float = 0.95) -> Interval:
    """The interval of Clopper & Pearson 1934: never too short, even with no clicks.

    Raises ValueError for counts that cannot be.
    """
    if not 0 <= clicks <= kept or not kept or not 0 < level < 1:
        raise ValueError(f"{clicks} clicks in {kept} rounds at level {level}: no such interval")
    tail = (1 - level) / 2
    low = float(betaincinv(clicks, kept - clicks + 1, tail)) if clicks else 0.0
    high = float(betaincinv(clicks + 1, kept - clicks, 1 - tail)) if clicks < kept else 1.0
    return Interval(clicks / kept, low, high)
