"""Promise 3 for any rules, any pool and any masks that hypothesis comes up with.

Hard rules are never broken, soft ones only where `relaxed` says so.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.rules import Rules
from bandit.core.types import EMPTY, PINNED, Context, Slates, SlotPmf
from bandit.slates import propensity as slates
from bandit.slates.editorial import MAXIMUM, MINIMUM, REPEAT, STORY
from bandit.slates.exploration import epsilon_greedy
from tests.support.slate_cases import take_all

Make = Callable[..., Any]
ANYTHING = epsilon_greedy(1.0)


@st.composite
def worlds(draw: Callable[..., Any], single: bool = False) -> tuple[Any, ...]:
    """Rules, eligible, seen, kinds, sources, stories, seed.

    single: one column's minimum counts and no other hard rule
    """
    k = draw(st.integers(1, 4))
    m = draw(st.integers(k, 8))
    n = 3
    kinds, sources = (
        draw(st.lists(st.sampled_from(v), min_size=m, max_size=m))
        for v in (["e", "r", "x"], ["s", "t"])
    )
    most = {
        "kind": {"e": draw(st.integers(0, 2)), "r": draw(st.integers(1, 3))},
        "source": {"s": draw(st.integers(0, 3))},
    }
    least = {
        "kind": {
            "x": draw(st.integers(0, k // 2)),
            "r": draw(st.integers(0, k // 2)) if k > 1 else 0,
        }
    }
    least["kind"]["r"] = min(least["kind"]["r"], most["kind"]["r"])
    pins, only = {}, {}
    if not single:
        least["source"] = {"t": draw(st.integers(0, k))}
        slots = draw(st.lists(st.integers(1, k), unique=True, max_size=2))
        articles = draw(
            st.lists(st.integers(0, m - 1), unique=True, min_size=len(slots), max_size=len(slots))
        )
        pins = {slot: f"a{j}" for slot, j in zip(slots, articles, strict=True)}
        only = draw(
            st.dictionaries(
                st.integers(1, k), st.fixed_dictionaries({"source": st.just(["t"])}), max_size=2
            )
        )
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    may = (
        np.ones((n, m), dtype=bool)
        if single
        else rng.random((n, m)) < draw(st.sampled_from([0.3, 0.8, 1.0]))
    )
    seen = rng.random((n, m)) < draw(st.sampled_from([0.0, 0.3, 0.9]))
    rules = Rules(slots=k, pins=pins, only=only, at_most=most, at_least=least)
    labels = draw(st.lists(st.integers(0, m - 1), min_size=m, max_size=m))
    stories = [labels.index(label) for label in labels]  # the first article of each
    return rules, may, seen, kinds, sources, stories, draw(st.integers(0, 99))


def _draw_world(make_context: Make, make_pool: Make, world: Any) -> tuple[Context, Slates]:
    rules, may, seen, kinds, sources, stories, seed = world
    pool, told = make_pool(may.shape[1], kind=kinds, source=sources), np.array(stories)
    context = make_context(*may.shape, rules, articles=pool, eligible=may, seen=seen, stories=told)
    return context, slates.draw(SlotPmf(np.zeros(may.shape), ANYTHING), context, seed)


@given(world=worlds())
def test_hard_rules_always_soft_rules_unless_relaxed(
    make_context: Make, make_pool: Make, world: Any
) -> None:
    _, drawn = _draw_world(make_context, make_pool, world)
    rules, may, seen, kinds, sources, stories, _ = world
    pins = {slot - 1: int(article[1:]) for slot, article in rules.pins.items()}
    groups = [(np.array(kinds) == v, most) for v, most in rules.at_most["kind"].items()]
    groups += [(np.array(sources) == v, most) for v, most in rules.at_most["source"].items()]
    for i, row in enumerate(drawn.choice.tolist()):
        filled = [c for c in row if c >= 0]
        assert len(set(filled)) == len(filled)
        # where no open slot says that a minimum count is missed, the last one does
        values = {"kind": np.array(kinds)[filled], "source": np.array(sources)[filled]}
        missed = any(
            (values[column] == value).sum() < least
            for column, counts in rules.at_least.items()
            for value, least in counts.items()
        )
        unsaid = MINIMUM if missed and not drawn.relaxed[i, :-1].any() else 0
        for j, c in enumerate(row):
            quiet = unsaid if j == len(row) - 1 else 0
            if j in pins and may[i, pins[j]]:
                assert (c, drawn.role[i, j], drawn.relaxed[i, j]) == (pins[j], PINNED, quiet)
                continue
            hard = [
                a
                for a in range(may.shape[1])
                if may[i, a] and a not in pins.values() and a not in row[:j]
            ]
            hard = [a for a in hard if j + 1 not in rules.only or sources[a] == "t"]
            if not hard:
                assert (c, drawn.role[i, j], drawn.relaxed[i, j], drawn.propensity[i, j]) == (
                    -1,
                    EMPTY,
                    quiet,
                    1.0,
                )
                continue
            assert c in hard
            held = [a for a in row[:j] if a >= 0] + [
                a for s, a in pins.items() if s >= j and may[i, a]
            ]
            told = {stories[a] for a in held}
            apart = [a for a in hard if stories[a] not in told]
            fresh = [a for a in apart if not seen[i, a]]
            below = sum(s > j + 1 and s - 1 not in pins for s in rules.only)
            sure = [  # what sections below will hold in any case, as they hold nothing else
                below * (not any(s == "t" and not g[a] for a, s in enumerate(sources)))
                for g, _ in groups
            ]
            under = [
                a
                for a in fresh
                if all(
                    not g[a] or g[held].sum() + more < most
                    for (g, most), more in zip(groups, sure, strict=True)
                )
            ]
            allowed, codes = (
                (under, (0, MINIMUM))
                if under
                else (fresh, (MAXIMUM,))
                if fresh
                else (apart, (REPEAT,))
                if apart
                else (hard, (STORY,))
            )
            assert c in allowed
            assert drawn.relaxed[i, j] in codes  # no more is given up than must be


@given(world=worlds() | worlds(single=True))
def test_minimum_counts_hold_unless_relaxed(
    make_context: Make, make_pool: Make, world: Any
) -> None:
    context, drawn = _draw_world(make_context, make_pool, world)
    for column, counts in world[0].at_least.items():
        values = np.append(context.articles[column], "")  # the last: an empty slot
        for value, least in counts.items():
            count = (values[drawn.choice] == value).sum(axis=1)
            assert ((count >= least) | (drawn.relaxed >= MINIMUM).any(axis=1)).all()


@given(world=worlds() | worlds(single=True), seed=st.integers(0, 10**6))
def test_rules_in_bits_are_those_in_rows(
    make_context: Make, make_pool: Make, world: Any, seed: int
) -> None:
    """Drawn and replayed, whatever was sent: closed articles, one twice, empty slots."""
    context, _ = _draw_world(make_context, make_pool, world)
    plan = SlotPmf(np.zeros(context.eligible.shape), ANYTHING)
    shape = len(context.members), context.rules.slots
    sent = np.random.default_rng(seed).integers(-1, len(context.articles), shape)
    for work in (
        partial(slates.draw, plan, context, seed),
        partial(slates._walk, plan, context, sent),
    ):
        plain, *others = take_all(work)
        for other in others:
            for name, values in vars(plain).items():
                assert values.tobytes() == getattr(other, name).tobytes(), name
