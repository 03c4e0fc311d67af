"""What the neural policy keeps of past issues: clicks of each member, and newsletters to train on.

Open this file to see how much is kept and what is dropped first. Articles are kept once, as
features; members and newsletters point to them. A history of h clicks takes 4 h bytes a member,
beside the key of the id.
"""

import numpy as np

from bandit.core import check, keys
from bandit.core.ids import Aliases, Roster
from bandit.core.state import State, nest, part
from bandit.core.types import Array, Bools, Floats, Ids, Ints, Round

COLUMNS = ("x", "items", "clicks", "history", "order")


class ReplayMemory:
    """The articles that each member clicked last, and a bounded sample of newsletters.

    table [t, q] float32: the articles' features
    history [N, h] int32: rows of table that each of N members clicked, newest first; -1 is none
    newsletters: x [r, p], items and clicks [r, k], history [r, h] as it was when the newsletter
        went out, order [r], a keyed uniform number

    The `size` newsletters of smallest order are kept, which is a uniform sample of all that ever
    came (Efraimidis & Spirakis 2006, equal weights), whatever the order they came in.

    p, q: number of member and article features
    history: clicks that are kept of each member
    size: newsletters that are kept
    slots: the longest layout that may come
    """

    def __init__(self, p: int, q: int, history: int, size: int, slots: int) -> None:
        self.size, self._slots = size, slots
        self.roster = Roster.of(np.zeros(0, dtype=object))
        self.table = np.zeros((0, q), dtype=np.float32)
        self.history = np.full((0, history), -1, dtype=np.int32)
        self.newsletters: State = {
            "x": np.zeros((0, p), dtype=np.float32),
            "items": np.zeros((0, 0), dtype=np.int32),
            "clicks": np.zeros((0, 0), dtype=np.int8),
            "history": np.zeros((0, history), dtype=np.int32),
            "order": np.zeros(0),
        }

    def look_up(self, ids: Ids) -> Ints:
        """The histories [n, h] of these members; all -1 for a member never met."""
        at = self.roster.find(ids)
        blank = np.full((1, self.history.shape[1]), -1, dtype=np.int32)
        return np.concatenate([self.history, blank])[at]  # -1 takes the last row, the blank one

    def add(self, round: Round) -> int:
        """Take in an issue: its newsletters with the histories before it, then its clicks.

        Nothing is dropped yet. Returns how many newsletters there were to learn from. Raises
        ValueError for more slots than foreseen.
        """
        context, choice = round.context, round.slates.choice
        opened = np.flatnonzero(round.feedback.opened & (choice >= 0).any(axis=1))
        if not len(opened):
            return 0
        ids = context.member_ids[opened]
        items = np.where(choice[opened] >= 0, choice[opened] + len(self.table), -1).astype(np.int32)
        clicked = round.feedback.clicked[opened] & (items >= 0)
        before = self.look_up(ids)
        kept = dict(self.newsletters)
        check.slots(items.shape[1], self._slots)
        widest = max(kept["items"].shape[1], items.shape[1])
        for name, blank in {"items": -1, "clicks": 0}.items():
            kept[name] = _widen(kept[name], widest, blank)
        order = keys.uniforms(0, context.campaign, "newsletters", keys.member_keys(ids), 1)
        new = {
            "x": context.member_features[opened].astype(np.float32),
            "items": _widen(items, widest, -1),
            "clicks": _widen(clicked, widest, 0).astype(np.int8),
            "history": before,
            "order": order[:, 0],
        }
        self.newsletters = {name: np.concatenate([kept[name], new[name]]) for name in COLUMNS}
        self.table = np.concatenate([self.table, context.article_features.astype(np.float32)])
        self._click(ids, items, clicked, before)
        return len(opened)

    def _click(self, ids: Ids, items: Ints, clicked: Bools, before: Ints) -> None:
        """Put what was clicked in front. Of one issue, the upper slots count as the newest."""
        some = clicked.any(axis=1)
        ids, items, clicked, before = ids[some], items[some], clicked[some], before[some]
        self.roster, at = self.roster.add(ids)
        self.history = np.insert(self.history, at, -1, axis=0)
        line = np.concatenate([np.where(clicked, items, -1), before], axis=1)
        front = np.argsort(line < 0, axis=1, kind="stable")[:, : self.history.shape[1]]
        self.history[self.roster.find(ids)] = np.take_along_axis(line, front, axis=1)

    def trim(self) -> None:
        """Drop newsletters beyond `size`, and the articles that nothing points to any more.

        Equal articles are kept once.
        """
        kept = self.newsletters
        stay = np.sort(np.argsort(kept["order"], kind="stable")[: self.size])
        kept = {name: array[stay] for name, array in kept.items()}
        pointing = (kept["items"], kept["history"], self.history)
        used = np.unique(np.concatenate([part.ravel() for part in pointing]))
        used = used[used >= 0]
        self.table, same = np.unique(self.table[used], axis=0, return_inverse=True)
        place = np.full(int(used.max(initial=-1)) + 2, -1, dtype=np.int32)  # the last for -1
        place[used] = same.ravel()
        self.history = place[self.history]
        self.newsletters = kept | {"items": place[kept["items"]], "history": place[kept["history"]]}

    def sample(self, size: int) -> tuple[Floats, Ints, Ints, Ints]:
        """x, items, clicks and history of a uniform sample of at most `size` newsletters.

        x comes in float64.
        """
        some = np.argsort(self.newsletters["order"], kind="stable")[:size]
        x, items, clicks, history = (self.newsletters[name][some] for name in COLUMNS[:4])
        return x.astype(np.float64), items, clicks, history

    def follow(self, aliases: Aliases) -> None:
        """Know members by their present ids, and put the histories of those who are one together.

        Clicks under the present id count as newer than those under an old one.

        aliases: old id -> present one
        """
        present, at = self.roster.follow(aliases)
        old, size = present.keys[at] != self.roster.keys, self.history.shape[1]
        history = np.full((len(present), size), -1, dtype=np.int32)
        for row in np.argsort(old, kind="stable").tolist():
            both = np.concatenate([history[at[row]], self.history[row]])
            clicks = both[both >= 0][:size]
            history[at[row], : len(clicks)] = clicks
        self.roster, self.history = present, history

    def state(self) -> State:
        """Copies of all that is kept."""
        newsletters = {name: array.copy() for name, array in self.newsletters.items()}
        return nest(newsletters=newsletters, roster=self.roster.state()) | {
            "table": self.table.copy(),
            "history": self.history.copy(),
        }

    def restore(self, state: State) -> None:
        """Go on from a state.

        Raises ValueError where shapes do not fit, an index points outside the table or an id comes
        twice.
        """
        roster, newsletters = Roster.restore(part(state, "roster")), part(state, "newsletters")
        table = state["table"]
        r = len(newsletters["order"])
        check.shape("articles' table", table, (len(table), self.table.shape[1]))
        check.finite("articles' table", table, np.arange(len(table)))
        check.shape("histories", state["history"], (len(roster), self.history.shape[1]))
        kept = {name: newsletters[name].copy() for name in COLUMNS}
        slots = min(kept["items"].shape[-1], self._slots)
        for name, blank in self.newsletters.items():
            width = (slots,) if name in ("items", "clicks") else blank.shape[1:]
            check.shape(f"newsletters' {name}", kept[name], (r, *width))
        check.finite("newsletters' x", kept["x"], np.arange(r))
        for order in (kept["order"].min(initial=0.0), kept["order"].max(initial=0.0)):
            check.share("newsletters' order", float(order))
        indices = {
            "histories": state["history"],
            "newsletters' history": kept["history"],
            "items": kept["items"],
        }
        for name, index in indices.items():
            _check_whole(name, index, -1, len(table) - 1)
        _check_whole("newsletters' clicks", kept["clicks"], 0, 1)
        self.roster, self.table, self.history = roster, table.copy(), state["history"].copy()
        self.newsletters = kept


def _widen(array: Array, slots: int, blank: int) -> Array:
    return np.pad(array, ((0, 0), (0, slots - array.shape[1])), constant_values=blank)


def _check_whole(what: str, array: Array, low: int, high: int) -> None:
    """Raise ValueError unless `array` holds whole numbers from low to high."""
    if array.dtype.kind != "i":
        raise ValueError(f"{what} have type {array.dtype}; must be whole numbers")
    for value in (array.min(initial=high), array.max(initial=low)):
        if not low <= value <= high:
            raise ValueError(f"{what} hold {value}; must be in [{low}, {high}]")
