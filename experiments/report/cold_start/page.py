"""The page that `experiments.coldstart` leaves: made from the run folder's tables alone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bandit.core.files import read_json, read_table, replacing
from experiments.report.cold_start.better_off import describe_people
from experiments.report.cold_start.figures import draw_shares, draw_weights
from experiments.report.cold_start.words import write_ends, write_parity
from experiments.report.page import fill_template, format_percent
from experiments.report.policy_looks import Look, assign_looks
from experiments.tables.cold_figures import LINEAR, count_joiners_needed
from experiments.tables.cold_start import LEAST_SEEDS, VIEWS, Parity

TABLES = (*VIEWS, "people", "figures", "cuts", "first")
# What a product team may hold the newsletter to; docs/cold_start.md says where they come from.
LEAST = 0.98  # of the baseline's clicks at any issue since joining
MOST_WORSE = 0.10  # of members
KEPT = 0.95  # of the clicks without any attribute, where attributes are another member's
SOONER = 0.71  # of the issues that a cold linear bandit needs until it has started
Figures = dict[str, float]  # a row of `measure_cold_start`


@dataclass(frozen=True)
class Aim:
    """One line of the contract.

    words: what is asked
    found: what was found, in words, with its interval
    met: whether it was
    """

    words: str
    found: str
    met: bool


def write_page(run: Path) -> Path:
    """Write coldstart.html into a run's folder, whole or not at all; returns its path.

    Raises FileNotFoundError or ValueError that say which file of the folder lacks what.
    """
    tables = {name: read_table(run / f"{name}.parquet").to_pandas() for name in TABLES}
    there = (run / "waves.parquet").exists()
    waves = read_table(run / "waves.parquet").to_pandas() if there else pd.DataFrame()
    facts = read_json(run / "run.json")
    config, seeds = facts["config"], len(facts["seeds"])
    policy, baseline = config["candidate"], config["baseline"]
    names = [str(name) for name in tables["joiners"]["policy"].unique()]
    looks = assign_looks(names, baseline)
    figures = _read_rows(tables["figures"], "policy")
    ours = figures[policy]
    text = fill_template(
        "coldstart.html.j2",
        facts=facts,
        seeds=seeds,
        enough=LEAST_SEEDS,
        looks=looks,
        label=looks[policy].label,
        rival=looks[baseline].label,
        first=looks[policy].ink,
        headline=_write_headline(ours, looks[policy].label, looks[baseline].label),
        aims=_list_aims(figures, _read_rows(tables["cuts"].drop(columns="policy"), "cut"), policy),
        joiners=draw_shares(
            tables["joiners"], "since", baseline, looks, "Issues since joining (0: the first)"
        ),
        openers=draw_shares(
            tables["openers"], "opens", baseline, looks, "Newsletters opened since joining"
        ),
        founders=draw_shares(
            tables["founders"], "issue", baseline, looks, "Issues since the first one was sent"
        ),
        weights=draw_weights(tables, policy),
        people=describe_people(tables["people"], policy, baseline),
        rows=_list_rows(figures, looks),
        cuts=_list_cuts(tables["cuts"], config["settings"]),
        waves=waves.to_dict("records"),
        needed=count_joiners_needed(tables["first"], policy, baseline),
    )
    with replacing(run / "coldstart.html") as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return run / "coldstart.html"


def _read_rows(table: pd.DataFrame, key: str) -> dict[str, Figures]:
    """Rows of numbers by the name in `key`."""
    numbers = table.set_index(key).astype(float)
    return {
        str(name): {str(column): float(value) for column, value in row.items()}
        for name, row in numbers.iterrows()
    }


def _write_wait(row: Figures) -> str:
    """When the newsletter is as good as the baseline's, with the interval in brackets."""
    issues, low, high = (
        None if math.isnan(row[name]) else int(row[name])
        for name in ("parity", "earliest", "latest")
    )
    parity = Parity(issues, low, high, bool(row["sure"]), int(row["horizon"]))
    ends = write_ends(parity)
    return f"{write_parity(parity)} ({ends})" if ends else write_parity(parity)


