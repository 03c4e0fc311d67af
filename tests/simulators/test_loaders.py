"""Loaders on small files: what comes out, what is refused by name, and every dropped row."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import data
from simulators.replay.loaders.columbia import Columbia
from simulators.replay.loaders.hillstrom import MAILINGS, Hillstrom
from simulators.replay.loaders.mind import Mind
from simulators.replay.loaders.open_bandit import OpenBandit
from simulators.replay.loaders.tables import Account, ChoiceLog, check_uniform
from simulators.replay.loaders.upworthy import Upworthy

SHARED = next(
    (
        at / "shared/data"
        for at in Path(__file__).resolve().parents
        if (at / "shared/data").is_dir()
    ),
    None,
)
OBD = data.ROOT / "data" / "open_bandit"


def real(name: str) -> Path:
    """A file of real data, or a skip that says so."""
    if SHARED is None or not (SHARED / name).is_file():
        pytest.skip(f"{name} is not at hand (shared/data)")
    return SHARED / name


def open_bandit(
    folder: Path, logger: str = "random", n: int = 120, m: int = 3, **columns: Any
) -> OpenBandit:
    """A folder with a log of n rounds; any column of the log can be given."""
    at = folder / logger / "men"
    at.mkdir(parents=True, exist_ok=True)
    items = {"item_id": range(m), "item_feature_0": np.linspace(-1, 1, m)} | {
        f"item_feature_{i}": "h" for i in (1, 2, 3)
    }
    pd.DataFrame(items).to_csv(at / "item_context.csv")
    rounds = {
        "timestamp": [f"2019-11-24 00:{i // 60:02}:{i % 60:02}.{i:06}+00:00" for i in range(n)],
        "item_id": np.arange(n) % m,
        "position": np.arange(n) % 5 % 3 + 1,
        "click": (np.arange(n) % 7 == 0).astype(int),
        "propensity_score": np.full(n, 1 / m),
    }
    rounds |= {f"user_feature_{i}": [f"u{j % (i + 2)}" for j in range(n)] for i in range(4)}
    rounds |= {f"user-item_affinity_{j}": np.arange(n) % (j + 2) for j in range(m)}
    pd.DataFrame(rounds | columns).to_csv(at / "men.csv")
    return OpenBandit(str(folder), logger, "men")


NEWS = (
    "N1\tsports\tgolf\tA title\tAn abstract\turl\t[]\t[]\nN2\tnews\tcrime\tAnother\t\turl\t[]\t[]\n"
    "N3\tnews\tworld\tThird\tx\tu\t[]\t[]\n"
)
BEHAVIORS = (
    "1\tU1\t11/15/2019 9:05:58 AM\tN1 N2\tN3-1 N2-0\n"
    "2\tU2\t11/15/2019 12:05:58 PM\t\tN1-0 N2-0 N3-0\n"
    "3\tU1\t11/15/2019 1:05:58 PM\tN3\tN2-1\n4\tU3\t11/16/2019 1:05:58 AM\tN3\tN1-0 N2-1 N3-0\n"
)


def mind(folder: Path, behaviors: str = BEHAVIORS, news: str = NEWS) -> Mind:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "behaviors.tsv").write_bytes(behaviors.encode())
    (folder / "news.tsv").write_bytes(news.encode())
    return Mind(str(folder))


def upworthy(folder: Path, arms: Sequence[tuple[str, str, str, int, int, int]]) -> Upworthy:
    """The archive's own csv of arms: test, headline, picture, impressions, clicks, week."""
    columns = [
        "clickability_test_id",
        "headline",
        "eyecatcher_id",
        "impressions",
        "clicks",
        "test_week",
    ]
    table = pd.DataFrame(list(arms), columns=columns).assign(lede="l", excerpt="e", slug="unused")
    table.to_csv(folder / "arms.csv", index=False)
    return Upworthy(str(folder / "arms.csv"))


