"""Slates drawn from weights have the bits of those drawn from the probabilities themselves."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.rules import Rules
from bandit.core.types import Context, SlotPmf
from bandit.slates import propensity as slates
from bandit.slates.exploration import plackett_luce, softmax
from tests.support.slate_cases import SOFT, make_masked, make_plan

Make = Callable[..., Context]


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
