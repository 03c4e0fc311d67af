"""Who had which article in an issue they opened: what no-repeats rests on, in a simulation and in a log that is read."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from bandit.core.types import Bools, Ints


class Seen:
    """Of a list of n members, known by their rows."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._saw: dict[Any, Bools] = {}

    def look_up(self, articles: Sequence[Any], rows: Ints) -> Bools:
        """[len(rows), m]."""
        nobody = np.zeros(self._n, dtype=bool)
        return np.stack([self._saw.get(article, nobody)[rows] for article in articles], axis=1)

    def add(self, articles: Sequence[Any], choice: Ints, opened: Bools, rows: Ints) -> None:
        """What the slates `choice` [len(rows), k] of a pool showed to those members in `rows` who `opened`."""
        readers = np.flatnonzero(opened)
        short = (
            np.int16 if len(articles) < 2**15 else np.int64
        )  # short numbers are sorted digit by digit
        shown = choice[readers].astype(short).ravel()
        order = np.argsort(shown, kind="stable")
        reader = rows[readers][order // choice.shape[1]]
        starts = np.searchsorted(
            shown[order], np.arange(len(articles) + 1)
        )  # empty slots, -1, come before the first
        for article, start, end in zip(articles, starts, starts[1:], strict=False):
            self._saw.setdefault(article, np.zeros(self._n, dtype=bool))[reader[start:end]] = True

    def keep(self, articles: Collection[Any]) -> None:
        """Forget all others."""
        self._saw = {article: saw for article, saw in self._saw.items() if article in articles}
