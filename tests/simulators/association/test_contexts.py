"""The association's contexts: what a policy is told of members and pools, and no truth."""

from collections.abc import Callable

import numpy as np
import pytest

from bandit.policies.random import Random
from simulators.association.association import Association
from simulators.play import play
from tests.support.dynamics_cases import at_random

World = Callable[..., Association]


def test_the_context_holds_no_truth(world: World) -> None:
    association = world()
    context = association.issue(2)
    assert set(context.articles.names) == {
        "article",
        "title",
        "summary",
        "kind",
        "source",
        "only_region",
    }
    known = {"member", "member_type", "region", "practice_area", "career_stage", "member_since"}
    assert set(context.members.names) == known
    assert (
        context.member_features.tobytes()
        == association.features.encode_members(context.members).tobytes()
    )
    assert (
        context.article_features.tobytes()
        == association.features.encode_articles(context.articles).tobytes()
    )
    truth = association.truth(context)
    assert truth.shape == context.eligible.shape
    assert ((truth > 0) & (truth < 1)).all()
    feedback = association.respond(context, at_random(context))
    assert (
        feedback.examined == np.where(feedback.clicked, 1, -1)
    ).all()  # a glance leaves no trace in an e-mail
    assert ((feedback.dwell_seconds > 0) == feedback.clicked).all()


def test_pools_carry_articles_over_and_seen_follows_opens(world: World) -> None:
    association = world(carried=0.3, joiners=0.0, unsubscribe=0.0)
    before, opened_with = [], {}
    for round in play(Random(), association, seed=5, issues=6):
        context, feedback, choice = round.context, round.feedback, round.slates.choice
        ids = context.article_ids.tolist()
        assert len(set(ids)) == 20
        assert ids == sorted(ids)
        assert len(set(ids) & set(before)) == (0 if context.issue == 1 else 6)
        expected = [
            [member in opened_with.get(article, ()) for article in ids]
            for member in context.member_ids
        ]
        assert context.seen.tolist() == expected
        for i, j in zip(*np.nonzero(feedback.opened[:, None] & (choice >= 0)), strict=True):
            opened_with.setdefault(ids[choice[i, j]], set()).add(context.member_ids[i])
        before = ids
    assert association.issue(6).seen.any()


def test_an_event_of_a_chapter_is_for_its_members_only(world: World) -> None:
    association = world()
    limited = 0
    for number in range(1, 9):
        context = association.issue(number)
        for j, chapter in enumerate(context.articles["only_region"]):
            mine = context.members["region"] == chapter
            assert (context.eligible[:, j] == (mine if chapter else True)).all()
            limited += bool(chapter)
        for slot, article in context.rules.pins.items():
            drawn = at_random(context)
            assert (context.article_ids[drawn.choice[:, slot - 1]] == article).all()
    assert limited > 5


def test_members_join_and_leave(world: World) -> None:
    association = world(joiners=0.25, unsubscribe=0.05)
    present, gone = set(), set()
    for round in play(Random(), association, seed=5):
        context, feedback = round.context, round.feedback
        now = set(context.member_ids.tolist())
        due = {
            m
            for m in association.members["member"].tolist()
            if association.joined([m])[0] <= context.issue
        }
        assert now == due - gone
        gone |= set(context.member_ids[feedback.unsubscribed].tolist())
        present |= now
    joined = association.joined(association.members["member"])
    assert (joined > 1).sum() == 75
    assert len(gone) > 20
    assert len(present) == 300 - (joined > 8).sum()


def test_a_twin_shares_the_world_and_not_the_memory(world: World) -> None:
    first = world(joiners=0.0, unsubscribe=0.2)
    context = first.issue(1)
    drawn = at_random(context)
    feedback = first.respond(context, drawn)
    twin = first.twin()
    assert not twin.issue(2).seen.any()
    assert len(twin.issue(2).members) == 300 > len(first.issue(2).members)
    twin.remember(context, drawn, feedback)  # as a run does that resumes from its log
    assert twin.issue(2).seen.tobytes() == first.issue(2).seen.tobytes()
    assert twin.issue(2).member_ids.tolist() == first.issue(2).member_ids.tolist()


# Bad parameters


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"slots": -1}, "slots = -1; must be at least 1"),
        ({"slots": 0}, "slots = 0"),
        ({"pool": 5}, "pool = 5; must be at least 6"),
        ({"members": 0}, "members = 0; must be at least 1"),
        ({"issues": 0}, "issues = 0"),
        ({"carried": 1.2}, r"carried = 1.2; must be in \[0, 1\]"),
        ({"joiners": -0.1}, "joiners = -0.1"),
        ({"unsubscribe": 2}, "unsubscribe = 2"),
        ({"explained": float("nan")}, "explained = nan"),
        ({"click_to_open": 1.5}, "click_to_open = 1.5"),
        ({"taste": -1.8}, "taste = -1.8; must be at least 0"),
        ({"quality_sd": -1}, "quality_sd = -1"),
        ({"examine": (0.9, 0.8, 0.7, 0.6, 0.5, 1.1)}, "examine of slot 6 = 1.1"),
        ({"slots": 7}, "examine gives 6 slots; the layout has 7"),
        ({"text_dims": 0}, "text dims = 0"),
        ({"open_rate": 1.3}, "open_rate = 1.3"),
        ({"open_rate": 0.0}, "open_rate = 0"),  # a Beta has no mean 0 or 1
        ({"open_rate": 1.0}, "open_rate = 1"),
        ({"open_spread": 0.0}, "open_spread = 0"),
        ({"open_spread": -1.6}, "open_spread = -1.6"),
    ],
)
def test_bad_parameters_are_refused_by_name(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Association(**({"members": 20} | options))


@pytest.mark.parametrize(
    ("number", "said"), [(0, "issue = 0; must be at least 1"), (10, "issue = 10; .* sends 8")]
)
def test_issues_that_do_not_exist(world: World, number: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        world().issue(number)


@pytest.mark.parametrize(
    "options", [{"members": 1}, {"carried": 1.0}, {"pool": 6}, {"slots": 1}, {"taste": 0.0}]
)
def test_edges_of_what_is_allowed_work(options: dict) -> None:
    association = Association(
        **({"members": 40, "pool": 12, "issues": 3, "joiners": 0.0} | options)
    )
    for round in play(Random(), association, seed=5):
        assert np.isfinite(association.truth(round.context)).all()
