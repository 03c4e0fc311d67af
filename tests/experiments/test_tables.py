"""Tables of a comparison: intervals, lifts and parity, against closed forms."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy import stats

from bandit.core.files import write_json
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import evaluate_whole
from experiments.runner import beside_files
from experiments.runner.folders import Units
from experiments.tables import table
from experiments.tables.cold_start import find_parity
from experiments.tables.off_policy import (
    collect_off_policy,
    estimate_off_policy,
    run_and_judge,
)
from experiments.tables.summary import MEASURES, student_interval, summarise
from tests.support.whole_cases import make_beside


def test_paired_interval_is_students() -> None:
    values = np.array([0.10, 0.13, 0.09, 0.16])
    mean, low, high = student_interval(values)
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(
        (mean, low, high), (values.mean(), reference.low, reference.high), rtol=1e-12
    )
    assert np.isnan(student_interval(values[:1])[1:]).all()


def test_lift_is_paired_by_seed_over_the_later_issues() -> None:
    rows = []
    for seed, (ours, theirs) in enumerate([(30, 20), (66, 60)]):
        for policy, clicks in (("a", ours), ("b", theirs)):
            for issue in (1, 2, 3):
                values = {
                    "delivered": 1000,
                    "opened": 400,
                    "clicks": clicks if issue > 1 else 1,
                    "clicked_opens": 1,
                }
                values |= {"expected": 0.1, "exploration_cost": 0.025}
                rows += [(policy, seed, issue, metric, value) for metric, value in values.items()]
    table = summarise(
        pd.DataFrame(rows, columns=["policy", "seed", "issue", "metric", "value"]), "b", 2
    ).set_index("policy")
    assert table.loc["a", "lift"] == pytest.approx((0.5 + 0.1) / 2)
    assert table.loc["a", "clicks_per_delivered_late"] == pytest.approx(0.048)
    assert table.loc["a", "exploration_cost"] == pytest.approx(0.2)
    assert np.isnan(table.loc["b", "lift"])


def test_parity_is_the_first_issue_from_which_a_policy_stays_ahead() -> None:
    ours = {
        "early": [1, 5, 5, 5, 5],
        "late": [1, 1, 1, 9, 9],
        "never": [1, 1, 1, 1, 1],
        "base": [3, 3, 3, 3, 3],
    }
    rows = [
        (name, 0, since, 100, 0, value)
        for name, values in ours.items()
        for since, value in enumerate(values)
    ]
    table = pd.DataFrame(
        rows, columns=["policy", "seed", "since", "delivered", "clicks", "expected"]
    )
    found = find_parity(table, "base", window=1)
    assert {name: parity.issues for name, parity in found.items()} == {
        "early": 1,
        "late": 3,
        "never": None,
    }
    assert not any(parity.sure for parity in found.values())  # one seed says nothing of chance


def test_the_interval_of_a_crossing_holds_those_of_single_seeds() -> None:
    crossings = [0, 1, 1, 2, 3, 6, 6, 9]
    rows = [
        ("ours", seed, since, 100, 0, 5.0 if since >= crossing else 1.0)
        for seed, crossing in enumerate(crossings)
        for since in range(10)
    ] + [("base", seed, since, 100, 0, 3.0) for seed in range(8) for since in range(10)]
    table = pd.DataFrame(
        rows, columns=["policy", "seed", "since", "delivered", "clicks", "expected"]
    )
    parity = find_parity(table, "base", window=1)["ours"]
    assert parity.sure
    assert (parity.issues, parity.horizon) == (2, 9)  # half of the seeds are ahead: level
    assert parity.earliest is not None
    assert parity.latest is not None
    assert 0 <= parity.earliest < 2 < parity.latest <= 9
    alike = table.assign(seed=0)  # all seeds alike: nothing to be unsure about
    alike = pd.concat([alike[alike["policy"] == "base"].iloc[:10].assign(seed=s) for s in range(5)])
    ours = alike.assign(policy="ours", expected=np.where(alike["since"] >= 4, 5.0, 1.0))
    found = find_parity(pd.concat([alike, ours]), "base", window=1)["ours"]
    assert (found.issues, found.earliest, found.latest) == (4, 4, 4)


@pytest.mark.parametrize(("sends", "slots"), [(900, 2), (9, 0)])
def test_what_was_earned_on_no_slot_at_all_is_no_number(
    tmp_path: Path, sends: int, slots: int
) -> None:
    unit = tmp_path / "target-0"
    for part in ("replay", "issues"):
        (unit / part).mkdir(parents=True)
    columns = {
        "target": np.full(2 * sends, 0.5),
        "logged": np.full(2 * sends, 0.5),
        "clicked": np.arange(2 * sends) % 7 == 0,
        "supported": np.ones(2 * sends, dtype=bool),
        "member": np.repeat(np.arange(sends), 2),
        "opened": np.ones(2 * sends, dtype=bool),
    }
    pd.DataFrame(columns).to_parquet(unit / "replay" / "001.parquet")
    counts = {"slots": 2, "delivered": sends, "earned": [0.3 * sends, 0.2 * sends]}
    write_json(unit / "replay" / "001.json", counts)
    write_json(unit / "issues" / "001.json", {"expected_by_slot": [0.4, 0.1]})
    units: Units = {("target", 0): unit}
    found = estimate_off_policy(units, "logger", 1, 9)
    told: list[int] = []
    run_and_judge(lambda tick: tick(1), units, "logger", 1, 9, told.append)  # where units are run
    both = units | {("logger", 0): tmp_path / "nothing is read here"}
    pd.testing.assert_frame_equal(collect_off_policy(both, "logger"), found)
    assert told == [1]
    assert (found["slots"] == slots).all()
    if slots:
        np.testing.assert_allclose(found["earned"], 0.5)
        np.testing.assert_allclose(found["own"], 0.5)
    else:
        assert found[["value", "earned", "own"]].isna().all(axis=None)
        assert found["reason"].str.startswith("at slot 1 the 9 sends").all()


def test_whole_newsletters_are_judged_where_they_were_replayed(tmp_path: Path) -> None:
    unit = tmp_path / "target-0"
    for part in ("replay", "issues"):
        (unit / part).mkdir(parents=True)
    parts, values = [], []
    for issue in (1, 2):
        rng = np.random.default_rng(issue)
        log, value = make_beside(rng, n=3000 * issue)
        n = len(log.members)
        opened = (log.count_clicks() > 0) | (rng.random(n) < 0.3)
        log = replace(log, opened=opened, first=rng.normal(size=(n, 2)))
        stem = unit / "replay" / f"00{issue}"
        columns = {
            **dict.fromkeys(("target", "logged"), np.full(2 * n, 0.5)),
            "clicked": np.arange(2 * n) % 7 == 0,
            "supported": np.ones(2 * n, dtype=bool),
            "member": np.repeat(log.members, 2),
            "opened": np.repeat(opened, 2),
            "first_sent": np.repeat(log.first[:, 0], 2),
            "first_wanted": np.repeat(log.first[:, 1], 2),
        }
        pd.DataFrame(columns).to_parquet(stem.with_suffix(".parquet"))
        counts = {"slots": 2, "delivered": n, "earned": [value * n, 0.0, 0.0]}
        write_json(stem.with_suffix(".json"), counts)
        write_json(unit / "issues" / f"{stem.name}.json", {"expected_by_slot": [0.4, 0.1, 0.2]})
        beside_files.write(unit / "replay" / "whole" / f"{stem.name}.parquet", log)
        file = unit / "replay" / "whole" / f"{stem.name}.parquet"
        again = beside_files.read(file, log.members, opened, log.first)
        for name in vars(log):
            np.testing.assert_array_equal(getattr(again, name), getattr(log, name))
        parts.append(log)
        values.append(value * n)
    found = estimate_off_policy({("target", 0): unit}, "logger", 1, 9).set_index("estimator")
    answer = evaluate_whole(Beside.join(parts))
    assert answer.tired is not None
    assert answer.opening is not None
    assert [each.estimator for each in answer.estimates] == found.index[4:].tolist()
    for each in answer.estimates:
        row = found.loc[each.estimator]
        assert each.interval is not None
        assert (row["slots"], row["reason"], row["ess"]) == (3, "", each.ess)
        assert (row["value"], row["low"]) == (each.interval.estimate, each.interval.low)
        assert row["earned"] == pytest.approx(sum(values) / 9000)
        assert row["own"] == pytest.approx(0.7)
    assert found.loc["ips", "slots"] == 2


def test_the_table_tells_what_exploring_brings_and_what_it_costs() -> None:
    row = {
        **dict.fromkeys(("clicks_per_delivered", "clicks_per_delivered_late"), 0.05),
        **dict.fromkeys(("lift", "lift_low", "lift_high", "oracle_share"), np.nan),
        "clicks_per_open": 0.2,
    }
    rows = [row | {"policy": p, "exploration_cost": c} for p, c in (("a", 0.021), ("b", -0.009))]
    console = Console(record=True, width=120, file=io.StringIO())
    table.show(pd.DataFrame(rows), "", console)
    text = console.export_text()
    assert "-2.1%" in text
    assert "+0.9%" in text
    assert "exploring: clicks that it brings (+) or costs (-) at once" in text
    assert "use more seeds" not in text


def test_numbers_that_rest_on_too_little_ask_for_more_seeds() -> None:
    rows = [
        {
            **dict.fromkeys(("clicks_per_delivered", "clicks_per_delivered_late"), 0.05),
            "policy": policy,
            "clicks_late": clicks,
            "exploration_cost": 0.5,
            "lift": 0.154,
            "lift_low": low,
            "lift_high": high,
            **dict.fromkeys(("oracle_share", "clicks_per_open"), np.nan),
        }
        for policy, clicks, low, high in (("a", 3.0, -5.71, 6.02), ("b", 120.0, -0.25, 0.5))
    ]
    console = Console(record=True, width=120, file=io.StringIO())
    table.show(pd.DataFrame(rows), "", console)
    one, other = console.export_text().splitlines()[4:6]
    assert "+15.4 (use more seeds)" in one
    assert "571" not in one
    assert "50.0%" not in one
    assert "+15.4 (-25.0 to 50.0)" in other
    assert "-50.0%" in other
    assert "nan" not in one + other


def test_nothing_delivered_is_no_rate() -> None:
    rows = [("a", 0, 1, metric, 0.0) for metric in MEASURES]
    columns = ["policy", "seed", "issue", "metric", "value"]
    found = summarise(pd.DataFrame(rows, columns=columns), "", 1)
    assert found[["clicks_per_delivered", "clicks_per_open", "open_rate"]].isna().all(axis=None)
