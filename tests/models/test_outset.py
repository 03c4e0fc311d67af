"""What `profile` thinks before any click: the same for any scale of text, and read from values."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit.core.types import Round
from bandit.models.profiles import Pool
from bandit.policies.profile import Profile
from bandit.slates.propensity import draw
from tests.support.profile_cases import World


def _scale(world: World, factor: float) -> World:
    """The same world, in which text vectors are so much longer and taste as much smaller."""
    world.w[:, 3:] /= factor
    articles, scale = world.articles, [1.0] * 3 + [factor] * world.text
    # the method of this one world is replaced on purpose
    world.articles = lambda *given: articles(*given) * scale  # type: ignore[method-assign]
    return world


def test_only_the_direction_of_text_counts_not_its_scale() -> None:
    """Text vectors 16 times as long: the same plans, before the first issue and after four."""
    found = []
    for factor in (1.0, 16.0):
        world = _scale(World(31, members=400, text=4, scale=3.0), factor)
        policy = world.start_learning()
        first = policy.plan(world.issue(1)).scores
        context, _ = world.run(policy, 4)
        found.append((first, policy.plan(context).scores, policy.variance[3:] * factor**2))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)


class Named(World):
    """Two topics and three areas, of which two are called by a topic."""

    def __post_init__(self) -> None:
        super().__post_init__()
        names = ["first", "second", "other"]
        self.features.member_names = ["constant", *(f"area={name}" for name in names)]
        self.features.encode_texts = lambda values: (
            2.0 * np.array([[value == "first", value == "second"] for value in values])
        )
        self.area = np.arange(self.members) % 3
        self.x = np.hstack([np.ones((self.members, 1)), np.eye(3)[self.area]])
        own = self.w - self.w.mean(axis=0)
        self.w = own + [-2.5, 0, 0, 0, 0] + self.pull * np.eye(3)[self.area] @ np.eye(3, 5, 3)

    pull = 0.0

    def articles(self, rng: np.random.Generator, count: int) -> Any:
        topic = np.eye(2)[rng.integers(2, size=count)]
        return np.hstack([np.ones((count, 1)), np.zeros((count, 2)), topic])


@pytest.mark.parametrize("pull", [2.0, -1.0])
def test_values_are_read_and_how_true_that_is_gets_learned(pull: float) -> None:
    world = Named(32, members=600, text=2, levels=(3,))
    world.w[:, 3:] += pull * np.eye(3)[world.area][:, :2]
    context = world.issue(1)
    policy = world.start_learning()
    apart = _measure_gap(world, policy, context)
    assert apart == pytest.approx(1.0, abs=0.1)  # name_pull, before any click
    assert _measure_gap(world, world.start_learning(name_pull=0.0), context) == 0
    world.run(policy, 8)
    assert _measure_gap(world, policy, context) == pytest.approx(pull, abs=0.7)


def _measure_gap(world: World, policy: Profile, context: Any) -> float:
    """By how much more, in logits, the areas `first` and `second` want articles of their topic."""
    scores = policy.infer_interests(context).score(Pool.of(context.article_features))[0]
    topic = context.article_features[:, 3:]
    each = scores @ topic / topic.sum(axis=0)  # [n, topic]
    first, second = (each[world.area == area].mean(axis=0) for area in (0, 1))
    return float((first[0] - first[1] + second[1] - second[0]) / 2)


@pytest.mark.parametrize("logit", [-4.5, -3.0, 0.0, 2.5])
def test_the_click_rate_is_found_wherever_it_is(logit: float) -> None:
    """Rates from 1 to 92 %, started from 3 %: no step overshoots, and the rate is found."""
    world = World(33, members=1500, text=4)
    world.w[:, 0] += logit - world.w[:, 0].mean()
    policy = world.start_learning()
    context, _ = world.run(policy, 4)
    found = policy.infer_interests(context).mean[:, 0].mean()
    assert found == pytest.approx(logit, abs=0.6)


def test_nothing_that_text_says_is_no_trouble() -> None:
    """A first pool of which no text can be read, and articles that have no columns of text."""
    world = World(34, members=60, text=3)
    policy, context = world.start_learning(), world.issue(1)
    blank = replace(context, article_features=context.article_features * ([1.0] * 3 + [0.0] * 3))
    slates = draw(policy.plan(blank), blank, 0)
    policy.learn(Round(blank, slates, world.respond(blank, slates)))
    assert policy.length == pytest.approx(np.sqrt(3))
    bare = World(35, members=60, text=0)
    bare.run(bare.start_learning(), 2)


def test_a_state_whose_parts_do_not_fit_is_refused() -> None:
    world = World(36, members=60, text=3)
    policy = world.start_learning()
    world.run(policy, 2)
    state = policy.state()
    for name, value, words in (
        ("B", state["B"] + 1, "B is not what the prior's coefficients add up to"),
        ("prior.length", np.array([-1.0]), "prior's length = -1.0; must be at least 0"),
    ):
        with pytest.raises(ValueError, match=words):
            world.start_learning().restore(state | {name: value})
