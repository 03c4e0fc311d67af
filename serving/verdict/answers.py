"""What came back from each mail, issue by issue, out of archives of finished issues.

Open this file to see what a verdict reads of a log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from bandit.core.check import shorten
from bandit.core.files import read_plain
from bandit.core.ids import Aliases, follow
from bandit.core.types import Bools, Floats, Ids
from bandit.log import issue as log
from bandit.log.archive import read_rules

RARE = ("unsubscribed", "complained")  # what befalls a member once; a log may lack the second


@dataclass(frozen=True)
class Answers:
    """What came back from one issue's n mails.

    campaign: of the issue
    path: of the issue's file in the log
    members: [n], ids of whom the mails went to
    delivered: [n], whether the mail was
    clicks: [n], how many there were in all slots of a mail; 0 where it was not delivered
    rare: for each of `RARE` that the log has, which mails it came from, [n]
    """

    campaign: str
    path: Path
    members: Ids
    delivered: Bools
    clicks: Floats
    rare: dict[str, Bools]


def read_answers(
    folders: Sequence[str | Path], aliases: Aliases | None = None
) -> Iterator[Answers]:
    """The issues of some archives, each archive's in order, one archive after the other.

    aliases: old id -> present one, under which members are counted

    Raises ValueError naming the file where one is damaged, of another issue than rules.json says,
    or holds a member twice; and where a campaign is in two archives.
    """
    ruled = [(Path(folder), read_rules(folder)) for folder in folders]
    met: dict[str, Path] = {}
    for folder, rules in ruled:
        for campaign, _ in rules.values():
            if campaign in met:
                where = f"both {met[campaign]} and {folder}" if met[campaign] != folder else folder
                raise ValueError(f"campaign {shorten(campaign)} comes twice, in {where}")
            met[campaign] = folder
    for folder, rules in ruled:
        for number, (campaign, own) in rules.items():
            path = folder / "log" / f"{number:03d}.parquet"
            yield _read_issue(path, campaign, own.slots, aliases or {})


def _read_issue(path: Path, campaign: str, slots: int, aliases: Aliases) -> Answers:
    table = read_plain(path)
    members = log.list_members(path, table, slots)
    _check_mails(path, table, members, campaign)
    try:
        members = follow(members, aliases)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    names = ["delivered", "clicked", *(name for name in RARE if name in table.column_names)]
    flags = {name: _read_flags(path, table, name).reshape(-1, slots) for name in names}
    delivered = flags["delivered"][:, 0]
    if (lost := np.flatnonzero(flags["clicked"].any(axis=1) & ~delivered)).size:
        raise ValueError(
            f"{path} row {lost[0] * slots}: clicked is true, of a mail that was not delivered"
        )
    return Answers(
        campaign,
        path,
        members,
        delivered,
        flags["clicked"].sum(axis=1).astype(np.float64),
        {name: flags[name][:, 0] for name in names[2:]},
    )


def _check_mails(path: Path, table: pa.Table, members: Ids, campaign: str) -> None:
    """Raise ValueError where a file is another issue's, or holds no mails or a member's two."""
    other = [name for name in table["campaign"].unique().to_pylist() if name != campaign]
    if other:
        raise ValueError(f"{path} is of campaign {shorten(other[0])}; must be {shorten(campaign)}")
    if not len(members):
        raise ValueError(f"{path} holds no mails")
    ids, count = np.unique(members, return_counts=True)
    if (count > 1).any():
        raise ValueError(f"{path}: member {shorten(ids[count > 1][0])} has two mails of one issue")


def _read_flags(path: Path, table: pa.Table, name: str) -> Bools:
    column = table[name].combine_chunks()
    if not pa.types.is_boolean(column.type) or column.null_count:
        raise ValueError(f"{path}: {name} must be true or false in each row")
    return np.asarray(column.to_numpy(zero_copy_only=False))
