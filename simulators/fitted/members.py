"""Who is in a log: everybody who was ever sent an issue, when, and who of them is fitted to.

Open this to see how a log's members become the rows of every array of the fitted simulator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bandit.core import check, keys
from bandit.core.ids import locate
from bandit.core.types import Bools, Floats, Ids, Ints, Round
from bandit.features.features import Features


def choose_members(only: float | Sequence[object] | None, ids: pd.Series) -> Bools:
    """Which of the members `ids` [n] to fit to, [n].

    only: a share of all, who are told by a hash of their id; or the members' ids; None: all

    Raises ValueError for a share outside [0, 1], for a member who is not there, and where nobody is
    left.
    """
    if only is None:
        return np.ones(len(ids), dtype=bool)
    if isinstance(only, int | float):
        check.share("only", only)
        member = keys.member_keys(ids.to_numpy())
        chosen = keys.uniforms(0, "logged", "fitted", member, 1)[:, 0] < only
    elif isinstance(only, str):
        raise ValueError(f"only = {only!r}; must be a share, or a list of members")
    else:
        at = locate(ids.to_numpy(), np.array(list(only), dtype=object))
        if (at < 0).any():
            raise ValueError(
                f"only names member {only[int((at < 0).argmax())]!r}, who is not in the log"
            )
        chosen = np.zeros(len(ids), dtype=bool)
        chosen[at] = True
    if not chosen.any():
        raise ValueError(f"only = {only!r} leaves no member to fit to")
    return np.asarray(chosen)


@dataclass(frozen=True)
class LoggedMembers:
    """Everybody in a log, in the order in which they came, n in all.

    table: member and attributes, as they were in each member's first issue
    features: [n, p], as policies see them
    fitted: [n], who is fitted to
    rows: for each issue, the rows in `table` of those whom it was sent to
    """

    table: pd.DataFrame
    features: Floats
    fitted: Bools
    rows: Sequence[Ints]

    @classmethod
    def collect(
        cls, rounds: Sequence[Round], features: Features, only: float | Sequence[object] | None
    ) -> "LoggedMembers":
        """The members of a log. Raises ValueError as `choose_members` does."""
        table = rounds[0].context.members.to_pandas()
        for round in rounds[1:]:
            table = _add_members(table, round.context.members.to_pandas())
        ids = table["member"].to_numpy()
        rows = [locate(ids, round.context.member_ids) for round in rounds]
        return cls(
            table, features.encode_members(table), choose_members(only, table["member"]), rows
        )

    @property
    def ids(self) -> Ids:
        """Every member's id, [n]."""
        return self.table["member"].to_numpy()

    def keep_fitted(self, rounds: Sequence[Round]) -> tuple[list[Round], list[Ints]]:
        """The same rounds for those who are fitted to, and their rows."""
        kept = [np.flatnonzero(self.fitted[at]) for at in self.rows]
        some = [round.take(rows) for round, rows in zip(rounds, kept, strict=True)]
        return some, [at[rows] for at, rows in zip(self.rows, kept, strict=True)]

    def find_first_issues(self) -> Ints:
        """The first issue that each member was sent, counted from 1, [n]."""
        first = np.zeros(len(self.table), dtype=np.int64)
        for number, at in reversed(list(enumerate(self.rows, start=1))):
            first[at] = number
        return first

    def draw(self, seed: int, stream: str, k: int) -> Floats:
        """Uniforms of every member that belong to no issue, [n, k]."""
        return keys.uniforms(seed, "logged", stream, keys.member_keys(self.ids), k)


def _add_members(known: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """The members known so far and those of one more issue, each once, in the order they came."""
    new = ~members["member"].isin(known["member"])
    return pd.concat([known, members[new]], ignore_index=True) if new.any() else known
