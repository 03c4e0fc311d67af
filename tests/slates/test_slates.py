"""Promise 1: propensities are what was sampled from. Promise 2: ask twice, same answer."""

from collections.abc import Callable
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core import keys
from bandit.core.rules import Rules
from bandit.core.types import EMPTY, EXPLOIT, EXPLORE, PINNED, Context, SlotPmf
from bandit.slates import walk as slates
from bandit.slates.exploration import (
    budgeted,
    epsilon_greedy,
    greedy,
    plackett_luce,
    softmax,
    squarecb,
    thompson,
)
from bandit.slates.mass import inverse_cdf
from bandit.slates.sums import cumulate

Make = Callable[..., Context]
SOFT = partial(softmax, temperature=0.7)
EXPLORERS = {
    "greedy": greedy,
    "epsilon": partial(epsilon_greedy, epsilon=0.3),
    "softmax": SOFT,
    "budgeted": partial(budgeted, budget=0.3, temperature=0.7),
    "squarecb": partial(squarecb, gamma=7.0),
}
every = pytest.mark.parametrize("explore", EXPLORERS.values(), ids=EXPLORERS.keys())
RULES = Rules(
    slots=4,
    pins={3: "a6"},
    at_most={"kind": {"event": 1}},
    at_least={"kind": {"resource": 1}},
    only={2: {"source": ["gazette", "board"]}},
)


def make_plan(context: Context, explore: Callable) -> SlotPmf:
    """Scores that depend on the member and the article only."""
    scores = keys.uniforms(
        3, "scores", "s", keys.member_keys(context.member_ids), len(context.articles)
    )
    return SlotPmf(2 * scores, explore)


def make_masked(make_context: Make, n: int = 60, m: int = 11) -> Context:
    rng = np.random.default_rng(1)
    return make_context(
        n, m, RULES, eligible=rng.random((n, m)) < 0.6, seen=rng.random((n, m)) < 0.3
    )


@every
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


@every
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


@every
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


# Weights


@given(st.floats(0.05, 20), st.integers(3, 40), st.integers(0, 50))
def test_drawing_from_weights_gives_the_bits_of_drawing_from_the_pmf(
    make_context: Make, temperature: float, m: int, seed: int
) -> None:
    """Plackett-Luce by its weights is softmax by slot: choices, propensities, roles, support."""
    rng = np.random.default_rng(seed)
    n, rules = 30, Rules(slots=3, at_most={"kind": {"event": 1}})
    context = make_context(
        n, m, rules, eligible=rng.random((n, m)) < 0.7, seen=rng.random((n, m)) < 0.3
    )
    scores = rng.normal(size=(n, m))
    quick, slow = (
        plackett_luce(scores, temperature),
        SlotPmf(scores, partial(softmax, temperature=temperature)),
    )
    assert quick.weights is not None
    one, other = slates.draw(quick, context, 5), slates.draw(slow, context, 5)
    for name, values in vars(one).items():
        assert values.tobytes() == getattr(other, name).tobytes(), name
    assert slates.replay(quick, context, other.choice).tobytes() == one.propensity.tobytes()


@given(
    st.integers(1, 3), st.integers(5, 19), st.integers(0, 10**6), st.sampled_from([{}, {2: "a1"}])
)
def test_any_slates_are_replayed_alike_from_weights_and_pmf(
    make_context: Make, cap: int, m: int, seed: int, pins: dict[int, str]
) -> None:
    """Whatever was sent: closed articles, one twice, empty slots, caps overrun.

    From slot to slot, masses are only made anew for the members of whom a rule has more to say than
    that an article went.
    """
    rng = np.random.default_rng(seed)
    n, rules = (
        40,
        Rules(slots=5, pins=pins, at_most={"kind": {"event": cap}, "source": {"board": 2}}),
    )
    context = make_context(
        n, m, rules, eligible=rng.random((n, m)) < 0.8, seen=rng.random((n, m)) < 0.4
    )
    scores, choice = rng.normal(size=(n, m)), rng.integers(-1, m, (n, 5))
    one = slates.replay(plackett_luce(scores, 0.7), context, choice)
    assert one.tobytes() == slates.replay(SlotPmf(scores, SOFT), context, choice).tobytes()