def _write_headline(row: Figures, label: str, rival: str) -> str:
    won, low, high = row["won"], row["won_low"], row["won_high"]
    more = f"{abs(won):.1f} {'more' if won >= 0 else 'fewer'} clicks per 1,000 newsletters"
    told = f"n their first four issues new members get {more} from {label} than from {rival}"
    if math.isnan(low):
        return f"I{told}, in one simulation: use more seeds for an interval."
    span = f"(95\u00a0% interval {low:.1f} to {high:.1f})".replace("-", "\u2212")
    return f"No clear difference: i{told} {span}." if low <= 0 <= high else f"I{told} {span}."


def _list_aims(
    figures: Mapping[str, Figures], cuts: Mapping[str, Figures], policy: str
) -> list[Aim]:
    row = figures[policy]
    least = _write_share(row["least"], row["least_low"], row["least_high"])
    worse = _write_share(row["worse"], row["worse_low"], row["worse_high"])
    aims = [
        Aim("As good as the baseline from the first issue", _write_wait(row), row["parity"] == 0),
        Aim(
            f"Never below {format_percent(LEAST)} of the baseline at any issue since joining",
            f"lowest at issue {row['least_at']:.0f}: {least}",
            row["least"] >= LEAST,
        ),
        Aim(
            f"At most {format_percent(MOST_WORSE)} of the members find 5\u00a0% less to click",
            f"{worse}; they lose {row['loss']:.1f} clicks each{_tell_limit(figures)}",
            row["worse"] <= MOST_WORSE,
        ),
    ]
    linear = figures.get(LINEAR, {}).get("started", math.nan)
    if policy != LINEAR and math.isfinite(linear):
        words = (
            "A new association\u2019s newsletter earns 90\u00a0% of what LinTS comes to in at most"
        )
        found = f"after {row['reached']:.0f} issues; LinTS after {linear:.0f}"
        found += f". 90\u00a0% of its own level: after {row['started']:.0f}"
        met = row["reached"] <= SOONER * linear
        aims.append(Aim(f"{words} {SOONER:g} of the issues that LinTS needs", found, met))
    wrong = cuts.get("shuffled", {})
    if math.isfinite(wrong.get("kept", math.nan)):
        words = "Told each member\u2019s attributes wrongly, it keeps at least"
        kept = _write_share(wrong["kept"], wrong["kept_low"], wrong["kept_high"])
        words = f"{words} {format_percent(KEPT)} of the clicks that it gets without any"
        aims.append(Aim(words, kept, wrong["kept"] >= KEPT))
    return aims


def _tell_limit(figures: Mapping[str, Figures]) -> str:
    """What no learner can spare, where the limit of learning ran."""
    limit = figures.get("bayes_limit")
    if not limit:
        return ""
    left = format_percent(limit["worse"])
    return f". Told the simulator\u2019s settings, the limit of learning still leaves {left}"


def _write_share(share: float, low: float, high: float) -> str:
    span = "" if math.isnan(low) else f" ({format_percent(low)} to {format_percent(high)})"
    return f"{format_percent(share)}{span}"


def _list_rows(
    figures: Mapping[str, Figures], looks: Mapping[str, Look]
) -> list[tuple[Look, str, Figures]]:
    return [(looks[name], _write_wait(row), row) for name, row in figures.items()]


def _list_cuts(
    cuts: pd.DataFrame, settings: Mapping[str, list[str]]
) -> list[tuple[str, str, str, Figures]]:
    """(name, what it changes, when it is as good, the row); the uncut association first."""
    return [
        (
            cut.replace("_", " ") or "as above",
            " ".join(settings.get(cut, [])),
            _write_wait(row),
            row,
        )
        for cut, row in _read_rows(cuts.drop(columns="policy"), "cut").items()
    ]
