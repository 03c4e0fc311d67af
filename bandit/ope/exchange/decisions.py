"""One choice among articles, with its chances and what came of it, whatever file it came from.

Open this file for what every format has in common, and how decisions become arrays or a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bandit.core.check import shorten
from bandit.core.types import Floats, Ints
from bandit.ope.single.log import Log

NEAR = 1e-4  # by which chances may miss 1: other tools keep them with seven digits
Json = object  # what a JSON file may hold


@dataclass(frozen=True)
class Decision:
    """What one member was shown out of what was on offer.

    event: its id
    time: when, as the file writes it; empty: unknown
    articles: ids of what was on offer, each once
    shown: place of the one that was shown
    chances: of each article; NaN where the file does not say, but of the one shown it must
    reward: finite
    known: what was known of the member, by name
    about: what is known of each article, by name, in the order of `articles`

    Raises ValueError at the first value that cannot be.
    """

    event: str
    time: str
    articles: tuple[str, ...]
    shown: int
    chances: tuple[float, ...]
    reward: float
    known: Mapping[str, Json]
    about: tuple[Mapping[str, Json], ...]

    def __post_init__(self) -> None:
        m = len(self.articles)
        if m < 1 or len(set(self.articles)) < m:
            twice = next((a for a in self.articles if self.articles.count(a) > 1), None)
            why = "nothing is on offer" if m < 1 else f"article {shorten(twice)} is offered twice"
            raise ValueError(why)
        if not 0 <= self.shown < m:
            raise ValueError(f"article number {self.shown + 1} was shown, of {m} on offer")
        for what, count in (("chances", len(self.chances)), ("descriptions", len(self.about))):
            if count != m:
                raise ValueError(f"there are {count} {what} of {m} articles")
        chances = np.array(self.chances, np.float64)
        wrong = ~(np.isnan(chances) | ((chances >= 0) & (chances <= 1 + NEAR)))
        if wrong.any():
            i = int(wrong.argmax())
            raise ValueError(f"chance {chances[i]:g} of {shorten(self.articles[i])} is no chance")
        if not self.propensity > 0:
            raise ValueError(f"what was shown had chance {self.propensity:g}; must be above 0")
        if not np.isnan(chances).any() and abs(chances.sum() - 1) > NEAR:
            raise ValueError(f"chances add up to {chances.sum():.6g}; must be 1")
        if (total := np.nansum(chances)) > 1 + NEAR:
            raise ValueError(f"the chances that are known add up to {total:.6g}; must be 1 in all")
        if not np.isfinite(self.reward):
            raise ValueError(f"reward {self.reward} is not finite")

    @property
    def propensity(self) -> float:
        """The chance of what was shown."""
        return self.chances[self.shown]


def list_articles(decisions: Sequence[Decision]) -> list[str]:
    """Every article that was ever on offer, in order of appearance."""
    return list(dict.fromkeys(a for each in decisions for a in each.articles))


def spread(decisions: Sequence[Decision]) -> tuple[Ints, Floats]:
    """Which article was shown [n], and all chances [n, m], by `list_articles`; NaN for unknown.

    An article that was not on offer has chance 0. Chances that are all known add up to 1 again.
    """
    place = {article: at for at, article in enumerate(list_articles(decisions))}
    chances = np.zeros((len(decisions), len(place)))
    action = np.zeros(len(decisions), dtype=np.int64)
    for i, each in enumerate(decisions):
        columns = [place[article] for article in each.articles]
        chances[i, columns] = each.chances
        action[i] = columns[each.shown]
    total = chances.sum(axis=1, keepdims=True)
    return action, chances / np.where(np.isnan(total), 1.0, total)


def make_log(decisions: Sequence[Decision], target: Floats | None = None) -> Log:
    """The decisions as a log for `bandit.ope`; a member of their own each.

    target: [n, m], another policy's chances, by `list_articles`; None: all on offer alike

    Raises ValueError where the chances of what was not shown are unknown.
    """
    action, logged = spread(decisions)
    if np.isnan(logged).any():
        i = int(np.isnan(logged).any(axis=1).argmax())
        raise ValueError(
            f"event {shorten(decisions[i].event)}: the chances of what was not shown are unknown"
        )
    if target is None:
        offer = np.zeros(logged.shape)
        place = {article: at for at, article in enumerate(list_articles(decisions))}
        for i, each in enumerate(decisions):
            offer[i, [place[article] for article in each.articles]] = 1 / len(each.articles)
        target = offer
    reward = np.array([each.reward for each in decisions])
    features = gather_numbers(decisions)[1]
    return Log(action, reward, logged, target, features, np.arange(len(decisions)))


def gather_numbers(decisions: Sequence[Decision]) -> tuple[list[str], Floats]:
    """Names of what is known of every member as a number, and the numbers [n, d]."""
    first = decisions[0].known if decisions else {}
    names = [
        name
        for name in first
        if all(
            isinstance(v := each.known.get(name), int | float) and not isinstance(v, bool)
            for each in decisions
        )
    ]
    values = [[float(str(each.known[name])) for name in names] for each in decisions]
    return names, np.array(values).reshape(len(decisions), len(names))


def find_nested(decisions: Sequence[Decision]) -> set[str]:
    """Names of what is known as a list or an object, for which a table has no place."""
    return {n for each in decisions for n, v in each.known.items() if isinstance(v, dict | list)}


def tabulate(decisions: Sequence[Decision]) -> pa.Table:
    """A row for each decision: event, action, propensity, reward, and what was known.

    A mapping with its default names reads it (docs/bench.md). Only what is a word, a number or a
    yes or no is a column; a name that stands for two kinds is written as words, and one that is the
    table's own as `reward_`. Raises ValueError for whole numbers that the table cannot hold.
    """
    names = list(dict.fromkeys(name for each in decisions for name in each.known))
    nested = find_nested(decisions)
    columns: dict[str, pa.Array] = {
        "event": pa.array([each.event for each in decisions]),
        "action": pa.array([each.articles[each.shown] for each in decisions]),
        "propensity": pa.array([min(each.propensity, 1.0) for each in decisions]),
        "reward": pa.array([each.reward for each in decisions]),
    }
    for name in names:
        values = [each.known.get(name) for each in decisions]
        if name in nested:
            continue
        if len({type(v) for v in values if v is not None} - {int, float}) > 0:
            values = [None if value is None else str(value) for value in values]
        while name in columns:
            name += "_"
        most = 2**53 if any(isinstance(value, float) for value in values) else 2**63 - 1
        for each, value in zip(decisions, values, strict=True):
            if isinstance(value, int) and abs(value) > most:
                where = f"event {shorten(each.event)}: {shorten(name)} = {value}"
                raise ValueError(f"{where}; a column of such numbers holds none above {most}")
        columns[name] = pa.array(values)
    return pa.table(columns)
