"""The wheel bandit: areas, amounts and clicks in closed form, and regret that explorers save."""

from itertools import product

import numpy as np
import pytest

from bandit.core.types import Context, Slates
from bandit.policies.oracle import Oracle
from bandit.policies.random import Random
from bandit.slates.propensity import draw
from experiments.showdown import PUBLISHED, find_regret
from simulators.wheel import MOST, OTHER, SAFE, Wheel, find_amounts


def read_points(wheel: Wheel) -> np.ndarray:
    return wheel.members[["x", "y"]].to_numpy()


def test_points_fill_the_disk_evenly() -> None:
    """P(radius < r) is r^2, and each quadrant has a quarter."""
    points = read_points(Wheel(seed=3, members=40_000, batch=100))
    radius = np.hypot(*points.T)
    for r in (0.3, 0.6, 0.95):
        assert abs((radius < r).mean() - r**2) < 4 * np.sqrt(r**2 * (1 - r**2) / len(points))
    for across, up in product((1, -1), repeat=2):
        share = ((across * points[:, 0] > 0) & (up * points[:, 1] > 0)).mean()
        assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / len(points))
    assert radius.max() <= 1


def test_what_actions_are_worth() -> None:
    """Inside delta the last is best; outside it the quadrant's own, in the published order."""
    points = np.array([[0.1, 0.2], [0.7, 0.5], [0.7, -0.5], [-0.7, 0.5], [-0.7, -0.5]])
    amounts = find_amounts(points, 0.8)
    plain = [OTHER] * 4 + [SAFE]
    expected = np.tile(plain, (5, 1))
    expected[[1, 2, 3, 4], [0, 1, 2, 3]] = MOST
    assert (amounts == expected).all()
    assert (find_amounts(points, 0.0).max(axis=1) == MOST).all()


def test_clicks_come_by_the_amount_and_the_same_luck_meets_every_action() -> None:
    wheel = Wheel(seed=4, delta=0.7, members=60_000, batch=60_000)
    context = wheel.issue(1)
    slates = draw(Random().plan(context), context, 1)
    clicked, expected = wheel.respond(context, slates).clicked, wheel.expected(context, slates)
    for amount in (SAFE, OTHER, MOST):
        rate, some = amount / MOST, expected == amount / MOST
        spread = np.sqrt(rate * (1 - rate) / some.sum())
        assert abs(clicked[some].mean() - rate) <= 4 * spread
    inside = np.flatnonzero(wheel.truth(context).max(axis=1) < 1)
    answers = [_show(wheel, context, slates, action)[inside] for action in (0, 1, 4)]
    assert (answers[0] == answers[1]).all()
    assert (answers[0] <= answers[2]).all()
    assert (answers[0] < answers[2]).any()


def _show(wheel: Wheel, context: Context, slates: Slates, action: int) -> np.ndarray:
    choice = np.full_like(slates.choice, action)
    return wheel.respond(context, Slates(choice, *list(vars(slates).values())[1:])).clicked


def test_who_chooses_by_chance_has_a_regret_of_100_and_who_knows_of_0() -> None:
    random, oracle = (find_regret(p(), Wheel(5, 0.9, 4000, 50)) for p in (Random, Oracle))
    assert abs(random - 100) < 6
    assert oracle == 0


def test_the_regret_of_chance_is_known_in_closed_form() -> None:
    """Outside delta chance loses 4/5 of 49, and inside .16: the ratio is that of the areas."""
    delta = 0.8
    truth = MOST * Wheel(6, delta, 50_000, 50_000).truth(Wheel(6, delta, 50_000, 50_000).issue(1))
    lost = (truth.max(axis=1) - truth.mean(axis=1)).mean()
    outside = 1 - delta**2
    known = outside * (MOST - (MOST + 3 * OTHER + SAFE) / 5) + (1 - outside) * (
        SAFE - (4 * OTHER + SAFE) / 5
    )
    assert lost == pytest.approx(known, rel=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delta": 1.2}, "delta = 1.2; must be"),
        ({"members": 0}, "members = 0; must be"),
        ({"batch": 0}, "batch = 0; must be at least 1"),
        ({"members": 40, "batch": 20, "issues": 3}, "issues = 3; wheel has 40 examples, which"),
    ],
)
def test_what_cannot_be_played_is_refused_by_name(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Wheel(**options)  # type: ignore[arg-type]  # as is said


def test_published_figures_rise_with_delta() -> None:
    for row in PUBLISHED.values():
        assert list(row) == sorted(row)
        assert list(row.values()) == sorted(row.values())
