"""One HTML page for a run: `python -m experiments.report RUN` reads the run folder's tables and writes RUN/report.html.

The page is one file that fetches nothing, and the same tables give the same bytes. Every sentence that states a finding is
made from the numbers here, and says so when the numbers do not carry it. Clicks are told per 1,000 newsletters delivered.
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from bandit.core.files import read_json, read_table, replacing
from experiments.report import figures, page
from experiments.report.figures import Look, over_seeds
from experiments.report.page import digits, percent, thousand

COLUMNS = {
    "summary": "policy clicks_per_delivered clicks_per_delivered_late clicks_per_open open_rate oracle_share "
    "lift lift_low lift_high exploration_cost",
    "results": "policy seed issue metric value",
    "coldstart": "policy seed since delivered expected",
    "off_policy": "logger target seed estimator slots value low high ess reason earned own",
}
COMPARISONS = 4  # off-policy comparisons shown in full; all of them are counted
LATE = "clicks_per_delivered_late"


@dataclass(frozen=True)
class Run:
    """What a run folder holds. `facts` is run.json; tables that the run did not write are empty."""

    facts: dict[str, Any]
    summary: pd.DataFrame  # indexed by policy
    results: pd.DataFrame
    coldstart: pd.DataFrame
    off_policy: pd.DataFrame
    parity: dict[
        str, int | None
    ]  # issues until a new member's newsletter is as good as the baseline's; None: never
    members: dict[str, Any]
    looks: dict[str, Look]  # most late clicks first
    baseline: str | None  # None where it did not run
    chosen: str | None  # the winner that the run named

    @property
    def late(self) -> str:
        return f"{self.facts['late_from']}\u2013{self.facts['issues']}"

    @property
    def rivals(self) -> list[str]:
        """What could be sent in place of the baseline, best first."""
        return [p for p, look in self.looks.items() if look.role not in ("ceiling", "baseline")]

    @property
    def winner(self) -> str | None:
        """The policy that the headline is about. Where the baseline itself won, the best of the rest."""
        return self.chosen if self.chosen in self.rivals else next(iter(self.rivals), None)

    @property
    def seeds(self) -> int:
        return len(self.facts["seeds"])

    def of(self, policy: str, column: str = LATE) -> float:
        return float(self.summary[column].to_dict()[policy])

    def lift(self, policy: str) -> tuple[float, float, float]:
        """Relative lift over the baseline and its interval. One seed has no interval; the lift is then a plain ratio."""
        lift, low, high = (self.of(policy, c) for c in ("lift", "lift_low", "lift_high"))
        if (
            math.isnan(lift)
            and self.baseline not in (None, policy)
            and self.of(str(self.baseline)) > 0
        ):
            lift = self.of(policy) / self.of(str(self.baseline)) - 1
        return (
            (lift, low, high)
            if math.isfinite(low) and math.isfinite(high)
            else (lift, math.nan, math.nan)
        )


def write(run: Path) -> Path:
    """Write run/report.html whole or not at all; return its path."""
    page = render(load(run))
    with replacing(run / "report.html") as part:
        part.write_text(page, encoding="utf-8", newline="\n")
    return run / "report.html"


def load(folder: Path) -> Run:
    """Read the run folder. Raises FileNotFoundError or ValueError that say which file and what it lacks."""
    facts = _json(folder, "run", required=True)
    if absent := {"baseline", "late_from", "issues", "seeds"} - set(facts):
        raise ValueError(
            f"{folder / 'run.json'}: no {', '.join(sorted(absent))}; got {', '.join(sorted(facts))}"
        )
    summary = _table(folder, "summary", required=True)
    if summary.empty:
        raise ValueError(f"{folder / 'summary.parquet'}: no rows; need one a policy")
    summary = summary.sort_values([LATE, "policy"], ascending=[False, True]).set_index("policy")
    looks = figures.looks([str(p) for p in summary.index], str(facts["baseline"]))
    baseline = next((p for p, look in looks.items() if look.role == "baseline"), None)
    return Run(
        facts=facts,
        summary=summary,
        results=_table(folder, "results", required=True),
        coldstart=_table(folder, "coldstart"),
        off_policy=_table(folder, "off_policy"),
        parity=_json(folder, "parity"),
        members=_json(folder, "two_members"),
        looks=looks,
        baseline=baseline,
        chosen=_json(folder, "winner").get("policy"),
    )


def render(run: Run) -> str:
    """The page as text."""
    figures_and_tables = {
        "curve": learning_curve(run),
        "lifts": lift_figure(run),
        "cold": cold_start(run),
        "off": off_policy(run),
    }
    findings = {"headline": headline(run), "lead": lead(run), "numbers": numbers(run)}
    first = run.looks[run.winner].ink if run.winner else page.INK
    return page.filled(
        "report.html.j2", run=run, looks=run.looks, first=first, **findings, **figures_and_tables
    )


def rival(run: Run) -> str:
    """What the baseline is in words; it is the best segmentation only if no other segmentation in the run beat it."""
    if run.baseline is None:
        return ""
    segmentations = [p for p in run.looks if p.startswith("segment_")]
    name = run.looks[run.baseline].label
    if run.baseline not in segmentations:
        return name
    return (
        "the best segmentation"
        if run.of(run.baseline) >= max(map(run.of, segmentations))
        else f"the baseline ({name})"
    )


def headline(run: Run) -> str:
    """The finding in one sentence, no stronger than its interval."""
    if run.winner is None:
        return "This run has no policy that could be deployed in place of the baseline."
    name, issues, (lift, low, high) = (
        run.looks[run.winner].label,
        f"issues {run.late}",
        run.lift(run.winner),
    )
    if not math.isfinite(lift):
        earned = f"{thousand(run.of(run.winner))} clicks per 1,000 newsletters delivered, {issues}"
        return f"{name} earned {earned}; this run has no segmentation to compare it with."
    places = digits(lift, low, high)
    way = "more" if lift >= 0 else "fewer"
    gain = f"{name} got {percent(abs(lift), places)} {way} clicks per newsletter delivered than {rival(run)}"
    if math.isnan(low):
        return f"{gain}, {issues}, in a single simulation: without more seeds there is no interval."
    if low <= 0 <= high:
        span = f"{percent(low, places, sign=True)} to {percent(high, places, sign=True)}"
        return f"No clear difference: {gain}, but the 95\u00a0% interval, {span}, includes zero ({issues})."
    near, far = sorted((abs(low), abs(high)))
    return (
        f"{gain} (95\u00a0% interval {percent(near, places)} to {percent(far, places)}), {issues}."
    )


def lead(run: Run) -> str:
    """The paragraph under the headline: the size of the run, and how far there was to go."""
    size = f" of {run.facts['members']:,} members" if run.facts.get("members") else ""
    times = (
        ""
        if run.seeds == 1
        else f", {run.seeds} times over, each time with other members and articles"
    )
    words = [f"A simulated association{size} was sent {run.facts['issues']} weekly issues{times}."]
    if run.winner and "oracle" in run.looks:
        most, ours = thousand(run.of("oracle"), 0), thousand(run.of(run.winner), 0)
        words.append(
            f"A newsletter that knew every member\u2019s taste would have earned {most} clicks per 1,000 delivered;"
        )
        words.append(f"{run.looks[run.winner].label} earned {ours}.")
    if run.baseline and len(run.rivals) > 2 and run.winner in (run.rivals[0], run.chosen):
        words.append(
            f"It was picked as the best of {len(run.rivals)} on these same issues, which flatters it a little."
        )
    return " ".join(words)


def numbers(run: Run) -> list[tuple[str, str]]:
    """Up to four large numbers, each with what it says; those that this run cannot give are left out."""
    if run.winner is None:
        return []
    found, (lift, low, high) = [], run.lift(run.winner)
    if math.isfinite(lift):
        places = digits(lift, low, high)
        ends = [percent(v, places, sign=True) for v in (low, high)]
        span = "no interval" if math.isnan(low) else f"95\u00a0% interval {ends[0]} to {ends[1]}"
        found.append(
            (percent(lift, places, sign=True), f"clicks compared with {rival(run)}; {span}")
        )
    beside = (
        f"; {run.looks[run.baseline].label}: {thousand(run.of(run.baseline))}"
        if run.baseline
        else ""
    )
    found.append(
        (
            thousand(run.of(run.winner)),
            f"clicks per 1,000 newsletters delivered, issues {run.late}{beside}",
        )
    )
    if math.isfinite(share := run.of(run.winner, "oracle_share")):
        found.append(
            (percent(share), "of the clicks of a newsletter that knew every member\u2019s taste")
        )
    if run.baseline and run.winner in run.parity:
        waited, good = (
            run.parity[run.winner],
            f"a new member\u2019s newsletter is on average as good as {rival(run)}",
        )
        if waited is None:
            found.append(("not yet", f"in this run no point from which {good}"))
        else:
            found.append(
                (f"{waited} issue{'s' * (waited > 1)}", f"until {good}")
                if waited
                else ("at once", good)
            )
    if len(found) < 4 and math.isfinite(cost := run.of(run.winner, "exploration_cost")):
        found.append((percent(cost, 1), "of clicks given up by trying things out"))
    return found


def learning_curve(run: Run) -> Markup | None:
    """Clicks per newsletter, issue by issue: expected ones where the run has them, else those counted."""
    wide = run.results.pivot_table(
        index=["policy", "seed", "issue"], columns="metric", values="value"
    ).reset_index()
    if wide.empty or not ("expected" in wide or {"clicks", "delivered"} <= set(wide)):
        return None
    rate = wide["expected"] if "expected" in wide else wide["clicks"] / wide["delivered"]
    lines = over_seeds(wide.assign(x=wide["issue"], rate=1000 * rate), smooth=3)
    span = (
        float(run.facts["late_from"]),
        float(lines["x"].max()),
        f"issues {run.late}: what the headline counts",
    )
    alt = "Clicks per 1,000 newsletters delivered, issue by issue, for the main policies"
    words = ("Weekly issue", "Clicks per 1,000 newsletters delivered")
    return figures.curves(
        "learning",
        alt,
        lines,
        figures.handful(run.looks, run.winner),
        *words,
        span if span[0] < span[1] else None,
    )


def lift_figure(run: Run) -> Markup | None:
    rows = [
        (look, *run.lift(p))
        for p, look in run.looks.items()
        if p != run.baseline and math.isfinite(run.lift(p)[0])
    ]
    if not rows or not run.baseline:
        return None
    alt = "Lift in clicks over the baseline, with 95 % intervals, for each policy"
    return figures.lifts("lift", alt, rows, run.looks[run.baseline].label)


def cold_start(run: Run) -> dict[str, Any] | None:
    """Clicks by issues since joining, as far as enough new members got, and how soon each policy matches the baseline."""
    new = run.coldstart[run.coldstart["delivered"] > 0]
    if new.empty:
        return None
    total = new.groupby(["policy", "since"])[["delivered", "expected"]].sum()
    reach = total["delivered"].groupby("since").min()
    last = int(reach[reach >= 0.1 * reach.max()].index.max())
    new = new[new["since"] <= last]
    lines = over_seeds(
        new.assign(x=new["since"], rate=1000 * new["expected"] / new["delivered"]), smooth=3
    )
    parts = [new[new["since"] < 3], new[new["since"] > last - 3]]
    sums = [part.groupby("policy")[["expected", "delivered"]].sum() for part in parts]
    rates = [(part["expected"] / part["delivered"]).to_dict() for part in sums]
    chosen, rows = figures.handful(run.looks, run.winner), []
    for policy in [p for p in chosen if run.baseline and p in run.parity and p != run.baseline]:
        gaps = [
            rate[policy] / rate[run.baseline] - 1
            if rate.get(run.baseline) and policy in rate
            else math.nan
            for rate in rates
        ]
        rows.append((chosen[policy], run.parity[policy], *gaps))
    words = (
        "Issues since joining (0: the first newsletter)",
        "Clicks per 1,000 newsletters delivered to new members",
    )
    svg = figures.curves("newcomers", f"{words[1]}, by issues since joining", lines, chosen, *words)
    return {"svg": svg, "rows": rows, "last": last}


def off_policy(run: Run) -> dict[str, Any] | None:
    """What each log said of other policies, relative to what those earned on the same sends; and how often it was right."""
    frame = run.off_policy.sort_values(["target", "logger", "estimator", "seed"], ignore_index=True)
    frame = frame[
        ~((frame["slots"] == 1) & frame["estimator"].isin(["cascade", "cascade_sn"]))
    ].copy()  # the same there
    if frame.empty:
        return None
    frame["inside"] = (frame["low"] <= frame["earned"]) & (frame["earned"] <= frame["high"])
    told = {
        (str(target), str(logger)): _comparison(each)
        for (target, logger), each in frame.groupby(["target", "logger"])
    }
    rank = {
        p: place
        for place, p in enumerate([run.winner, run.baseline, *run.rivals, *run.looks][::-1])
    }
    shown = sorted(told, key=lambda pair: (-rank.get(pair[0], -1), pair))[:COMPARISONS]
    off = [v for pair in shown for row in told[pair] for v in row["off"] if math.isfinite(v)]
    reach = min(0.5, max([0.1, *(math.ceil(20 * abs(v)) / 20 for v in off)]))
    for target, logger in shown:
        colour = run.looks[target].colour if target in run.looks else page.SOFT
        for row in told[target, logger]:
            value, low, high = row["off"]
            row["glyph"] = (
                figures.glyph(value, low, high, reach, colour) if math.isfinite(value) else ""
            )
    groups = [
        ([run.looks[p].label if p in run.looks else p for p in pair], told[pair]) for pair in shown
    ]
    once = frame.drop_duplicates(
        ["target", "logger", "seed"], keep="last"
    )  # estimators share their luck: count one
    sums = {"hits": once["inside"], "tries": once["low"].notna(), "withheld": once["value"].isna()}
    counts = {name: int(flags.sum()) for name, flags in sums.items()}
    return counts | {"groups": groups, "all": len(told), "rows": len(once), "reach": reach}


def _comparison(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each estimator: the first seed that gave a number, or else why not; one row if none did for one reason."""
    rows: list[dict[str, Any]] = []
    for name, each in frame.groupby("estimator"):
        given = each[each["value"].notna()]
        row: dict[str, Any] = {**(each if given.empty else given).iloc[0]}
        row["off"] = [
            row[c] / row["earned"] - 1 if row["earned"] > 0 else math.nan
            for c in ("value", "low", "high")
        ]
        row |= {
            "hits": int(each["inside"].sum()),
            "tries": int(each["low"].notna().sum()),
            "seeds": len(each),
        }
        rows.append(row | {"name": figures.ESTIMATORS.get(str(name), name)})
    silent = len(rows) > 1 and all(
        math.isnan(row["value"]) and row["reason"] == rows[0]["reason"] for row in rows
    )
    return [rows[0] | {"name": "Every estimate"}] if silent else rows


