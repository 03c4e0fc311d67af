"""Whom a policy leaves better or worse off, member by member.

Expected clicks are compared, from which the luck of single clicks is taken out.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.files import read_table
from experiments.runner.folders import Units
from experiments.runner.people import FIRST

LEAST_ISSUES = 13  # a quarter of a year: of members who got fewer newsletters nothing is said
NOTICED = 0.05  # members are better or worse off from this share of their clicks on
COUNTS = ["members", "better", "worse"]
COLUMNS = ["policy", "seed", "segment", *COUNTS, "won", "lost"]


def compare_people(units: Units, baseline: str) -> pd.DataFrame:
    """Whom each policy leaves better or worse off than the baseline, over the whole run.

    A row for each (policy, seed, segment); a segment is a value of the members' first attribute
    that is text, and "" is everybody. Of each member who got at least 13 newsletters, expected
    clicks a newsletter are compared.

    members: how many are compared
    better, worse: how many get at least 5 % more, or fewer, than by the baseline
    won, lost: what those win and lose, summed, in expected clicks over the run

    Raises ValueError naming a file that is damaged, and FileNotFoundError one that is not there.
    """
    rows = [pd.DataFrame(columns=COLUMNS)]
    seeds = [seed for policy, seed in units if policy == baseline]
    base = {seed: _read_rates(units[baseline, seed]) for seed in seeds}
    for (policy, seed), folder in units.items():
        if seed not in base or policy == baseline:
            continue
        ours = _read_rates(folder)
        pair = base[seed].join(ours.add_prefix("our_"), how="inner")
        gain = pair["our_rate"] - pair["rate"]
        better, worse = gain >= NOTICED * pair["rate"], gain <= -NOTICED * pair["rate"]
        clicks = gain * pair["our_sent"]
        found = pd.DataFrame({"members": 1, "better": better, "worse": worse}, index=pair.index)
        found = found.astype(np.int64)
        found["won"], found["lost"] = clicks.where(better, 0.0), -clicks.where(worse, 0.0)
        by = found.groupby(_read_segments(units[baseline, seed]).reindex(pair.index)).sum()
        by.loc[""] = found.sum()
        by = by.rename_axis("segment").reset_index()
        rows.append(by.assign(policy=policy, seed=seed)[COLUMNS])
    whole = dict.fromkeys(COUNTS, np.int64)
    return pd.concat(rows[1:] or rows, ignore_index=True).astype(whole)


def measure_first_issues(units: Units) -> pd.DataFrame:
    """What new members click in their first four issues, a row for each (policy, seed).

    joiners: members who joined after issue 1 and got as many newsletters since
    mean, variance: over these members, of clicks a newsletter, luck included: what a sender sees

    Raises ValueError naming a file that is damaged, and FileNotFoundError one that is not there.
    """
    rows = []
    for (policy, seed), folder in units.items():
        people = read_table(folder / "people.parquet").to_pandas()
        new = people[(people["joined"] > 1) & (people["first"] == FIRST)]
        rate = new["first_clicks"] / FIRST
        rows.append((policy, seed, len(rate), rate.mean(), rate.var(ddof=1)))
    return pd.DataFrame(rows, columns=["policy", "seed", "joiners", "mean", "variance"])


def _read_rates(unit: Path) -> pd.DataFrame:
    """Of members with enough newsletters: `sent`, and `rate`, expected clicks on each."""
    people = read_table(unit / "people.parquet").to_pandas().set_index("member")
    people = people[people["delivered"] >= LEAST_ISSUES]
    rate = people["expected"] / people["delivered"]
    return pd.DataFrame({"sent": people["delivered"], "rate": rate})


def _read_segments(unit: Path) -> "pd.Series[str]":
    """The members' first attribute that is text, by member; empty where there is none."""
    members = read_table(unit / "members.parquet").to_pandas().set_index("member")
    text = members.select_dtypes(["str", "object"]).columns
    return members[text[0]].astype("str") if len(text) else pd.Series(dtype="str")
