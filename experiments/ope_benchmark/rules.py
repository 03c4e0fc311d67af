"""Small logs of our own sends under every way of reading and kind of rule: do intervals hold?

Each log is random newsletters to members of a simulated association, and the target shows what a
noisy guess of each member's taste likes best. Nobody says which estimate to believe: the one that
`ope.whole.evaluate` chooses is held against the truth. Open this file for how the logs are made.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.rules import Rules
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.ope.evaluate import evaluate
from bandit.ope.rewards.slates import Fit, describe_opened, model_appeal
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import WholeAnswer, evaluate_whole
from bandit.ope.whole.from_top import FromTop
from bandit.ope.whole.look import look_beside
from bandit.policies.random import Random
from bandit.slates.exploration import epsilon_greedy
from bandit.slates.propensity import draw, replay
from experiments.ope_benchmark.measure import Goal, Part, find_error, tabulate
from experiments.runner.configs import make, read_config
from simulators.base import Truthful
from simulators.play import play

MEMBERS, ISSUES = 1500, 4  # of a log
TOGETHER = 25  # logs of one association, whose members differ and whose pools are the same
EXPLORES, NOISE = 0.2, 0.5  # of the target: a share of slots at random; sd of the guess, logits
AGAIN = 4  # newsletters of the target for each send, whose expected clicks are the truth


def make_rules(kind: str, context: Context, slots: int) -> Rules:
    """The editor's rules of an issue: without any, or with those of one kind."""
    articles, anyone = context.articles, context.eligible.all(axis=0)
    if kind == "pins":
        return Rules(slots=slots, pins={2: context.article_ids.tolist()[int(anyone.argmax())]})
    if kind == "caps":
        return Rules(slots=slots, at_most={"kind": {"*": 2}, "source": {"*": 1}})
    if kind == "sections":
        some = sorted({str(value) for value in articles["kind"][anyone].tolist()})
        return Rules(slots=slots, only={1: {"kind": some[:1]}}, at_most={"kind": {"*": 2}})
    return Rules(slots=slots)


KINDS = ("no rules", "pins", "caps", "sections")


def draw_logs(
    reading: str, kind: str, seed: int, slots: int, pool: int
) -> Iterator[tuple[list[tuple[Round, SlotPmf]], float]]:
    """`TOGETHER` logs, with the target's plan of each issue, and what the target earns a send.

    reading: an examination model, by the name of its yaml in configs/clicks
    kind: of rules, one of `KINDS`
    slots: of a newsletter
    pool: articles that they are filled from
    """
    asked = {
        "seed": seed,
        "members": MEMBERS * TOGETHER,
        "issues": ISSUES,
        "pool": pool,
        "slots": slots,
        "click_to_open": 0.4,
        "joiners": 0.0,
        "examine": read_config("clicks", reading),
    }
    world: Truthful = make({"_target_": "simulators.association.association.Association"} | asked)
    twin = world.twin()

    def tell(context: Context) -> Context:
        return replace(context, rules=make_rules(kind, context, slots))

    kept: list[tuple[Round, SlotPmf, Floats]] = []
    for sent in play(Random(), world, tell=tell):
        round = replace(sent, context=tell(sent.context))
        context = round.context
        plan = _guess(twin.truth(context), context.issue, seed)
        earned: Floats = np.zeros(len(context.members))
        for again in range(AGAIN):
            own = draw(plan, context, seed + 1000 * again)
            earned += twin.expected(context, own).sum(axis=1) / AGAIN
        twin.remember(context, round.slates, round.feedback)
        kept.append((round, plan, earned))
    for log in range(TOGETHER):
        parts, total, sends = [], 0.0, 0
        for round, plan, earned in kept:
            rows = np.flatnonzero(np.asarray(round.context.member_ids) % TOGETHER == log)
            parts.append((round.take(rows), SlotPmf(plan.scores[rows], plan.explore)))
            total, sends = total + float(earned[rows].sum()), sends + len(rows)
        yield parts, total / sends


def _guess(truth: Floats, issue: int, seed: int) -> SlotPmf:
    rng = keys.generator("ope rules", seed, issue)
    odds = np.log(truth / (1 - truth)) + NOISE * rng.normal(size=truth.shape)
    return SlotPmf(odds, epsilon_greedy(EXPLORES))


def judge(parts: list[tuple[Round, SlotPmf]], seed: int, fit: Fit | None = None) -> WholeAnswer:
    """What one log says of its target, with a model of clicks if there is a fit of one."""
    besides, tops, known = [], [], []
    for round, plan in parts:
        context, slates = round.context, round.slates
        logger, opens = Random().plan(context), fit is not None
        besides.append(look_beside(plan, logger, round, seed, draws=8, opened=opens))
        if fit:
            known.append(describe_opened(plan, round, context, seed))
        target = replay(plan, context, slates.choice)
        clicked = round.feedback.clicked.astype(np.float64)
        tops.append(FromTop(slates.propensity, target, clicked, slates.supported))
    top = FromTop.join(tops)
    besides = model_appeal(known, besides, fit) if fit else besides
    log = replace(Beside.join(besides), from_top=top)
    found = evaluate(top.logged, top.target, top.reward, top.supported, log.members)
    return evaluate_whole(log, top=found[0])


def run(
    runs: int,
    seed: int,
    tick: Callable[[], None],
    fit: Fit | None,
    readings: Sequence[str],
    slots: int,
    pool: int,
) -> Part:
    """How often the truth is outside, an answer is withheld, and how wide intervals are.

    fit: as for `judge`
    readings: examination models, by the names of their yamls in configs/clicks
    slots, pool: as for `draw_logs`
    """
    rows: list[tuple[str, int, str, float]] = []
    for reading in readings:
        for kind in KINDS:
            name, number = f"{reading}, {kind}", 0
            while number < runs:
                for parts, truth in draw_logs(
                    reading, kind, seed + number // TOGETHER, slots, pool
                ):
                    if number == runs:
                        break
                    best = judge(parts, seed, fit).best
                    rows.append(("withheld", number, name, float(best is None)))
                    if best and best.interval:
                        v = best.interval
                        rows.append(("truth outside", number, name, not v.low <= truth <= v.high))
                        rows.append(("half width", number, name, (v.high - v.low) / 2 / truth))
                        chosen = float(best.estimator.startswith("position_based"))
                        rows.append(("looks by slot", number, name, chosen))
                    number += 1
                    tick()
    errors = tabulate(rows)
    title = f"Our own sends, {MEMBERS * ISSUES:,} of each log, {slots} slots of {pool} articles"
    return Part("rules", title, 1.0, errors, _list_goals(errors))


def _list_goals(errors: pd.DataFrame) -> list[Goal]:
    goals = []
    outside = errors[errors["case"] == "truth outside"]
    for name, each in outside.groupby("estimator", sort=False)["error"]:
        values = each.to_numpy()
        what = f"{name}: truth outside the 95 % interval"
        goals.append(Goal(what, float(values.mean()), 0.07, find_error(values)))
    return goals
