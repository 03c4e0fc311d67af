"""What every policy keeps when it plans: its chances are chances, and nothing else moves them.

Each function raises AssertionError with a sentence that says what came of what, for whom.
"""

from dataclasses import replace

import numpy as np

from bandit.slates.editorial import Desk
from bandit.slates.propensity import draw, replay
from experiments.check.trial import Check, Trial, copy_state, open_slot
from experiments.check.words import require, same_arrays, same_slates


def chances_sum_to_one(trial: Trial) -> None:
    """Chances are at least 0, sum to 1 over the open articles, and are 0 for all others."""
    policy, association = trial.ready
    context = association.issue(4)
    mask = np.random.default_rng(1).random(context.eligible.shape) < 0.6
    mask[0], mask[1] = False, np.arange(mask.shape[1]) == 2
    pmf = open_slot(policy, context, mask)
    members, articles = context.member_ids, context.article_ids
    for row, j in np.argwhere((pmf != 0) & ~mask)[:1]:
        sentence = f"{articles[j]} has the chance {pmf[row, j]:.3g}, and is not open"
        raise AssertionError(f"plan: member {members[row]}: {sentence}")
    for row, j in np.argwhere(np.isnan(pmf) | (pmf < 0))[:1]:
        sentence = f"{articles[j]} has the chance {pmf[row, j]:.3g}; must be at least 0"
        raise AssertionError(f"plan: member {members[row]}: {sentence}")
    sums, must = pmf.sum(axis=1), np.asarray(mask.any(axis=1))
    for row in np.flatnonzero(np.abs(sums - must) > 1e-12)[:1]:
        sentence = f"the chances sum to {sums[row]:.12g}; must be {int(must[row])}"
        raise AssertionError(f"plan: member {members[row]}: {sentence}")


def asked_twice_it_answers_the_same(trial: Trial) -> None:
    """Asked twice, it gives the same slates."""
    policy, association = trial.ready
    context = association.issue(4)
    first, again = draw(policy.plan(context), context, 7), draw(policy.plan(context), context, 7)
    same_slates("plan -> draw, twice", context, first, again)


def order_and_company_do_not_matter(trial: Trial) -> None:
    """A member's slate does not depend on who else is planned for, nor in which order."""
    policy, association = trial.ready
    context = association.issue(4)
    whole = draw(policy.plan(context), context, 7)
    order = np.random.default_rng(2).permutation(len(context.members))
    for rows in (order, order[:37], order[:1]):
        some = context.take(rows)
        part = draw(policy.plan(some), some, 7)
        same_slates(f"{len(rows)} members, shuffled -> plan -> draw", some, whole.take(rows), part)


def one_after_the_other_is_as_all_at_once(trial: Trial) -> None:
    """What is worked out once for a pool (plan_for) plans as plan does."""
    policy, association = trial.ready
    context = association.issue(4)
    whole = draw(policy.plan(context), context, 7)
    plan = policy.plan_for(context.articles, context.article_features)
    for rows in (np.array([5]), np.array([0]), np.arange(11, 30)):
        some = context.take(rows)
        part = draw(plan(some), some, 7)
        same_slates(f"{len(rows)} members of one pool", some, whole.take(rows), part)


def replay_gives_the_logged_propensities(trial: Trial) -> None:
    """Replayed on its own slates, it gives their propensities."""
    policy, association = trial.ready
    context = association.issue(4)
    slates = draw(policy.plan(context), context, 7)
    again = replay(policy.plan(context), context, slates.choice)
    same_slates("draw -> replay", context, slates, replace(slates, propensity=again))


def articles_are_shown_as_often_as_it_says(trial: Trial) -> None:
    """Over 400 draws, each article is shown as often as its propensity says."""
    policy, association = trial.ready
    context = association.issue(4).take(np.arange(40))
    plan, draws = policy.plan(context), 400
    counts = np.zeros(context.eligible.shape)
    for seed in range(draws):
        first = draw(plan, context, seed).choice[:, 0]
        counts[np.arange(40), first] += 1
    p = plan(Desk(context).open(0)[0])
    spread = np.sqrt(np.maximum(p * (1 - p) * draws, 1e-12))
    z = np.where(spread > 1e-3, (counts - p * draws) / np.maximum(spread, 1e-3), 0.0)
    wrong = ((np.abs(z) >= 5) & (p * draws > 5)) | ((counts > 0) & (p == 0))
    for row, j in np.argwhere(wrong)[:1]:
        shown = f"{context.article_ids[j]} came {counts[row, j]:.0f} times in {draws} draws"
        says = f"its propensity is {p[row, j]:.3g}"
        raise AssertionError(f"plan -> draw: member {context.member_ids[row]}: {shown}; {says}")


def planning_leaves_the_state_alone(trial: Trial) -> None:
    """Planning and drawing change nothing of what it has learned."""
    policy, association = trial.ready
    before = copy_state(policy)
    draw(policy.plan(association.issue(4)), association.issue(4), 7)
    same_arrays("plan -> draw -> state", before, policy.state())


def nobody_is_planned_for(trial: Trial) -> None:
    """An issue, or a wave of it, that goes to nobody is planned and drawn."""
    association = trial.build()
    context = association.issue(3).take(np.arange(0))
    for policy in (trial.make(association), trial.ready[0]):
        slates = draw(policy.plan(context), context, 7)
        shapes = {table.shape for table in vars(slates).values()}
        wanted = (0, context.rules.slots)
        require(shapes == {wanted}, f"plan for nobody -> draw: shapes {shapes}; must be {wanted}")


EVERY: tuple[Check, ...] = (
    chances_sum_to_one,
    asked_twice_it_answers_the_same,
    order_and_company_do_not_matter,
    one_after_the_other_is_as_all_at_once,
    replay_gives_the_logged_propensities,
    articles_are_shown_as_often_as_it_says,
    planning_leaves_the_state_alone,
    nobody_is_planned_for,
)
