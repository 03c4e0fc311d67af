"""Who is better or worse off, and the sums of a cold start, against counts by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bandit.core.files import read_table, write_json, write_table
from bandit.slates.waves import assign_waves
from experiments.report.cold_start.better_off import describe_people
from experiments.runner.people import finish_people
from experiments.tables.articles import measure_waves
from experiments.tables.cold_figures import (
    find_starts,
    measure_cold_start,
    measure_kept,
    measure_spent,
)
from experiments.tables.cold_start import collect_cold_starts
from experiments.tables.joiners import count_for_parity, count_joiners_needed, measure_joiners
from experiments.tables.people import compare_people, measure_first_issues

MEMBERS = ["a", "b", "c", "d"]
JOINED = {"a": 1, "b": 1, "c": 3, "d": 6}
KINDS = {"a": "student", "b": "student", "c": "technician", "d": "technician"}


def make_unit(folder: Path, rates: dict[str, float], issues: int = 15, wide: bool = False) -> Path:
    """A unit in which each member is expected to click at a rate of its own in every issue."""
    for number in range(1, issues + 1):
        here = [member for member in MEMBERS if JOINED[member] <= number]
        columns = {
            "issue": pa.array([number] * len(here), pa.int16()),
            "member": here,
            "joined": pa.array([JOINED[member] for member in here], pa.int16()),
            "opened": [number % 2 == 0] * len(here),
            "clicks": pa.array([number % 3 == 0] * len(here)).cast(pa.int16()),
            "expected": pa.array([rates[member] for member in here], pa.float32()),
            "rests_on": pa.array([None if wide else 0.25] * len(here), pa.float32()),
        }
        write_table(folder / "people" / f"{number:03d}.parquet", pa.table(columns))
    finish_people(folder)
    write_json(
        folder / "rules.json",
        {f"{number:03d}": {"campaign": f"issue-{number}"} for number in range(1, issues + 1)},
    )
    table = {"member": MEMBERS, "kind": [KINDS[member] for member in MEMBERS]}
    write_table(folder / "members.parquet", pa.table(table))
    return folder


@pytest.fixture
def units(tmp_path: Path) -> dict[tuple[str, int], Path]:
    ours = {"a": 0.30, "b": 0.19, "c": 0.205, "d": 9.0}
    base = dict.fromkeys(MEMBERS, 0.20)
    return {
        ("ours", 7): make_unit(tmp_path / "ours", ours),
        ("base", 7): make_unit(tmp_path / "base", base, wide=True),
    }


def test_members_are_better_or_worse_off_by_a_twentieth(
    units: dict[tuple[str, int], Path],
) -> None:
    table = compare_people(units, "base").set_index("segment")
    everybody = table.loc[""]
    # d joined in issue 6 and got ten newsletters: too few to be counted
    assert everybody[["members", "better", "worse"]].tolist() == [3, 1, 1]
    assert everybody["won"] == pytest.approx(15 * 0.10, rel=1e-6)
    assert everybody["lost"] == pytest.approx(15 * 0.01, rel=1e-6)
    assert table.loc["student", ["members", "better", "worse"]].tolist() == [2, 1, 1]
    assert table.loc["technician", ["members", "better", "worse"]].tolist() == [1, 0, 0]
    told = describe_people(table.reset_index(), "ours", "base")
    assert told is not None
    assert [share.segment for share in told.rows] == ["student", "technician"]
    assert told.words.startswith("33\u00a0% of the members")
    assert "1.5 clicks each" in told.words


def test_sums_follow_joiners_openers_and_founders(units: dict[tuple[str, int], Path]) -> None:
    views = collect_cold_starts(units)
    joiners = views["joiners"][views["joiners"]["policy"] == "ours"].set_index("since")
    assert joiners.loc[0, "delivered"] == 2  # c in issue 3, d in issue 6
    assert joiners.loc[0, "clicks"] == 2
    assert joiners.loc[0, "opened"] == 1
    assert joiners.loc[0, "expected"] == pytest.approx(9.205, rel=1e-6)
    assert joiners.loc[12, "delivered"] == 1  # c alone has been there that long
    assert joiners.loc[3, "rests_on"] == pytest.approx(0.5)
    assert views["joiners"][views["joiners"]["policy"] == "base"]["rests_on"].isna().all()
    openers = views["openers"][views["openers"]["policy"] == "ours"].set_index("opens")
    # c opens issues 4, 6, ...: issues 3 and 4 come before its first; d opens its first, issue 6
    assert openers.loc[0, "delivered"] == 3
    founders = views["founders"][views["founders"]["policy"] == "ours"].set_index("issue")
    assert founders["delivered"].tolist() == [2] * 15


def test_figures_against_counts_by_hand(units: dict[tuple[str, int], Path]) -> None:
    people = compare_people(units, "base")
    row = measure_cold_start(collect_cold_starts(units), people, "base").set_index("policy")
    ours = row.loc["ours"]
    assert ours["won"] == pytest.approx(1000 * ((0.205 + 9.0) / 2 - 0.2), rel=1e-6)
    assert ours["least"] == pytest.approx(1.025, rel=1e-6)  # once c is alone
    assert ours["least_at"] == 10
    assert ours["worse"] == pytest.approx(1 / 3)
    assert ours["loss"] == pytest.approx(0.15, rel=1e-6)
    assert ours["parity"] == 0
    assert np.isnan(ours["started"])  # no oracle
    assert np.isnan(ours["reached"])


def test_levels_are_reached_as_counted_by_hand() -> None:
    """The oracle gets 1 click a newsletter; lin_ts rises to .5 and ours to 1 in eight issues."""
    rates = {"oracle": [1.0] * 8, "lin_ts": [0.2] * 4 + [0.5] * 4}
    rates["ours"] = [0.1, 0.1, 0.1, 0.5, 0.7, 0.8, 1.0, 1.0]
    rows = [
        {"policy": name, "issue": issue, "expected": 10 * rate, "delivered": 10}
        for name, row in rates.items()
        for issue, rate in enumerate(row, start=1)
    ]
    own = find_starts(pd.DataFrame(rows))
    # averages of three issues: lin_ts has .4 in its fifth and .5 from its sixth on, ours .667 in
    # its fifth, .833 in its sixth and .933 in its seventh
    assert own == {"oracle": 0, "lin_ts": 5, "ours": 6}
    assert find_starts(pd.DataFrame(rows), "lin_ts") == {"oracle": 0, "lin_ts": 5, "ours": 4}
    assert find_starts(pd.DataFrame(rows), "gone") == {}


def test_what_is_kept_is_a_share_over_paired_seeds() -> None:
    """Two seeds keep 6 / 8 and 9 / 10 of a click rate: .825, and Student's half an interval."""
    names = ["policy", "seed", "issue", "expected", "delivered"]
    rows = [("a", 1, 1, 2.0, 60), ("a", 1, 2, 4.0, 40), ("a", 2, 1, 9.0, 100), ("b", 1, 1, 9.0, 9)]
    ours = pd.DataFrame(rows, columns=names)
    theirs = pd.DataFrame([("a", 1, 1, 8.0, 100), ("a", 2, 1, 20.0, 200)], columns=names)
    found = measure_kept(ours, theirs, "a")
    half = 12.7062 * 0.075  # half the difference of two, times t with one degree of freedom
    assert found["kept"] == pytest.approx(0.825)
    assert found["kept_high"] == pytest.approx(0.825 + half, abs=1e-4)
    assert found["kept_low"] == pytest.approx(0.825 - half, abs=1e-4)


