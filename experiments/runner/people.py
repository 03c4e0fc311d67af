"""What a policy was to each member: counted in each issue, and summed when a unit is finished.

Expected clicks stand beside those that were clicked: the luck of single clicks is taken out of
them. Open this file for what a cold start, and whoever is better or worse off, is read from.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from bandit.core.files import read_table, write_table

if TYPE_CHECKING:
    from bandit.core.types import Floats, Round
    from simulators.base import Simulator

FIRST = 4  # issues since joining that count as a member's first
SUMS = ["delivered", "opened", "clicks", "expected", "rests_on"]


def count_people(
    simulator: "Simulator", round: "Round", expected: "Floats", rests_on: "Floats | None"
) -> pa.Table:
    """What an issue was to each member to whom it was delivered, a row a member.

    expected: clicks that the simulator expects of these slates [n, k]: no luck
    rests_on: how far each member's newsletter rested on behaviour [n]; None: not known

    issue: its number
    member: id
    joined: the first issue that the member got
    opened, clicks: whether the member opened it, and how many articles were clicked
    expected: clicks that the simulator expects of this newsletter
    rests_on: 0 on attributes alone, 1 on behaviour alone; null where that is not known
    """
    context = round.context
    feedback = simulator.happened(context, round.slates, round.feedback)
    shares = np.full(len(context.members), np.nan) if rests_on is None else rests_on
    table = pa.table(
        {
            "issue": pa.array(np.full(len(context.members), context.issue), pa.int16()),
            "member": pa.array(context.member_ids),
            "joined": pa.array(simulator.joined(context.member_ids), pa.int16()),
            "opened": pa.array(feedback.opened),
            "clicks": pa.array(feedback.clicked.sum(axis=1), pa.int16()),
            "expected": pa.array(expected.sum(axis=1), pa.float32()),
            "rests_on": pa.array(shares, pa.float32(), from_pandas=True),
        }
    )
    return table.filter(pa.array(feedback.delivered))


def finish_people(folder: Path) -> None:
    """Sum a unit's `people/NNN.parquet`: writes people.parquet and cold_start.parquet.

    people.parquet has a row for each member:
    member, joined: as counted
    delivered, opened, clicks, expected: sums over all issues
    first, first_clicks: newsletters in the first four issues since joining, and clicks on them

    cold_start.parquet has a row for each (view, x):
    view: "joiners", members who joined after issue 1, by issues since they joined; "openers", the
        same members, by newsletters that they had opened before; "founders", members who are there
        from issue 1, by issue
    delivered, opened, clicks, expected: sums over the members of the view
    rests_on: summed as well; null where the policy cannot say

    Raises ValueError naming a file that is damaged.
    """
    tables = [read_table(path) for path in sorted((folder / "people").glob("*.parquet"))]
    told = pa.concat_tables(tables).to_pandas()
    told = told.assign(delivered=1, opened=told["opened"].astype(np.int64))
    told["since"] = told["issue"] - told["joined"]
    told["opens"] = told.groupby("member")["opened"].cumsum() - told["opened"]
    new = told[told["joined"] > 1]
    views = {
        "joiners": (new, "since"),
        "openers": (new, "opens"),
        "founders": (told[told["joined"] == 1], "issue"),
    }
    sums = pd.concat(
        [
            rows.groupby(by)[SUMS].sum(min_count=1).rename_axis("x").reset_index().assign(view=name)
            for name, (rows, by) in views.items()
        ]
    )
    _write(folder / "cold_start.parquet", sums[["view", "x", *SUMS]])
    people = told.groupby("member")[SUMS[:-1]].sum()
    first = told[told["since"] < FIRST].groupby("member")
    people.insert(0, "joined", told.groupby("member")["joined"].first())
    people["first"] = first.size().reindex(people.index, fill_value=0)
    people["first_clicks"] = first["clicks"].sum().reindex(people.index, fill_value=0)
    _write(folder / "people.parquet", people.reset_index())


def _write(path: Path, table: pd.DataFrame) -> None:
    write_table(path, pa.Table.from_pandas(table, preserve_index=False))
