"""One HTML page for a run: `python -m experiments.report RUN` reads the run folder's tables and writes RUN/report.html.

The page is one file that fetches nothing, and the same tables give the same bytes. Every sentence that states a finding is
made from the numbers here, and says so when the numbers do not carry it. Clicks are told per 1,000 newsletters delivered.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from bandit.files import read_json, read_table, replacing
from experiments import figures
from experiments.figures import Look, percent

COLUMNS = {
    "summary": "policy clicks_per_delivered clicks_per_delivered_late clicks_per_open open_rate oracle_share lift lift_low lift_high "
    "exploration_cost",
    "results": "policy seed issue metric value",
    "coldstart": "policy seed since delivered expected",
    "off_policy": "logger target seed estimator slots value low high ess reason earned own",
}
ESTIMATORS = {
    "ips": "Reweighted",
    "snips": "Reweighted, normalised",
    "cascade": "Slot by slot",
    "cascade_sn": "Slot by slot, normalised",
}
COMPARISONS = 6  # off-policy comparisons shown in full; all of them are counted


@dataclass(frozen=True)
class Run:
    """What a run folder holds. `facts` is run.json; tables that the run did not write are empty."""

    facts: dict[str, Any]
    summary: pd.DataFrame  # indexed by policy, most late clicks first
    results: pd.DataFrame
    coldstart: pd.DataFrame
    off_policy: pd.DataFrame
    parity: dict[str, int | None]
    members: dict[str, Any]
    winner: str | None  # the deployable policy that the headline is about
    looks: dict[str, Look]

    @property
    def baseline(self) -> str | None:
        name = str(self.facts["baseline"])
        return name if name in self.looks else None

    @property
    def late(self) -> str:
        last = int(self.results["issue"].max()) if len(self.results) else int(self.facts["issues"])
        return f"{self.facts['late_from']}\u2013{last}"

    def of(self, policy: str, column: str) -> float:
        return float(self.summary[column].to_dict()[policy])

    def lift(self, policy: str) -> tuple[float, float, float]:
        """Relative lift over the baseline and its interval. One seed has no interval; the lift itself is then a plain ratio."""
        lift, low, high = (self.of(policy, c) for c in ("lift", "lift_low", "lift_high"))
        if math.isnan(lift) and self.baseline and policy != self.baseline:
            base = self.of(self.baseline, "clicks_per_delivered_late")
            lift = self.of(policy, "clicks_per_delivered_late") / base - 1 if base > 0 else math.nan
        return lift, low, high


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
        raise ValueError(f"{folder / 'run.json'}: no {', '.join(sorted(absent))}; got {', '.join(sorted(facts))}")
    summary = _table(folder, "summary", required=True).sort_values(["clicks_per_delivered_late", "policy"], ascending=[False, True])
    if summary.empty:
        raise ValueError(f"{folder / 'summary.parquet'}: no rows; need one a policy")
    summary = summary.set_index("policy")
    policies, baseline = [str(p) for p in summary.index], str(facts["baseline"])
    able = [p for p in policies if p not in figures.CEILINGS]
    winner = _json(folder, "winner").get("policy")
    if winner not in able or winner == baseline:  # the baseline cannot lead over itself: the headline is about the best of the rest
        winner = next((p for p in able if p != baseline), None)
    parity = {p: None if n is None else int(n) for p, n in _json(folder, "parity").items()}
    tables = [_table(folder, n, required=n == "results") for n in ("results", "coldstart", "off_policy")]
    return Run(facts, summary, *tables, parity, _json(folder, "two_members"), winner, figures.looks(policies, baseline))


def render(run: Run) -> str:
    """The page as text."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    env = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env.filters |= {"thousand": thousand, "percent": lambda v: percent(v, sign=False), "known": math.isfinite}
    template = env.get_template("report.html.j2")
    return template.render(
        run=run, facts=run.facts, looks=run.looks, headline=headline(run), lead=lead(run), numbers=numbers(run), table=table(run),
        curve=learning_curve(run), lifts=lift_figure(run), members=two_members(run), cold=cold_start(run), off=off_policy(run),
        seeds=len(run.facts["seeds"]), config=_flat(run.facts.get("config", {})), colours=figures,
    )  # fmt: skip


def thousand(value: float, digits: int = 1) -> str:
    return f"{1000 * value:.{digits}f}" if math.isfinite(value) else "\u2013"


