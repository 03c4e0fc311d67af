"""The association's answers: published rates, and the same luck for every policy."""

from collections.abc import Callable

import numpy as np

from bandit.core.types import Feedback, Slates
from bandit.policies.random import Random
from simulators.association.association import Association
from simulators.association.members import FIRST_ID
from simulators.play import play
from tests.support.dynamics_cases import at_random
from tests.support.truth_cases import Favourites

World = Callable[..., Association]


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
        assert a.articles.to_pandas().equals(b.articles.to_pandas())
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
                    context.articles.to_pandas().to_csv(),
                    context.members.to_pandas().to_csv(),
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
