"""The simulated association.

It has published rates, gives every policy the same luck, and tells no truth in the context.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from bandit.core.types import Feedback, Slates
from bandit.policies.random import Random
from simulators.association.association import Association
from simulators.association.members import FIRST_ID
from simulators.play import play
from tests.support.dynamics_cases import at_random
from tests.support.truth_cases import Favourites

World = Callable[..., Association]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small matrices: threads that wait for a busy core cost more than they bring."""
    with threadpool_limits(1):
        yield


def is_same(a: Feedback, b: Feedback, rows: np.ndarray | slice = slice(None)) -> bool:
    return all(getattr(a, name)[rows].tobytes() == getattr(b, name).tobytes() for name in vars(b))


# Rates


def test_rates_are_near_the_published_averages_and_clicks_are_concentrated(world: World) -> None:
    opens, click_to_open, heavy = [], [], []
    for seed in range(5):
        association = world(seed=seed, members=2500, pool=40, slots=6)
        sent = opened = clickers = 0
        clicks = np.zeros(2500)
        for round in play(Favourites(), association, seed=5, issues=6):
            context, feedback = round.context, round.feedback
            sent += feedback.delivered.sum()
            opened += feedback.opened.sum()
            clickers += feedback.clicked.any(axis=1).sum()
            clicks[context.member_ids - FIRST_ID] += feedback.clicked.sum(axis=1)
            assert feedback.delivered.all()
            assert not (feedback.clicked & ~feedback.opened[:, None]).any()
        opens.append(opened / sent)
        click_to_open.append(clickers / opened)
        heavy.append(np.sort(clicks)[::-1][:500].sum() / clicks.sum())
    assert 0.36 < np.mean(opens) < 0.38
    assert 0.14 < np.mean(click_to_open) < 0.165
    assert min(heavy) > 0.5


def test_clicks_have_the_probabilities_that_truth_and_expected_say(world: World) -> None:
    association = world(members=2000, pin_every=0)
    excess = variance = 0.0
    for round in play(Random(), association, seed=5):
        p = association.expected(round.context, round.slates)
        clicked = round.feedback.clicked
        assert (p[round.slates.choice < 0] == 0).all()
        excess, variance = excess + clicked.sum() - p.sum(), variance + (p * (1 - p)).sum()
    # A member's clicks in one issue share the opening, so their sum varies a little more than that
    # of independent clicks.
    assert abs(excess) / np.sqrt(1.2 * variance) < 4


# The same luck for every policy


def test_two_policies_meet_the_same_opens_and_the_same_clicks(world: World) -> None:
    one, two = world(), world()
    shared = 0
    rounds = (play(Random(), one, 5, 5), play(Favourites(), two, 5, 5))
    for a_round, b_round in zip(*rounds, strict=True):
        a, b = a_round.context, b_round.context
        assert a.member_ids.tolist() == b.member_ids.tolist()
        assert a.articles.equals(b.articles)
        assert one.truth(a).tobytes() == two.truth(b).tobytes()
        drawn, other = a_round.slates, b_round.slates
        first, second = a_round.feedback, b_round.feedback
        assert first.opened.tobytes() == second.opened.tobytes()
        assert first.unsubscribed.tobytes() == second.unsubscribed.tobytes()
        agree = (drawn.choice == other.choice) & (drawn.choice >= 0)
        assert (first.clicked == second.clicked)[agree].all()
        assert (first.dwell_seconds == second.dwell_seconds)[agree].all()
        shared += int((agree & first.clicked).sum())
    assert shared > 5


def test_a_member_who_looks_at_all_slots_clicks_the_same_articles_wherever_they_are(
    world: World,
) -> None:
    association = world(examine=(1.0,) * 6, click_to_open=0.5)
    context = association.issue(1)
    drawn = at_random(context)
    clicked = association.respond(context, drawn).clicked
    turned = Slates(**{name: array[:, ::-1] for name, array in vars(drawn).items()})
    assert (association.respond(context, turned).clicked == clicked[:, ::-1]).all()
    assert clicked.sum() > 20


def test_everything_follows_from_the_seed() -> None:
    runs = []
    for seed in (3, 3, 4):
        association = Association(seed=seed, members=200, issues=4, pool=12)
        runs.append([])
        for round in play(Random(), association, seed=5, issues=3):
            context, feedback = round.context, round.feedback
            features = context.member_features.tobytes() + context.article_features.tobytes()
            runs[-1].append(
                (
                    context.articles.to_csv(),
                    context.members.to_csv(),
                    features,
                    context.seen.tobytes(),
                )
            )
            runs[-1].append(tuple(array.tobytes() for array in vars(feedback).values()))
    assert runs[0] == runs[1]
    assert all(a != b for a, b in zip(runs[0], runs[2], strict=True))


def test_answers_do_not_depend_on_chunks_or_row_order(world: World) -> None:
    whole, parts = world(), world()
    context = whole.issue(1)
    drawn = at_random(context)
    feedback = whole.respond(context, drawn)
    order = np.random.default_rng(0).permutation(len(context.members))
    for rows in (order[:50], order[50:51], order[51:]):
        part = context.take(rows)
        taken = Slates(**{name: array[rows] for name, array in vars(drawn).items()})
        assert is_same(feedback, parts.respond(part, taken), rows)
    assert whole.issue(2).seen.tobytes() == parts.issue(2).seen.tobytes()
    assert whole.issue(2).member_ids.tolist() == parts.issue(2).member_ids.tolist()


# What a policy is told


def test_the_context_holds_no_truth(world: World) -> None:
    association = world()
    context = association.issue(2)
    assert set(context.articles.columns) == {
        "article",
        "title",
        "summary",
        "kind",
        "source",
        "only_region",
    }
    known = {"member", "member_type", "region", "practice_area", "career_stage", "member_since"}
    assert set(context.members.columns) == known
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
            mine = (context.members["region"] == chapter).to_numpy()
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