def rival(run: Run) -> str:
    """What the baseline is in words; it is the best segmentation only if no other segmentation in the run beat it."""
    segmentations = [p for p in run.looks if p.startswith("segment_")]
    if run.baseline in segmentations:
        best = max(segmentations, key=lambda p: run.of(p, "clicks_per_delivered_late"))
        return "the best segmentation" if best == run.baseline else f"the baseline ({run.looks[run.baseline].label})"
    return run.looks[run.baseline].label if run.baseline else ""


def headline(run: Run) -> str:
    """The finding in one sentence, no stronger than its interval."""
    if run.winner is None:
        return "This run compared no policy that could be deployed with the baseline."
    name, issues, (lift, low, high) = run.looks[run.winner].label, f"issues {run.late}", run.lift(run.winner)
    if not math.isfinite(lift):
        earned = thousand(run.of(run.winner, "clicks_per_delivered_late"))
        return f"{name} earned {earned} clicks per 1,000 newsletters delivered, {issues}; this run has no segmentation to compare it with."
    digits = 1 if min(abs(v) for v in (lift, low, high) if math.isfinite(v)) < 0.015 else 0
    size, way = percent(abs(lift), digits, sign=False), "more" if lift >= 0 else "fewer"
    gain = f"{size} {way} clicks per newsletter delivered"
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{name} got {gain} than {rival(run)}, {issues}, in a single simulation: without more seeds there is no interval."
    if low <= 0 <= high:
        span = f"{percent(low, digits)} to {percent(high, digits)}"
        return f"No clear difference: {name} got {gain} than {rival(run)}, but the 95\u00a0% interval, {span}, includes zero ({issues})."
    near, far = sorted((abs(low), abs(high)))
    span = f"95\u00a0% interval {percent(near, digits, sign=False)} to {percent(far, digits, sign=False)}"
    return f"{name} got {gain} than {rival(run)} ({span}), {issues}."


def lead(run: Run) -> str:
    """The paragraph under the headline: the size of the run, and how far there was to go."""
    facts, weeks = run.facts, f"{run.facts['issues']} weekly issues"
    seeds = len(facts["seeds"])
    times = "once" if seeds == 1 else f"{seeds} times, each time with other members and articles"
    size = f"of {facts['members']:,} members " if facts.get("members") else ""
    words = [f"A simulated association {size}was sent {weeks}, {times}."]
    if run.winner and "oracle" in run.looks:
        ours, most = (thousand(run.of(p, "clicks_per_delivered_late"), 0) for p in (run.winner, "oracle"))
        words.append(f"A newsletter that knew every member's taste would have earned {most} clicks per 1,000; {run.looks[run.winner].label} "
                     f"earned {ours}.")
    if run.winner and (rest := len([p for p in run.looks if p not in (*figures.CEILINGS, run.baseline)])) > 2:
        words.append(f"{run.looks[run.winner].label} is the best of {rest} policies on these same issues, which flatters it a little.")
    return " ".join(words)


def numbers(run: Run) -> list[tuple[str, str]]:
    """Up to four large numbers, each with what it says; those that this run cannot give are left out."""
    if run.winner is None:
        return []
    winner, (lift, low, high), found = run.winner, run.lift(run.winner), []
    if math.isfinite(lift):
        sure = f", 95\u00a0% interval {percent(low)} to {percent(high)}" if math.isfinite(low) else ", one seed, no interval"
        found.append((percent(lift, 1 if abs(lift) < 0.015 else 0), f"clicks against {rival(run)}{sure}"))
    than = f"; {run.looks[run.baseline].label}: {thousand(run.of(run.baseline, 'clicks_per_delivered_late'))}" if run.baseline else ""
    found.append((thousand(run.of(winner, "clicks_per_delivered_late")), f"clicks per 1,000 newsletters delivered, issues {run.late}{than}"))
    if math.isfinite(share := run.of(winner, "oracle_share")):
        found.append((percent(share, sign=False), "of the clicks of a newsletter that knew every member's taste"))
    if winner in run.parity and winner != run.baseline:
        wait = run.parity[winner]
        value = "never" if wait is None else "at once" if wait == 0 else f"{wait} issue{'s' * (wait > 1)}"
        found.append((value, "until a new member's newsletter is as good as their segment's"))
    cost = run.of(winner, "exploration_cost")
    if len(found) < 4 and math.isfinite(cost):
        found.append((percent(cost, 1, sign=False), "of clicks given up by trying things out"))
    return found


