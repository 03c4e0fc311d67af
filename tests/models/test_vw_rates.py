"""Vowpal Wabbit's scores are click rates, whatever share of the slots it learns from."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Floats, Round, SlotPmf
from bandit.models.vowpal import asking
from bandit.policies.vw import VW
from bandit.policies.vw_ccb import VWSlates
from bandit.slates.exploration import softmax
from bandit.slates.propensity import draw
from tests.support.builders import context_of, pool_of

RATES = np.array([0.02, 0.2, 0.05, 0.5])
SHOWN = np.array([0.4, 0.2, 0.3, 0.1])  # how often each article is shown


def make_issue(number: int, n: int, slots: int = 1) -> Context:
    return context_of(
        n,
        4,
        Rules(slots=slots),
        campaign=f"issue-{number}",
        members=pd.DataFrame({"member": np.arange(n) + n * number}),
        articles=pool_of(4),
        member_features=np.ones((n, 1)),
        article_features=np.hstack([np.ones((4, 1)), np.eye(4)]),
    )


def answer(context: Context, number: int) -> Round:
    """Everybody opens, and clicks on what is shown at the true rates."""
    n, k = len(context.members), context.rules.slots
    plan = SlotPmf(np.tile(np.log(SHOWN), (n, 1)), lambda s, open: softmax(1.0)(s, open))
    slates, yes = draw(plan, context, number), np.ones(n, dtype=bool)
    clicked = np.random.default_rng(number).random((n, k)) < RATES[slates.choice]
    looked = np.ones((n, k), dtype=np.int8)
    return Round(context, slates, Feedback(yes, yes, ~yes, looked, clicked, np.zeros((n, k))))


def learn_scores(policy: Any, issues: int = 8, n: int = 3000) -> Floats:
    """The scores [4] after so many decisions, averaged over the last four issues."""
    names = ["constant", *(f"text{j}" for j in range(4))]
    policy.start(SimpleNamespace(member_names=["constant"], article_names=names))
    scores = []
    for number in range(issues):
        policy.learn(answer(make_issue(number, n), number))
        scores.append(policy.plan(make_issue(0, 1)).scores.ravel())
    return np.mean(scores[-4:], axis=0)


@pytest.mark.parametrize("unclicked", [1.0, 0.4, 0.15])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (VW, {}),
        (VW, {"explore": "softmax"}),
        (VW, {"explore": "first", "cb_type": "dr"}),
        (VW, {"explore": "epsilon", "clip": 0.0}),
        (VWSlates, {}),
        (VWSlates, {"explore": "epsilon", "cb_type": "dr"}),
    ],
)
def test_scores_are_click_rates_whatever_share_of_the_slots_without_a_click_is_kept(
    kind: Any, options: dict[str, Any], unclicked: float
) -> None:
    """Unweighted, .2 would be learned as .2 / (.2 + .8 * .15) = .625, and .02 as .120."""
    found = learn_scores(kind(unclicked=unclicked, learning_rate=0.1, bits=12, **options))
    np.testing.assert_allclose(found, RATES, rtol=0.2, atol=0.02)
    assert found[1] - found[0] == pytest.approx(0.18, abs=0.04)  # what squarecb and softmax see


@pytest.mark.parametrize("kind", [VW, VWSlates])
def test_ips_gives_click_rates_where_it_may_use_weights(kind: Any) -> None:
    found = learn_scores(
        kind(explore="epsilon", cb_type="ips", clip=0.05, unclicked=1.0, learning_rate=0.1, bits=12)
    )
    np.testing.assert_allclose(found, RATES, rtol=0.2, atol=0.025)


def test_lessons_are_weighted_by_the_chance_that_they_were_shown_and_kept() -> None:
    """Summed with weights 1 / chance, a thinned issue has the looks and clicks of the whole one."""
    round = answer(make_issue(3, 20_000, slots=2), 3)
    every = asking.pick_lessons(round, unclicked=1.0, clip=0.3)
    kept = asking.pick_lessons(round, unclicked=0.2, clip=0.3)
    assert len(kept[0]) < 0.4 * len(every[0])
    for article in range(4):
        for slot in range(2):
            totals = []
            for _, slots, index, clicked, propensity in (every, kept):
                here = (index == article) & (slots == slot)
                totals.append([(1 / propensity[here]).sum(), (clicked / propensity)[here].sum()])
            assert totals[1][0] == pytest.approx(totals[0][0], rel=0.06)
            assert totals[1][1] == pytest.approx(totals[0][1])
    rows, slots, _, clicked, propensity = kept
    shown = np.maximum(round.slates.propensity[rows, slots], 0.3)
    np.testing.assert_array_equal(propensity, np.where(clicked > 0, shown, 0.2 * shown))
