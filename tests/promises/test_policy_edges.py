"""What every policy in configs/policy must keep at the edges: articles that are alike, members of
whom only the id is known, and members with tags."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.columns import Columns
from bandit.core.rules import Rules
from bandit.core.types import Context, Round
from bandit.features.attributes import Attributes
from bandit.features.features import Features
from bandit.policies.lin_ucb import LinUCB
from bandit.policies.segment_rules import SegmentRules
from bandit.policy import Policy
from bandit.slates.propensity import draw
from experiments.check.words import same_slates
from experiments.runner.configs import list_configs, make, read_policy
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of

pytestmark = pytest.mark.usefixtures("walk")

LIMITS = ("bayes_limit", "oracle", "profile_true_topics")  # are shown the truth
NAMES = [name for name in list_configs("policy") if name not in LIMITS]
VARIANTS: dict[str, dict[str, Any]] = {
    f"{name} {model}": {"model": model, "by": "articles"}
    for name in ("lin_ts", "lin_ucb")
    for model in ("disjoint", "hybrid")
}
VARIANTS |= {
    f"vw {explore}": {"explore": explore, "unclicked": 1.0}
    for explore in ("bag", "cover", "regcb", "regcbopt", "rnd")
}
VARIANTS |= {"offpolicy sure": {"floor": 0.0}}
SIZES: dict[str, Any] = {"members": 200, "issues": 6, "pool": 14, "slots": 4, "text_dims": 8}


def made(name: str, features: Features) -> Policy:
    policy: Policy = make(read_policy(name.split()[0]) | VARIANTS.get(name, {}))
    policy.start(features)
    return policy


@cache
def taught(name: str, issues: int) -> Policy:
    association = association_of(**SIZES)
    policy = made(name, association.features)
    deque(play(policy, association, seed=5, issues=issues, started=True), maxlen=0)
    return policy


@pytest.fixture(scope="module", autouse=True)
def _let_go() -> Iterator[None]:
    """Vowpal Wabbit complains if it is still there when the interpreter goes."""
    yield
    taught.cache_clear()


# Articles that are alike


def list_twins(association: Association) -> Context:
    """Issue 4 with three articles replaced by five twins of one new article and two of another."""
    context = association.issue(4)
    rows = [0, 9, 2, 9, 4, 5, 9, 7, 2, 9, 10, 11, 9, 13]
    articles = context.articles.take(rows)
    ids = [f"new-{j}" if rows.count(row) > 1 else f"a{row}" for j, row in enumerate(rows)]
    articles = articles.assign(article=ids)
    return association.features.make_context(
        "twins", 4, context.members, articles, Rules(slots=4), context.eligible[:, rows]
    )


@pytest.mark.parametrize("issues", [0, 3])
@pytest.mark.parametrize("name", [*NAMES, *VARIANTS])
def test_twins_are_shown_equally_often(name: str, issues: int) -> None:
    """Articles with the same text, kind and history, wherever they stand in the pool."""
    policy, context = taught(name, issues), list_twins(association_of(**SIZES))
    plan, open = policy.plan(context), np.ones(context.eligible.shape, dtype=bool)
    five, two = [1, 3, 6, 9, 12], [2, 8]
    for slot in range(4):
        pmf = plan(open, slot)
        for twins in (five, two):
            assert (pmf[:, twins] == pmf[:, twins[:1]]).all()
        open[:, 3 * slot] = False  # of the five, one after the other is no longer there
        five = [j for j in five if j != 3 * slot]


@pytest.mark.parametrize("name", [n for n in [*NAMES, *VARIANTS] if n != "segment_rules"])
def test_who_knows_nothing_prefers_no_place_in_the_pool(name: str) -> None:
    """Before anything is learned, a pool that is listed backwards changes no chance."""
    policy, context = taught(name, 0), association_of(**SIZES).issue(1)
    everything = np.ones(context.eligible.shape, dtype=bool)
    pmf = policy.plan(context)(everything)
    back = replace(
        context,
        articles=context.articles.take(slice(None, None, -1)),
        article_features=context.article_features[::-1].copy(),
    )
    np.testing.assert_allclose(policy.plan(back)(everything)[:, ::-1], pmf, atol=1e-7)


@pytest.mark.parametrize("name", ["lin_ts disjoint", "lin_ucb disjoint"])
def test_articles_of_one_cell_share_its_chance(name: str) -> None:
    """With 16 cells for 14 articles some share a cell: none of them is left with the floor."""
    policy, context = taught(name, 3), association_of(**SIZES).issue(4)
    scores = policy.plan(context).scores
    pmf = policy.plan(context)(np.ones(context.eligible.shape, dtype=bool))
    alike = (scores[:, :, None] == scores[:, None, :]).all(axis=0)
    assert alike.sum() > len(alike)
    for group in np.unique(alike, axis=0):
        assert (pmf[:, group] == pmf[:, group][:, :1]).all()


# Members who are only an id


def strip(context: Context, features: Features) -> Context:
    """The same issue for members of whom nothing but the id is known."""
    members = Columns({"member": context.member_ids})
    return replace(context, members=members, member_features=features.encode_members(members))


@cache
def bare() -> Features:
    """Features of a member list that holds nothing but ids."""
    features = association_of(**SIZES).features
    members = pd.DataFrame({"member": np.arange(5)})
    return replace(features, attributes=Attributes.fit(members))


@pytest.mark.parametrize("name", [*NAMES, *VARIANTS])
def test_members_who_are_only_an_id_are_planned_for_and_learned_from(name: str) -> None:
    association, features = association_of(**SIZES), bare()
    policy, other = made(name, features), made(name, features)
    for number in (1, 2, 3):
        context = strip(association.issue(number), features)
        assert context.member_features.shape[1] == 1
        slates = draw(policy.plan(context), context, 7)
        policy.learn(Round(context, slates, association.respond(context, slates)))
    policy.finish()
    other.restore(policy.state())
    context = strip(association.issue(4), features)
    slates, again = (draw(chosen.plan(context), context, 7) for chosen in (policy, other))
    assert (slates.choice >= 0).all()
    assert (slates.choice == again.choice).all()
    assert (slates.propensity == again.propensity).all()


@pytest.mark.parametrize("name", [*NAMES, *VARIANTS])
def test_members_whose_attributes_are_all_missing_are_planned_for(name: str) -> None:
    association = association_of(**SIZES)
    policy, context = taught(name, 3), association.issue(4).take(np.arange(7))
    blank = dict.fromkeys(association.features.attributes.levels)
    members = context.members.assign(**blank)
    features = association.features.encode_members(members)
    unknown = replace(context, members=members, member_features=features)
    assert (draw(policy.plan(unknown), unknown, 7).choice >= 0).all()


# Members with tags

INTERESTS = [
    "vaccines; career",
    "career",
    None,
    "oncology;vaccines;ethics",
    "ethics ;ethics",
    "oncology",
]


def give_tags(context: Context, features: Features, untidy: bool = False) -> Context:
    """The same issue for members with interests, in tidy cells or in untidy ones."""
    tags = [INTERESTS[int(member) % len(INTERESTS)] for member in context.member_ids]
    if untidy:
        tags = [cell and "; ".join(["", *cell.split(";")[::-1], cell]) for cell in tags]
    members = context.members.assign(interests=tags)
    return replace(context, members=members, member_features=features.encode_members(members))


@cache
def tagged() -> Features:
    association = association_of(**SIZES)
    members = association.members.assign(
        interests=[INTERESTS[i % len(INTERESTS)] for i in range(len(association.members))]
    )
    return replace(association.features, attributes=Attributes.fit(members))


@pytest.mark.parametrize("name", [*NAMES, *VARIANTS])
def test_tags_are_planned_for_and_learned_from_however_they_are_written(name: str) -> None:
    association, features = association_of(**SIZES), tagged()
    policy, other = made(name, features), made(name, features)
    for number in (1, 2):
        context = give_tags(association.issue(number), features)
        slates = draw(policy.plan(context), context, 7)
        policy.learn(Round(context, slates, association.respond(context, slates)))
    policy.finish()
    other.restore(policy.state())
    context = give_tags(association.issue(3), features)
    untidy = give_tags(association.issue(3), features, untidy=True)
    slates, again = draw(policy.plan(context), context, 7), draw(other.plan(untidy), untidy, 7)
    assert (slates.choice >= 0).all()
    same_slates("tags, tidy or not -> plan -> draw", context, slates, again)
    rows = np.arange(3, 40, 5)
    some = context.take(rows)
    part = draw(policy.plan(some), some, 7)
    same_slates("some members with tags -> plan -> draw", some, slates.take(rows), part)


def test_a_member_with_several_tags_gets_the_mean_of_their_rules() -> None:
    features, association = tagged(), association_of(**SIZES)
    words = {"career": "salaries and promotion", "oncology": "cancer drugs", "ethics": "conduct"}
    policy = SegmentRules("interests", words, "news")
    policy.start(features)
    context = association.issue(1).take(np.arange(5))
    cells = ["career", "oncology", "oncology; career", "vaccines", None]
    members = context.members.assign(interests=cells)
    scores = policy.plan(replace(context, members=members)).scores
    np.testing.assert_allclose(scores[2], (scores[0] + scores[1]) / 2, atol=1e-12)
    assert (scores[3] == scores[4]).all()  # no rule for what they have: otherwise
    assert not np.allclose(scores[3], scores[0])
    with pytest.raises(ValueError, match="rules name interests 'law'; members have"):
        SegmentRules("interests", {"law": "statutes"}, "news").start(features)


@pytest.mark.parametrize("model", ["disjoint", "hybrid"])
def test_groups_of_a_linear_model_need_one_value_a_member(model: str) -> None:
    with pytest.raises(ValueError, match="by = 'interests'; its values are tags, of which a"):
        LinUCB(model=model, by="interests").start(tagged())
