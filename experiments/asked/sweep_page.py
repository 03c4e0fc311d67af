"""One page over a sweep's jobs: what each was told, what came of it, and where its own report is.

It is made from the joint table, and rewritten whenever the sweep is run again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib import style
from matplotlib.figure import Figure

from bandit.core.files import replacing
from experiments.report.page import (
    INK,
    STYLE,
    fill_template,
    format_percent,
    format_thousand,
    render_svg,
)
from experiments.tables.axes import draw_dots
from experiments.tables.summary import is_vague

MOST = 40  # rows that a figure has room for
LATE = "clicks_per_delivered_late"


def write_page(
    folder: Path,
    summary: pd.DataFrame,
    varied: Sequence[str],
    jobs: Sequence[str],
    failed: Mapping[str, str],
) -> Path:
    """Write report.html into a sweep's folder; returns its path.

    summary: the joint table; a row for each policy of each job
    varied: the columns in which jobs differ
    jobs: for each row the job's folder, relative to the sweep's
    failed: folders of the jobs that failed, and why
    """
    names = [*(name for name in varied if name != "policy"), "policy"]
    order = np.argsort(-summary[LATE].to_numpy(np.float64), kind="stable")
    rows = [_describe(summary.iloc[i], names, folder, jobs[i]) for i in order]
    text = fill_template(
        "sweep.html.j2",
        first=INK,
        title=folder.name,
        names=names,
        rows=rows,
        failed=dict(failed),
        jobs=len(set(jobs)),
        figure=_draw(summary.iloc[order[:MOST]], names),
        more=max(len(rows) - MOST, 0),
    )
    with replacing(folder / "report.html") as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return folder / "report.html"


def _describe(row: "pd.Series[float]", names: Sequence[str], folder: Path, job: str) -> list[str]:
    """The cells of a row, and last the address of the job's own report ("" where it has none)."""
    low, high = float(row["lift_low"]), float(row["lift_high"])
    span = f"{format_percent(low, 0, sign=True)} to {format_percent(high, 0, sign=True)}"
    if np.isnan(row["lift"]):
        lift, span = "\u2013", ""
    else:
        lift = format_percent(float(row["lift"]), 0, sign=True)
        span = "" if np.isnan(low) else "use more seeds" if is_vague(low, high) else span
    rates = [format_thousand(float(row[n])) for n in (LATE, "clicks_per_delivered")]
    link = f"{job}/report.html" if (folder / job / "report.html").exists() else ""
    return [*(str(row[name]) for name in names), *rates, lift, span, link]


def _draw(summary: pd.DataFrame, names: Sequence[str]) -> Markup:
    """The lift of each row that has one, with its interval; where none has, each row's clicks."""
    lifts = summary["lift"].notna()
    rows = (summary[lifts] if lifts.any() else summary).iloc[::-1]
    told = [", ".join(str(row[name]) for name in names) for _, row in rows.iterrows()]
    none = np.full(len(rows), np.nan)
    values, words = rows[LATE] * 1000, "clicks per 1,000 delivered, later issues"
    ends = [none, none]
    if lifts.any():
        values, words = rows["lift"] * 100, "lift over the baseline, %"
        ends = [100 * rows[name].to_numpy(np.float64) for name in ("lift_low", "lift_high")]
        vague = [is_vague(low / 100, high / 100) for low, high in zip(*ends, strict=True)]
        ends = [np.where(vague, np.nan, end) for end in ends]
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(10, 1.0 + 0.34 * len(rows)), layout="constrained")
        axes = figure.subplots()
        draw_dots(told, [values.to_numpy(np.float64), *ends], words, axes)
        axes.grid(axis="x")
        return render_svg(figure, "sweep", f"{words}, for each policy of each job")
