"""What a log can tell of another policy: weights, effective sizes, missing support, depth."""

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.ope import diagnostics, inputs
from bandit.ope.sample_size import effective_sample_size
from bandit.slates import exploration
from tests.support.ope_cases import SCORES, TARGETS, list_slates, replay_plan


def test_weights_are_running_products() -> None:
    logged = np.array([[0.5, 0.25], [0.2, 1.0]])
    target = np.array([[1.0, 0.5], [0.1, 0.0]])
    np.testing.assert_array_equal(inputs.weights(logged, target), [[2, 4], [0.5, 0]])


@pytest.mark.parametrize(
    ("w", "size"),
    [
        ([1, 1, 1, 1, 1], 5),
        ([3, 1], 1.6),
        ([0, 0, 7], 1),
        ([0, 0], 0),
        ([], 0),
        ([1e200, 3e200], 1.6),
    ],
)
def test_effective_sample_size(w: list[float], size: float) -> None:
    assert effective_sample_size(np.array(w, dtype=float)) == pytest.approx(size, rel=1e-14)


def test_deficiency_is_what_the_logger_may_never_show() -> None:
    target = np.array([[0.9, 0.2], [1.0, 0.3]])
    support = np.array([[True, False], [False, False]])
    np.testing.assert_allclose(diagnostics.deficiency(target, support), [[0, 0.8], [0, 0.7]])
    assert diagnostics.deficiency(np.array([[1 + 1e-12]]), np.array([[False]])) == 0


def test_lost_adds_up_down_the_slate_as_the_target_would_fill_it() -> None:
    logged = np.array([[0.5, 1.0], [0.5, 1.0]])
    target = np.array([[0.9, 0.2], [0.1, 0.6]])
    support = np.array([[False, False], [True, False]])
    first = (0.1 + 0) / 2
    second = (1.8 * 0.8 + 0.2 * 0.4) / 2  # weighted by the slots above
    np.testing.assert_allclose(
        diagnostics.measure_lost(logged, target, support), [first, 1 - (1 - first) * (1 - second)]
    )
    np.testing.assert_array_equal(diagnostics.measure_lost(logged, target, ~support | True), [0, 0])


def test_lost_bounds_the_target_s_mass_outside_a_greedy_logger() -> None:
    choice, logged = list_slates(4, Rules(slots=2), exploration.greedy, SCORES[0])
    target = replay_plan(choice, 4, Rules(slots=2), TARGETS["epsilon"], SCORES[1])
    none = np.zeros(logged.shape, dtype=bool)
    np.testing.assert_allclose(
        diagnostics.measure_lost(logged, target, none), 1 - np.cumprod(target[0])
    )  # one slate: exact


def test_deepest_counts_the_slots_before_the_first_that_is_too_thin() -> None:
    logged = np.ones((10, 4))
    target = np.ones((10, 4))
    target[5:, 1] = 0  # 5 sends left
    target[1:, 2] = 0  # 1 send left
    found = [diagnostics.find_depth(logged, target, least) for least in (1, 2, 5, 5.1, 10, 10.1)]
    assert found == [4, 2, 2, 1, 1, 0]
    target[:] = [0.1, 0.05, 1, 1]
    target[0] = [0.1, 1, 0.05, 1]  # one heavy send at slot 2 that slot 3 evens out
    assert diagnostics.find_depth(logged, target, 9) == 1
