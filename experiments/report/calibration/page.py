"""The page that `experiments.calibrate` leaves.

Every number and sentence is made from the tables of the checks; a section whose table is missing is
left out. A new check gets a function here that makes its section.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from bandit.core.files import replacing
from experiments.checks.agreement import ENOUGH
from experiments.checks.published import DAYS
from experiments.checks.two_sample import AGREES
from experiments.report.calibration.figures import Dot, draw_against, draw_dots, draw_lines
from experiments.report.page import INK, fill_template, format_percent

WITHIN = 0.05  # relative error at which a published rate counts as met
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Section:
    """One section, and its line in the table at the top of the page.

    title: of both
    say: paragraphs, from the numbers
    figures: below the paragraphs
    note: a small paragraph at the end
    table: the names of its columns under "head", and its cells under "rows"; empty: none
    bound: what would have to be found, in words
    found: what was found, in words
    met: whether it was; None: there is no bound
    """

    title: str
    say: Sequence[str]
    figures: Sequence[Markup] = ()
    note: str = ""
    table: Mapping[str, Sequence[object]] = field(default_factory=dict)
    bound: str = "none was set"
    found: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """Met, not met, or a dash."""
        return {None: "\u2013", True: "met", False: "not met"}[self.met]


def write(path: Path, tables: Tables, config: Mapping[str, object]) -> Path:
    """Write the page whole or not at all; returns its path.

    tables: what the checks found, by the names in `MAKERS`; those that are missing are said to be
    config: the settings, shown at the end
    """
    text = fill_template(
        "calibrate.html.j2",
        sections=[make(tables) for name, make in MAKERS.items() if name in tables],
        missing=[name for name in MAKERS if name not in tables],
        config=config,
        first=INK,
    )
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return path


def show_rates(tables: Tables) -> Section:
    """Published figures and the simulator's."""
    table = tables["rates"]
    near = int((table["error"].abs() <= WITHIN).sum())
    dots = [
        Dot(
            f"{row.what} ({row.preset})",
            row.error,
            words=f"{_format_rate(row.measured)}; published {_format_range(row)}",
        )
        for row in _list_rows(table)
    ]
    alt, lines, band = "relative error of each rate", {0.0: "as published"}, (-WITHIN, WITHIN)
    weeks = [
        _draw_week(table, "clicked", "Mails with a click, % of delivered"),
        _draw_week(table, "opened", "Mails opened, % of delivered"),
    ]
    return Section(
        title="Published rates",
        say=[
            f"{near} of {len(table)} published figures are met within {format_percent(WITHIN)}, "
            "counted from simulated mailings."
        ],
        figures=[
            draw_dots("rates", alt, dots, "relative error", lines, band, (-0.12, 0.12)),
            *(week for week in weeks if week),
        ],
        note="The band is 5 % to either side. A published range counts as met anywhere inside it. "
        "Prefetch and scanner shares are what the noise was set to, read back.",
        bound="within 5 %",
        found=f"{near} of {len(table)}",
        met=near == len(table),
    )


def _draw_week(table: pd.DataFrame, what: str, words: str) -> Markup | None:
    """A rate over the days of a week, published and simulated; None where none was published."""
    week = table[table["what"].str.startswith(f"{what} of delivered, ")]
    if week.empty:
        return None
    week = week.set_index(week["what"].str.split(", ").str[1])
    week = week.reindex([day for day in DAYS if day in week.index])
    rows = [
        ("published", (50 * (week["low"] + week["high"])).tolist(), False),
        ("simulated", (100 * week["measured"]).tolist(), True),
    ]
    return draw_lines(f"week-{what}", words, list(week.index), rows, words, WITHIN)


def _format_rate(value: float) -> str:
    """A ratio near 1 as a number, any other rate in percent."""
    if 0.85 < value < 2:
        return f"{value:.3f}"
    return format_percent(value, 2 if value < 0.1 else 1)


def _format_range(row: Any) -> str:
    low, high = _format_rate(row.low), _format_rate(row.high)
    return low if row.low == row.high else f"{low} to {high}"


def show_likeness(tables: Tables) -> Section:
    """A log and the association fitted to it, told apart by a classifier."""
    worst = float(tables["likeness"]["auc"].max())
    dots = [
        Dot(
            f"{row.world}: {row.table}, fitted to {row.fitted_to}",
            row.auc,
            row.low,
            row.high,
            f"{row.auc:.3f} ({row.classifier})",
        )
        for row in _list_rows(tables["likeness"])
    ]
    alt, lines = "AUC of telling log from simulation", {0.5: "alike", AGREES: "bound"}
    return Section(
        title="A log and the association fitted to it",
        say=[
            "A log is sent at random in an association, a simulator is fitted to it, and "
            "classifiers are trained to tell members (or single clicks) of the log from simulated "
            f"ones. The best of three reaches an AUC of at most {worst:.3f} on members it has not "
            f"seen; {AGREES:.2f} is the bound, .50 a coin."
        ],
        figures=[draw_dots("likeness", alt, dots, "AUC on held-out members", lines)],
        note="Fitted to the others: the members judged were held out from the simulator, too; "
        "their attributes alone are known.",
        bound=f"AUC at most {AGREES:.2f}",
        found=f"at most {worst:.3f}",
        met=worst <= AGREES,
    )