ARMS = [
    ("t1", "best", "p", 1000, 50, 201440),
    ("t1", "worst, with a comma", "p", 1200, 24, 201440),
    ("t1", "middle", "p", 900, 27, 201440),
    ("t1", "other picture", "q", 1000, 99, 201440),
    ("t2", "best", "p", 500, 10, 201441),
    ("t2", 'the "quoted" one', "p", 800, 4, 201441),
    ("t3", "same", "p", 700, 5, 201441),
    ("t3", "same", "p", 700, 6, 201441),
    ("t4", "broken a", "p", 700, 5, 201325),
    ("t4", "broken b", "p", 700, 9, 201402),
    ("t5", "unseen", "p", 0, 0, 201441),
    ("t5", "alone", "p", 30, 0, 201441),
]


def hillstrom(folder: Path, n: int = 30, **columns: Any) -> Hillstrom:
    visit = np.arange(n) % 4 == 0
    table = {
        "recency": np.arange(n) % 12 + 1,
        "history_segment": "1) $0 - $100",
        "history": np.arange(n) * 1.5,
    }
    table |= {"mens": 1, "womens": 0, "zip_code": "Rural", "newbie": 1, "channel": "Web"}
    table |= {"segment": [MAILINGS[i % 3] for i in range(n)], "visit": visit.astype(int)}
    bought = visit & (np.arange(n) % 8 == 0)
    table |= {"conversion": bought.astype(int), "spend": bought * 29.5}
    pd.DataFrame(table | columns).to_csv(folder / "hillstrom.csv", index=False)
    return Hillstrom(str(folder / "hillstrom.csv"))


def columbia(folder: Path, n: int = 40, **columns: Any) -> Columbia:
    table = {"arm": np.arange(n) % 10 + 1, "click": np.arange(n) % 3 == 0}
    table = {name: np.asarray(values).astype(int) for name, values in table.items()}
    pd.DataFrame(
        table | {"features": [" ".join(map(str, range(i, i + 100))) for i in range(n)]} | columns
    ).to_csv(folder / "ten.csv", index=False)
    return Columbia(str(folder / "ten.csv"))


def test_open_bandit(tmp_path: Path) -> None:
    log = open_bandit(tmp_path).read()
    assert (log.account.rows, log.account.kept, log.account.dropped) == (120, 120, {})
    assert log.articles["article"].tolist() == ["item-0", "item-1", "item-2"]
    np.testing.assert_array_equal(log.choice, np.arange(120) % 3)
    np.testing.assert_array_equal(log.clicked, np.arange(120) % 7 == 0)
    np.testing.assert_array_equal(log.propensity, 1 / 3)
    assert log.members.columns.tolist() == ["member", *(f"user_feature_{i}" for i in range(4))]
    np.testing.assert_array_equal(log.rounds["affinity_2"], np.arange(120) % 4)
    assert log.rounds["time"].is_monotonic_increasing


@pytest.mark.parametrize("position", [1, 2, 3])
def test_open_bandit_reports_what_was_shown_elsewhere(tmp_path: Path, position: int) -> None:
    whole = open_bandit(tmp_path).read()
    log = OpenBandit(str(tmp_path), "random", "men", position).read()
    at = whole.rounds["position"] == position
    assert log.account.dropped == {"shown elsewhere": int((~at).sum())}
    assert "dropped" in str(log.account)
    assert (
        log.members["member"].tolist() == whole.members["member"][at].tolist()
    )  # a member keeps the number of its row


def test_a_log_that_can_judge_nothing_is_refused_with_its_figure(tmp_path: Path) -> None:
    n, m = 400, 3
    few = np.where(np.arange(n) == 7, 1e-6, 0.5)
    weights = 1 / (m * few)
    ess = weights.sum() ** 2 / (weights**2).sum()
    with pytest.raises(
        ValueError,
        match=rf"bts/men: 400 rounds count as {ess:.1f} of a uniform policy.*fewer than 100",
    ):
        open_bandit(tmp_path, "bts", n, propensity_score=few).read()
    even = open_bandit(
        tmp_path, "bts", n, propensity_score=np.where(np.arange(n) % 3 == 0, 0.7, 0.15)
    ).read()
    assert sorted(set(even.propensity)) == [0.15, 0.7]


def test_a_uniform_log_must_be_uniform(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"men\.csv row 3: propensity_score = '0\.3'; a uniform log of 3 articles has 1/3",
    ):
        open_bandit(tmp_path, propensity_score=[1 / 3, 1 / 3] + [0.3] * 118).read()
    with pytest.raises(
        ValueError, match=r"random/men: the 3 articles were not shown equally often"
    ):
        open_bandit(tmp_path, item_id=np.minimum(np.arange(120) % 9, 2)).read()
    check_uniform("few", np.zeros(6, dtype=np.int64), 3)  # six rounds say nothing


