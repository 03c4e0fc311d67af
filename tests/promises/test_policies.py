"""The contract: what every policy found in configs/policy must keep."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Round
from bandit.slates.editorial import Desk
from bandit.slates.walk import draw, replay
from experiments.runner.configs import list_configs, make, read_policy
from simulators.association.association import Association

NAMES = list_configs("policy")
CEILINGS = {"bayes_limit", "oracle"}
DEAF = {"random", "recency", "segment_rules"}  # choose without asking what was clicked
SIZES: dict[str, Any] = {"members": 400, "issues": 6, "pool": 14, "slots": 4, "text_dims": 8}


def test_discovery_found_the_family() -> None:
    known = "random recency popular blast segment_rules segment_learned lin_ucb lin_ts vw vw_ccb profile neural offpolicy wave"
    assert set(known.split()) | CEILINGS <= set(NAMES)


def made(name: str, association: Association) -> Any:
    policy = make(read_policy(name))
    policy.start(association.features)
    if hasattr(policy, "reveal"):
        policy.reveal(association)
    return policy


def taught(name: str, issues: int = 3) -> tuple[Any, Association]:
    association = Association(seed=3, **SIZES)
    policy = made(name, association)
    for number in range(1, issues + 1):
        context = association.issue(number)
        slates = draw(policy.plan(context), context, seed=5)
        policy.learn(Round(context, slates, association.respond(context, slates)))
    return policy, association


@pytest.fixture(scope="module")
def ready() -> dict[str, tuple[Any, Association]]:
    return {name: taught(name) for name in NAMES}


def opened(policy: Any, context: Context, mask: np.ndarray | None = None) -> np.ndarray:
    return np.asarray(
        policy.plan(context)(np.ones(context.eligible.shape, dtype=bool) if mask is None else mask)
    )


@pytest.mark.parametrize("name", NAMES)
def test_pmf_sums_to_one_over_open_articles_and_is_zero_elsewhere(name: str, ready: Any) -> None:
    policy, association = ready[name]
    context = association.issue(4)
    mask = np.random.default_rng(1).random(context.eligible.shape) < 0.6
    mask[0], mask[1] = False, np.arange(mask.shape[1]) == 2
    pmf = opened(policy, context, mask)
    assert (pmf[~mask] == 0).all()
    assert (pmf >= 0).all()
    np.testing.assert_allclose(pmf.sum(axis=1), mask.any(axis=1), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_ask_twice_same_answer(name: str, ready: Any) -> None:
    policy, association = ready[name]
    context = association.issue(4)
    first, again = draw(policy.plan(context), context, 7), draw(policy.plan(context), context, 7)
    for field, values in vars(first).items():
        assert values.tobytes() == getattr(again, field).tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_row_order_chunks_and_other_members_do_not_matter(name: str, ready: Any) -> None:
    policy, association = ready[name]
    context = association.issue(4)
    whole = draw(policy.plan(context), context, 7)
    order = np.random.default_rng(2).permutation(len(context.members))
    for rows in (order, order[:37], order[:1]):
        some = context.take(rows)
        part = draw(policy.plan(some), some, 7)
        assert part.choice.tobytes() == whole.choice[rows].tobytes()
        assert part.propensity.tobytes() == whole.propensity[rows].tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_replay_gives_back_the_logged_propensities(name: str, ready: Any) -> None:
    policy, association = ready[name]
    context = association.issue(4)
    slates = draw(policy.plan(context), context, 7)
    assert (
        replay(policy.plan(context), context, slates.choice).tobytes()
        == slates.propensity.tobytes()
    )


@pytest.mark.parametrize("name", NAMES)
def test_frequencies_match_propensities(name: str, ready: Any) -> None:
    policy, association = ready[name]
    context = association.issue(4).take(np.arange(40))
    plan, draws = policy.plan(context), 400
    counts = np.zeros(context.eligible.shape)
    for seed in range(draws):
        first = draw(plan, context, seed).choice[:, 0]
        counts[np.arange(40), first] += 1
    p = plan(Desk(context).open(0, np.full((40, 4), -1))[0])
    spread = np.sqrt(np.maximum(p * (1 - p) * draws, 1e-12))
    z = np.where(spread > 1e-3, (counts - p * draws) / np.maximum(spread, 1e-3), 0.0)
    likely = p * draws > 5
    assert np.abs(z[likely]).max(initial=0) < 5
    assert (counts[p == 0] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_state_restores_to_the_same_slates(name: str, ready: Any) -> None:
    policy, association = ready[name]
    other = made(name, association)
    other.restore(policy.state())
    context = association.issue(4)
    one, two = policy.plan(context), other.plan(context)
    assert one.scores.tobytes() == two.scores.tobytes()
    assert draw(one, context, 7).propensity.tobytes() == draw(two, context, 7).propensity.tobytes()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_a_restored_policy_learns_on_as_if_nothing_happened(name: str) -> None:
    policy, association = taught(name)
    other = made(name, association)
    other.restore(policy.state())
    context = association.issue(4)
    slates = draw(policy.plan(context), context, 7)
    round = Round(context, slates, association.respond(context, slates))
    policy.learn(round)
    other.learn(round)
    assert (
        opened(policy, association.issue(5)).tobytes()
        == opened(other, association.issue(5)).tobytes()
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_issue_nobody_opened_changes_nothing(name: str) -> None:
    policy, association = taught(name)
    context = association.issue(4)
    before = opened(policy, context)
    n, k = len(context.members), context.rules.slots
    nobody, nothing = np.zeros(n, dtype=bool), np.zeros((n, k), dtype=bool)
    silent = Feedback(
        ~nobody, nobody, nobody, np.zeros((n, k), dtype=np.int8), nothing, np.zeros((n, k))
    )
    policy.learn(Round(context, draw(policy.plan(context), context, 7), silent))
    assert opened(policy, context).tobytes() == before.tobytes()


@pytest.mark.parametrize("name", ["profile", "popular", "segment_learned"])
def test_what_forgets_does_not_when_nobody_opened(name: str) -> None:
    association = Association(seed=3, **SIZES)
    policy = make(read_policy(name) | {"keep": 0.7})
    policy.start(association.features)
    for number in (1, 2):
        context = association.issue(number)
        slates = draw(policy.plan(context), context, seed=5)
        policy.learn(Round(context, slates, association.respond(context, slates)))
    before = bytes_of(policy)
    nobody, nothing = (
        np.zeros(len(context.members), dtype=bool),
        np.zeros(slates.choice.shape, dtype=bool),
    )
    silent = Feedback(
        ~nobody,
        nobody,
        nobody,
        np.zeros(nothing.shape, dtype=np.int8),
        nothing,
        np.zeros(nothing.shape),
    )
    policy.learn(Round(context, slates, silent))
    assert bytes_of(policy) == before


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_a_layout_longer_than_foreseen_is_learned_from_or_refused_before_it_is_sent(
    name: str,
) -> None:
    association = Association(
        seed=3, members=40, issues=2, pool=30, slots=26, examine=[0.9] * 26, text_dims=8
    )
    policy, context = made(name, association), association.issue(1)
    try:
        plan = policy.plan(context)
    except ValueError as error:
        assert "max_slots" in str(error)  # noqa: PT017  (a policy may also take it)
        return
    slates = draw(plan, context, seed=5)
    policy.learn(Round(context, slates, association.respond(context, slates)))
    assert np.isfinite(opened(policy, association.issue(2))).all()


@pytest.mark.parametrize("name", NAMES)
def test_planning_leaves_the_state_alone(name: str, ready: Any) -> None:
    policy, association = ready[name]
    before = {key: array.tobytes() for key, array in policy.state().items()}
    draw(policy.plan(association.issue(4)), association.issue(4), 7)
    assert {key: array.tobytes() for key, array in policy.state().items()} == before


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_a_new_member_a_new_attribute_value_and_a_new_article_work(name: str, ready: Any) -> None:
    policy, association = ready[name]
    old = association.issue(4)
    members = old.members.iloc[:3].copy()
    members["member"] = [999_999_001, 999_999_002, 999_999_003]
    members["region"] = "Chapter of the Moon"
    members.loc[0, "member_type"] = "astronaut"
    articles = old.articles.copy()
    articles["article"] = [f"new-{j}" for j in range(len(articles))]
    context = association.features.context("new", 0, members, articles, Rules(slots=4))
    pmf = opened(policy, context)
    np.testing.assert_allclose(pmf.sum(axis=1), 1, atol=1e-12)
    assert (draw(policy.plan(context), context, 1).choice >= 0).all()


def bytes_of(policy: Any) -> dict[str, bytes]:
    return {key: array.tobytes() for key, array in policy.state().items()}


def test_all_learn_but_those_known_not_to() -> None:
    unchanged = {
        name for name in NAMES if bytes_of(taught(name, 1)[0]) == bytes_of(taught(name, 0)[0])
    }
    assert unchanged <= DEAF | {"oracle"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_more_clicks_on_an_article_never_lower_it(name: str) -> None:
    """All the clicks of an issue go to the articles shown in one slot; against no clicks at all, they rise."""
    scores = {}
    for clicks in (False, True):
        policy, association = taught(name, issues=1)
        for number in (2, 3, 4):
            context = association.issue(number)
            slates = draw(policy.plan(context), context, 7)
            real = association.respond(context, slates)
            favourite = (slates.choice == 3) & real.opened[:, None]
            clicked = favourite if clicks else np.zeros_like(favourite)
            policy.learn(Round(context, slates, replace(real, clicked=clicked)))
        scores[clicks] = policy.plan(association.issue(4)).scores
    shown = scores[True] - scores[False]
    if name in DEAF:
        assert (shown == 0).all()
        return
    assert shown[:, 3].mean() > 0
    assert shown[:, 3].mean() > shown.mean()


@pytest.mark.parametrize("name", NAMES)
def test_nan_is_refused_with_its_place(name: str, ready: Any) -> None:
    association = ready[name][1]
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
    name: str, parameters: dict[str, Any], message: str, ready: Any
) -> None:
    with pytest.raises(ValueError, match=message):
        make(read_policy(name) | parameters).start(ready[name][1].features)