def table(run: Run) -> list[dict[str, Any]]:
    """One row a policy, most late clicks first."""
    rows = []
    most = max(run.of(p, "clicks_per_delivered_late") for p in run.looks)
    for policy in [str(p) for p in run.summary.index]:
        late, (lift, low, high) = run.of(policy, "clicks_per_delivered_late"), run.lift(policy)
        digits = 1 if math.isfinite(lift) and abs(lift) < 0.1 else 0
        sure = f"{percent(low, digits)} to {percent(high, digits)}" if math.isfinite(low) and math.isfinite(high) else ""
        rows.append({"look": run.looks[policy], "late": late, "bar": 100 * late / most if most > 0 else 0, "interval": sure,
                     "lift": percent(lift, digits) if math.isfinite(lift) and policy != run.baseline else "",
                     **{c: run.of(policy, c) for c in ("clicks_per_delivered", "clicks_per_open", "open_rate", "oracle_share",
                                                      "exploration_cost")}})  # fmt: skip
    return rows


def handful(run: Run) -> dict[str, Look]:
    """The policies worth a line: baseline, headline, profile, the ceilings, the best of the other learners, the best floor."""
    order = [str(p) for p in run.summary.index]
    best = [next((p for p in order if run.looks[p].role == role and p != run.winner), None) for role in ("other", "floor")]
    wanted = {run.baseline, run.winner, "profile", *figures.CEILINGS, *best}
    return {p: run.looks[p] for p in order if p in wanted}


def learning_curve(run: Run) -> Markup | None:
    wide = run.results[run.results["metric"].isin(["expected", "clicks", "delivered"])]
    wide = wide.pivot_table(index=["policy", "seed", "issue"], columns="metric", values="value").reset_index()
    if wide.empty or not ("expected" in wide or {"clicks", "delivered"} <= set(wide)):
        return None
    rate = wide["expected"] if "expected" in wide else wide["clicks"] / wide["delivered"]
    lines = figures.over_seeds(wide.assign(x=wide["issue"], rate=1000 * rate), smooth=3)
    span = (float(run.facts["late_from"]), float(lines["x"].max()), f"issues {run.late}: what the headline counts")
    return figures.curves("learning", "Clicks per 1,000 newsletters delivered, issue by issue, for the main policies", lines, handful(run),
                          "Weekly issue", "Clicks per 1,000 newsletters delivered", span if span[0] < span[1] else None)  # fmt: skip


def lift_figure(run: Run) -> Markup | None:
    order = [str(p) for p in run.summary.index if p != run.baseline]
    rows = [(run.looks[p], *run.lift(p)) for p in order if math.isfinite(run.lift(p)[0])]
    if not rows or not run.baseline:
        return None
    alt = "Lift in clicks over the baseline, with 95 % intervals, for each policy"
    return figures.lifts("lift", alt, rows, run.looks[run.baseline].label)


def two_members(run: Run) -> dict[str, Any] | None:
    """The example members, with the articles marked that only the profile newsletter shows."""
    for member in run.members.get("members", []):
        shown = {item["title"] for item in member["segment_slate"]}
        for item in member["profile_slate"]:
            item["only_here"] = item["title"] not in shown
    return run.members if run.members.get("members") else None


def cold_start(run: Run) -> dict[str, Any] | None:
    """Clicks by issues since joining, as far as enough new members reached, and how soon each policy matches the baseline."""
    new = run.coldstart[run.coldstart["delivered"] > 0]
    if new.empty:
        return None
    total = new.groupby(["policy", "since"])[["delivered", "expected"]].sum().reset_index()
    reach = total.groupby("since")["delivered"].min()
    last = int(reach[reach >= 0.1 * reach.max()].index.max())
    new, total = new[new["since"] <= last], total[total["since"] <= last].set_index(["policy", "since"])
    rates = (total["expected"] / total["delivered"]).to_dict()
    lines = figures.over_seeds(new.assign(x=new["since"], rate=1000 * new["expected"] / new["delivered"]))
    chosen = handful(run)
    rows = []
    for policy, wait in run.parity.items():
        if policy not in chosen or policy == run.baseline or not run.baseline:
            continue
        against = [rates.get((policy, s), math.nan) / rates.get((run.baseline, s), math.nan) - 1 for s in (0, last)]
        when = "not in this run" if wait is None else "from the first issue" if wait == 0 else f"after {wait} issue{'s' * (wait > 1)}"
        rows.append((run.looks[policy], when, *[percent(v) if math.isfinite(v) else "\u2013" for v in against]))
    order = list(chosen)
    svg = figures.curves("newcomers", "Clicks per 1,000 newsletters delivered to new members, by issues since joining", lines, chosen,
                         "Issues received since joining", "Clicks per 1,000 newsletters delivered to new members")  # fmt: skip
    return {"svg": svg, "rows": sorted(rows, key=lambda row: order.index(row[0].policy)), "last": last}


