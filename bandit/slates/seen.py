"""Which articles each member has been shown in an issue that the member opened.

The rule against repeats rests on this, in a simulation and when a log is read back.
"""

from collections.abc import Collection, Hashable, Sequence

import numpy as np

from bandit.core.types import Bools, Ints


class Seen:
    """Which articles each member has been shown in an issue that the member opened.

    Members are known by their row in a list of n, articles by their id.

    n: number of members in the list
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._saw: dict[Hashable, Bools] = {}

    def look_up(self, articles: Sequence[Hashable], rows: Ints) -> Bools:
        """Whether each of the members in `rows` has seen each of m articles, [len(rows), m]."""
        nobody = np.zeros(self._n, dtype=bool)
        return np.stack([self._saw.get(article, nobody)[rows] for article in articles], axis=1)

    def add(self, articles: Sequence[Hashable], choice: Ints, opened: Bools, rows: Ints) -> None:
        """Note what one issue showed.

        articles: the pool's m ids
        choice: [len(rows), k], indices into the pool; -1 for an empty slot
        opened: [len(rows)], who opened it; the others have seen nothing
        rows: of the members who got the issue
        """
        readers = np.flatnonzero(opened)
        # short numbers are sorted digit by digit
        short = np.int16 if len(articles) < 2**15 else np.int64
        shown = choice[readers].astype(short).ravel()
        order = np.argsort(shown, kind="stable")
        reader = rows[readers][order // choice.shape[1]]
        # empty slots, -1, come before the first
        starts = np.searchsorted(shown[order], np.arange(len(articles) + 1))
        for article, start, end in zip(articles, starts, starts[1:], strict=False):
            self._saw.setdefault(article, np.zeros(self._n, dtype=bool))[reader[start:end]] = True

    def keep(self, articles: Collection[Hashable]) -> None:
        """Forget all articles but these."""
        self._saw = {article: saw for article, saw in self._saw.items() if article in articles}
