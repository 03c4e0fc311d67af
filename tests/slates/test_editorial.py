"""Promise 3: the editor's rules.

Hard rules are never broken, soft ones only where `relaxed` says so.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit.core import told
from bandit.core.rules import Rules
from bandit.core.types import EMPTY, PINNED, Context, Slates, SlotPmf
from bandit.slates import propensity as slates
from bandit.slates.editorial import MAXIMUM, MINIMUM, REPEAT
from bandit.slates.exploration import greedy

Make = Callable[..., Any]
EVENTS = {"kind": {"event": 1}}  # with make_pool's kinds, a0 and a4 are events; a2 and a6 resources


def draw_in_pool_order(context: Context, seed: int = 3) -> Slates:
    """The slates of a policy that likes the pool's first article best, then the second, ..."""
    n, m = context.eligible.shape
    return slates.draw(SlotPmf(np.tile(-np.arange(m, dtype=float), (n, 1)), greedy), context, seed)


def show(context: Context, row: int = 0) -> tuple[list[int], list[int]]:
    drawn = draw_in_pool_order(context)
    return drawn.choice[row].tolist(), drawn.relaxed[row].tolist()


# Pins and eligibility


def test_a_pin_takes_its_slot_and_leaves_the_pool(make_context: Make) -> None:
    drawn = draw_in_pool_order(make_context(rules=Rules(slots=4, pins={2: "a0", 4: "a5"})))
    assert drawn.choice.tolist() == [[1, 0, 2, 5]] * 5
    assert (drawn.propensity == 1).all()
    assert (drawn.role[:, [1, 3]] == PINNED).all()
    assert drawn.pinned.tolist() == [[False, True, False, True]] * 5
    assert (drawn.relaxed == 0).all()


def test_members_who_may_not_see_the_pin_get_the_policys_choice(make_context: Make) -> None:
    may = np.ones((5, 7), dtype=bool)
    may[1:3, 0] = False
    drawn = draw_in_pool_order(make_context(rules=Rules(slots=3, pins={2: "a0"}), eligible=may))
    assert drawn.choice[[0, 3, 4]].tolist() == [[1, 0, 2]] * 3
    assert drawn.choice[1:3].tolist() == [[1, 2, 3]] * 2
    assert not drawn.pinned[1:3].any()


def test_eligibility_and_sections_hold_even_where_a_slot_stays_empty(make_context: Make) -> None:
    may = np.zeros((2, 7), dtype=bool)
    may[0, [2, 5]] = True  # row 1 may see nothing
    drawn = draw_in_pool_order(make_context(2, 7, Rules(slots=3), eligible=may))
    assert drawn.choice.tolist() == [[2, 5, -1], [-1, -1, -1]]
    assert drawn.role[0].tolist()[2] == EMPTY
    assert (drawn.role[1] == EMPTY).all()
    assert (drawn.propensity == 1).all()
    assert (drawn.relaxed == 0).all()
    rules = Rules(
        slots=3,
        only={1: {"kind": ["event"], "source": ["board", "journal"]}, 3: {"source": ["nobody"]}},
    )
    assert show(make_context(2, 7, rules))[0] == [4, 0, -1]


# Soft rules, and the order in which they are given up


def test_caps_minimum_and_seen(make_context: Make) -> None:
    caps = {"source": {"gazette": 1, "board": 0}}
    assert show(make_context(rules=Rules(slots=3, at_most=caps))) == ([0, 2, 5], [0, 0, 0])
    assert show(make_context(rules=Rules(slots=3, at_least={"kind": {"resource": 2}}))) == (
        [0, 2, 6],
        [0, 0, 0],
    )
    seen = np.zeros((5, 7), dtype=bool)
    seen[0, [0, 2]] = True
    context = make_context(rules=Rules(slots=3), seen=seen)
    assert show(context, 0) == ([1, 3, 4], [0, 0, 0])
    assert show(context, 1) == ([0, 1, 2], [0, 0, 0])


