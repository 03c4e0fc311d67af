"""The contract: what every policy found in configs/policy must keep."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Round
from bandit.policy import Policy
from bandit.slates.editorial import Desk
from bandit.slates.propensity import draw, replay
from experiments.runner.configs import list_configs, make, read_policy
from simulators.association.association import Association
from simulators.play import begin, play, send
from tests.support.builders import association_of
from tests.support.words import same_arrays, same_chances, same_slates

NAMES = list_configs("policy")
CEILINGS = {"bayes_limit", "oracle", "profile_true_topics"}
DEAF = {"random", "recency", "segment_rules"}  # choose without asking what was clicked
SIZES: dict[str, Any] = {"members": 400, "issues": 6, "pool": 14, "slots": 4, "text_dims": 8}
Taught = tuple[Policy, Association]
Ready = Callable[[str], Taught]


def test_discovery_found_the_family() -> None:
    known = (
        "random recency popular blast segment_rules segment_learned lin_ucb lin_ts vw vw_ccb "
        "profile neural offpolicy wave"
    )
    assert set(known.split()) | CEILINGS <= set(NAMES)


def made(name: str, association: Association, **other: Any) -> Policy:
    policy: Policy = make(read_policy(name) | other)
    begin(policy, association)
    return policy


def taught(name: str, issues: int = 3, **more: Any) -> Taught:
    """A policy that has sent and learned this many issues, and the association that answered."""
    association = association_of(**SIZES | more)
    policy = made(name, association)
    deque(play(policy, association, seed=5, issues=issues, started=True), maxlen=0)
    return policy, association


@pytest.fixture(scope="module")
def ready() -> Iterator[Callable[[str], Taught]]:
    """`taught`, once for each policy: for tests that leave the policy as it is."""
    once = cache(taught)
    yield once
    once.cache_clear()  # Vowpal Wabbit complains if it is still there when the interpreter goes


def opened(policy: Policy, context: Context, mask: np.ndarray | None = None) -> np.ndarray:
    """The first slot's pmf [n, m] over the articles that the mask leaves open; default: all."""
    everything = np.ones(context.eligible.shape, dtype=bool)
    return np.asarray(policy.plan(context)(everything if mask is None else mask))


def silence(context: Context) -> Feedback:
    """All mails arrive, and nobody opens one."""
    n, k = len(context.members), context.rules.slots
    nobody, nothing = np.zeros(n, dtype=bool), np.zeros((n, k), dtype=bool)
    return Feedback(~nobody, nobody, nobody, nothing.astype(np.int8), nothing, 0.0 * nothing)


def copied(policy: Policy) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in policy.state().items()}


