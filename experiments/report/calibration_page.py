"""The page that `experiments.calibrate` leaves: every number and sentence is made from its tables; a section whose table is
missing is left out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from bandit.core.files import replacing
from experiments.checks.agreement import ENOUGH
from experiments.checks.two_sample import AGREES
from experiments.report import page, plots
from experiments.report.page import percent
from experiments.report.plots import Dot

WITHIN = 0.05  # relative error at which a published rate counts as met
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Tables = Mapping[str, pd.DataFrame]


def write(path: Path, tables: Tables, config: dict[str, Any]) -> Path:
    """Write the page whole or not at all; return its path."""
    makers: dict[str, Callable[[Tables], dict[str, Any]]] = {
        "rates": rates,
        "likeness": likeness,
        "ranking": ranking,
        "examination": examination,
        "perplexity": perplexity,
        "leak": leak,
    }
    sections = [make(tables) for name, make in makers.items() if name in tables]
    missing = [name for name in makers if name not in tables]
    text = page.filled(
        "calibrate.html.j2", sections=sections, missing=missing, config=config, first=page.INK
    )
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return path


def _rows(table: pd.DataFrame) -> list[Any]:
    """A table's rows, their values by name."""
    return list(table.itertuples())


def section(
    title: str,
    say: str | list[str],
    *figures: Markup,
    note: str = "",
    table: Any = None,
    bound: str = "none was set",
    found: str = "",
    met: bool | None = None,
) -> dict[str, Any]:
    """What the template shows; bound, found and met make a line of the table at the top."""
    line = {
        "bound": bound,
        "found": found,
        "verdict": {None: "\u2013", True: "met", False: "not met"}[met],
    }
    return line | {
        "title": title,
        "say": [say] if isinstance(say, str) else say,
        "figures": figures,
        "note": note,
        "table": table,
    }


def rates(tables: Tables) -> dict[str, Any]:
    """Published figures and the simulator's."""
    found = tables["rates"]
    near = int((found["error"].abs() <= WITHIN).sum())
    off = [
        Dot(
            f"{row.what} ({row.preset})",
            row.error,
            words=f"{_rate(row.measured)}; published {_range(row)}",
        )
        for row in _rows(found)
    ]
    lines = {0.0: "as published"}
    figures = [
        plots.dots(
            "rates",
            "relative error of each rate",
            off,
            "relative error",
            lines,
            (-WITHIN, WITHIN),
            (-0.12, 0.12),
        )
    ]
    for what, words in (
        ("clicked", "Mails with a click, % of delivered"),
        ("opened", "Mails opened, % of delivered"),
    ):
        week = found[found["what"].str.startswith(f"{what} of delivered, ")].assign(
            day=lambda table: table["what"].str.split(", ").str[1]
        )
        if len(week):
            week = week.set_index("day").reindex([day for day in DAYS if day in set(week["day"])])
            middle = 50 * (week["low"] + week["high"])
            rows = [
                ("published", middle.tolist(), False),
                ("simulated", (100 * week["measured"]).tolist(), True),
            ]
            figures.append(
                plots.lines(f"week-{what}", words, list(week.index), rows, words, WITHIN)
            )
    say = f"{near} of {len(found)} published figures are met within {percent(WITHIN)}, counted from simulated mailings."
    note = (
        "The band is 5 % to either side. A published range counts as met anywhere inside it. Prefetch and scanner shares "
        "are what the noise was set to, read back."
    )
    result: dict[str, Any] = {
        "bound": "within 5 %",
        "found": f"{near} of {len(found)}",
        "met": near == len(found),
    }
    return section("Published rates", say, *figures, note=note, **result)


def _rate(value: float) -> str:
    return (
        f"{value:.3f}"
        if value > 0.3 and value < 2 and value > 0.85
        else percent(value, 2 if value < 0.1 else 1)
    )


def _range(row: Any) -> str:
    return _rate(row.low) if row.low == row.high else f"{_rate(row.low)} to {_rate(row.high)}"


def likeness(tables: Tables) -> dict[str, Any]:
    """A log and the association fitted to it, told apart by a classifier."""
    found = tables["likeness"]
    rows = [
        Dot(
            f"{row.world}: {row.table}, fitted to {row.fitted_to}",
            row.auc,
            row.low,
            row.high,
            f"{row.auc:.3f} ({row.classifier})",
        )
        for row in _rows(found)
    ]
    lines = {0.5: "alike", AGREES: "bound"}
    figure = plots.dots(
        "likeness", "AUC of telling log from simulation", rows, "AUC on held-out members", lines
    )
    say = (
        "A log is sent at random in an association, a simulator is fitted to it, and classifiers are trained to tell "
        "members (or single clicks) of the log from simulated ones. The best of three reaches an AUC of at most "
        f"{found['auc'].max():.3f} on members it has not seen; {AGREES:.2f} is the bound, .50 a coin."
    )
    note = "Fitted to the others: the members judged were held out from the simulator, too; their attributes alone are known."
    worst = float(found["auc"].max())
    result: dict[str, Any] = {
        "bound": f"AUC at most {AGREES:.2f}",
        "found": f"at most {worst:.3f}",
        "met": worst <= AGREES,
    }
    return section("A log and the association fitted to it", say, figure, note=note, **result)


