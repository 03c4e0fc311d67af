"""The report's section on off-policy estimates, against what policies earned on the same sends.

The table behind it is made by `experiments.tables.off_policy`.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace

import pandas as pd
from markupsafe import Markup

from bandit.ope.whole.assumptions import APART
from experiments.report.page import BASELINE, SOFT
from experiments.report.run import Run

ESTIMATORS = {
    "ips": "Reweighted (IPS)",
    "snips": "Reweighted, normalised (SNIPS)",
    "cascade": "Slot by slot (cascade)",
    "cascade_sn": "Slot by slot, normalised",
    "item_position": "Whole, slot apart from slot",
    "position_based": "Whole, looks by slot",
}
COMPARISONS = 4  # comparisons of a logger and a target shown in full; all of them are counted


@dataclass(frozen=True)
class EstimateRow:
    """One estimator's row of a comparison, from the first seed that gave a number.

    name: the estimator's
    slots: how many slots, from the first, its clicks are counted on
    value, low, high: the estimate and its interval, in clicks per delivery (NaN: withheld)
    ess: how many sends of the target the log is worth
    reason: why no number was given
    earned: clicks per delivery that the target would have earned on the same sends
    own: clicks per delivery that it earned in its own run
    hits, tries, seeds: how many seeds' intervals contain what was earned, how many seeds gave an
        interval, and how many there are
    glyph: the interval relative to what was earned, as a small figure
    """

    name: str
    slots: int
    value: float
    low: float
    high: float
    ess: float
    reason: str
    earned: float
    own: float
    hits: int
    tries: int
    seeds: int
    glyph: Markup | str = ""

    @property
    def off(self) -> list[float]:
        """Value, low and high relative to what was earned: 0 is right."""
        if not self.earned > 0:
            return [math.nan] * 3
        return [v / self.earned - 1 for v in (self.value, self.low, self.high)]


@dataclass(frozen=True)
class OffPolicySection:
    """What the section shows.

    groups: for each comparison that is shown, the names of target and logger, and its rows
    all: how many comparisons there are
    rows: how many estimates there are, counting one estimator
    hits, tries, withheld: of these estimates, how many intervals contain what was earned, how many
        have an interval, and how many were withheld
    whole: the same four (rows, hits, tries, withheld) of estimates of whole newsletters
    reach: how far a glyph goes to either side, relative to what was earned
    """

    groups: list[tuple[list[str], list[EstimateRow]]]
    all: int
    rows: int
    hits: int
    tries: int
    withheld: int
    whole: tuple[int, int, int, int]
    reach: float


def describe_off_policy(run: Run) -> OffPolicySection | None:
    """What each log said of other policies, and how often it was right; None without a log."""
    frame = run.off_policy.sort_values(["target", "logger", "estimator", "seed"], ignore_index=True)
    cascades = frame["estimator"].isin(["cascade", "cascade_sn"])
    frame = frame[~((frame["slots"] == 1) & cascades)]  # there they are the same as the others
    if frame.empty:
        return None
    right = (frame["low"] <= frame["earned"]) & (frame["earned"] <= frame["high"])
    frame = frame.assign(inside=right)
    told = {
        (str(target), str(logger)): _list_rows(each)
        for (target, logger), each in frame.groupby(["target", "logger"])
    }
    order = [run.winner, run.baseline, *run.rivals, *run.looks]
    rank = {p: place for place, p in reversed(list(enumerate(order)))}
    shown = sorted(told, key=lambda pair: (rank.get(pair[0], len(order)), pair))[:COMPARISONS]
    off = [v for pair in shown for row in told[pair] for v in row.off if math.isfinite(v)]
    reach = min(0.5, max([0.1, *(math.ceil(20 * abs(v)) / 20 for v in off)]))
    newsletters = frame["estimator"].isin(list(APART))
    once = frame[~newsletters].drop_duplicates(["target", "logger", "seed"], keep="last")
    whole = frame[frame["estimator"] == "position_based"]
    rows, hits, tries, withheld = _count_hits(once)
    return OffPolicySection(
        groups=[
            (
                [run.looks[p].label if p in run.looks else p for p in pair],
                [replace(row, glyph=_draw_glyph(row, reach, run, pair[0])) for row in told[pair]],
            )
            for pair in shown
        ],
        all=len(told),
        rows=rows,  # estimators share their luck: one is counted
        hits=hits,
        tries=tries,
        withheld=withheld,
        whole=_count_hits(whole),
        reach=reach,
    )


def _count_hits(frame: pd.DataFrame) -> tuple[int, int, int, int]:
    """How many estimates there are, contain what was earned, have an interval, were withheld."""
    given, silent = frame["low"].notna(), frame["value"].isna()
    return len(frame), int(frame["inside"].sum()), int(given.sum()), int(silent.sum())


def _list_rows(frame: pd.DataFrame) -> list[EstimateRow]:
    """A row for each estimator of one comparison; those silent for one reason share a row."""
    parts = [frame["estimator"].isin(list(APART)) == whole for whole in (False, True)]
    first = "Top slots, every estimate" if parts[1].any() else "Every estimate"
    listed = []
    for words, part in zip((first, "Whole, either way"), parts, strict=True):
        rows = [_make_row(name, each) for name, each in frame[part].groupby("estimator")]
        silent = len(rows) > 1 and all(
            math.isnan(row.value) and row.reason == rows[0].reason for row in rows
        )
        listed += [replace(rows[0], name=words)] if silent else rows
    return listed


def _make_row(estimator: Hashable, frame: pd.DataFrame) -> EstimateRow:
    """The first seed that gave a number, or else why the first gave none."""
    given = frame[frame["value"].notna()]
    first = (frame if given.empty else given).iloc[0]
    shown = ("slots", "value", "low", "high", "ess", "reason", "earned", "own")
    return EstimateRow(
        name=ESTIMATORS.get(str(estimator), str(estimator)),
        hits=int(frame["inside"].sum()),
        tries=int(frame["low"].notna().sum()),
        seeds=len(frame),
        **{name: first[name] for name in shown},
    )


def _draw_glyph(row: EstimateRow, reach: float, run: Run, target: str) -> Markup | str:
    """A small interval for a table cell against a line at zero; the cell spans -reach to +reach.

    An arrow says that the interval goes on beyond the cell. Empty where there is no number.
    """
    value, low, high = row.off
    if not math.isfinite(value):
        return ""
    colour = run.looks[target].colour if target in run.looks else SOFT

    def place(v: float) -> float:
        return round(100 + 94 * max(-1.0, min(1.0, v / reach)), 1)

    marks = [f'<path d="M100 0v16" stroke="{BASELINE}" stroke-width="1.2"/>']
    if math.isfinite(low) and math.isfinite(high):
        marks.append(
            f'<path d="M{place(low)} 8H{place(high)}" stroke="{colour}" stroke-width="4" '
            'stroke-opacity=".4"/>'
        )
    if low < -reach:
        marks.append(f'<path d="M0 8l6 -4v8z" fill="{colour}"/>')
    if high > reach:
        marks.append(f'<path d="M200 8l-6 -4v8z" fill="{colour}"/>')
    if abs(value) <= reach:
        marks.append(f'<circle cx="{place(value)}" cy="8" r="3.6" fill="{colour}" stroke="#fff"/>')
    drawn = Markup("".join(marks))  # noqa: S704  (numbers)
    return Markup('<svg class="glyph" viewBox="0 0 200 16" aria-hidden="true">%s</svg>') % drawn
