"""Errors of estimators over paired runs, and what they were to reach.

Open this file for what a table of the benchmark holds, and how uncertain its figures are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bandit.core.types import Floats


@dataclass(frozen=True)
class Goal:
    """What was to be reached, and what is.

    what: in words
    value, bound: the figure, and what it was to be at most
    error: standard error of the value; NaN where there is none
    """

    what: str
    value: float
    bound: float
    error: float = float("nan")

    @property
    def words(self) -> str:
        """The finding in a line."""
        sure = "" if np.isnan(self.error) else f" +- {self.error:.2g}"
        verdict = "reached" if self.value <= self.bound else "NOT reached"
        return f"{verdict}: {self.what}: {self.value:.3g}{sure}, to be at most {self.bound:.3g}"


@dataclass(frozen=True)
class Part:
    """One table of the benchmark.

    name, title: for files and people
    scale: what errors are multiplied by to be read
    errors: case, run, estimator, error; the same runs for every estimator of a case
    goals: what was to be reached
    """

    name: str
    title: str
    scale: float
    errors: pd.DataFrame
    goals: Sequence[Goal]

    def summarise(self) -> pd.DataFrame:
        """Mean and standard error of each estimator in each case, and over how many runs."""
        found = self.errors.groupby(["case", "estimator"], sort=False)["error"]
        table = found.agg(["mean", "sem", "count"]).reset_index()
        return table.rename(columns={"sem": "standard_error", "count": "runs"})


def tabulate(rows: Sequence[tuple[str, int, str, float]]) -> pd.DataFrame:
    """The errors of a part, from rows of case, run, estimator and error."""
    errors = pd.DataFrame(rows, columns=["case", "run", "estimator", "error"])
    return errors.astype({"error": float})


def list_errors(case: str, run: int, errors: dict[str, float]) -> list[dict[str, object]]:
    """Rows of `Part.errors` of one run."""
    return [
        {"case": case, "run": run, "estimator": name, "error": float(error)}
        for name, error in errors.items()
    ]


def pivot(errors: pd.DataFrame, case: str) -> pd.DataFrame:
    """Errors of one case: a row for each run, a column for each estimator, in order."""
    mine = errors[errors["case"] == case]
    return mine.pivot_table(index="run", columns="estimator", values="error", sort=False)


def compare(errors: pd.DataFrame, case: str, ours: str, other: str) -> tuple[float, float]:
    """Our mean error over the other's in one case, and its standard error over paired runs."""
    wide = pivot(errors, case)
    mine, theirs = wide[ours].to_numpy(), wide[other].to_numpy()
    ratio = mine.mean() / theirs.mean()
    return float(ratio), find_error((mine - ratio * theirs) / theirs.mean())


def find_error(values: Floats) -> float:
    """Standard error of the mean of runs; NaN for a single one."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def find_best(errors: pd.DataFrame, case: str, among: Sequence[str]) -> str:
    """Which of several estimators has the least mean error in a case: the best in hindsight."""
    return str(pivot(errors, case)[list(among)].mean().idxmin())
