"""What a broken promise reads like."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import EXPLOIT, Context, Slates
from experiments.check.words import same_arrays, same_chances, same_slates, same_table
from tests.support.builders import context_of


@pytest.fixture
def context() -> Context:
    return context_of(4, 5)  # members 110, 117, 124 and 131


@pytest.fixture
def slates() -> Slates:
    shape = (4, 3)
    return Slates(
        choice=np.tile([2, 3, 4], (4, 1)),
        propensity=np.full(shape, 0.31),
        role=np.full(shape, 2),
        relaxed=np.zeros(shape, dtype=np.int8),
        supported=np.ones(shape, dtype=bool),
    )


def change(array: np.ndarray, *at: int, to: Any) -> np.ndarray:
    array = array.copy()
    array[at] = to
    return array


def test_equals_pass(context: Context, slates: Slates) -> None:
    nan = {"a": np.array([np.nan, 0.0]), "none": np.zeros((0, 3))}
    same_slates("drawn twice", context, slates, replace(slates))
    same_chances("planned twice", context, np.full((4, 5), 0.2), np.full((4, 5), 0.2))
    same_arrays("state twice", nan, {name: array.copy() for name, array in nan.items()})


@pytest.mark.parametrize(
    ("field", "to", "sentence"),
    [
        ("choice", 4, "it: member 117, slot 2: a3 at 0.310 became a4 at 0.310"),
        ("choice", -1, "it: member 117, slot 2: a3 at 0.310 became nothing at 0.310"),
        ("propensity", 0.28, "it: member 117, slot 2: a3 at 0.310 became a3 at 0.280"),
        (
            "propensity",
            np.nextafter(0.31, 1),
            "it: member 117, slot 2: a3 at 0.3100000000000000 became a3 at 0.3100000000000001",
        ),
        ("role", 3, "it: member 117, slot 2: role was exploit and is explore"),
        ("relaxed", 2, "it: member 117, slot 2: relaxed was 0 and is 2"),
        ("supported", False, "it: member 117, slot 2: supported was True and is False"),
    ],
)
def test_slates_differ_in_words(
    field: str, to: Any, sentence: str, context: Context, slates: Slates
) -> None:
    other = replace(slates, **{field: change(getattr(slates, field), 1, 1, to=to)})
    with pytest.raises(AssertionError) as caught:
        same_slates("it", context, slates, other)
    assert str(caught.value) == sentence


def test_slates_of_another_type_or_size_are_named(context: Context, slates: Slates) -> None:
    with pytest.raises(AssertionError, match="it: role had dtype int64 and has int8"):
        same_slates("it", context, slates, replace(slates, role=slates.role.astype(np.int8)))
    with pytest.raises(AssertionError, match=r"it: choice had shape \(4, 3\) and has \(2, 3\)"):
        same_slates("it", context, slates, slates.take(np.arange(2)))


def test_what_else_differs_is_counted(context: Context, slates: Slates) -> None:
    other = replace(slates, choice=slates.choice[:, ::-1], propensity=slates.propensity + 0.1)
    with pytest.raises(AssertionError, match=r"1: a2 at 0\.310 became a4 at 0\.410, and 11 more"):
        same_slates("it", context, slates, other)


def test_a_table_of_slates_differs_in_words(context: Context, slates: Slates) -> None:
    rows = {
        "article": [f"a{j}" for j in slates.choice.ravel()],
        "propensity": slates.propensity.ravel(),
        "role": EXPLOIT,
        "relaxed": 0,
    }
    table = pd.DataFrame(rows)
    same_table("sent", context, slates, table)
    table.loc[4, ["article", "propensity"]] = None, 0.28
    with pytest.raises(AssertionError, match=r"sent: member 117, slot 2: a3 at 0\.310 became no"):
        same_table("sent", context, slates, table)


def test_chances_differ_in_words(context: Context) -> None:
    was = np.full((4, 5), 0.2)
    with pytest.raises(AssertionError) as caught:
        same_chances("it", context, was, change(was, 2, 3, to=-0.2), "score")
    assert str(caught.value) == "it: member 124: the score of a3 was 0.200 and is -0.200"
    tall = np.zeros((4, 5, 3))
    with pytest.raises(AssertionError, match="it: member 124, slot 2: the chance of a3 was 0"):
        same_chances("it", context, tall, change(tall, 2, 3, 1, to=0.5))
    with pytest.raises(AssertionError, match=r"it: chance had shape \(4, 5\) and has \(3, 5\)"):
        same_chances("it", context, was, was[:3])


STATE = {"profiles.shift": np.full((20, 5), 0.31), "steps": np.array(80), "seen": np.arange(3)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"profiles.shift": change(STATE["profiles.shift"], 12, 3, to=0.28)},
            "array profiles.shift [12, 3] was 0.310 and is 0.280",
        ),
        ({"profiles.shift": np.zeros(3)}, "array profiles.shift had shape (20, 5) and has (3,)"),
        ({"steps": np.array(81)}, "array steps was 80 and is 81"),
        ({"steps": np.array(80.0)}, "array steps had dtype int64 and has float64"),
        ({"seen": np.array([0, 2, 1])}, "array seen [1] was 1 and is 2, and 1 more differ"),
        ({"more": np.zeros(2)}, "array more is new"),
    ],
)
def test_states_differ_in_words(change: dict[str, np.ndarray], sentence: str) -> None:
    with pytest.raises(AssertionError) as caught:
        same_arrays("it", STATE, STATE | change)
    assert str(caught.value) == f"it: {sentence}"


def test_an_array_that_is_gone_is_named() -> None:
    with pytest.raises(AssertionError, match="it: array steps is gone"):
        same_arrays("it", STATE, {name: STATE[name] for name in ("profiles.shift", "seen")})
    with pytest.raises(AssertionError, match=r"array zero was 0\.00 and is -0\.00"):
        same_arrays("it", {"zero": np.array(0.0)}, {"zero": np.array(-0.0)})