def ranking(tables: Tables) -> dict[str, Any]:
    """Policies by the fitted association and by a held-out log."""
    figures: list[Markup] = []
    say = [
        "A random log is cut in two; policies learn from the first part, to which the association is fitted, too, and are "
        "valued by the second part's clicks and by the fitted association. Both rank them."
    ]
    words = "clicks per 1,000 delivered, in the association fitted to the first part of the log"
    for fact in _rows(tables["taus"]):
        values, name = tables["ranking"], f"{fact.world}, seed {fact.seed}"
        values = values[(values["world"] == fact.world) & (values["seed"] == fact.seed)]
        rows = [(row.policy, row.simulated, row.log, row.low, row.high) for row in _rows(values)]
        alt = f"policies by the fitted association and by the log, {name}"
        figures.append(
            plots.against(
                f"ranking-{fact.world}-{fact.seed}",
                alt,
                rows,
                words,
                f"{name}: by the held-out log",
            )
        )
        say.append(
            f"{name}: Kendall's tau {fact.tau:.2f} over {len(values)} policies (bound {ENOUGH}); {fact.alike} of the "
            f"{fact.pairs} pairs that the log tells apart are ranked alike. Beside the truth, the log's ranking has tau "
            f"{fact.log_true:.2f}, the simulator's {fact.simulated_true:.2f}."
        )
    low, high = float(tables["taus"]["tau"].min()), float(tables["taus"]["tau"].max())
    result: dict[str, Any] = {
        "bound": f"tau at least {ENOUGH}",
        "found": f"{low:.2f} to {high:.2f}",
        "met": low >= ENOUGH,
    }
    note = "Beside each name: by the fitted association, by the log. Bars: 95 % of bootstraps over members."
    return section("Policies ranked", say, *figures, note=note, **result)


def examination(tables: Tables) -> dict[str, Any]:
    """Parameters of examination models, found from their own clicks."""
    found = tables["examination"]
    rows = [("", row.true, row.found, np.nan, np.nan) for row in _rows(found)]
    figure = plots.against("examination", "parameters found and true", rows, "true", "found by EM")
    worst = (
        found.assign(off=(found["found"] - found["true"]).abs())
        .groupby("model")["off"]
        .agg(["mean", "max"])
    )
    table = [[name, f"{mean:.3f}", f"{most:.3f}"] for name, mean, most in _rows(worst)]
    return section(
        "Examination models, recovered from their own clicks",
        "Every parameter of every model with parameters, by its own EM, with what members want given.",
        figure,
        table={"head": ["model", "mean error", "largest"], "rows": table},
        found=f"mean error {worst['mean'].mean():.3f}, largest {worst['max'].max():.3f}",
        note="The user browsing model has one for each pair of slots; those after a click rest on few second clicks.",
    )


def perplexity(tables: Tables) -> dict[str, Any]:
    """Examination models on one log."""
    found = tables["perplexity"]
    table = [
        [
            row.model,
            f"{row.perplexity:.5f}" if np.isfinite(row.perplexity) else "rules out a second click",
        ]
        for row in _rows(found)
    ]
    say = "Perplexity on the half of a log that the models were not fitted to; 1 is perfect, lower is better."
    best = f"best: {found['model'].iloc[0]}, {found['perplexity'].iloc[0]:.4f}"
    head = ["model", "perplexity"]
    return section(
        "Examination models on a log", say, found=best, table={"head": head, "rows": table}
    )


def leak(tables: Tables) -> dict[str, Any]:
    """What false texts and attributes are worth."""
    found = tables["leak"]
    figures = []
    for world in found["world"].unique():
        some = found[(found["world"] == world) & (found["what"] != "nothing")]
        rows = [
            Dot(
                f"{row.policy}, false {'texts and attributes' if row.what == 'both' else row.what}",
                row.more,
                row.low,
                row.high,
            )
            for row in _rows(some)
        ]
        words = f"{world}: lift over random beyond what may honestly be gained"
        figures.append(plots.dots(f"leak-{world}", words, rows, words, {0.0: "nothing gained"}))
    honest = found[(found["what"] == "nothing") & (found["policy"] == "profile")]
    told = (
        f" With true ones the profile gains {percent(float(honest['lift'].mean()))} over random."
        if len(honest)
        else ""
    )
    some = found[found["what"] != "nothing"]
    beyond = int((some["low"] > 0).sum())
    say = (
        f"Policies are told other articles' texts, other members' attributes, or both. {beyond} of {len(some)} intervals "
        f"lie above what popular articles (or, for attributes alone, the same policy without any) honestly earn.{told}"
    )
    chance = int(np.ceil(0.025 * len(some)))
    result: dict[str, Any] = {
        "bound": f"at most {chance} above",
        "found": f"{beyond} of {len(some)} above",
        "met": beyond <= chance,
    }
    note = "95 % intervals over paired seeds: by chance one in forty lies above. 0.1 is a tenth of random's clicks."
    return section("Nothing known, nothing gained", say, *figures, note=note, **result)
