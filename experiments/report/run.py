"""What a run folder holds, read and checked: the one place where the report touches files.

`experiments.compare` writes the folder. Open this file when a table gains a column that the report
shows.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bandit.core.files import read_json, read_table
from experiments.report.policy_looks import Look, assign_looks
from experiments.tables.cold_start import Parity
from experiments.tables.summary import is_vague

COLUMNS = {
    "summary": "policy clicks_per_delivered clicks_per_delivered_late clicks_per_open open_rate "
    "oracle_share lift lift_low lift_high exploration_cost",
    "results": "policy seed issue metric value",
    "coldstart": "policy seed since delivered expected",
    "people": "policy seed segment members better worse won lost",
    "off_policy": "logger target seed estimator slots value low high ess reason earned own",
}
LATE = "clicks_per_delivered_late"


@dataclass(frozen=True)
class Run:
    """What a run folder holds; tables that the run did not write are empty.

    facts: run.json
    summary: one row for each policy, indexed by it
    results, coldstart, people, off_policy: the tables of these names
    parity: by policy, issues until a new member's newsletter is as good as the baseline's
    members: two_members.json
    looks: how policies are drawn, the one with most late clicks first
    baseline: the policy that others are compared with; None where it did not run
    chosen: the winner that the run named; None where it named none
    """

    facts: dict[str, Any]
    summary: pd.DataFrame
    results: pd.DataFrame
    coldstart: pd.DataFrame
    people: pd.DataFrame
    off_policy: pd.DataFrame
    parity: dict[str, Parity]
    members: dict[str, Any]
    looks: dict[str, Look]
    baseline: str | None
    chosen: str | None

    @property
    def late(self) -> str:
        """The issues that the headline counts, in words."""
        return f"{self.facts['late_from']}\u2013{self.facts['issues']}"

    @property
    def rivals(self) -> list[str]:
        """What could be sent in place of the baseline, best first."""
        return [p for p, look in self.looks.items() if look.role not in ("ceiling", "baseline")]

    @property
    def winner(self) -> str | None:
        """The policy that the headline is about; the best of the rest where the baseline won."""
        return self.chosen if self.chosen in self.rivals else next(iter(self.rivals), None)

    @property
    def seeds(self) -> int:
        """How many seeds were run."""
        return len(self.facts["seeds"])

    def look_up(self, policy: str, column: str = LATE) -> float:
        """A number of the summary."""
        return float(self.summary[column].to_dict()[policy])

    def find_lift(self, policy: str) -> tuple[float, float, float]:
        """Relative lift over the baseline, and its interval.

        One seed has no interval (NaN); the lift is then a plain ratio. Nor have a few that differ
        so much that theirs would say nothing.
        """
        lift, low, high = (self.look_up(policy, c) for c in ("lift", "lift_low", "lift_high"))
        if math.isnan(lift) and self.baseline is not None and self.baseline != policy:
            base = self.look_up(self.baseline)
            lift = self.look_up(policy) / base - 1 if base > 0 else lift
        if math.isfinite(low) and math.isfinite(high) and not is_vague(low, high):
            return lift, low, high
        return lift, math.nan, math.nan


def load_run(folder: Path) -> Run:
    """Read a run folder.

    Raises FileNotFoundError or ValueError that say which file it is, and what the file lacks.
    """
    facts = _read_json(folder, "run", required=True)
    if absent := {"baseline", "late_from", "issues", "seeds"} - set(facts):
        raise ValueError(
            f"{folder / 'run.json'}: no {', '.join(sorted(absent))}; got {', '.join(sorted(facts))}"
        )
    summary = _read_table(folder, "summary", required=True)
    if summary.empty:
        raise ValueError(f"{folder / 'summary.parquet'}: no rows; need one a policy")
    summary = summary.sort_values([LATE, "policy"], ascending=[False, True]).set_index("policy")
    looks = assign_looks([str(p) for p in summary.index], str(facts["baseline"]))
    return Run(
        facts=facts,
        summary=summary,
        results=_read_table(folder, "results", required=True),
        coldstart=_read_table(folder, "coldstart"),
        people=_read_table(folder, "people"),
        off_policy=_read_table(folder, "off_policy"),
        parity=_read_parity(folder),
        members=_read_json(folder, "two_members"),
        looks=looks,
        baseline=next((p for p, look in looks.items() if look.role == "baseline"), None),
        chosen=_read_json(folder, "winner").get("policy"),
    )


def _read_parity(folder: Path) -> dict[str, Parity]:
    found = _read_json(folder, "parity")
    try:
        return {policy: Parity(**told) for policy, told in found.items()}
    except TypeError as error:
        raise ValueError(f"{folder / 'parity.json'}: {error}") from None


def _read_json(folder: Path, name: str, required: bool = False) -> dict[str, Any]:
    path = folder / f"{name}.json"
    found = read_json(path) if _is_there(path, required) else {}
    if not isinstance(found, dict):
        raise ValueError(f"{path}: must hold an object; got {type(found).__name__}")
    return found


def _read_table(folder: Path, name: str, required: bool = False) -> pd.DataFrame:
    path, columns = folder / f"{name}.parquet", COLUMNS[name].split()
    there = _is_there(path, required)
    frame = read_table(path).to_pandas() if there else pd.DataFrame(columns=columns)
    absent = [c for c in columns if c not in frame]
    if absent and (required or len(frame)):
        raise ValueError(
            f"{path}: no column {', '.join(absent)}; got {', '.join(map(str, frame.columns))}"
        )
    return frame.reindex(columns=columns)


def _is_there(path: Path, required: bool) -> bool:
    if required and not path.exists():
        raise FileNotFoundError(
            f"{path}: not there; a report needs run.json, summary.parquet and results.parquet of "
            "one run"
        )
    return path.exists()
