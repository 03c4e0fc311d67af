"""Members who merged or got another id: what was known under an old id is known under the present.

A table of aliases has a column `old` (`Old ID`) and a column `member` (`Member ID`), the id in its
place, which may be old as well. Open this file to see what follows it, and what is refused.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bandit.core.columns import Columns
from bandit.core.ids import Aliases, follow, resolve_aliases
from serving.checks.lines import refuse_other_lines
from serving.tables.table import Table


def read_aliases(path: str | Path, encoding: str = "utf-8") -> tuple[Aliases, str]:
    """The present id of each old one, chains followed to their end, and the file's SHA-256.

    Raises ValueError naming the file for a circle, and for an id that became two others.
    """
    table = Table.read(path, ["old", "member"], encoding=encoding)
    for name in ("old", "member"):
        refuse_other_lines(table.path, table.columns, name, "who is who")
        table.check_ids(name, unique=False)
    old, new = (table.columns[name].to_pylist() for name in ("old", "member"))
    try:
        return resolve_aliases(zip(old, new, strict=True)), table.digest
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def refuse_old(path: str | Path, members: Iterable[Columns], aliases: Aliases) -> None:
    """Raise ValueError where a member list still has an old id: somebody would get two mails.

    path: of the list, for the message
    members: the list in pieces
    """
    first = 0
    for piece in members:
        ids = piece["member"]
        wrong = np.flatnonzero(follow(ids, aliases) != ids)
        if len(wrong):
            old = ids.tolist()[wrong[0]]
            raise ValueError(
                f"{path} row {first + wrong[0]}: member {old!r} is {aliases[old]!r} by the "
                "aliases; list members under their present ids"
            )
        first += len(ids)
