"""Anybody's log: a table of context, action, propensity and reward, under any names.

Open this to read a log of your own. The mapping is the yaml that names this loader
(docs/bench.md, "A log of your own").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.types import Array
from simulators.replay.loaders.tables import (
    Account,
    ChoiceLog,
    find_empty,
    list_articles,
    parse_flags,
    parse_numbers,
    parse_words,
    read,
    refuse,
)

LEAST = 1e-9  # a propensity below is taken for a mistake


@dataclass(frozen=True)
class Mapped:
    """The loader of a csv or parquet file with a row for each choice.

    path: the file
    action: column of what was shown; numbers and words are both names
    propensity: column of the chance that it had, in (0, 1]
    reward: column of 0 and 1
    context: columns of what was known, numbers or words; None: all others but `event` where its
        values all differ, which is then the id of a choice
    titles: action -> its text, and any action that was never shown; None: the actions' names

    A row is a member of its own: whoever came twice is two.
    """

    path: str
    action: str = "action"
    propensity: str = "propensity"
    reward: str = "reward"
    context: Sequence[str] | None = None
    titles: Mapping[str, str] | None = None

    def read(self) -> ChoiceLog:
        """The log. Raises ValueError naming file, row and value where it cannot be one."""
        path = Path(self.path)
        told = [self.action, self.propensity, self.reward]
        table = read(path, [*told, *(self.context or ())])
        if self.context is not None and (both := set(told) & set(self.context)):
            raise ValueError(f"{path}: {min(both)} is context too: it is known only afterwards")
        if len(set(told)) < len(told):
            raise ValueError(
                f"{path}: action, propensity and reward are columns {told}; must differ"
            )
        known = self.context
        if known is None:
            ids = {"event"} if "event" in table and table["event"].is_unique else set()
            known = [name for name in table.columns if name not in ids | set(told)]
        titles = {str(action): str(text) for action, text in (self.titles or {}).items()}
        action = parse_words(path, table, self.action)
        if titles:
            strange = ~action.isin(list(titles)).to_numpy()
            refuse(path, table, self.action, strange, "has no title; name one for each action")
        actions = sorted(titles or set(action))
        if len(actions) < 2:
            raise ValueError(f"{path}: {self.action} is always {actions}; there is no choice")
        n = len(table)
        clash = "member" in known  # the archive's own name of a row
        columns = {f"{n}_" if clash and n == "member" else n: self._parse(table, n) for n in known}
        return ChoiceLog(
            members=pd.DataFrame({"member": np.arange(1, n + 1)} | columns),
            articles=list_articles(actions, [titles.get(each, each) for each in actions]),
            rounds=pd.DataFrame(index=range(n)),
            choice=pd.Index(actions).get_indexer(pd.Index(action)).astype(np.int64),
            propensity=parse_numbers(path, table, self.propensity, LEAST, 1),
            clicked=parse_flags(path, table, self.reward),
            account=Account(str(path), n, n, {}),
        )

    def _parse(self, table: pd.DataFrame, column: str) -> Array:
        """A column as numbers where every value is one, else as words."""
        path = Path(self.path)
        refuse(path, table, column, find_empty(table[column]), "must not be empty")
        numbers = pd.to_numeric(table[column], errors="coerce")
        if numbers.notna().all():
            return parse_numbers(path, table, column, -np.inf, np.inf)
        return parse_words(path, table, column).to_numpy()