def test_mind(tmp_path: Path) -> None:
    log = mind(tmp_path).read()
    assert log.account.dropped == {"nothing was clicked": 1, "everything was clicked": 1}
    assert log.rounds["impression"].tolist() == ["1", "4"]
    assert log.rounds["time"].iloc[0] == pd.Timestamp("2019-11-15 09:05:58")
    assert log.articles["title"].tolist() == ["A title", "Another", "Third"]
    assert log.articles["summary"].tolist() == ["An abstract", "", "x"]
    assert log.shown.tolist() == [2, 1, 0, 1, 2]
    assert log.clicked.tolist() == [True, False, False, True, False]
    assert log.start.tolist() == [0, 2, 5]
    assert log.history.tolist() == [0, 1, 2]
    assert log.history_start.tolist() == [0, 2, 3]
    assert log.propensity is None


def test_upworthy(tmp_path: Path) -> None:
    log = upworthy(tmp_path, ARMS).read()
    assert list(log.account.dropped.values()) == [2, 1, 4]
    assert log.arms["headline"].tolist() == [
        "best",
        "worst, with a comma",
        "middle",
        "best",
        'the "quoted" one',
    ]
    assert log.pairs().tolist() == [[0, 1], [0, 2], [2, 1], [3, 4]]


def test_hillstrom(tmp_path: Path) -> None:
    log = hillstrom(tmp_path).read()
    assert log.articles["title"].tolist() == list(MAILINGS)
    np.testing.assert_array_equal(log.choice, np.arange(30) % 3)
    np.testing.assert_array_equal(log.propensity, 1 / 3)
    np.testing.assert_array_equal(log.clicked, np.arange(30) % 4 == 0)
    assert log.rounds["spend"].sum() == 29.5 * 4


def test_columbia_csv_and_parquet_are_one(tmp_path: Path) -> None:
    log = columbia(tmp_path).read()
    table = pd.read_csv(tmp_path / "ten.csv")
    table["features"] = [np.array(value.split(), dtype=np.int16) for value in table["features"]]
    table.to_parquet(tmp_path / "ten.parquet")
    other = Columbia(str(tmp_path / "ten.parquet")).read()
    pd.testing.assert_frame_equal(log.members, other.members)
    np.testing.assert_array_equal(log.choice, other.choice)
    assert log.members["x99"].iloc[3] == 102


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


def test_real_open_bandit() -> None:
    if data.list_missing(OBD, data.FILES):
        pytest.skip("the Open Bandit Dataset is not at hand (make data)")
    clicks = {}
    for logger in ("random", "bts"):
        for campaign in ("all", "men", "women"):
            if (logger, campaign) == ("bts", "women"):
                continue
            log = OpenBandit(str(OBD), logger, campaign).read()
            clicks[logger, campaign] = (log.account.kept, len(log.articles), int(log.clicked.sum()))
    assert clicks == {
        ("random", "all"): (10_000, 80, 38),
        ("random", "men"): (10_000, 34, 46),
        ("random", "women"): (10_000, 46, 46),
        ("bts", "all"): (10_000, 80, 42),
        ("bts", "men"): (10_000, 34, 69),
    }
    with pytest.raises(
        ValueError, match=r"bts/women: 10,000 rounds count as 2\.1 of a uniform policy"
    ):
        OpenBandit(str(OBD), "bts", "women").read()


def test_real_upworthy() -> None:
    log = Upworthy(str(real("upworthy.parquet"))).read()
    assert list(log.account.dropped.values()) == [0, 0, 7718]
    assert (log.account.rows, log.account.kept) == (14_603, 6885)


def test_real_hillstrom() -> None:
    log = Hillstrom(str(real("hillstrom.parquet"))).read()
    visits = [round(float(log.clicked[log.choice == j].mean()), 4) for j in range(3)]
    assert visits == [0.1828, 0.1514, 0.1062]


def test_real_columbia() -> None:
    log = Columbia(str(real("columbia10arm.parquet"))).read()
    assert (log.account.kept, int(log.clicked.sum())) == (10_000, 1039)
