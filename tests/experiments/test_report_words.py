"""The report's sentences are no bolder than its numbers."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.report import report
from tests.support.report_cases import RATES, make_run


def words(run: Path) -> str:
    """The page's headline."""
    found = re.search(r"<h1>(.*?)</h1>", report.write(run).read_text(encoding="utf-8"))
    assert found
    return found[1].translate({0xA0: " ", 0x2013: "-", 0x2212: "-"})


def set_lift(run: Path, lift: float, low: float, high: float) -> Path:
    summary = pd.read_parquet(run / "summary.parquet")
    ours, theirs = (summary["policy"] == name for name in ("profile", "segment_learned"))
    summary.loc[ours, ["lift", "lift_low", "lift_high"]] = lift, low, high
    if not np.isnan(lift):
        summary.loc[theirs, "clicks_per_delivered_late"] = 0.070
        summary.loc[ours, "clicks_per_delivered_late"] = 0.070 * (1 + lift)
    summary.to_parquet(run / "summary.parquet")
    return run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        (
            (0.12, 0.09, 0.15),
            "Profile got 8.4 more clicks per 1,000 newsletters delivered than the best "
            "segmentation: 12 % more (95 % interval 9 % to 15 %), issues 13-26.",
        ),
        (
            (-0.05, -0.08, -0.02),
            "Profile got 3.5 fewer clicks per 1,000 newsletters delivered than the best "
            "segmentation: 5 % fewer (95 % interval 2 % to 8 %), issues 13-26.",
        ),
        (
            (0.03, -0.02, 0.08),
            "No clear difference: Profile got 2.1 more clicks per 1,000 newsletters delivered than "
            "the best segmentation, 3 % more, but the 95 % interval, -2 % to +8 %, includes zero "
            "(issues 13-26).",
        ),
        (
            (0.004, 0.001, 0.007),
            "Profile got 0.3 more clicks per 1,000 newsletters delivered than the best "
            "segmentation: 0.4 % more (95 % interval 0.1 % to 0.7 %), issues 13-26.",
        ),
    ],
)
def test_headline_is_no_bolder_than_its_interval(
    run: Path, interval: tuple[float, float, float], says: str
) -> None:
    assert words(set_lift(run, *interval)) == says


def test_best_segmentation_is_only_said_of_the_best(tmp_path: Path) -> None:
    assert "than the baseline (Learned segments)" in words(
        make_run(tmp_path, RATES | {"segment_rules": 0.078})
    )


def test_an_interval_that_says_nothing_is_told_as_too_few_seeds(tmp_path: Path) -> None:
    run = set_lift(make_run(tmp_path, seeds=2), 0.154, -5.71, 6.02)
    assert words(run).endswith(
        "15 % more, issues 13-26, in 2 simulations that differ too much for an interval. "
        "Use more seeds."
    )
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.count("use more seeds") >= 2  # beside the number, and in the table
    for end in ("571", "602"):
        assert end not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)


def test_one_seed_gives_a_ratio_and_no_interval(tmp_path: Path) -> None:
    run = make_run(tmp_path, seeds=1)
    assert "without more seeds there is no interval" in words(set_lift(run, np.nan, np.nan, np.nan))
    page = (run / "report.html").read_text(encoding="utf-8")
    assert (
        "nan" not in re.sub(r"<svg.*?</svg>|<style.*?</style>", "", page, flags=re.DOTALL).lower()
    )


def test_two_policies_without_baseline_or_extras(tmp_path: Path) -> None:
    run = make_run(tmp_path, {"lin_ts": 0.069, "random": 0.036}, seeds=2, extras=False)
    (run / "coldstart.parquet").unlink()
    assert re.fullmatch(
        r"LinTS earned 6\d\.\d clicks .* no segmentation to compare it with\.", words(run)
    )


def test_off_policy_tells_what_was_withheld_and_how_often_intervals_held(run: Path) -> None:
    frame = pd.read_parquet(run / "off_policy.parquet")
    frame = frame[
        frame["estimator"] == "snips"
    ]  # the estimators share their luck: each comparison counts once
    given = frame[frame["value"].notna()]
    held = ((given["low"] <= given["earned"]) & (given["earned"] <= given["high"])).sum()
    page = report.write(run).read_text(encoding="utf-8")
    assert f"<b>{held} of {len(given)}</b> normalised intervals contain" in page
    assert f"<b>{len(frame) - len(given)} of {len(frame)}</b> estimates were withheld" in page
    assert re.search(
        r"Of whole newsletters, \d+ of \d+ intervals do, and \d+ of \d+ estimates", page
    )
    assert "Whole, looks by slot" in page
    assert "a look at the slot, which depends on the slot alone" in page
    assert "no number: at slot 1 the sends that count hold about 8.1 with a click" in page
    assert (
        page.count("1 withheld") == 6
    )  # vw, whose first seed gave no number: the row shows the second


@pytest.mark.parametrize(
    "rates", [{"segment_learned": 0.07}, {"oracle": 0.16}, {"profile": 0.08, "oracle": 0.16}]
)
def test_runs_with_little_in_them(tmp_path: Path, rates: dict[str, float]) -> None:
    assert words(make_run(tmp_path, rates, seeds=1))


@pytest.mark.parametrize(
    ("cost", "says"),
    [(0.021, "given up by trying things out"), (-0.009, "won at once by trying things out")],
)
def test_a_gain_by_exploring_is_not_told_as_a_negative_cost(
    run: Path, cost: float, says: str
) -> None:
    summary = pd.read_parquet(run / "summary.parquet").assign(exploration_cost=cost)
    summary.to_parquet(run / "summary.parquet")
    (run / "parity.json").write_text("{}")
    page = report.write(run).read_text(encoding="utf-8")
    sign = "\u2212" if cost > 0 else "+"
    assert f"{sign}{100 * abs(cost):.1f}\u00a0%" in page
    assert f"of clicks {says}" in page


def test_gains_are_told_for_a_year_and_against_what_a_list_may_get_today(run: Path) -> None:
    page = report.write(set_lift(run, 0.12, 0.09, 0.15)).read_text(encoding="utf-8")
    summary = pd.read_parquet(run / "summary.parquet").set_index("policy")
    rates = summary["clicks_per_delivered_late"]
    hand, blast = (1000 * (0.0784 - rates[name]) for name in ("segment_rules", "blast"))
    assert (
        f"8.4 more than the best segmentation, {hand:.1f} more than segments drawn up by hand and "
        f"{blast:.1f} more than one newsletter"
    ) in page
    # 5,000 members; no more is known than hundreds
    years = [100 * round(52 * 5 * more / 100) for more in (8.4, hand, blast)]
    assert "about {:,}, {:,} and {:,} clicks a year".format(*years) in page
    assert "Try Profile on your own list" in page
    assert "25\u00a0% of the members find at least 5\u00a0% less to click" in page


def test_what_is_not_shown_is_not_advised(tmp_path: Path) -> None:
    run = set_lift(make_run(tmp_path, seeds=2), 0.03, -5.71, 6.02)
    page = report.write(run).read_text(encoding="utf-8")
    assert words(run).endswith("Use more seeds.")
    assert "does not show that Profile is better" in page
    assert "Try Profile" not in page