def _json(folder: Path, name: str, required: bool = False) -> dict[str, Any]:
    path = folder / f"{name}.json"
    found = read_json(path) if _there(path, required) else {}
    if not isinstance(found, dict):
        raise ValueError(f"{path}: must hold an object; got {type(found).__name__}")
    return found


def _table(folder: Path, name: str, required: bool = False) -> pd.DataFrame:
    path, columns = folder / f"{name}.parquet", COLUMNS[name].split()
    frame = (
        read_table(path).to_pandas() if _there(path, required) else pd.DataFrame(columns=columns)
    )
    absent = [c for c in columns if c not in frame]
    if absent and (required or len(frame)):
        raise ValueError(
            f"{path}: no column {', '.join(absent)}; got {', '.join(map(str, frame.columns))}"
        )
    return frame.reindex(columns=columns)


def _there(path: Path, required: bool) -> bool:
    if required and not path.exists():
        raise FileNotFoundError(
            f"{path}: not there; a report needs run.json, summary.parquet and results.parquet of one run"
        )
    return path.exists()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.report", description="Write RUN/report.html."
    )
    parser.add_argument(
        "run",
        type=Path,
        help="the folder of a run: its run.json, summary.parquet, results.parquet and so on",
    )
    try:
        print(write(parser.parse_args().run))
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"report: {error}") from None