def off_policy(run: Run) -> dict[str, Any] | None:
    """What each log said of each other policy, relative to what that policy earned on the same sends; and how often it was right."""
    frame = run.off_policy
    if frame.empty:
        return None
    given = frame[frame["low"].notna() & frame["high"].notna()]
    inside = (given["low"] <= given["earned"]) & (given["earned"] <= given["high"])
    first = {run.winner: 0, "profile": 1, run.baseline: 2}
    groups = sorted(frame.groupby(["target", "logger"]), key=lambda g: (first.get(str(g[0][0]), 3), *map(str, g[0])))
    shown, rank = [], {name: place for place, name in enumerate(ESTIMATORS)}
    for (target, logger), group in groups[:COMPARISONS]:
        rows = []
        for (code, slots), each in sorted(group.groupby(["estimator", "slots"]), key=lambda g: (rank.get(g[0][0], 9), g[0])):
            hits = inside[given.index.intersection(each.index)]
            one = each.sort_values("seed").to_dict("records")[0]
            rows.append({**one, "name": ESTIMATORS.get(code, code), "slots": int(slots), "hits": int(hits.sum()), "tries": len(hits)})
        shown.append({"target": _label(run, target), "logger": _label(run, logger), "rows": rows})
    ratios = [abs(r[c] / r["earned"] - 1) for g in shown for r in g["rows"] for c in ("low", "high") if r["earned"] > 0 and r[c] == r[c]]
    reach = min(0.5, max([0.1, *ratios]))
    for group in shown:
        for row in group["rows"]:
            bounds = [row[c] / row["earned"] - 1 if row["earned"] > 0 else math.nan for c in ("value", "low", "high")]
            row["glyph"] = figures.glyph(*bounds, reach, figures.ACCENT) if math.isfinite(bounds[0]) else ""
    return {"groups": shown, "all": len(groups), "reach": percent(reach, sign=False), "hits": int(inside.sum()), "tries": len(given),
            "withheld": int(frame["value"].isna().sum()), "rows": len(frame), "seed": int(frame["seed"].min())}  # fmt: skip


def _label(run: Run, policy: Any) -> str:
    return run.looks[policy].label if policy in run.looks else figures.NAMES.get(str(policy), (str(policy), ""))[0]


def _flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Nested settings as sorted (dotted name, value) pairs."""
    if isinstance(value, dict) and value:
        return [pair for key in sorted(value, key=str) for pair in _flat(value[key], f"{path}.{key}".lstrip("."))]
    return [(path, json.dumps(value))] if path else []


def _json(folder: Path, name: str, required: bool = False) -> dict[str, Any]:
    path = folder / f"{name}.json"
    if not path.exists() and not required:
        return {}
    found = read_json(_present(path))
    if not isinstance(found, dict):
        raise ValueError(f"{path}: must hold an object; got {type(found).__name__}")
    return found


def _table(folder: Path, name: str, required: bool = False) -> pd.DataFrame:
    path, columns = folder / f"{name}.parquet", COLUMNS[name].split()
    if not path.exists() and not required:
        return pd.DataFrame(columns=columns)
    frame: pd.DataFrame = read_table(_present(path)).to_pandas()
    if (absent := [c for c in columns if c not in frame]) and (required or len(frame)):
        raise ValueError(f"{path}: no column {', '.join(absent)}; got {', '.join(map(str, frame.columns))}")
    return frame.reindex(columns=columns)


def _present(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path}: not there; a report needs run.json, summary.parquet and results.parquet of one run")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.report", description="Write RUN/report.html from a run folder's tables.")
    parser.add_argument("run", type=Path, help="a folder that experiments.run wrote")
    try:
        print(write(parser.parse_args().run))
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"report: {error}") from error


if __name__ == "__main__":
    main()
