"""Whom a policy leaves better or worse off than the baseline, in words and rows.

The table behind it is made by `experiments.tables.people`.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.report.page import format_percent
from experiments.tables.people import NOTICED
from experiments.tables.summary import student_interval


@dataclass(frozen=True)
class Share:
    """One segment of the members, or all of them.

    segment: the value of their first attribute; "" is everybody
    members: how many are compared, over all seeds
    better, same, worse: shares of them
    balance: clicks won and lost together, per 100 members and run, as the simulator expects them
    """

    segment: str
    members: int
    better: float
    same: float
    worse: float
    balance: float


@dataclass(frozen=True)
class People:
    """What the section shows.

    words: who is better or worse off, and by how much, in a sentence or two
    all: everybody
    rows: the segments, the one with the largest share of members worse off first
    """

    words: str
    all: Share
    rows: list[Share]


def describe_people(table: pd.DataFrame, policy: str | None, baseline: str | None) -> People | None:
    """The section on a policy; None where nothing compares it with the baseline.

    table: as `compare_people` makes it
    """
    rows = table[table["policy"] == policy]
    if baseline is None or rows.empty or not rows["members"].sum():
        return None
    sums = rows.groupby("segment")[["members", "better", "worse", "won", "lost"]].sum()
    shares = {str(name): _measure(str(name), *each) for name, each in sums.iterrows()}
    everybody = shares.pop("")
    ordered = sorted(shares.values(), key=lambda share: -share.worse)
    words = _write(rows[rows["segment"] == ""], everybody) + _write_rarest(ordered, everybody)
    return People(words, everybody, ordered)


def _measure(
    segment: str, members: float, better: float, worse: float, won: float, lost: float
) -> Share:
    up, down = better / members, worse / members
    return Share(segment, int(members), up, 1 - up - down, down, 100 * (won - lost) / members)


def _write(rows: pd.DataFrame, all_: Share) -> str:
    """rows: of everybody, one a seed."""
    worse, low, high = student_interval((rows["worse"] / rows["members"]).to_numpy(np.float64))
    span = (
        ""
        if math.isnan(low)
        else f" (95\u00a0% interval {format_percent(low)} to {format_percent(high)})"
    )
    ups, downs = int(rows["better"].sum()), int(rows["worse"].sum())
    won, lost = (float(rows[name].sum()) / max(n, 1) for name, n in (("won", ups), ("lost", downs)))
    noticed = format_percent(NOTICED)
    return (
        f"{format_percent(all_.better)} of the members are expected to find at least {noticed} "
        f"more to click than under the baseline, {won:.1f} clicks each over the run; "
        f"{format_percent(worse)}{span} find at least {noticed} less, and lose {lost:.1f} each."
    )


def _write_rarest(segments: list[Share], all_: Share) -> str:
    """How those fare of whom there are fewest; "" where there is but one segment."""
    if len(segments) < 2:
        return ""
    rare = min(segments, key=lambda share: share.members)
    part = rare.members / all_.members
    return (
        f" Of the rarest segment, {rare.segment} ({format_percent(part, int(part < 0.1))} of the "
        f"members), {format_percent(rare.worse)} find less and {format_percent(rare.better)} more."
    )
