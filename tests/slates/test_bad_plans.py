"""What a plan may not do: probabilities that are none are refused, with the member and slot."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Context, SlotPmf
from bandit.slates import propensity as slates
from bandit.slates.exploration import epsilon_greedy, thompson
from tests.support.slate_cases import EXPLORERS, SOFT

Make = Callable[..., Context]


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
        pmf = epsilon_greedy(1.0)(scores, open)
        pmf[2] = value(pmf)[2]
        return pmf

    with pytest.raises(ValueError, match=rf"pmf of member .*124.*, slot 1: .*{said}"):
        slates.draw(SlotPmf(np.zeros((4, 7)), explore), make_context(4, 7, eligible=may), 5)


@pytest.mark.parametrize(
    "explore",
    [*EXPLORERS.values(), lambda s, o: thompson(s[None], 0.1)(s, o)],
    ids=[*EXPLORERS, "ts"],
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