@given(st.integers(1, 12))
def test_caps_do_not_mind_pieces(make_context: Make, piece: int) -> None:
    rng = np.random.default_rng(piece)
    rules = Rules(slots=5, at_most={"kind": {"event": 1}, "source": {"board": 2}})
    context = make_context(30, 17, rules, seen=rng.random((30, 17)) < 0.5)
    plan = plackett_luce(rng.normal(size=(30, 17)), 0.7)
    whole = slates.draw(plan, context, 5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slates, "_PIECE", piece)
        for name, values in vars(slates.draw(plan, context, 5)).items():
            assert values.tobytes() == getattr(whole, name).tobytes(), name


@given(st.integers(0, 10**6), st.integers(1, 2))
def test_zero_weights_are_supported_alike_by_weights_and_pmf(
    make_context: Make, seed: int, cap: int
) -> None:
    """Where a cap closes an article of weight 0, nothing is missing any more."""
    rng = np.random.default_rng(seed)
    context = make_context(
        30, 9, Rules(slots=4, at_most={"kind": {"event": cap}}), seen=rng.random((30, 9)) < 0.2
    )
    weights = np.where(rng.random((30, 9)) < 0.2, 0.0, rng.random((30, 9)))
    weights[(weights * (context.eligible & ~context.seen)).sum(axis=1) < 1] = 1.0

    def pmf(scores: np.ndarray, open: np.ndarray) -> np.ndarray:
        mass = weights * open
        whole = mass.sum(axis=1, keepdims=True)
        return np.divide(mass, whole, out=np.zeros_like(mass), where=whole > 0)

    try:
        one = slates.draw(SlotPmf(weights, pmf, weights), context, 5)
    except ValueError:  # nothing with a weight was left open: both refuse
        with pytest.raises(ValueError, match="member"):
            slates.draw(SlotPmf(weights, pmf), context, 5)
        return
    other = slates.draw(SlotPmf(weights, pmf), context, 5)
    assert (one.choice == other.choice).all()
    assert (one.supported == other.supported).all()


def test_a_negative_weight_is_refused_by_name(make_context: Make) -> None:
    weights = np.ones((6, 7))
    weights[4, 2] = -0.2
    with pytest.raises(
        ValueError, match=r"weight of article 'a2' for member .* = -0.2; must be at least 0"
    ):
        slates.draw(SlotPmf(weights, SOFT, weights), make_context(6, 7), 5)


def test_zero_weights_leave_articles_unsupported_until_they_close(make_context: Make) -> None:
    """Article a3 has weight 0 and no one's slate; where it may not be shown, nothing is missing."""
    may = np.ones((6, 7), dtype=bool)
    may[4:, 3] = False
    weights = np.ones((6, 7))
    weights[:, 3] = 0.0
    drawn = slates.draw(
        SlotPmf(np.zeros((6, 7)), SOFT, weights), make_context(6, 7, eligible=may), 5
    )
    assert not (drawn.choice == 3).any()
    assert drawn.supported.tolist() == [[False] * 3] * 4 + [[True] * 3] * 2
    np.testing.assert_allclose(
        drawn.propensity, np.tile(1 / np.array([6.0, 5.0, 4.0]), (6, 1)), rtol=1e-14
    )


