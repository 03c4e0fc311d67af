"""The report page is whole, self-contained, escaped, and the same bytes each time.

Its sentences are no bolder than its numbers.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.report import report
from experiments.report.looks import assign_looks

RATES = {
    "random": 0.036,
    "popular": 0.042,
    "blast": 0.05,
    "segment_rules": 0.053,
    "segment_learned": 0.072,
    "lin_ts": 0.069,
    "vw": 0.0695,
    "profile": 0.081,
    "bayes_limit": 0.106,
    "oracle": 0.16,
}
LATE, ISSUES, MEMBERS = 13, 26, 5000
TITLES = [
    "Genotype-guided clopidogrel dosing reaches the ward",
    "What community pharmacists earn after a mid-career change",
    "DPYD variant screening: one center's first year",
    "Compounding rules change in March",
    "A one-page resume that gets a call back",
    "Regional meeting: antimicrobial stewardship after hours",
    "Vaccine hesitancy: scripts that work at the counter",
    "Technician ladders cut turnover",
    "New inhalers, old technique",
    "Oncology pharmacists and the oral chemotherapy wave",
    "When the shortage list grows: four hospitals compare notes",
    "Webinar: reading a polygenic risk score",
]
KINDS, SOURCES = (
    ("article", "event", "resource"),
    ("Practice Review", "Chapter News", "Learning Center"),
)


def make_run(
    folder: Path, rates: dict[str, float] | None = None, seeds: int = 5, extras: bool = True
) -> Path:
    """A made-up run folder with the tables that experiments.compare writes."""
    rng, rates = np.random.default_rng(7), RATES if rates is None else rates
    folder.mkdir(parents=True, exist_ok=True)
    long, cold = [], []
    for seed in range(seeds):
        pool = 1 + 0.05 * rng.standard_normal(
            ISSUES
        )  # how good this week's articles are, the same for every policy
        for policy, rate in rates.items():
            slow = 0.0 if policy in ("random", "oracle") else 0.35
            own = 1 + 0.012 * rng.standard_normal()
            for issue in range(1, ISSUES + 1):
                expected = rate * own * pool[issue - 1] * (1 - slow * np.exp(-issue / 5))
                delivered, opened = MEMBERS, rng.binomial(MEMBERS, 0.38)
                clicks = rng.poisson(expected * delivered)
                cost = 0.0 if policy in ("oracle", "blast") else 0.01 * expected
                values = {
                    "delivered": delivered,
                    "opened": opened,
                    "clicks": clicks,
                    "clicked_opens": 0.8 * clicks,
                }
                values |= {"expected": expected, "exploration_cost": cost}
                long += [
                    (policy, seed, issue, metric, float(value)) for metric, value in values.items()
                ]
            for since in range(20):
                n = 900 - 44 * since
                expected = (
                    rate
                    * own
                    * (1 - (0.35 if policy == "profile" else 0.12) * np.exp(-since / 6))
                    * n
                )
                cold.append((policy, seed, since, n, rng.poisson(expected), expected))
    results = pd.DataFrame(long, columns=["policy", "seed", "issue", "metric", "value"])
    results.to_parquet(folder / "results.parquet")
    pd.DataFrame(
        cold, columns=["policy", "seed", "since", "delivered", "clicks", "expected"]
    ).to_parquet(folder / "coldstart.parquet")
    _summary(results, list(rates)).to_parquet(folder / "summary.parquet")
    facts = {
        "config": {"simulator": {"members": MEMBERS, "pool": 40}, "policies": list(rates)},
        "versions": {"numpy": "2.4.6"},
        "git": "04aec0c",
        "baseline": "segment_learned",
        "late_from": LATE,
        "issues": ISSUES,
        "seeds": list(range(seeds)),
        "members": MEMBERS,
        "policies": list(rates),
    }
    _dump(folder, "run", facts)
    if extras:
        _dump(
            folder,
            "parity",
            {
                "profile": 6,
                "lin_ts": None,
                "vw": None,
                "bayes_limit": 0,
                "oracle": 0,
                "popular": None,
            },
        )
        _dump(folder, "winner", {"policy": "profile", "unit": "units/profile-0"})
        _dump(folder, "two_members", _members(rng))
        _off_policy(rng, rates, seeds).to_parquet(folder / "off_policy.parquet")
    return folder


def _dump(folder: Path, name: str, value: Any) -> None:
    (folder / f"{name}.json").write_text(json.dumps(value))


def _summary(long: pd.DataFrame, policies: list[str]) -> pd.DataFrame:
    def rate(frame: pd.DataFrame, top: str, bottom: str) -> pd.DataFrame:
        sums = frame.groupby(["policy", "seed", "metric"])["value"].sum().unstack("metric")
        return (sums[top] / sums[bottom]).unstack("seed").loc[policies]

    late = rate(long[long["issue"] >= LATE], "clicks", "delivered")
    table = pd.DataFrame({"clicks_per_delivered": rate(long, "clicks", "delivered").mean(axis=1)})
    table["clicks_per_delivered_late"] = late.mean(axis=1)
    table["clicks_per_open"], table["open_rate"] = (
        rate(long, "clicks", "opened").mean(axis=1),
        rate(long, "opened", "delivered").mean(axis=1),
    )
    table["oracle_share"] = (
        (late / late.loc["oracle"]).mean(axis=1) if "oracle" in late.index else np.nan
    )
    lifts = (
        late / late.loc["segment_learned"] - 1 if "segment_learned" in late.index else late * np.nan
    )
    table["lift"] = lifts.mean(axis=1)
    half = 2.78 * lifts.std(axis=1, ddof=1) / np.sqrt(lifts.shape[1])
    table["lift_low"], table["lift_high"], table["exploration_cost"] = (
        table["lift"] - half,
        table["lift"] + half,
        0.0123,
    )
    table.loc[table.index == "segment_learned", ["lift", "lift_low", "lift_high"]] = np.nan
    return table.reset_index(names="policy")


def _members(rng: np.random.Generator) -> dict[str, Any]:
    def slate() -> list[dict[str, Any]]:
        chosen = [3, *(i for i in rng.permutation(len(TITLES)).tolist() if i != 3)][
            :6
        ]  # article 3 is pinned on top
        return [
            {
                "title": TITLES[i],
                "kind": KINDS[i % 3],
                "source": SOURCES[i % 2],
                "pinned": i == 3,
                "clicked": i == 2,
            }
            for i in chosen
        ]

    shared = {
        "member_type": "hospital pharmacist",
        "region": "Lakes",
        "career_stage": "early",
        "practice_area": "oncology",
    }
    people = [
        {
            "name": f"Member {number}",
            "attributes": shared,
            "rests_on_behaviour": share,
            "clicked_titles": TITLES[:2],
            "clicks_in_words": "Opened 14 of 25 newsletters and clicked "
            f"{clicks} articles: {clicks} on {topic}.",
            "segment_slate": slate(),
            "profile_slate": slate(),
        }
        for number, share, clicks, topic in (
            (100123, 0.31, 6, "oncology"),
            (100877, None, 9, "career development"),
        )
    ]
    return {
        "issue": ISSUES,
        "segment_policy": "segment_learned",
        "profile_policy": "profile",
        "members": people,
    }


def _off_policy(rng: np.random.Generator, rates: dict[str, float], seeds: int) -> pd.DataFrame:
    rows = []
    for target in [p for p in rates if p != "random"]:
        for seed in range(seeds):
            for estimator, slots, noise in (
                ("ips", 2, 0.22),
                ("snips", 2, 0.17),
                ("cascade", 6, 0.1),
                ("cascade_sn", 6, 0.08),
            ):
                ess = 140.2 if slots == 2 else 1320.9
                given = not (
                    target == "oracle"
                    or (estimator == "ips" and target == "profile")
                    or (seed == 0 and target == "vw")
                )
                slots = (
                    slots if given else 0
                )  # a log that carries no slot has no truth to compare with
                earned = rates[target] * (0.0, 0.2, 0.45, 0.6, 0.75, 0.9, 1.0)[slots]
                value = earned * (1 + noise * rng.standard_normal())
                numbers = (
                    (value, value - 1.9 * noise * earned, value + 1.9 * noise * earned)
                    if given
                    else (np.nan,) * 3
                )
                reason = (
                    ""
                    if given
                    else "at slot 1 the sends that count hold about 8.1 with a click, fewer than 10"
                )
                rows.append(
                    (
                        "random",
                        target,
                        seed,
                        estimator,
                        slots,
                        *numbers,
                        ess,
                        reason,
                        earned,
                        1.03 * earned,
                    )
                )
    columns = [
        "logger",
        "target",
        "seed",
        "estimator",
        "slots",
        "value",
        "low",
        "high",
        "ess",
        "reason",
        "earned",
        "own",
    ]
    return pd.DataFrame(rows, columns=columns)


def words(run: Path) -> str:
    """The page's headline."""
    found = re.search(r"<h1>(.*?)</h1>", report.write(run).read_text(encoding="utf-8"))
    assert found
    return found[1].translate({0xA0: " ", 0x2013: "-", 0x2212: "-"})


