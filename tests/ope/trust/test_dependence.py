"""The test of whether clicks depend on other slots: its null, what it finds, and its words."""

import math

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Floats, SlotPmf
from bandit.ope.trust.dependence import (
    Dependence,
    find_crowding,
    find_crowding_of_one,
    find_dependence,
    lean,
    rank_appeal,
)
from bandit.slates import exploration
from bandit.slates.propensity import draw
from bandit.slates.walks import Walks, walk_beside
from tests.support.ope_cases import make_issue

M, K = 9, 4


def send(rng: np.random.Generator, n: int, seed: int) -> tuple[Floats, Floats, Walks, Floats]:
    """One issue by a steep logger: appeal of what was shown [n, k], its sorted ranks, the walks."""
    context = make_issue(n, M, Rules(slots=K, at_most={"kind": {"article": 3}}))
    plan = SlotPmf(rng.normal(size=(n, M)), exploration.softmax(0.8))
    appeal = 0.5 * plan.scores + rng.normal(size=(n, M))
    choice, rows = draw(plan, context, seed).choice, np.arange(n)
    ranks = rank_appeal(appeal, context.eligible)[..., None]
    walks = walk_beside(plan, context, choice, rows, seed, 4, own=True, appeal=ranks)
    shown = np.take_along_axis(appeal, choice, axis=1)
    return shown, ranks, walks, rng.random((n, 1)) < 0.5


def click(rng: np.random.Generator, logit: Floats, opened: Floats) -> Floats:
    return (opened & (rng.random(logit.shape) < 1 / (1 + np.exp(1.5 - logit)))).astype(float)


def test_where_clicks_do_not_depend_p_values_are_uniform() -> None:
    """Though members differ, steep loggers put what they like on top, and opens join the slots."""
    rng, runs, low = np.random.default_rng(51), 120, np.zeros((120, 2))
    for run in range(runs):
        shown, ranks, walks, opened = send(rng, 300, run)
        reward = click(rng, shown - 0.3 * np.arange(K), opened)
        found = find_dependence(lean(walks, reward, ranks), np.arange(300))
        low[run] = found.above, found.below
    for at in (0.1, 0.5):
        share = (low < at).mean(axis=0)
        assert (np.abs(share - at) < 3.5 * np.sqrt(at * (1 - at) / runs)).all(), share


@pytest.mark.parametrize("side", ["above", "below"])
def test_a_dependence_is_found_on_its_side(side: str) -> None:
    rng = np.random.default_rng(52)
    shown, ranks, walks, opened = send(rng, 6000, 1)
    other = np.zeros_like(shown)
    if side == "above":
        other[:, 1:] = np.cumsum(shown, axis=1)[:, :-1]
    else:
        other[:, :-1] = shown[:, 1:]
    reward = click(rng, shown - 0.5 * other, opened)
    found = find_dependence(lean(walks, reward, ranks), np.arange(6000))
    p = {"above": found.above, "below": found.below}
    assert p.pop(side) < 1e-4
    assert min(p.values()) > 0.01
    assert f"clicks depend on the articles {side} (p = " in found.words


def test_what_tells_nothing_is_said() -> None:
    found = find_dependence(np.zeros((7, 3, 2, 2)), np.arange(7))
    assert np.isnan([found.above, found.below]).all()
    assert found.words == "the log cannot tell whether clicks depend on other slots"
    assert Dependence(0.4, 0.07).words == "no sign that clicks depend on other slots (p = 0.07)"
    assert Dependence(0.002, 0.5).words == "clicks depend on the articles above (p = 0.002)"


def test_a_click_that_keeps_others_away_is_found_and_independent_ones_are_not() -> None:
    rng, n = np.random.default_rng(54), 20_000
    liking = rng.beta(0.8, 12, (n, 1)) * (rng.random((n, 1)) < 0.4)  # who opens, who clicks
    reward = (rng.random((n, 5)) < liking * [1, 0.9, 0.8, 0.5, 0.4]).astype(float)
    first = reward * (np.cumsum(reward, axis=1) == 1)  # read to the first click and no further
    assert find_crowding(reward, n) > 0.5
    assert find_crowding(first, n) < 1e-3
    assert find_crowding(first[first.any(axis=1)], n) == find_crowding(first, n)
    assert np.isnan(find_crowding(reward[:, :1], n))
    assert np.isnan(find_crowding(0 * reward, n))
    found = Dependence(0.3, 0.4, find_crowding(first, n))
    assert found.words.startswith("a click in one slot keeps others away (p = ")
    assert Dependence(0.3, 0.4, 0.9).words == "no sign that clicks depend on other slots (p = 0.3)"


