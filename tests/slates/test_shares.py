"""All walks have the bits of the plain one, and pieces of a list those of the whole."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit import compiling
from bandit.core.rules import Rules
from bandit.core.types import Bools, Context, Floats, Slates, SlotPmf
from bandit.slates import propensity as slates
from bandit.slates.exploration import Shares, budgeted, epsilon_greedy, softmax, squarecb, thompson
from bandit.slates.sums import FEW
from tests.support.builders import context_of
from tests.support.slate_cases import SOFT, every_explorer, make_masked, make_plan, take_all

Make = Callable[..., Context]


def assert_same(one: Slates, other: Slates) -> None:
    for name, values in vars(one).items():
        assert values.tobytes() == getattr(other, name).tobytes(), name


@st.composite
def explorations(draw: Callable, n: int, m: int) -> Shares:
    """Any mixture of all there is, some of it of each member's own."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    parts = rng.dirichlet((1.0, 2.0, 0.5), size=(n, 1)).transpose(2, 0, 1)
    best, soft, uniform = (
        parts
        * np.array(draw(st.lists(st.sampled_from([0, 1]), min_size=3, max_size=3)))[:, None, None]
    )
    best = best + (1 - best - soft - uniform)
    drawn = np.round(rng.normal(size=(3, n, m)), 1)
    return Shares(
        best,
        soft,
        uniform,
        temperature=draw(st.floats(0.05, 20)),
        gamma=draw(st.sampled_from([np.inf, 7.0])),
        draws=drawn if draw(st.booleans()) else None,
    )


@st.composite
def ruled(draw: Callable, make_context: Make, n: int) -> tuple[SlotPmf, Context]:
    """A plan for n members under rules, who may not see all and have seen some."""
    m, rng = draw(st.integers(5, 40)), np.random.default_rng(draw(st.integers(0, 10**6)))
    rules = Rules(
        slots=4,
        pins=draw(st.sampled_from([{}, {2: "a1"}])),
        at_most={"kind": {"event": 1}},
        only={4: {"source": ["board"]}},
    )
    context = make_context(
        n, m, rules, eligible=rng.random((n, m)) < 0.7, seen=rng.random((n, m)) < 0.3
    )
    return SlotPmf(np.round(rng.normal(size=(n, m)), 1), draw(explorations(n, m))), context


