"""Which articles each member has been shown in an issue that the member opened.

The rule against repeats rests on this, in a simulation and when a log is read back; where an editor
wants no repeats within some issues, also on what was sent in them, opened or not.
"""

from collections import deque
from collections.abc import Collection, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from bandit.core.types import Bools, Ints


class Seen:
    """Which articles each member has been shown in an issue that the member opened.

    Members are known by their row in a list of n, articles by their id.

    n: number of members in the list
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._saw: dict[Hashable, Bools] = {}
        self._folded: dict[Hashable, NDArray[np.uint8]] = {}  # a bit for each member

    def look_up(
        self,
        articles: Sequence[Hashable],
        rows: Ints,
        earlier: Sequence[Sequence[Hashable]] | None = None,
    ) -> Bools:
        """Whether each of the members in `rows` has seen each of m articles, [len(rows), m].

        earlier: for each article, ids of others that told its story (`stories.find_earlier`): who
            saw one of them has seen it
        """
        seen: Bools = np.zeros((len(rows), len(articles)), dtype=bool)
        for column, article in enumerate(articles):
            for told in (article, *(earlier[column] if earlier else ())):
                if told in self._saw:
                    seen[:, column] |= self._saw[told][rows]
                elif told in self._folded:
                    held = self._folded[told][rows >> 3]
                    seen[:, column] |= (held >> (7 - (rows & 7)) & 1).astype(bool)
        return seen

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
            self._unfold(article)[reader[start:end]] = True

    def fold(self, articles: Collection[Hashable]) -> None:
        """Keep what was seen of all articles but these in an eighth of the memory.

        Nothing is forgotten: an article that is gone may come back as an update under another id.
        """
        for article in [each for each in self._saw if each not in articles]:
            saw = self._saw.pop(article)
            if saw.any():
                self._folded[article] = np.packbits(saw)

    def _unfold(self, article: Hashable) -> Bools:
        """Who saw an article [n], for writing."""
        if article not in self._saw:
            folded = self._folded.pop(article, None)
            nobody = np.zeros(self._n, dtype=bool)
            saw = nobody if folded is None else np.unpackbits(folded, count=self._n).astype(bool)
            self._saw[article] = saw
        return self._saw[article]


class Sent:
    """Which articles each member was sent in the last issues, whether or not they were opened.

    n: number of members in the list
    issues: how many issues are remembered
    """

    def __init__(self, n: int, issues: int) -> None:
        self._n = n
        self._issues: deque[Seen] = deque(maxlen=issues)

    def look_up(
        self,
        articles: Sequence[Hashable],
        rows: Ints,
        earlier: Sequence[Sequence[Hashable]] | None,
        within: int,
    ) -> Bools:
        """Whether each of the members in `rows` was sent each article in the last `within` issues.

        articles, rows, earlier: as for `Seen.look_up`
        """
        sent: Bools = np.zeros((len(rows), len(articles)), dtype=bool)
        for issue in list(self._issues)[len(self._issues) - min(within, len(self._issues)) :]:
            sent |= issue.look_up(articles, rows, earlier)
        return sent

    def add(self, articles: Sequence[Hashable], choice: Ints, rows: Ints) -> None:
        """Note what one issue showed; the arguments are those of `Seen.add`."""
        if self._issues.maxlen:
            issue = Seen(self._n)
            issue.add(articles, choice, np.ones(len(rows), dtype=bool), rows)
            issue.fold(())
            self._issues.append(issue)