def test_counts_include_pins_further_down(make_context: Make) -> None:
    rules = Rules(slots=3, pins={3: "a4"}, at_most=EVENTS, at_least=EVENTS)
    may = np.ones((2, 7), dtype=bool)
    may[1, 4] = False
    context = make_context(2, 7, rules, eligible=may)
    assert show(context, 0) == ([1, 2, 4], [0, 0, 0])
    assert show(context, 1) == ([0, 1, 2], [0, 0, 0])  # without the pin, this member's own event
    context = make_context(
        2, 7, Rules(slots=3, pins={3: "a4"}, at_least={"kind": {"resource": 1}}), eligible=may
    )
    assert show(context, 0) == (
        [0, 2, 4],
        [0, 0, 0],
    )  # the pin leaves no later slot for the resource
    assert show(context, 1) == ([0, 1, 2], [0, 0, 0])


def test_soft_rules_are_given_up_in_order(make_context: Make, make_pool: Make) -> None:
    pool = make_pool(5, kind=["event", "event", "event", "article", "article"])
    rules = Rules(slots=4, at_most=EVENTS, at_least={"kind": {"resource": 1}})
    seen = np.array(
        [
            [False] * 5,
            [False, False, False, True, False],
            [True] * 5,
            [True, False, True, True, True],
        ]
    )
    context = make_context(4, 5, rules, articles=pool, seen=seen)
    # no resource in the pool: the last slot gives up the minimum, and there is no third article
    # that is no event
    assert show(context, 0) == ([0, 3, 4, 1], [0, 0, 0, MAXIMUM])
    assert show(context, 1) == (
        [0, 4, 1, 2],
        [0, 0, MAXIMUM, MAXIMUM],
    )  # caps go before a repeat of a3
    assert show(context, 2) == ([0, 1, 2, 3], [REPEAT] * 4)
    assert show(context, 3) == ([1, 0, 2, 3], [0, REPEAT, REPEAT, REPEAT])
    assert show(make_context(4, 5, replace(rules, slots=3), articles=pool))[1] == [
        0,
        0,
        MINIMUM,
    ]
    assert (MINIMUM, MAXIMUM, REPEAT) == (1, 2, 3)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(slots=3, pins={2: "a1", 3: "a3"}, at_least={"kind": {"event": 2}}),
        Rules(
            slots=3,
            only={2: {"kind": ["article"]}, 3: {"kind": ["article"]}},
            at_least={"kind": {"event": 2}},
        ),
        Rules(
            slots=3, at_least={"kind": {"event": 2}, "source": {"journal": 2}}
        ),  # 4 of 3 slots: no event is a journal's
    ],
    ids=["pins", "sections", "two columns"],
)
def test_a_minimum_that_is_not_met_is_logged(make_context: Make, rules: Rules) -> None:
    context = make_context(2, 7, rules)
    drawn = draw_in_pool_order(context)
    met = all(
        ((context.articles[column] == value)[drawn.choice[0]]).sum() >= least
        for column, counts in rules.at_least.items()
        for value, least in counts.items()
    )
    assert met or drawn.relaxed[0].max() >= MINIMUM


@pytest.mark.parametrize(
    "rules", [{"at_most": {"year": {"2024": 1}}}, {"only": {j: {"year": ["2025"]} for j in (1, 2)}}]
)
def test_rules_on_a_column_of_numbers_hold(
    make_context: Make, make_pool: Make, rules: dict
) -> None:
    """Values in the rules are text; a column of whole numbers is compared as text.

    `find_eligible` does the same.
    """
    context = make_context(
        2, 4, Rules(slots=2, **rules), articles=make_pool(4, year=[2024, 2024, 2025, 2025])
    )
    choice = draw_in_pool_order(context).choice[0]
    assert (choice >= 0).all()
    assert (context.articles["year"][choice] == 2024).sum() <= 1