@given(data=st.data(), n=st.sampled_from([FEW // 4, FEW + 20]), seed=st.integers(0, 10**6))
def test_all_walks_have_the_bits_of_the_plain_one(
    make_context: Make, data: st.DataObject, n: int, seed: int
) -> None:
    """Drawn and replayed, whatever was sent: closed articles, one twice, empty slots.

    Few members and many are walked through other calls of numpy.
    """
    plan, context = data.draw(ruled(make_context, n))
    plain, *others = take_all(lambda: slates.draw(plan, context, 5))
    for other in others:
        assert_same(plain, other)
    sent = np.random.default_rng(seed).integers(-1, len(context.articles), (n, 4))
    one, *others = take_all(lambda: slates.replay(plan, context, sent).tobytes())
    assert others == [one] * 3


@given(data=st.data())
def test_few_members_have_the_bits_of_many(make_context: Make, data: st.DataObject) -> None:
    plan, context = data.draw(ruled(make_context, FEW + 20))
    whole = slates.draw(plan, context, 5)
    for rows in (slice(7, 8), slice(11, 11 + FEW)):
        part = SlotPmf(plan.scores[rows], plan.explore.take(rows))
        assert_same(slates.draw(part, context.take(rows), 5), whole.take(rows))


def test_the_compiled_loop_is_at_work_where_it_is_asked_for(
    make_context: Make, monkeypatch: pytest.MonkeyPatch, walk: str
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(slates, "choose", refuse)
    context = make_context(6, 7)
    if walk == "plain":
        with pytest.raises(AssertionError):
            slates.draw(make_plan(context, SOFT), context, 5)
    else:
        assert (slates.draw(make_plan(context, SOFT), context, 5).choice >= 0).all()


def test_a_list_is_walked_plainly_until_it_is_worth_the_loading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three slots of 40 members and 7 articles are 840: what was walked before counts as well."""
    monkeypatch.setattr(compiling, "_WORTH", 1700.0)
    monkeypatch.setattr(compiling, "_done", 0.0)
    assert [compiling.is_worth(840.0) for _ in range(3)] == [False, False, True]


def test_without_numba_everything_is_walked_plainly(
    make_context: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context(6, 7)
    expected = slates.draw(make_plan(context, SOFT), context, 5)
    monkeypatch.setattr(compiling, "_WORTH", 0.0)
    monkeypatch.setattr(compiling, "_has_numba", compiling._has_numba.__wrapped__)
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    assert not compiling.is_worth(1.0)
    assert_same(slates.draw(make_plan(context, SOFT), context, 5), expected)


@every_explorer
@pytest.mark.parametrize("piece", [1, 7, 59])
def test_pieces_change_nothing(
    make_context: Make, monkeypatch: pytest.MonkeyPatch, explore: Callable, piece: int
) -> None:
    context = make_masked(make_context)
    whole = slates.draw(make_plan(context, explore), context, 5)
    monkeypatch.setattr(slates, "_PIECE", piece)
    assert_same(slates.draw(make_plan(context, explore), context, 5), whole)


def test_an_exploration_that_says_nothing_is_walked_alike(make_context: Make) -> None:
    """A function of scores and open articles is asked about everybody at once."""
    context = make_masked(make_context)
    for explore in (SOFT, budgeted(0.3, 0.7), squarecb(7.0)):

        def ask(scores: Floats, open: Bools, explore: Shares = explore) -> Floats:
            assert len(scores) == len(context.members)
            return explore(scores, open)

        one = slates.draw(make_plan(context, ask), context, 5)
        assert_same(one, slates.draw(make_plan(context, explore), context, 5))


def test_scores_of_each_slot_are_drawn_from_in_that_slot(make_context: Make) -> None:
    """The favourite of slot j is article 5 - 2 j."""
    scores = np.zeros((8, 7, 3))
    for slot in range(3):
        scores[:, 5 - 2 * slot, slot] = 30.0 + slot
    for explore in (epsilon_greedy(0.0), SOFT):
        drawn = slates.draw(SlotPmf(scores, explore), make_context(8, 7), 5)
        assert drawn.choice.tolist() == [[5, 3, 1]] * 8


@pytest.mark.parametrize("floor", [0.0, 0.2])
def test_scores_too_far_apart_for_exponentials_are_shifted(
    make_context: Make, floor: float
) -> None:
    """Across a gap of 1,500 temperatures the lower article has 1 once the higher one is shown."""
    plan = SlotPmf(np.tile([0.0, 1500.0], (40, 1)), softmax(1.0, floor))
    drawn = slates.draw(plan, make_context(40, 2, Rules(slots=2)), 5)
    high = drawn.choice[:, 0] == 1
    assert set(np.unique(drawn.propensity[high, 0])) == {1 - floor / 2}
    assert high.all() == (floor == 0)
    assert (drawn.propensity[:, 1] == 1).all()


def test_more_at_random_is_mixed_in_for_some_members() -> None:
    """(1 - s) (.7 greedy + .3 / 4) + s / 4, with s = .4 and 0."""
    scores, open = np.tile([3.0, 2.0, 1.0, 0.0], (2, 1)), np.ones((2, 4), dtype=bool)
    mixed = epsilon_greedy(0.3).mix_in(np.array([[0.4], [0.0]]))(scores, open)
    expected = [[0.6 * 0.7 + 0.145, *[0.145] * 3], [0.775, *[0.075] * 3]]
    np.testing.assert_allclose(mixed, expected, rtol=1e-14)


def test_shares_of_some_members_are_those_of_all() -> None:
    rng = np.random.default_rng(3)
    explore = thompson(rng.normal(size=(3, 9, 5)), 0.2).mix_in(rng.random((9, 1)))
    scores, open, rows = np.zeros((9, 5)), rng.random((9, 5)) < 0.6, np.array([7, 2, 5])
    part = explore.take(rows)(scores[rows], open[rows])
    assert part.tobytes() == explore(scores, open)[rows].tobytes()


def test_scores_of_32_bits_give_one_member_what_they_give_many() -> None:
    scores = np.random.default_rng(1).normal(size=(5, 9)).astype(np.float32)
    many, one = (
        slates.draw(
            SlotPmf(scores[:n], softmax(1.0, 0.1)), context_of(n, 9, Rules(slots=3)), seed=1
        )
        for n in (5, 1)
    )
    assert many.propensity[0].tolist() == one.propensity[0].tolist()