def show_ranking(tables: Tables) -> Section:
    """Policies by the fitted association and by a held-out log."""
    figures: list[Markup] = []
    say = [
        "A random log is cut in two; policies learn from the first part, to which the association "
        "is fitted, too, and are valued by the second part's clicks and by the fitted association. "
        "Both rank them."
    ]
    words = "clicks per 1,000 delivered, in the association fitted to the first part of the log"
    for fact in _list_rows(tables["taus"]):
        values, name = tables["ranking"], f"{fact.world}, seed {fact.seed}"
        values = values[(values["world"] == fact.world) & (values["seed"] == fact.seed)]
        rows = [(r.policy, r.simulated, r.log, r.low, r.high) for r in _list_rows(values)]
        alt = f"policies by the fitted association and by the log, {name}"
        figure = f"ranking-{fact.world}-{fact.seed}"
        figures.append(draw_against(figure, alt, rows, words, f"{name}: by the held-out log"))
        say.append(
            f"{name}: Kendall's tau {fact.tau:.2f} over {len(values)} policies (bound {ENOUGH}); "
            f"{fact.alike} of the {fact.pairs} pairs that the log tells apart are ranked alike. "
            f"Beside the truth, the log's ranking has tau {fact.log_true:.2f}, the simulator's "
            f"{fact.simulated_true:.2f}."
        )
    low, high = float(tables["taus"]["tau"].min()), float(tables["taus"]["tau"].max())
    return Section(
        title="Policies ranked",
        say=say,
        figures=figures,
        note="Beside each name: by the fitted association, by the log. Bars: 95 % of bootstraps "
        "over members.",
        bound=f"tau at least {ENOUGH}",
        found=f"{low:.2f} to {high:.2f}",
        met=low >= ENOUGH,
    )


def show_examination(tables: Tables) -> Section:
    """Parameters of examination models, found from their own clicks."""
    found = tables["examination"]
    points = [("", row.true, row.found, np.nan, np.nan) for row in _list_rows(found)]
    off = found.assign(off=(found["found"] - found["true"]).abs())
    worst = off.groupby("model")["off"].agg(["mean", "max"])
    rows = [[name, f"{mean:.3f}", f"{most:.3f}"] for name, mean, most in _list_rows(worst)]
    alt = "parameters found and true"
    return Section(
        title="Examination models, recovered from their own clicks",
        say=[
            "Every parameter of every model with parameters, by its own EM, with what members "
            "want given."
        ],
        figures=[draw_against("examination", alt, points, "true", "found by EM")],
        note="The user browsing model has one for each pair of slots; those after a click rest on "
        "few second clicks.",
        table={"head": ["model", "mean error", "largest"], "rows": rows},
        found=f"mean error {worst['mean'].mean():.3f}, largest {worst['max'].max():.3f}",
    )


def show_perplexity(tables: Tables) -> Section:
    """Examination models on one log."""
    found = list(tables["perplexity"][["model", "perplexity"]].itertuples(index=False, name=None))
    impossible = "rules out a second click"
    rows = [[name, f"{v:.5f}" if np.isfinite(v) else impossible] for name, v in found]
    best, least = found[0]
    return Section(
        title="Examination models on a log",
        say=[
            "Perplexity on the half of a log that the models were not fitted to; 1 is perfect, "
            "lower is better."
        ],
        table={"head": ["model", "perplexity"], "rows": rows},
        found=f"best: {best}, {least:.4f}",
    )


def show_leak(tables: Tables) -> Section:
    """What false texts and attributes are worth."""
    table = tables["leak"]
    false, true = table[table["what"] != "nothing"], table[table["what"] == "nothing"]
    names = {"both": "texts and attributes"}
    figures = []
    for world in table["world"].unique():
        dots = [
            Dot(f"{r.policy}, false {names.get(r.what, r.what)}", r.more, r.low, r.high)
            for r in _list_rows(false[false["world"] == world])
        ]
        words = f"{world}: lift over random beyond what may honestly be gained"
        figures.append(draw_dots(f"leak-{world}", words, dots, words, {0.0: "nothing gained"}))
    beyond, chance = int((false["low"] > 0).sum()), int(np.ceil(0.025 * len(false)))
    say = (
        "Policies are told other articles' texts, other members' attributes, or both. "
        f"{beyond} of {len(false)} intervals lie above what popular articles (or, for attributes "
        "alone, the same policy without any) honestly earn."
    )
    honest = true[true["policy"] == "profile"]["lift"]
    if len(honest):
        gain = format_percent(float(honest.mean()))
        say = f"{say} With true ones the profile gains {gain} over random."
    return Section(
        title="Nothing known, nothing gained",
        say=[say],
        figures=figures,
        note="95 % intervals over paired seeds: by chance one in forty lies above. 0.1 is a tenth "
        "of random's clicks.",
        bound=f"at most {chance} above",
        found=f"{beyond} of {len(false)} above",
        met=beyond <= chance,
    )


def _list_rows(table: pd.DataFrame) -> list[Any]:
    """A table's rows, their values by name."""
    return list(table.itertuples())


MAKERS: dict[str, Callable[[Tables], Section]] = {
    "rates": show_rates,
    "likeness": show_likeness,
    "ranking": show_ranking,
    "examination": show_examination,
    "perplexity": show_perplexity,
    "leak": show_leak,
}
