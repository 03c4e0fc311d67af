"""Promise 1: propensities are what was sampled from. Promise 2: ask twice, same answer."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.rules import Rules
from bandit.core.types import EMPTY, EXPLOIT, EXPLORE, PINNED, Context, SlotPmf
from bandit.slates import propensity as slates
from bandit.slates.exploration import epsilon_greedy, greedy
from bandit.slates.sums import cumulate
from bandit.slates.taking import inverse_cdf
from tests.support.slate_cases import RULES, SOFT, every_explorer, make_masked, make_plan

Make = Callable[..., Context]


@every_explorer
def test_replay_gives_the_logged_propensities_to_the_bit(
    make_context: Make, explore: Callable
) -> None:
    context = make_masked(make_context)
    plan = make_plan(context, explore)
    drawn = slates.draw(plan, context, 5)
    assert slates.replay(plan, context, drawn.choice).tobytes() == drawn.propensity.tobytes()
    assert (drawn.propensity > 0).all()
    assert (drawn.propensity <= 1).all()
    assert (drawn.propensity[drawn.pinned | (drawn.choice < 0)] == 1).all()


@every_explorer
def test_chunks_row_order_and_other_members_change_nothing(
    make_context: Make, explore: Callable
) -> None:
    context = make_masked(make_context)
    whole = slates.draw(make_plan(context, explore), context, 5)
    order = np.random.default_rng(2).permutation(60)
    for rows in (slice(0, 7), slice(59, 60), order, order[:13], np.array([4])):
        part = context.take(rows)
        drawn = slates.draw(make_plan(part, explore), part, 5)
        for name in ("choice", "propensity", "role", "relaxed", "supported"):
            assert getattr(drawn, name).tobytes() == getattr(whole, name)[rows].tobytes(), name


@every_explorer
def test_the_top_slots_alone_are_those_of_the_whole_slate(
    make_context: Make, explore: Callable
) -> None:
    context = make_masked(make_context)
    plan = make_plan(context, explore)
    whole = slates.draw(plan, context, 5)
    for depth in (1, 3, 4, 9):
        top = slates.draw(plan, context, 5, depth=depth)
        for name in ("choice", "propensity", "role", "relaxed", "supported"):
            assert getattr(top, name).tobytes() == getattr(whole, name)[:, :depth].tobytes(), name
        assert (
            slates.replay(plan, context, whole.choice[:, :depth]).tobytes()
            == top.propensity.tobytes()
        )


def test_no_members_no_slates(make_context: Make) -> None:
    """A chunk of a member list may be empty."""
    part = make_context(5, 7).take(np.arange(0))
    assert slates.draw(SlotPmf(np.zeros((0, 7)), SOFT), part, 5).choice.shape == (0, 3)


def test_seed_and_campaign_give_other_slates(make_context: Make) -> None:
    context = make_context(200, 7)
    plan = make_plan(context, SOFT)
    one = slates.draw(plan, context, 5).choice
    assert (slates.draw(plan, context, 5).choice == one).all()
    for other in (
        slates.draw(plan, context, 6),
        slates.draw(plan, make_context(200, 7, campaign="issue-008"), 5),
    ):
        assert 0.3 < (other.choice[:, 0] != one[:, 0]).mean() < 0.95


# What is drawn is what is logged


def test_plackett_luce_on_three_articles(make_context: Make) -> None:
    """Softmax slot by slot is Plackett-Luce, and is drawn that often.

    P(order) = prod_j w_j / (w_j + ... + w_last)
    """
    scores, n, seeds = np.array([0.5, -0.2, 0.1]), 3000, 20
    weights = np.exp(scores / 0.7)
    context = make_context(n, 3, Rules(slots=3))
    plan = SlotPmf(np.tile(scores, (n, 1)), SOFT)
    counts = dict.fromkeys(permutations(range(3)), 0)
    for seed in range(seeds):
        drawn = slates.draw(plan, context, seed)
        for order in counts:
            hit = (drawn.choice == order).all(axis=1)
            counts[order] += int(hit.sum())
            a, b, _ = order
            expected = weights[a] / weights.sum() * weights[b] / (weights.sum() - weights[a])
            np.testing.assert_allclose(drawn.propensity[hit].prod(axis=1), expected, rtol=1e-13)
            z = (counts[order] - (seed + 1) * n * expected) / np.sqrt(
                (seed + 1) * n * expected * (1 - expected)
            )
            assert abs(z) < 4.5
    assert sum(counts.values()) == n * seeds  # no article twice


@every_explorer
def test_frequencies_match_propensities(make_context: Make, explore: Callable) -> None:
    """For each slot and article, draws minus probabilities sum to zero: they are a martingale.

    The probabilities are those given the slots above.
    """
    n, m = 400, 11
    rng = np.random.default_rng(1)
    context = make_context(
        n, m, RULES, eligible=rng.random((n, m)) < 0.8, seen=rng.random((n, m)) < 0.2
    )
    plan = make_plan(context, explore)
    excess, variance = np.zeros((4, m)), np.zeros((4, m))
    for seed in range(25):
        drawn = slates.draw(plan, context, seed)
        desk = slates.Desk(context)
        for slot in range(4):
            pmf = plan(desk.open(slot)[0])
            desk.fill(drawn.choice[:, slot])
            if slot == 2:  # pinned
                continue
            taken = np.flatnonzero(drawn.choice[:, slot] >= 0)
            logged = drawn.propensity[taken, slot]
            assert logged.tobytes() == pmf[taken, drawn.choice[taken, slot]].tobytes()
            excess[slot] += (drawn.choice[:, slot, None] == np.arange(m)).sum(axis=0) - pmf.sum(
                axis=0
            )
            variance[slot] += (pmf * (1 - pmf)).sum(axis=0)
    tested = variance > 20
    assert (np.abs(excess[tested]) / np.sqrt(variance[tested]) < 4.5).all()
    assert np.abs(excess[~tested]).max() < 25
    if explore is not greedy:
        assert tested.sum() > 20


@given(seed=st.integers(0, 10**6), k=st.integers(1, 7))
def test_no_article_twice_and_a_full_layout(make_context: Make, seed: int, k: int) -> None:
    context = make_context(9, 7, Rules(slots=k))
    drawn = slates.draw(make_plan(context, SOFT), context, seed)
    assert all(len(set(row)) == k for row in drawn.choice.tolist())
    assert (drawn.choice >= 0).all()


def test_replay_is_zero_where_the_plan_could_not_have_gone(make_context: Make) -> None:
    may = np.ones((6, 7), dtype=bool)
    may[:, 4] = False
    context = make_context(6, 7, Rules(slots=3, pins={3: "a6"}), eligible=may)
    choice = np.array([[0, 1, 6], [0, 0, 6], [4, 1, 6], [6, 1, 6], [0, 1, 2], [0, -1, 6]])
    replayed = slates.replay(SlotPmf(np.zeros((6, 7)), SOFT), context, choice)
    open = 5  # of 7, without the pin and a4
    expected = [
        [1 / 5, 1 / 4, 1],
        [1 / 5, 0, 1],
        [0, 1 / 5, 1],
        [0, 1 / 5, 1],
        [1 / 5, 1 / 4, 0],
        [1 / 5, 0, 1],
    ]
    assert (may[0].sum() - 1) == open
    np.testing.assert_allclose(replayed, expected, rtol=1e-14)


def test_roles_and_support(make_context: Make) -> None:
    may = np.ones((3, 7), dtype=bool)
    may[2] = [True, False, True, False, False, False, True]
    scores = np.tile([3.0, 2.0, 2.0, 0, 0, 0, 0], (3, 1))
    context = make_context(3, 7, Rules(slots=4, pins={3: "a6"}), eligible=may)
    plain = slates.draw(SlotPmf(scores, greedy), context, 5)
    # the one favourite, a tie of two, the pin, what is left of the tie; for the third member no tie
    # and nothing left
    assert plain.role.tolist() == [[EXPLOIT, EXPLORE, PINNED, EXPLOIT]] * 2 + [
        [EXPLOIT, EXPLOIT, PINNED, EMPTY]
    ]
    assert plain.supported.tolist() == [[False, False, True, False]] * 2 + [
        [False, True, True, True]
    ]
    mixed = slates.draw(SlotPmf(scores, epsilon_greedy(0.5)), make_context(3, 7), 5)
    assert mixed.supported.all()
    assert ((mixed.role == EXPLOIT) == (mixed.propensity > 0.5)).all()


def test_inverse_cdf_stays_in_the_support() -> None:
    pmf = np.array(
        [[0.0, 0.25, 0.0, 0.75, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0], [0.0] * 5, [0.1] * 3 + [0.7, 0.0]]
    )
    for u, expected in ((0.0, [1, 2, -1, 0]), (0.25, [3, 2, -1, 2]), (1 - 2.0**-53, [3, 2, -1, 3])):
        for times in (1, 10):  # few and many members
            sums = np.tile(cumulate(pmf.T), times)
            assert inverse_cdf(sums, np.full(4 * times, u)).tolist() == expected * times