def test_weights_keep_pins_sections_and_minimums_and_do_not_mind_pieces(
    make_context: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_masked(make_context)
    plan = plackett_luce(make_plan(context, SOFT).scores, 0.7)
    whole = slates.draw(plan, context, 5)
    assert (
        whole.choice.tobytes() == slates.draw(make_plan(context, SOFT), context, 5).choice.tobytes()
    )
    monkeypatch.setattr(slates, "_PIECE", 7)
    for name, values in vars(slates.draw(plan, context, 5)).items():
        assert values.tobytes() == getattr(whole, name).tobytes(), name


def test_scores_too_far_apart_for_weights_are_shifted(make_context: Make) -> None:
    """Across a gap of 1,500 temperatures the lower article has 1 once the higher one is shown."""
    plan = plackett_luce(np.tile([0.0, 1500.0], (4, 1)), 1.0)
    assert plan.weights is None
    drawn = slates.draw(plan, make_context(4, 2, Rules(slots=2)), 5)
    assert drawn.choice.tolist() == [[1, 0]] * 4
    assert (drawn.propensity == 1).all()


@pytest.mark.parametrize("weight", [np.nan, np.inf, 0.0])
def test_weights_that_are_no_distribution_are_refused(make_context: Make, weight: float) -> None:
    weights = np.ones((4, 7))
    weights[2] = weight
    plan = SlotPmf(np.zeros((4, 7)), SOFT, weights)
    with pytest.raises(ValueError, match=r"weights of member .*, slot 1: sum to"):
        slates.draw(plan, make_context(4, 7), 5)


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


@every
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
        for slot in (0, 1, 3):  # the third slot is pinned
            pmf = plan(desk.open(slot, drawn.choice)[0])
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
    mixed = slates.draw(
        SlotPmf(scores, partial(epsilon_greedy, epsilon=0.5)), make_context(3, 7), 5
    )
    assert mixed.supported.all()
    assert ((mixed.role == EXPLOIT) == (mixed.propensity > 0.5)).all()


def test_inverse_cdf_stays_in_the_support() -> None:
    pmf = np.array(
        [[0.0, 0.25, 0.0, 0.75, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0], [0.0] * 5, [0.1] * 3 + [0.7, 0.0]]
    )
    for u, expected in ((0.0, [1, 2, -1, 0]), (0.25, [3, 2, -1, 2]), (1 - 2.0**-53, [3, 2, -1, 3])):
        assert inverse_cdf(cumulate(pmf.T), np.full(4, u)).tolist() == expected


# What a plan may not do


@pytest.mark.parametrize(
    ("wrong", "value", "said"),
    [
        ("too little", lambda pmf: 0.9 * pmf, r"sums to 0.9"),
        ("too much", lambda pmf: 1.1 * pmf, r"sums to 1.1"),
        ("negative", lambda pmf: pmf + np.array([0.5, -0.5, 0, 0, 0, 0, 0]), r"smallest -0\.3"),
        ("closed", lambda pmf: np.full_like(pmf, 1 / 7), "distribution over the 5 open articles"),
        ("nan", lambda pmf: pmf * np.nan, "sums to nan"),
    ],
)
def test_a_bad_pmf_is_refused_with_its_place(
    make_context: Make, wrong: str, value: Any, said: str
) -> None:
    may = np.ones((4, 7), dtype=bool)
    may[:, 5:] = False

    def explore(scores: np.ndarray, open: np.ndarray) -> np.ndarray:
        pmf = epsilon_greedy(scores, open, 1.0)
        pmf[2] = value(pmf)[2]
        return pmf

    with pytest.raises(ValueError, match=rf"pmf of member .*124.*, slot 1: .*{said}"):
        slates.draw(SlotPmf(np.zeros((4, 7)), explore), make_context(4, 7, eligible=may), 5)


@pytest.mark.parametrize(
    "explore", [*EXPLORERS.values(), lambda s, o: thompson(s[None], o, 0.1)], ids=[*EXPLORERS, "ts"]
)
def test_nan_scores_are_refused(make_context: Make, explore: Callable) -> None:
    scores = np.zeros((4, 7))
    scores[1, 3] = np.nan
    with pytest.raises(ValueError, match=r"pmf of member .*117.*, slot 1"):
        slates.draw(SlotPmf(scores, explore), make_context(4, 7), 5)


def test_a_plan_with_mass_where_nothing_is_open_shows_nothing_ineligible(
    make_context: Make,
) -> None:
    """Promise 3 holds against any plan.

    One that falls back to uniform is refused, or its slot stays empty.
    """
    may = np.ones((3, 7), dtype=bool)
    may[1] = False
    fallback = SlotPmf(
        np.zeros((3, 7)), lambda scores, open: SOFT(scores, open | ~open.any(axis=1, keepdims=True))
    )
    try:
        drawn = slates.draw(fallback, make_context(3, 7, eligible=may), 5)
    except ValueError as error:
        assert "117" in str(error)  # noqa: PT017  (either outcome is right)
    else:
        assert (drawn.choice[1] == -1).all()


def test_a_plans_own_arrays_are_not_written(make_context: Make) -> None:
    pmf = np.full((4, 7), 1 / 6)
    pmf[:, 6] = 0
    slates.draw(
        SlotPmf(pmf, lambda scores, open: scores),
        make_context(4, 7, Rules(slots=1, pins={1: "a6"})),
        5,
    )
    assert (pmf[:, 0] == 1 / 6).all()
