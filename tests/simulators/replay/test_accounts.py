"""Every row of a file is kept, or reported as dropped with the reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.replay.loaders.tables import Account, ChoiceLog
from tests.support.loader_cases import (
    columbia,
    mind,
    upworthy,
)


@given(
    st.lists(
        st.tuples(
            st.lists(st.booleans(), min_size=1, max_size=5), st.lists(st.integers(0, 2), max_size=3)
        ),
        min_size=1,
    ).filter(lambda rows: any(len(set(clicks)) == 2 for clicks, _ in rows))
)
def test_every_impression_is_kept_or_reported(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[list[bool], list[int]]]
) -> None:
    text = ""
    for i, (clicks, before) in enumerate(rows):
        shown = " ".join(f"N{(i + j) % 3 + 1}-{click:d}" for j, click in enumerate(clicks))
        history = " ".join(f"N{j + 1}" for j in before)
        text += f"{i}\tU{i % 4}\t11/15/2019 9:05:58 AM\t{history}\t{shown}\n"
    log = mind(tmp_path_factory.mktemp("mind"), text).read()
    assert log.account.kept + sum(log.account.dropped.values()) == len(rows) == log.account.rows
    kept = [i for i, (clicks, _) in enumerate(rows) if len(set(clicks)) == 2]
    assert log.rounds["impression"].tolist() == [str(i) for i in kept]
    for place, i in enumerate(kept):
        at, to = log.start[place : place + 2]
        assert log.clicked[at:to].tolist() == rows[i][0]
        assert log.shown[at:to].tolist() == [(i + j) % 3 for j in range(to - at)]
        at, to = log.history_start[place : place + 2]
        assert log.history[at:to].tolist() == rows[i][1]


ARM = st.tuples(
    st.sampled_from(["t1", "t2", "t3"]),
    st.sampled_from(["one", "two, three", "four\nlines"]),
    st.sampled_from(["p", "q"]),
    st.integers(0, 3).map(lambda hundred: 100 * hundred),
    st.just(0),
    st.sampled_from([201324, 201325, 201350, 201402, 201403]),
)
RIVALS = [("t0", "one", "p", 10, 1, 201440), ("t0", "two", "p", 20, 3, 201440)]


@given(st.lists(ARM))
def test_every_arm_is_kept_or_reported(
    tmp_path_factory: pytest.TempPathFactory, arms: list[Any]
) -> None:
    log = upworthy(tmp_path_factory.mktemp("arms"), arms + RIVALS).read()
    assert log.account.kept + sum(log.account.dropped.values()) == len(arms) + 2 == log.account.rows
    assert log.account.kept == len(log.arms)
    assert (log.arms.groupby("contest")["headline"].nunique() >= 2).all()
    assert (log.arms["impressions"] > 0).all()
    broken, unseen = (
        sum(201325 <= arm[5] <= 201402 for arm in arms),
        [arm for arm in arms if not arm[3]],
    )
    counts = list(log.account.dropped.values())
    assert counts[:2] == [broken, sum(not 201325 <= arm[5] <= 201402 for arm in unseen)]


@given(st.integers(1, 60), st.lists(st.integers(0, 20), max_size=4))
def test_an_account_must_add_up(kept: int, dropped: list[int]) -> None:
    reasons = {f"reason {i}": count for i, count in enumerate(dropped)}
    rows = kept + sum(dropped)
    assert str(kept) in str(Account("log", rows, kept, reasons))
    with pytest.raises(ValueError, match=r"log: -?\d+ of \d+ rows are neither kept nor reported"):
        Account("log", rows + 1, kept, reasons)


def test_a_table_checks_itself(tmp_path: Path) -> None:
    log = columbia(tmp_path).read()
    fields = vars(log)
    for name, value, message in [
        ("choice", np.full(40, 10), r"round 1: choice = 10; must be an index below 10"),
        ("propensity", np.zeros(40), r"round 1: propensity = 0\.0; must be in \(0, 1\]"),
        ("clicked", np.zeros(39, dtype=bool), r"clicked has shape \(39,\); must be \(40,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            ChoiceLog(**fields | {name: value})
