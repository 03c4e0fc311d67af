"""Promise 3 for stories: two articles that tell one story are not in one slate.

The rule is the last to be given up, and propensities stay exact.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.rules import Rules
from bandit.core.types import Context, SlotPmf
from bandit.slates import propensity as slates
from bandit.slates.editorial import MAXIMUM, MINIMUM, REPEAT, STORY
from bandit.slates.exploration import greedy, softmax
from tests.support.slate_cases import take_all

Make = Callable[..., Any]


def draw_in_pool_order(context: Context) -> slates.Slates:
    n, m = context.eligible.shape
    return slates.draw(SlotPmf(np.tile(-np.arange(m, dtype=float), (n, 1)), greedy), context, 3)


def tell(m: int, *stories: tuple[int, ...]) -> np.ndarray:
    """Each article its own story but for these."""
    first = np.arange(m)
    for story in stories:
        first[list(story)] = min(story)
    return first


def test_a_story_is_told_once_and_only_once_more_where_nothing_else_is_left(
    make_context: Make,
) -> None:
    context = make_context(2, 5, Rules(slots=5), stories=tell(5, (0, 1, 3)))
    drawn = draw_in_pool_order(context)
    assert drawn.choice.tolist() == [[0, 2, 4, 1, 3]] * 2
    assert drawn.relaxed.tolist() == [[0, 0, 0, STORY, STORY]] * 2


def test_rules_are_given_up_in_their_order_and_stories_last(make_context: Make) -> None:
    """a0 and a4 are events, of which one is allowed; a1 was seen; a3 tells a2's story."""
    seen = np.zeros((1, 5), dtype=bool)
    seen[0, 1] = True
    rules = Rules(slots=5, at_most={"kind": {"event": 1}}, at_least={"source": {"journal": 2}})
    drawn = draw_in_pool_order(make_context(1, 5, rules, seen=seen, stories=tell(5, (2, 3))))
    assert drawn.choice.tolist() == [[0, 2, 4, 1, 3]]
    assert drawn.relaxed.tolist()[0][2:] == [MAXIMUM, REPEAT, STORY]
    assert MINIMUM < MAXIMUM < REPEAT < STORY


def test_a_pins_story_is_not_told_above_it_but_to_those_who_do_not_get_the_pin(
    make_context: Make,
) -> None:
    may = np.ones((3, 6), dtype=bool)
    may[1, 4] = False
    context = make_context(
        3, 6, Rules(slots=3, pins={3: "a4"}), eligible=may, stories=tell(6, (0, 4))
    )
    drawn = draw_in_pool_order(context)
    assert drawn.choice.tolist() == [[1, 2, 4], [0, 1, 2], [1, 2, 4]]
    assert (drawn.relaxed == 0).all()


def test_two_pins_of_one_story_are_the_editors_choice(make_context: Make) -> None:
    rules = Rules(slots=3, pins={1: "a0", 3: "a1"})
    drawn = draw_in_pool_order(make_context(2, 5, rules, stories=tell(5, (0, 1, 2))))
    assert drawn.choice.tolist() == [[0, 3, 1]] * 2
    assert (drawn.relaxed == 0).all()


@pytest.mark.parametrize("stories", [(), ((0, 3),), ((0, 3), (1, 4)), ((0, 1, 2, 3, 4),)])
@pytest.mark.parametrize("pins", [{}, {2: "a1"}])
def test_chances_of_all_slates_sum_to_one_and_are_those_of_the_walk(
    make_context: Make, stories: tuple[tuple[int, ...], ...], pins: dict[int, str]
) -> None:
    """Every slate of a small pool is one member's; weights and pmf replay it alike."""
    m, k = 5, 3
    every = np.array(list(product(range(m), repeat=k)))
    rules = Rules(slots=k, pins=pins, at_most={"kind": {"event": 1}})
    seen = np.zeros((len(every), m), dtype=bool)
    seen[:, 2] = True
    context = make_context(len(every), m, rules, seen=seen, stories=tell(m, *stories))
    scores = np.tile(np.array([0.3, -0.7, 1.1, 0.2, 0.9]), (len(every), 1))
    plan = SlotPmf(scores, softmax(0.7))
    quick, *others = take_all(lambda: slates.replay(plan, context, every))
    assert all(other.tobytes() == quick.tobytes() for other in others)
    chance = quick.prod(axis=1)
    np.testing.assert_allclose(chance.sum(), 1.0, rtol=1e-12)
    first = tell(m, *stories)
    possible = every[chance > 0]
    others = len(set(first.tolist()))
    if others >= k and not pins:
        fresh = len(set(first[[0, 1, 3, 4]].tolist()))
        if fresh >= k:
            assert all(len({first[a] for a in slate}) == k for slate in possible.tolist())


@given(seed=st.integers(0, 10**6), m=st.integers(5, 19), pins=st.sampled_from([{}, {2: "a1"}]))
def test_any_stories_are_drawn_and_replayed_alike_by_all_walks(
    make_context: Make, seed: int, m: int, pins: dict[int, str]
) -> None:
    rng = np.random.default_rng(seed)
    n, rules = 40, Rules(slots=5, pins=pins, at_most={"kind": {"event": 2}})
    labels = rng.integers(0, max(2, m // 2), m)
    stories = np.array([int((labels == label).argmax()) for label in labels])
    context = make_context(
        n,
        m,
        rules,
        eligible=rng.random((n, m)) < 0.8,
        seen=rng.random((n, m)) < 0.3,
        stories=stories,
    )
    scores, sent = rng.normal(size=(n, m)), rng.integers(-1, m, (n, 5))
    plan = SlotPmf(scores, softmax(0.7))
    one, *others = take_all(lambda: slates.draw(plan, context, 5))
    for name, values in vars(one).items():
        assert all(values.tobytes() == vars(other)[name].tobytes() for other in others), name
    assert slates.replay(plan, context, one.choice).tobytes() == one.propensity.tobytes()
    first, *others = take_all(lambda: slates.replay(plan, context, sent).tobytes())
    assert others == [first] * 3
    for choice, relaxed, pinned in zip(one.choice, one.relaxed, one.pinned, strict=True):
        for j in np.flatnonzero(choice >= 0):
            above = {stories[a] for a in choice[:j] if a >= 0}
            told = stories[choice[j]] in above
            assert (relaxed[j] == STORY) <= (told or bool(pins)), "given up for nothing"
            assert told <= (relaxed[j] == STORY or bool(pinned[j]))


def test_pools_without_stories_of_several_articles_are_as_before(make_context: Make) -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(30, 9))
    plain, told = (make_context(30, 9, Rules(slots=4), stories=s) for s in (None, tell(9)))
    one, other = (slates.draw(SlotPmf(scores, softmax(0.7)), c, 5) for c in (plain, told))
    assert one.choice.tobytes() == other.choice.tobytes()
    assert one.propensity.tobytes() == other.propensity.tobytes()


def test_a_table_of_stories_of_another_length_is_refused(make_context: Make) -> None:
    with pytest.raises(ValueError, match="stories"):
        make_context(3, 5, stories=np.arange(4))