# What an editor may write


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"slots": -1}, "slots"),
        ({"slots": 0}, "slots"),
        ({"slots": "6"}, "slots"),
        ({"slot": 6}, "slot = 6: there is no such setting"),
        ({"pins": {0: "a"}}, "pins"),
        ({"slots": 3, "pins": {4: "a"}}, "pins: slot 4 is beyond the layout's 3 slots"),
        ({"slots": 3, "only": {4: {"kind": ["event"]}}}, "only: slot 4 is beyond"),
        ({"pins": {1: "a", 2: "b", 5: "a"}}, "pins: article 'a' is pinned to two slots"),
        ({"at_most": {"kind": {"event": -1}}}, "at_most"),
        (
            {"at_least": {"kind": {"event": 2}}, "at_most": EVENTS},
            "at_least kind 'event' = 2, but at most 1 are allowed",
        ),
        (
            {"slots": 3, "at_least": {"kind": {"event": 4}}},
            "at_least kind 'event' = 4, but at most 3",
        ),
        (
            {"slots": 3, "at_least": {"kind": {"event": 2, "resource": 2}}},
            "at_least kind: 4 articles for 3 slots",
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(written: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        told.read(Rules, written)
    with pytest.raises(TypeError if "slot" in written else ValueError):
        Rules(**written)


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        (Rules(slots=8), "the pool has 7 articles; the layout has 8 slots"),
        (
            Rules(slots=3, pins={2: "b1"}),
            "pins: slot 2 pins article 'b1', which is not in the pool",
        ),
        (Rules(at_most={"colour": {"red": 1}}), "rules name column 'colour'"),
        (Rules(at_least={"colour": {"red": 1}}), "rules name column 'colour'"),
        (Rules(only={1: {"colour": ["red"]}}), "rules name column 'colour'"),
    ],
)
def test_rules_that_the_pool_cannot_serve_are_refused(
    make_context: Make, rules: Rules, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        make_context(rules=rules)


def test_rules_survive_json() -> None:
    rules = Rules(
        slots=4,
        pins={2: "a1", 3: 17},
        at_most=EVENTS,
        at_least=EVENTS,
        only={1: {"kind": ["event", "article"]}},
    )
    assert Rules.parse(json.loads(json.dumps(rules.describe()))) == rules


def test_sections_below_keep_what_they_need_and_count_for_caps_and_minimums(
    make_context: Make, make_pool: Make
) -> None:
    """Slot 4 is for events; two events at most, one resource at least.

    The policy likes events best, resources least.
    """
    kinds = ["event"] * 3 + ["article"] * 4 + ["resource"] * 2
    rules = Rules(
        slots=4,
        at_most={"kind": {"event": 2}},
        at_least={"kind": {"resource": 1}},
        only={4: {"kind": ["event"]}},
    )
    eligible = np.ones((5, 9), dtype=bool)
    eligible[4, :2] = False  # the last member may see one event only
    context = make_context(5, 9, rules, articles=make_pool(9, kind=kinds), eligible=eligible)
    drawn = slates.draw(SlotPmf(np.tile(np.arange(9.0)[::-1], (5, 1)), greedy), context, seed=0)
    shown = np.array(kinds)[drawn.choice]
    assert (drawn.choice >= 0).all()
    assert (drawn.relaxed == 0).all()
    assert (shown[:, 3] == "event").all()
    assert ((shown == "event").sum(axis=1) == [2, 2, 2, 2, 1]).all()
    assert ((shown == "resource").sum(axis=1) == 1).all()


# Caps for every value, and a featured article


def test_a_cap_for_each_value_of_a_column(make_context: Make) -> None:
    """Sources are gazette, board, journal in turns; a value that is named has its own count."""
    each = {"source": {"*": 1}}
    assert show(make_context(rules=Rules(slots=3, at_most=each))) == ([0, 1, 2], [0, 0, 0])
    assert show(make_context(rules=Rules(slots=4, at_most=each)))[1] == [0, 0, 0, MAXIMUM]
    named = {"source": {"*": 2, "board": 0, "gazette": 1}}
    assert show(make_context(rules=Rules(slots=3, at_most=named))) == ([0, 2, 5], [0, 0, 0])
    with pytest.raises(ValueError, match=r"at_least source '\*': name the values"):
        Rules(at_least={"source": {"*": 1}})
    with pytest.raises(ValueError, match="at_least source 'board' = 3, but at most 2 are allowed"):
        Rules(at_least={"source": {"board": 3}}, at_most=each | {"source": {"*": 2}})


def test_a_featured_article_is_pinned_to_the_first_slot(make_context: Make) -> None:
    rules = Rules(slots=3, featured="a5", pins={3: "a2"})
    assert rules.pins == {1: "a5", 3: "a2"}
    assert show(make_context(rules=rules)) == ([5, 0, 2], [0, 0, 0])
    assert Rules(**vars(rules)) == rules
    with pytest.raises(ValueError, match="featured is 'a5', but slot 1 is pinned to 'a1'"):
        Rules(featured="a5", pins={1: "a1"})
