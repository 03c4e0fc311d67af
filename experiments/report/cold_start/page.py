"""The page that `experiments.coldstart` leaves: made from the run folder's tables alone."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bandit.core.files import read_json, read_table, replacing
from experiments.report.cold_start.aims import Figures, advise, list_aims, name_cut, write_wait
from experiments.report.cold_start.better_off import describe_people
from experiments.report.cold_start.figures import draw_shares, draw_weights
from experiments.report.page import fill_template
from experiments.report.policy_looks import Look, assign_looks
from experiments.tables.cold_start import LEAST_SEEDS, VIEWS
from experiments.tables.joiners import count_for_parity, count_joiners_needed

TABLES = (*VIEWS, "people", "figures", "cuts", "first", "joining")
STRETCHES = ((0, 0), (1, 1), (2, 3), (4, 7), (8, 15), (16, 25), (26, 51))  # of the tables


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
    cuts = _read_rows(tables["cuts"].drop(columns="policy"), "cut")
    aims = list_aims(figures, cuts, policy)
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
        aims=aims,
        advice=advise(ours, cuts, aims, looks[policy].label, looks[baseline].label, seeds),
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
        steps={name: _list_steps(tables[name], step, looks) for name, step in VIEWS.items()},
        needed=count_joiners_needed(tables["first"], policy, baseline),
        within_one=count_for_parity(
            tables["joining"],
            policy,
            baseline,
            None if math.isnan(ours["parity"]) else int(ours["parity"]),
        ),
        wait=write_wait(ours),
        ours=ours,
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


def _write_headline(row: Figures, label: str, rival: str) -> str:
    won, low, high = row["won"], row["won_low"], row["won_high"]
    more = f"{abs(won):.1f} {'more' if won >= 0 else 'fewer'} clicks per 1,000 newsletters"
    told = f"n their first four issues new members get {more} from {label} than from {rival}"
    if math.isnan(low):
        return f"I{told}, in one simulation: use more seeds for an interval."
    span = f"(95\u00a0% interval {low:.1f} to {high:.1f})".replace("-", "\u2212")
    return f"No clear difference: i{told} {span}." if low <= 0 <= high else f"I{told} {span}."


def _list_rows(
    figures: Mapping[str, Figures], looks: Mapping[str, Look]
) -> list[tuple[Look, str, Figures]]:
    return [(looks[name], write_wait(row), row) for name, row in figures.items()]


def _list_cuts(
    cuts: pd.DataFrame, settings: Mapping[str, list[str]]
) -> list[tuple[str, str, str, Figures]]:
    """(name, what it changes, when it is as good, the row); the uncut association first."""
    return [
        (
            name_cut(cut),
            " ".join(settings.get(cut, [])),
            write_wait(row),
            row,
        )
        for cut, row in _read_rows(cuts.drop(columns="policy"), "cut").items()
    ]


def _list_steps(
    table: pd.DataFrame, step: str, looks: Mapping[str, Look]
) -> tuple[list[str], list[tuple[Look, list[float], dict[str, list[float]]]]]:
    """A view in numbers: the stretches of its steps, and for each policy, most clicks first, the
    look, clicks per 1,000 newsletters in each stretch, and the same as a share of each limit's.

    Stretches end where fewer than a tenth of the most members got.
    """
    sent = table.groupby(step)["delivered"].sum()
    start, last = int(sent.index.min()), int(sent[sent >= sent.max() / 10].index.max())
    spans = [(a + start, min(b + start, last)) for a, b in STRETCHES if a + start <= last]
    rates = {
        policy: [_rate(rows[rows[step].between(*span)]) for span in spans]
        for policy in looks
        for rows in [table[table["policy"] == policy]]
    }
    limits = {look.label: rates[name] for name, look in looks.items() if look.role == "ceiling"}
    rows = [
        (
            looks[policy],
            values,
            {
                label: [a / b if b else math.nan for a, b in zip(values, most, strict=True)]
                for label, most in limits.items()
            },
        )
        for policy, values in rates.items()
    ]
    names = [f"{a}" if a == b else f"{a}\u2013{b}" for a, b in spans]
    return names, sorted(rows, key=lambda row: -row[1][-1])


def _rate(rows: pd.DataFrame) -> float:
    sent = float(rows["delivered"].sum())
    return 1000 * float(rows["expected"].sum()) / sent if sent else math.nan
