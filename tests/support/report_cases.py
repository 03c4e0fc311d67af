"""A made-up run folder with the tables that a report is written from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.tables.cold_start import Parity

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
                policy: asdict(Parity(issues, earliest, latest, seeds >= 5, 19))
                for policy, issues, earliest, latest in (
                    ("profile", 6, 4, 9),
                    ("lin_ts", None, 17, None),
                    ("vw", None, None, None),
                    ("bayes_limit", 0, 0, 1),
                    ("oracle", 0, 0, 0),
                    ("popular", None, None, None),
                )
            },
        )
        _dump(folder, "winner", {"policy": "profile", "unit": "units/profile-0"})
        _dump(folder, "two_members", _members(rng))
        _people(rates, seeds).to_parquet(folder / "people.parquet")
        _off_policy(rng, rates, seeds).to_parquet(folder / "off_policy.parquet")
    return folder


def _people(rates: dict[str, float], seeds: int) -> pd.DataFrame:
    """Of 1,000 members 250 are worse off, and 560 better; students fare worst."""
    rows = [
        (policy, seed, *row)
        for policy in rates
        if policy != "segment_learned"
        for seed in range(seeds)
        for row in (
            ("", 1000, 560, 250 + seed, 300.0, 40.0),
            ("student", 200, 90, 80, 40.0, 15.0),
            ("hospital pharmacist", 800, 470, 170 + seed, 260.0, 25.0),
        )
    ]
    return pd.DataFrame(
        rows, columns=["policy", "seed", "segment", "members", "better", "worse", "won", "lost"]
    )


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
                ("item_position", 6, 0.09),
                ("position_based", 6, 0.05),
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