def test_without_noise_in_common_too_few_pairs_are_as_rare_as_said() -> None:
    rng, runs = np.random.default_rng(55), 300
    low = [find_crowding(rng.random((3000, 4)) < 0.05, 3000) < 0.05 for _ in range(runs)]
    assert np.mean(low) < 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / runs)


def test_a_copy_of_a_kind_of_appeal_changes_nothing() -> None:
    leans = np.random.default_rng(53).normal(0.1, 1, (80, 3, 1, 2))
    once = find_dependence(leans, np.arange(80) % 23)
    twice = find_dependence(np.concatenate([leans, 3 * leans], axis=2), np.arange(80) % 23)
    assert once.above == pytest.approx(twice.above, rel=1e-6)
    assert once.below == pytest.approx(twice.below, rel=1e-6)


def test_ranks() -> None:
    appeal = np.array([[3.0, -1.0, 3.0, 9.0, np.nan], [0.0, 0.0, 0.0, 0.0, 0.0]])
    open = np.array([[True, True, True, False, True], [True] * 5])
    np.testing.assert_allclose(
        rank_appeal(appeal, open),
        [[1 / 6, -1 / 3, 1 / 6, 0, 0], [0] * 5],
        atol=1e-12,
    )


def read_on(
    rng: np.random.Generator, after: float, n: int = 2500, issues: int = 4
) -> tuple[Floats, Floats, Floats]:
    """Clicks [n, k], opens and members of readers who go on with chance `after` after a click."""
    opens, likes = np.tile(rng.beta(0.6, 1.0, n), issues), np.tile(rng.beta(1.2, 9, n), issues)
    opened = rng.random(n * issues) < opens
    clicked, reads = np.zeros((n * issues, 3)), opened.copy()
    for j, look in enumerate((1.0, 0.85, 0.7)):
        clicked[:, j] = reads & (rng.random(n * issues) < likes * look)
        reads &= (clicked[:, j] == 0) | (rng.random(n * issues) < after)
    return clicked, opened, np.tile(np.arange(n), issues)


def test_pairs_of_a_member_who_opens_two_newsletters_by_hand() -> None:
    """Member 0 clicked both slots in one of two; member 1 one slot in each; member 2 opened one."""
    clicked = np.array([[1, 1], [0, 0], [1, 0], [0, 1], [1, 1]])
    # where member 0 opened one, only member 1 has pairs to compare: none within, half a one across
    found = find_crowding_of_one(clicked, clicked.any(axis=1), np.array([0, 0, 1, 1, 2]))
    assert found == pytest.approx(0.5 * (1 - math.erf(1 / math.sqrt(2))), rel=1e-12)
    opened = np.ones(5, dtype=bool)
    found = find_crowding_of_one(clicked, opened, np.array([0, 0, 1, 1, 2]))
    within, across = np.array([1 / 2, 0]) * 2, np.array([0, 1 / 2]) * 2
    apart = within - 0.95 * across
    z = apart.sum() / np.sqrt((apart**2).sum())
    assert found == pytest.approx(0.5 * (1 + math.erf(z / math.sqrt(2))), rel=1e-12)
    assert np.isnan(find_crowding_of_one(0 * clicked, opened, np.arange(5)))


def test_a_click_that_makes_reading_on_less_likely_is_found_and_unlike_readers_are_not() -> None:
    rng = np.random.default_rng(57)
    independent = [find_crowding_of_one(*read_on(rng, 1.0)) for _ in range(200)]
    assert np.mean(np.array(independent) < 0.1) < 0.1 + 3.5 * np.sqrt(0.09 / 200)
    tired = [find_crowding_of_one(*read_on(rng, 0.6)) for _ in range(50)]
    assert np.mean(np.array(tired) < 0.1) > 0.8
    clicked, opened, members = read_on(rng, 1.0)
    machines = find_crowding_of_one(clicked, opened | (rng.random(len(opened)) < 0.5), members)
    assert machines > 0.1  # programs that open hide something, and make up nothing