def test_first_issues_count_members_with_all_four(units: dict[tuple[str, int], Path]) -> None:
    first = measure_first_issues(units).set_index("policy")
    assert first.loc["ours", "joiners"] == 2
    # c got issues 3 to 6 (clicks in 3 and 6), d issues 6 to 9 (clicks in 6 and 9)
    assert first.loc["ours", "mean"] == pytest.approx(0.5)
    assert first.loc["ours", "variance"] == pytest.approx(0.0)


def test_joiners_needed_is_the_textbook_sample_size() -> None:
    columns = ["policy", "seed", "joiners", "mean", "variance"]
    first = pd.DataFrame(
        [("ours", 0, 100, 0.09, 0.04), ("base", 0, 100, 0.06, 0.02)], None, columns
    )
    needed = count_joiners_needed(first, "ours", "base")
    assert needed == pytest.approx(7.849 * 0.06 / 0.03**2, rel=1e-3)
    assert np.isinf(count_joiners_needed(first.assign(mean=0.06), "ours", "base"))
    assert np.isnan(count_joiners_needed(first, "ours", "nobody"))


def test_joiners_are_averaged_over_three_issues(units: dict[tuple[str, int], Path]) -> None:
    table = measure_joiners(units, last=2).set_index(["policy", "since"]).loc["ours"]
    assert table["joiners"].tolist() == [2, 2, 2]
    np.testing.assert_allclose(table["mean"], (0.205 + 9.0) / 2, rtol=1e-6)
    # c clicks in issues 3, 6, ... and d, from issue 6 on, too: of two issues half, of three a third
    np.testing.assert_allclose(table["variance"], 0.0, atol=1e-12)


