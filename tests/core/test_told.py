"""What a file tells, checked against a dataclass: nothing is converted, all faults are named."""

import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.told import Limits, read, settle

Name = Annotated[str, Limits(shortest=1, longest=4, pattern="[a-z]+")]


@dataclass(frozen=True)
class Part:
    """A part of a whole."""

    name: Name
    share: Annotated[float, Limits(above=0, below=1)]

    def __post_init__(self) -> None:
        if self.name == "rest":
            raise ValueError("others are called that")


@dataclass(frozen=True)
class Whole:
    """A whole of parts."""

    parts: Annotated[list[Part], Limits(shortest=1, longest=3)]
    places: dict[Annotated[int, Limits(least=1, most=9)], str | int] = field(default_factory=dict)
    chief: str | int | None = None
    loud: bool = False
    facts: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settle(self)


PARTS = [{"name": "ab", "share": 0.25}, {"name": "c", "share": 0.5}]


def test_what_is_told_is_what_is_read() -> None:
    facts = {"parts": PARTS, "places": {3: "x", 4: 7}, "loud": True, "facts": {"a": [1, None]}}
    whole = read(Whole, facts)
    assert whole == Whole(
        [Part("ab", 0.25), Part("c", 0.5)], {3: "x", 4: 7}, None, True, whole.facts
    )
    assert whole.facts == {"a": [1, None]}
    assert read(Whole, {"parts": PARTS}).chief is None


def test_a_list_that_changes_later_changes_nothing() -> None:
    places: dict[int, str | int] = {2: "x"}
    whole = Whole([Part("a", 0.5)], places)
    places[2] = "y"
    assert whole.places == {2: "x"}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("ab", "must be settings by name"),
        ({}, "parts: it is missing"),
        ({"parts": []}, "parts = []: must have at least 1 items"),
        ({"parts": PARTS * 2}, "must have at most 3 items"),
        ({"parts": tuple(PARTS)}, "parts = ("),
        ({"parts": [{"name": "a"}]}, "parts.0.share: it is missing"),
        ({"parts": [{"name": "", "share": 0.5}]}, "parts.0.name = '': must have at least 1 char"),
        ({"parts": [{"name": "A", "share": 0.5}]}, "parts.0.name = 'A': must match [a-z]+"),
        ({"parts": [{"name": "abcde", "share": 0.5}]}, "must have at most 4 characters"),
        ({"parts": [{"name": "a", "share": 1}]}, "parts.0.share = 1: must be less than 1"),
        ({"parts": [{"name": "a", "share": 0.0}]}, "must be greater than 0"),
        ({"parts": [{"name": "a", "share": float("nan")}]}, "must be greater than 0"),
        ({"parts": [{"name": "a", "share": True}]}, "share = True: must be a valid number"),
        ({"parts": [{"name": "a", "share": "1"}]}, "share = '1': must be a valid number"),
        ({"parts": [{"name": "a", "share": 10**400}]}, "must be a number that is not so large"),
        (
            {"parts": [{"name": "a\ud800", "share": 0.5}]},
            r"parts.0.name = 'a\ud800': must be a valid",
        ),
        ({"parts": PARTS, "chief": "\ud800"}, r"chief = '\ud800': must be a valid string, and"),
        ({"parts": PARTS, "places": {2: "\udcff"}}, r"places.2 = '\udcff': must be a valid string"),
        ({"parts": [{"name": "rest", "share": 0.5}]}, "'share': 0.5}: others are called that"),
        ({"parts": PARTS, "places": {"2": "x"}}, "places.2 = '2': must be a valid integer"),
        ({"parts": PARTS, "places": {0: "x"}}, "places.0 = 0: must be greater than or equal to 1"),
        ({"parts": PARTS, "places": {10: "x"}}, "must be less than or equal to 9"),
        (
            {"parts": PARTS, "places": {2: 2.5}},
            "places.2 = 2.5: must be a valid string or a valid integer",
        ),
        ({"parts": PARTS, "chief": [1]}, "chief = [1]: must be a valid string or a valid integer"),
        ({"parts": PARTS, "loud": 1}, "loud = 1: must be a valid boolean"),
        (
            {"parts": PARTS, "facts": []},
            "facts = []: must be a valid list of names with values, such as",
        ),
        ({"parts": PARTS, "facts": 1}, "such as {name: name}; a space follows each colon"),
        ({"parts": PARTS, "places": "2 x"}, "places = '2 x': must be a valid list of names with"),
        ({"parts": PARTS, "places": "2 x"}, "such as {1: name}; a space follows each colon"),
        ({"parts": PARTS, "chef": 1}, "chef = 1: there is no such setting; the nearest is 'chief'"),
        ({"parts": PARTS, "Loud": 1}, "Loud = 1: there is no such setting; the nearest is 'loud'"),
        ({"parts": PARTS, 7: 1}, "7 = 1: there is no such setting; there are 'parts', 'places',"),
        (
            {"loud": 2, "chef": 1},
            "parts: it is missing; loud = 2: must be a valid boolean; chef = ",
        ),
        ({"parts": PARTS} | {f"x{j}": j for j in range(7)}, "; and 2 more"),
    ],
)
def test_each_setting_at_fault_is_named(told: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        read(Whole, told)


def test_an_object_made_by_hand_is_checked_too() -> None:
    with pytest.raises(ValueError, match="loud = 'yes': must be a valid boolean"):
        Whole([Part("a", 0.5)], loud="yes")  # type: ignore[arg-type]  # no boolean


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["parts", "places", "chief", "loud", "facts", "name", "share", "other"])


@given(st.dictionaries(NAMES, VALUES | st.lists(st.dictionaries(NAMES, VALUES), max_size=2)))
def test_whatever_is_told_is_read_or_refused_and_stays_as_it_was(told: dict[str, Any]) -> None:
    before = deepcopy(told)
    try:
        whole = read(Whole, told)
    except ValueError:
        pass
    else:
        assert all(0 < part.share < 1 and part.name.isalpha() for part in whole.parts)
        assert {*told} <= {"parts", "places", "chief", "loud", "facts"}
    assert repr(told) == repr(before)
