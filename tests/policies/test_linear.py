"""LinUCB and LinTS: bounds, draws, the contract for every form, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Context
from bandit.models.linear.blocks import shorten
from bandit.policies.lin_ts import LinTS
from bandit.policies.lin_ucb import LinUCB
from bandit.slates.propensity import draw
from simulators.play import play, send
from tests.support.builders import association_of
from tests.support.linear_cases import LAMBDA, predict, show, teach

Make = Callable[..., Context]
FORMS = [
    *product(("shared", "disjoint", "hybrid"), ("linear", "logistic"), ("articles",)),
    ("disjoint", "linear", "member_type"),
    ("hybrid", "logistic", "region"),
]


def test_bounds_lie_above_the_mean_and_come_down_with_data(world: Any) -> None:
    association = world(text_dims=6, unsubscribe=0.0)  # the same members throughout
    gaps = []
    policy, plain = LinUCB(alpha=0.5, ridge=LAMBDA), LinUCB(alpha=0.0, ridge=LAMBDA)
    for each in (policy, plain):
        each.start(association.features)
    for number in (1, 2, 3):
        context = association.issue(number)
        later = association.issue(4)
        gaps.append(policy.plan(later).scores - plain.plan(later).scores)
        send(policy, association, context, 5)
        plain.restore(policy.state())
    assert (gaps[-1] > 0).all()
    assert (gaps[1] <= gaps[0] + 1e-9).all()
    assert gaps[2].mean() < 0.9 * gaps[0].mean()


def test_draws_have_the_posterior_covariance(make_context: Make) -> None:
    linear, *_ = teach(make_context, 40, model="shared", link="linear")
    moved = (linear.draw(np.eye(15)[:, None, :]) - linear.W).reshape(15, 15)
    np.testing.assert_allclose(
        moved.T @ moved, np.linalg.inv(linear.blocks.precision[0]), atol=2e-6
    )


@pytest.mark.parametrize(
    ("model", "by"), [("shared", "articles"), ("disjoint", "articles"), ("hybrid", "group")]
)
def test_drawn_scores_spread_as_wide_as_the_bounds(make_context: Make, model: str, by: str) -> None:
    """One thing computed twice: 4,000 draws of W, and the covariance with each article."""
    linear, context, _ = teach(make_context, 40, model=model, link="linear", by=by)
    noise = np.random.default_rng(3).standard_normal((4000, *linear.blocks.mean.shape))
    drawn = linear.score(context, linear.draw(noise))
    mean, width = predict(linear, context)
    np.testing.assert_allclose(drawn.std(axis=0), width, rtol=0.06)  # one sd is 1.1 %
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * width / np.sqrt(4000)).all()


@pytest.mark.parametrize("kind", [LinTS, LinUCB])
@pytest.mark.parametrize(("model", "link", "by"), FORMS)
def test_every_form_keeps_the_contract(
    world: Any, kind: Any, model: str, link: str, by: str
) -> None:
    association = world(members=80, pool=12, text_dims=4)
    policy, other = (kind(model=model, link=link, by=by, ridge=30.0) for _ in range(2))
    for each in (policy, other):
        each.start(association.features)
    list(play(policy, association, seed=5, issues=2, started=True))
    other.restore(policy.state())
    context = association.issue(3)
    whole = draw(policy.plan(context), context, 7)
    rows = np.random.default_rng(2).permutation(len(context.members))
    for some in (rows, rows[:31], rows[:1]):
        part = draw(other.plan(context.take(some)), context.take(some), 7)
        assert part.choice.tobytes() == whole.choice[some].tobytes()
        assert part.propensity.tobytes() == whole.propensity[some].tobytes()
    few = context.take(rows[:1])
    for each in (policy, other):  # an issue of one member is learned look by look
        alone = show(replace(few, rules=Rules(slots=1)), np.array([2]), np.ones(1))
        each.learn(alone)
    assert {n: v.tobytes() for n, v in policy.state().items()} == {
        n: v.tobytes() for n, v in other.state().items()
    }


@pytest.mark.parametrize("kind", [LinTS, LinUCB])
def test_state_of_another_shape_is_refused(world: Any, kind: Any) -> None:
    policy, other = kind(), kind(model="hybrid", by="region")
    for each in (policy, other):
        each.start(world(text_dims=4).features)
    with pytest.raises(ValueError, match="mean has shape"):
        other.restore(policy.state())


@pytest.mark.parametrize("kind", [LinTS, LinUCB])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model": "magic"}, "model = 'magic'; must be one of shared, disjoint, hybrid"),
        ({"link": "probit"}, "link = 'probit'; must be one of linear, logistic"),
        (
            {"model": "hybrid", "by": "shoe_size"},
            "by = 'shoe_size'; must be 'articles' or an attribute of member_type",
        ),
        ({"by": "shoe_size"}, "by = 'shoe_size'"),
        ({"axes": 0}, "axes = 0; must be at least 1"),
        ({"fourier": -1}, "fourier = -1; must be at least 0"),
        ({"ridge": 0.0}, "ridge = 0.0"),
        ({"constant": float("nan")}, "constant = nan"),
        ({"rate": 1.5}, r"rate = 1.5; must be in \[0, 1\]"),
        ({"rate": 0.0, "link": "logistic"}, "rate = 0.0; must be between 0 and 1"),
        ({"floor": -0.1}, "floor = -0.1"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    world: Any, kind: Any, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**parameters).start(world().features)


@pytest.mark.parametrize("kind", [LinTS, LinUCB])
def test_an_option_that_does_not_exist_is_refused_by_name(kind: Any) -> None:
    with pytest.raises(TypeError, match="rigde"):
        kind(rigde=30.0)


def test_negative_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha = -1"):
        LinUCB(alpha=-1)
    with pytest.raises(ValueError, match="scale = -1"):
        LinTS(scale=-1)


@pytest.mark.parametrize("link", ["linear", "logistic"])
@pytest.mark.parametrize(
    "option",
    [
        {"ridge": 1e-6},
        {"ridge": 1e-6, "constant": 1e-6},
        {"ridge": 1e-6, "model": "disjoint"},
        {"ridge": 1e300},
        {"ridge": 1.0, "rate": 1e-6},
        {"bandwidth": 0.05, "fourier": 20},
        {"scale": 1e6, "ridge": 1.0},
        {"alpha": 1e6, "ridge": 1.0},
    ],
)
def test_what_passes_the_check_plans_and_learns(option: dict[str, Any], link: str) -> None:
    """Draws from a prior that says hardly anything are long, which is no fault of the features."""
    kind: Any = LinUCB if "alpha" in option else LinTS
    association = association_of(members=120, issues=3, pool=12, slots=4, text_dims=6)
    policy = kind(link=link, **option)
    for _ in play(policy, association, seed=1, issues=2):
        pass
    context = association.issue(3)
    whole = policy.plan(context)
    assert np.isfinite(whole.scores).all()
    slates, some = draw(whole, context, 7), context.take(np.arange(5))
    part = draw(policy.plan(some), some, 7)
    assert part.propensity.tobytes() == slates.take(np.arange(5)).propensity.tobytes()


def test_long_rows_are_shortened_by_a_power_of_two_and_short_ones_keep_their_bits() -> None:
    rows = np.array([[3.0, -4.0], [0.1, 0.2]])
    kept, one = shorten(rows)
    assert (kept is rows, one) == (True, 1.0)
    small, scale = shorten(1e5 * rows)
    assert np.log2(scale) % 1 == 0
    assert (small * scale == 1e5 * rows).all()
    assert 0.5 < np.hypot(*small[0]) <= 1


def test_a_bandwidth_at_which_nobody_is_alike_is_refused() -> None:
    with pytest.raises(ValueError, match=r"bandwidth = 0.01; must be at least 0.05"):
        LinTS(fourier=20, bandwidth=0.01)
