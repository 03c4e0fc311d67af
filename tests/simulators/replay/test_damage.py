"""Damaged files are refused by file, row and value."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.replay.loaders.hillstrom import MAILINGS, Hillstrom
from simulators.replay.loaders.open_bandit import OpenBandit
from tests.support.loader_cases import (
    ARMS,
    BEHAVIORS,
    NEWS,
    columbia,
    hillstrom,
    mind,
    open_bandit,
    upworthy,
)

DAMAGED: list[tuple[Callable[[Path], Any], str]] = [
    (
        lambda at: open_bandit(at, item_id=[0, 1, 3] * 40),
        r"men\.csv row 3: item_id = '3'; must be a whole number in \[0, 2\]",
    ),
    (lambda at: open_bandit(at, click=[0, 2] * 60), r"men\.csv row 2: click = '2'"),
    (lambda at: open_bandit(at, click=[0, ""] * 60), r"men\.csv row 2: click = ''"),
    (lambda at: open_bandit(at, position=[1, 1.5] * 60), r"men\.csv row 2: position = '1\.5'"),
    (
        lambda at: open_bandit(at, "bts", propensity_score=0),
        r"row 1: propensity_score = '0'; must be in \(0, 1\]",
    ),
    (
        lambda at: open_bandit(at, "bts", propensity_score=np.inf),
        r"row 1: propensity_score = 'inf'",
    ),
    (
        lambda at: open_bandit(at, timestamp="yesterday"),
        r"men\.csv row 1: timestamp = 'yesterday'; must be a time",
    ),
    (
        lambda at: open_bandit(at, user_feature_2=["a", " "] * 60),
        r"men\.csv row 2: user_feature_2 = ' '; must be text",
    ),
    (
        lambda at: open_bandit(at, **{"user-item_affinity_3": 0}),
        r"men\.csv knows more than the 3 articles",
    ),
    (lambda at: OpenBandit(str(at)), r"all\.csv: there is no such file; `make data` fetches it"),
    (
        lambda at: OpenBandit(str(at), campaign="boys"),
        r"campaign = 'boys'; must be one of all, men, women",
    ),
    (lambda at: OpenBandit(str(at), position=4), r"position = 4; must be one of None, 1, 2, 3"),
    (
        lambda at: mind(at, BEHAVIORS.replace("N2-0\n", "N2\n")),
        r"behaviors\.tsv row 1: impression 'N2' has no -0/-1",
    ),
    (
        lambda at: mind(at, BEHAVIORS.replace("N3-0\n", "N3-2\n")),
        r"behaviors\.tsv row 2: impression 'N3-2' has no -0/-1",
    ),
    (
        lambda at: mind(at, BEHAVIORS.replace("N2-1\n", "N9-1\n")),
        r"behaviors\.tsv row 3: article 'N9' is not in news\.tsv",
    ),
    (
        lambda at: mind(at, BEHAVIORS.replace("4\tU3", "1\tU3")),
        r"behaviors\.tsv row 4: impression = '1'; appears twice",
    ),
    (
        lambda at: mind(at, BEHAVIORS.replace("U2\t", "U2 ")),
        r"behaviors\.tsv row 2: 4 fields; must be 5",
    ),
    (
        lambda at: mind(at, BEHAVIORS.replace("\tU2\t", "\t\t")),
        r"behaviors\.tsv row 2: member = ''; must not be empty",
    ),
    (
        lambda at: mind(at, BEHAVIORS.replace("12:05:58 PM", "noon")),
        r"behaviors\.tsv row 2: time = '11/15/2019 noon'",
    ),
    (lambda at: mind(at, BEHAVIORS[:-1]), r"behaviors\.tsv ends within a line"),
    (
        lambda at: mind(at, ""),
        r"behaviors\.tsv ends within a line, in '': it is empty or was cut short",
    ),
    (lambda at: mind(at, news=NEWS + NEWS), r"news\.tsv row 4: article = 'N1'; appears twice"),
    (
        lambda at: mind(at, news=NEWS.replace("Another", " ")),
        r"news\.tsv row 2: title = ' '; must not be empty",
    ),
    (
        lambda at: mind(at, BEHAVIORS.split("\n")[1] + "\n"),
        r"none of 1 rows is left; dropped: \{'nothing was clicked': 1",
    ),
    (
        lambda at: upworthy(at, [*ARMS, ("t9", "h", "p", 5, 6, 201440)]),
        r"arms\.csv row 13: clicks = '6'; must be at most",
    ),
    (
        lambda at: upworthy(at, [("t9", "h", "p", -5, 0, 201440)]),
        r"arms\.csv row 1: impressions = '-5'",
    ),
    (
        lambda at: upworthy(at, [("t9", "", "p", 5, 0, 201440)]),
        r"arms\.csv row 1: headline = ''; must be text",
    ),
    (lambda at: upworthy(at, [("t9", "h", "p", 5, 0, 0)]), r"arms\.csv row 1: test_week = '0'"),
    (
        lambda at: hillstrom(at, segment="Dogs E-Mail"),
        r"row 1: segment = 'Dogs E-Mail'; must be one of Mens E-Mail, Womens",
    ),
    (lambda at: hillstrom(at, visit=0), r"row 1: conversion = '1'; nobody buys without a visit"),
    (lambda at: hillstrom(at, spend=3), r"row 2: spend = '3'; nobody spends without buying"),
    (lambda at: hillstrom(at, segment=MAILINGS[0]), r"the 3 articles were not shown equally often"),
    (lambda at: columbia(at, arm=11), r"ten\.csv row 1: arm = '11'"),
    (
        lambda at: columbia(at, features="1 2 3"),
        r"ten\.csv row 1: features = '1 2 3'; must be 100 numbers",
    ),
    (lambda at: columbia(at, features=" ".join(["x"] * 100)), r"ten\.csv row 1: x0 = 'x'"),
    (
        lambda at: columbia(at, arm=[1] * 200, click=0, n=200, features=" ".join("1" * 100)),
        r"not shown equally often",
    ),
]


@pytest.mark.parametrize(("made", "message"), DAMAGED, ids=[message[:40] for _, message in DAMAGED])
def test_damage_is_refused_by_file_row_and_value(
    tmp_path: Path, made: Callable[[Path], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        made(tmp_path).read()


def test_columns_fields_and_encodings(tmp_path: Path) -> None:
    path = tmp_path / "hillstrom.csv"
    hillstrom(tmp_path)
    whole = path.read_text()
    for damaged, message in [
        (whole.replace("spend", "spent"), "lacks column 'spend'"),
        (whole.replace("zip_code", "visit"), "column 'visit' appears twice"),
        (whole.replace(",Rural", "", 1), r"row 1: 11 fields; the header has 12"),
        (whole.replace(",Rural", ',"Rural', 1), r"row 1: "),
        (whole[:-4] + '"0.0\n', r"row 30: unexpected end of data"),
        (whole.replace("Rural", "R\udcff"), "is not UTF-8"),
    ]:
        path.write_bytes(damaged.encode("utf-8", "surrogateescape"))
        with pytest.raises(ValueError, match=message):
            Hillstrom(str(path)).read()
    path.write_bytes(
        b"\xef\xbb\xbf" + whole.replace("\n", "\r\n").encode()
    )  # as spreadsheets write it
    assert Hillstrom(str(path)).read().account.kept == 30


MAKERS: list[tuple[Callable[[Path], Any], str]] = [
    (open_bandit, "random/men/men.csv"),
    (open_bandit, "random/men/item_context.csv"),
    (mind, "behaviors.tsv"),
    (mind, "news.tsv"),
    (lambda at: upworthy(at, ARMS), "arms.csv"),
    (hillstrom, "hillstrom.csv"),
    (columbia, "ten.csv"),
]


@pytest.mark.parametrize(("made", "name"), MAKERS, ids=[name for _, name in MAKERS])
@given(st.data())
def test_a_file_cut_within_a_row_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
    made: Callable[[Path], Any],
    name: str,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    loader = made(folder)
    whole = (folder / name).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1).filter(lambda at: whole[at - 1 : at] != b"\n"))
    (folder / name).write_bytes(whole[:at])
    with pytest.raises(ValueError, match=name.rpartition("/")[2]):
        loader.read()