@pytest.mark.parametrize("name", NAMES)
def test_pmf_sums_to_one_over_open_articles_and_is_zero_elsewhere(name: str, ready: Ready) -> None:
    policy, association = ready(name)
    context = association.issue(4)
    mask = np.random.default_rng(1).random(context.eligible.shape) < 0.6
    mask[0], mask[1] = False, np.arange(mask.shape[1]) == 2
    pmf = opened(policy, context, mask)
    assert (pmf[~mask] == 0).all()
    assert (pmf >= 0).all()
    np.testing.assert_allclose(pmf.sum(axis=1), mask.any(axis=1), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_ask_twice_same_answer(name: str, ready: Ready) -> None:
    policy, association = ready(name)
    context = association.issue(4)
    first, again = draw(policy.plan(context), context, 7), draw(policy.plan(context), context, 7)
    same_slates("plan -> draw, twice", context, first, again)


@pytest.mark.parametrize("name", NAMES)
def test_row_order_chunks_and_other_members_do_not_matter(name: str, ready: Ready) -> None:
    policy, association = ready(name)
    context = association.issue(4)
    whole = draw(policy.plan(context), context, 7)
    order = np.random.default_rng(2).permutation(len(context.members))
    for rows in (order, order[:37], order[:1]):
        some = context.take(rows)
        part = draw(policy.plan(some), some, 7)
        same_slates(f"{len(rows)} members, shuffled -> plan -> draw", some, whole.take(rows), part)


@pytest.mark.parametrize("name", NAMES)
def test_one_member_after_the_other_is_planned_for_as_all_are(name: str, ready: Ready) -> None:
    policy, association = ready(name)
    context = association.issue(4)
    whole = draw(policy.plan(context), context, 7)
    plan = policy.plan_for(context.articles, context.article_features)
    for rows in (np.array([5]), np.array([0]), np.arange(11, 30)):
        some = context.take(rows)
        part = draw(plan(some), some, 7)
        same_slates(f"{len(rows)} members of one pool", some, whole.take(rows), part)


@pytest.mark.parametrize("name", NAMES)
def test_replay_gives_back_the_logged_propensities(name: str, ready: Ready) -> None:
    policy, association = ready(name)
    context = association.issue(4)
    slates = draw(policy.plan(context), context, 7)
    again = replay(policy.plan(context), context, slates.choice)
    same_slates("draw -> replay", context, slates, replace(slates, propensity=again))


@pytest.mark.parametrize("name", NAMES)
def test_frequencies_match_propensities(name: str, ready: Ready) -> None:
    policy, association = ready(name)
    context = association.issue(4).take(np.arange(40))
    plan, draws = policy.plan(context), 400
    counts = np.zeros(context.eligible.shape)
    for seed in range(draws):
        first = draw(plan, context, seed).choice[:, 0]
        counts[np.arange(40), first] += 1
    p = plan(Desk(context).open(0)[0])
    spread = np.sqrt(np.maximum(p * (1 - p) * draws, 1e-12))
    z = np.where(spread > 1e-3, (counts - p * draws) / np.maximum(spread, 1e-3), 0.0)
    likely = p * draws > 5
    assert np.abs(z[likely]).max(initial=0) < 5
    assert (counts[p == 0] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_state_restores_to_the_same_slates(name: str, ready: Ready) -> None:
    policy, association = ready(name)
    other = made(name, association)
    other.restore(policy.state())
    same_arrays("state -> restore -> state", policy.state(), other.state())
    context = association.issue(4)
    one, two = policy.plan(context), other.plan(context)
    path = "state -> restore -> plan"
    same_chances(path, context, one.scores, two.scores, "score")
    same_slates(f"{path} -> draw", context, draw(one, context, 7), draw(two, context, 7))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_a_restored_policy_learns_on_as_if_nothing_happened(name: str) -> None:
    policy, association = taught(name)
    other = made(name, association)
    other.restore(policy.state())
    round = send(policy, association, association.issue(4), 7, learn=False)
    policy.learn(round)
    other.learn(round)
    context = association.issue(5)
    path = "state -> restore -> learn -> plan"
    same_chances(path, context, opened(policy, context), opened(other, context))
    same_arrays("state -> restore -> learn -> state", policy.state(), other.state())


@pytest.mark.parametrize("name", NAMES)
def test_an_issue_nobody_opened_changes_nothing(name: str) -> None:
    policy, association = taught(name)
    context = association.issue(4)
    before = opened(policy, context)
    policy.learn(Round(context, draw(policy.plan(context), context, 7), silence(context)))
    same_chances("learn that nobody opened -> plan", context, before, opened(policy, context))


@pytest.mark.parametrize("name", ["profile", "popular", "segment_learned"])
def test_what_forgets_does_not_when_nobody_opened(name: str) -> None:
    association = association_of(**SIZES)
    policy = made(name, association, keep=0.7)
    *_, last = play(policy, association, seed=5, issues=2, started=True)
    before = copied(policy)
    policy.learn(replace(last, feedback=silence(last.context)))
    same_arrays("learn that nobody opened -> state", before, policy.state())


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_a_layout_longer_than_foreseen_is_learned_from_or_refused_before_it_is_sent(
    name: str,
) -> None:
    association = association_of(
        members=40, issues=2, pool=30, slots=26, examine=(0.9,) * 26, text_dims=8
    )
    policy, context = made(name, association), association.issue(1)
    try:
        policy.plan(context)
    except ValueError as error:
        assert "max_slots" in str(error)  # noqa: PT017  (a policy may also take it)
        return
    send(policy, association, context, seed=5)
    assert np.isfinite(opened(policy, association.issue(2))).all()


@pytest.mark.parametrize("name", NAMES)
def test_planning_leaves_the_state_alone(name: str, ready: Ready) -> None:
    policy, association = ready(name)
    before = copied(policy)
    draw(policy.plan(association.issue(4)), association.issue(4), 7)
    same_arrays("plan -> draw -> state", before, policy.state())


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_a_new_member_a_new_attribute_value_and_a_new_article_work(name: str, ready: Ready) -> None:
    policy, association = ready(name)
    old = association.issue(4)
    members = old.members.take([0, 1, 2]).assign(
        member=[999_999_001, 999_999_002, 999_999_003],
        region="Chapter of the Moon",
        member_type=["astronaut", *old.members["member_type"][1:3]],
    )
    articles = old.articles.assign(article=[f"new-{j}" for j in range(len(old.articles))])
    context = association.features.make_context("new", 0, members, articles, Rules(slots=4))
    pmf = opened(policy, context)
    np.testing.assert_allclose(pmf.sum(axis=1), 1, atol=1e-12)
    assert (draw(policy.plan(context), context, 1).choice >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_all_learn_but_those_known_not_to(name: str) -> None:
    before, after = copied(taught(name, 0)[0]), copied(taught(name, 1)[0])
    if name not in DEAF | {"oracle"}:
        with pytest.raises(AssertionError, match="array"):
            same_arrays("learn -> state", before, after)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_more_clicks_on_an_article_never_lower_it(name: str) -> None:
    """Where all who open click on article 3 and on nothing else, the scores of article 3 rise above
    what they are when nobody clicks. The pool stays, so that it is one article all the time."""
    scores = {}
    for clicks in (False, True):
        policy, association = taught(name, issues=1, carried=1.0)
        for number in (2, 3, 4):
            sent = send(policy, association, association.issue(number), 7, learn=False)
            favourite = (sent.slates.choice == 3) & sent.feedback.opened[:, None]
            clicked = favourite if clicks else np.zeros_like(favourite)
            policy.learn(replace(sent, feedback=replace(sent.feedback, clicked=clicked)))
        scores[clicks] = policy.plan(association.issue(4)).scores
    shown = scores[True] - scores[False]
    if name in DEAF:
        assert (shown == 0).all()
        return
    assert shown[:, 3].mean() > 0
    assert shown[:, 3].mean() > shown.mean()


@pytest.mark.parametrize("name", NAMES)
def test_nan_is_refused_with_its_place(name: str, ready: Ready) -> None:
    association = ready(name)[1]
    context = association.issue(4)
    bad = context.article_features.copy()
    bad[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"article_features\[2, 1\] = nan"):
        replace(context, article_features=bad)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("profile", {"budget": 1.5}, r"budget = 1.5; must be in \[0, 1\]"),
        ("lin_ts", {"draws": 0}, "draws = 0; must be at least 1"),
        ("lin_ucb", {"alpha": -1}, "alpha = -1; must be at least 0"),
        (
            "lin_ucb",
            {"by": "shoe_size", "model": "disjoint"},
            "by = 'shoe_size'; must be 'articles' or an attribute",
        ),
        ("vw", {"cb_type": "magic"}, "cb_type = 'magic'"),
        ("neural", {"device": "tpu"}, "device = 'tpu'; choose from auto, cpu, cuda"),
        ("offpolicy", {"objective": "magic"}, "objective = 'magic'; choose from ips, snips, dr"),
        ("segment_rules", {"by": "shoe_size"}, "'shoe_size' is not a member attribute"),
        ("segment_rules", {"rules": {"wizard": "spells"}}, "'wizard'"),
        ("segment_learned", {"attributes": ["shoe_size"]}, "'shoe_size'"),
        ("segment_learned", {"shrinkage": []}, "shrinkage is empty"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    name: str, parameters: dict[str, Any], message: str, ready: Ready
) -> None:
    with pytest.raises(ValueError, match=message):
        make(read_policy(name) | parameters).start(ready(name)[1].features)