def set_lift(run: Path, lift: float, low: float, high: float) -> Path:
    summary = pd.read_parquet(run / "summary.parquet")
    summary.loc[summary["policy"] == "profile", ["lift", "lift_low", "lift_high"]] = lift, low, high
    summary.to_parquet(run / "summary.parquet")
    return run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


def test_page_has_every_section_and_fetches_nothing(run: Path) -> None:
    page = report.write(run).read_text(encoding="utf-8")
    assert len(re.findall(r"<h2>", page)) == 7
    assert page.count("<svg role=") == 3
    assert not re.search(r"https?:|url\((?!#)|@import|<script|<link|<img|<iframe", page)
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) > 20
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', page)) <= set(ids)


def test_only_the_report_is_left_behind(run: Path) -> None:
    before = set(os.listdir(run))
    assert report.write(run) == run / "report.html"
    assert set(os.listdir(run)) - before == {"report.html"}


def test_what_the_tables_say_is_escaped(run: Path) -> None:
    told = json.loads((run / "two_members.json").read_text())
    told["members"][0]["profile_slate"][0]["title"] = "<script>alert(1)</script> & more"
    (run / "two_members.json").write_text(json.dumps(told))
    for name in ("summary", "results"):  # a policy's name reaches the figures as well
        frame = pd.read_parquet(run / f"{name}.parquet")
        frame["policy"] = frame["policy"].replace("vw", "<script>$x$")
        frame.to_parquet(run / f"{name}.parquet")
    page = report.write(run).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "&lt;script&gt;$x$" in page