def test_parity_is_known_within_one_where_both_sides_of_it_are_seen() -> None:
    """Behind by .02 before, ahead by .04 after: the smaller difference asks for four times as many.

    Variances are .04 and .02 throughout.
    """
    rows = [
        (name, 0, since, 100, 0.06 + gap * (name == "ours"), 0.04 if name == "ours" else 0.02)
        for since, gap in enumerate((-0.03, -0.02, 0.01, 0.04, 0.04))
        for name in ("ours", "base")
    ]
    names = ["policy", "seed", "since", "joiners", "mean", "variance"]
    table = pd.DataFrame(rows, columns=names)
    most = 7.849 * 0.06 / 0.02**2
    assert count_for_parity(table, "ours", "base", 2) == pytest.approx(most, rel=1e-3)
    assert count_for_parity(table, "base", "ours", 2) == np.inf  # the other way round
    assert np.isnan(count_for_parity(table, "ours", "base", None))
    assert np.isnan(count_for_parity(table, "ours", "base", 4))  # what comes after is not there
    ahead = table.assign(mean=table["mean"] + 0.1 * (table["policy"] == "ours"))
    least = 7.849 * 0.06 / 0.08**2  # in the issue after the first one
    assert count_for_parity(ahead, "ours", "base", 0) == pytest.approx(least, rel=1e-3)


def test_what_is_spent_on_trying_is_a_share_of_the_clicks() -> None:
    """Two seeds that give up 2 of 40 and 6 of 40 expected clicks: a tenth."""
    rows = [
        ("ours", seed, issue, metric, value)
        for seed, costs in ((1, (0.01, 0.01)), (2, (0.02, 0.04)))
        for issue, cost in enumerate(costs, start=1)
        for metric, value in (("expected", 0.2), ("exploration_cost", cost), ("delivered", 100.0))
    ]
    names = ["policy", "seed", "issue", "metric", "value"]
    (row,) = measure_spent(pd.DataFrame(rows, columns=names)).to_dict("records")
    half = 12.7062 * 0.05
    assert row["spent"] == pytest.approx(0.1)
    assert (row["spent_low"], row["spent_high"]) == pytest.approx((0.1 - half, 0.1 + half))


def test_waves_are_compared_with_the_same_members(tmp_path: Path) -> None:
    shares = (0.3, 0.2)
    rates = {"a": 0.1, "b": 0.2, "c": 0.4, "d": 0.8}
    units = {("ours", 1): make_unit(tmp_path / "ours", rates)}
    folder = make_unit(tmp_path / "waves", rates)
    for number in range(1, 16):  # the last wave gets half as much again
        path = folder / "people" / f"{number:03d}.parquet"
        told = read_table(path).to_pandas()
        wave = assign_waves(f"issue-{number}", told["member"].to_numpy(), shares)
        told["expected"] *= np.where(wave == 2, 1.5, 1.0)
        write_table(path, pa.Table.from_pandas(told, preserve_index=False))
    table = measure_waves(units | {("waves", 1): folder}, "waves", "ours", shares)
    assert table["ratio"].tolist() == pytest.approx([1.0, 1.0, 1.5])
    assert table["before"].tolist() == pytest.approx([0.0, 0.3, 0.5])


def test_a_unit_without_people_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"cold_start\.parquet"):
        collect_cold_starts({("ours", 0): tmp_path})
