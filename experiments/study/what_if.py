"""What a log says of rules that it was not sent under, without anything being sent again."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bandit.core.types import Floats
from bandit.log import archive
from bandit.log.learning import learn_again
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import WholeAnswer, evaluate_whole
from bandit.ope.whole.look import look_beside, plan_uniform
from bandit.policy import Policy
from experiments.runner.configs import make
from experiments.study.cells import Cells
from simulators.base import Simulator
from simulators.replay.rounds import fit_features


def judge_desks(
    unit: Path, policy: Policy, desks: Mapping[str, Simulator], judge_from: int, seed: int
) -> dict[str, WholeAnswer]:
    """What a policy would have earned on a log, under the rules of each desk.

    unit: an archive whose newsletters were chosen at random, under rules that forbid nothing that
        the desks allow
    policy: not started yet; it learns each issue after it was judged by it
    desks: associations with the same pools as the log, whose rules are asked for
    judge_from: first issue that is judged
    seed: keys what `look_beside` draws

    It is what `experiments.evaluate rules=` asks, of several rules at once, which may name another
    article in each issue. Raises ValueError as `archive.read` and `evaluate_whole` do.
    """
    features = fit_features(unit)
    policy.start(features)
    besides: dict[str, list[Beside]] = {name: [] for name in desks}
    for round in archive.read(unit, features):
        context = round.context
        for name, desk in desks.items() if context.issue >= judge_from else ():
            wanted = replace(context, rules=desk.issue(context.issue).rules)
            plan = policy.plan(wanted)
            sent = plan_uniform(context)
            besides[name].append(look_beside(plan, sent, round, seed, wanted=wanted))
        learn_again(policy, round)
    return {name: evaluate_whole(Beside.join(found)) for name, found in besides.items()}


def measure_costs(cells: Cells, log: str, policy: str) -> dict[str, Floats]:
    """What each world's rules cost by a log alone, as a share of the clicks without them.

    log: the policy at random whose units in the first world are the logs
    policy: that is judged

    Returns, for each world but the first, a value a seed: NaN where the log cannot tell.
    """
    first, *others = cells.study.worlds
    found = []
    desks_by_seed = zip(*(cells.make_worlds(world) for world in cells.study.worlds), strict=True)
    for unit, seed, made in zip(cells.list_units(log), cells.seeds, desks_by_seed, strict=True):
        learner = make(cells.study.describe_policy(policy))
        desks = dict(zip(cells.study.worlds, made, strict=True))
        answers = judge_desks(unit, learner, desks, cells.late, seed)
        found.append([_compare(answers[world], answers[first]) for world in others])
    return dict(zip(others, np.array(found).T, strict=True))


def _compare(answer: WholeAnswer, free: WholeAnswer) -> float:
    """The share of clicks that rules bring, by the estimate that is believed without them."""
    pairs = zip(answer.estimates, free.estimates, strict=True)
    for ours, theirs in pairs:
        if free.best is theirs and ours.interval and theirs.interval:
            return ours.interval.estimate / theirs.interval.estimate - 1
    return float("nan")