def test_same_tables_same_bytes_in_any_process_and_row_order(run: Path) -> None:
    first = report.write(run).read_bytes()
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONHASHSEED": "5", "PYTHONPATH": str(root)}
    subprocess.run(
        [sys.executable, "-m", "experiments.report", str(run)],
        cwd=root,
        env=environment,
        check=True,
        capture_output=True,
    )
    assert (run / "report.html").read_bytes() == first
    for name in ("results", "summary", "coldstart", "off_policy"):
        pd.read_parquet(run / f"{name}.parquet").iloc[::-1].to_parquet(run / f"{name}.parquet")
    assert (report.write(run)).read_bytes() == first


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        (
            (0.12, 0.09, 0.15),
            "Profile got 12 % more clicks per newsletter delivered than the best segmentation "
            "(95 % interval 9 % to 15 %), issues 13-26.",
        ),
        (
            (-0.05, -0.08, -0.02),
            "Profile got 5 % fewer clicks per newsletter delivered than the best segmentation "
            "(95 % interval 2 % to 8 %), issues 13-26.",
        ),
        (
            (0.03, -0.02, 0.08),
            "No clear difference: Profile got 3 % more clicks per newsletter delivered than "
            "the best segmentation, but the 95 % interval, -2 % to +8 %, includes zero "
            "(issues 13-26).",
        ),
        (
            (0.004, 0.001, 0.007),
            "Profile got 0.4 % more clicks per newsletter delivered than the best segmentation "
            "(95 % interval 0.1 % to 0.7 %), issues 13-26.",
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
    assert "no number: at slot 1 the sends that count hold about 8.1 with a click" in page
    assert (
        page.count("1 withheld") == 4
    )  # vw, whose first seed gave no number: the row shows the second


@pytest.mark.parametrize(
    "rates", [{"segment_learned": 0.07}, {"oracle": 0.16}, {"profile": 0.08, "oracle": 0.16}]
)
def test_runs_with_little_in_them(tmp_path: Path, rates: dict[str, float]) -> None:
    assert words(make_run(tmp_path, rates, seeds=1))


def test_absent_or_incomplete_tables_are_named(run: Path) -> None:
    pd.read_parquet(run / "summary.parquet").drop(columns="lift_low").to_parquet(
        run / "summary.parquet"
    )
    with pytest.raises(ValueError, match=r"summary\.parquet: no column lift_low; got policy, "):
        report.write(run)
    (run / "summary.parquet").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"summary\.parquet: not there; a report needs run\.json"
    ):
        report.write(run)
    assert not (run / "report.html").exists()


def test_a_policy_keeps_its_look_whatever_else_runs() -> None:
    alone, among = (
        assign_looks(["profile"], "segment_learned"),
        assign_looks(RATES, "segment_learned"),
    )
    assert alone["profile"] == among["profile"]
    assert [p for p, look in among.items() if look.role == "baseline"] == ["segment_learned"]
