"""What a learner keeps of past issues: the articles each member clicked last, and a bounded sample of newsletters.

Articles are kept once, as features; members and newsletters point to them. 4 h bytes a member for a history of h clicks,
beside the id.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core import check, keys
from bandit.core.ids import locate, pack, unpack
from bandit.core.state import State
from bandit.core.types import Bools, Floats, Ints, Round

COLUMNS = ("x", "items", "clicks", "history", "order")


class Memory:
    """table [t, q] float32: articles. history [N, h] int32: rows of table that each member clicked, newest first, -1: none.

    newsletters: x [r, p], items and clicks [r, k], history [r, h] as it was when the newsletter went out, order [r]: a keyed
    uniform. The `size` smallest of them are kept, which is a uniform sample of all that ever came (Efraimidis & Spirakis
    2006, equal weights), whatever the order they came in.
    """

    def __init__(self, p: int, q: int, history: int, size: int, slots: int) -> None:
        self.size, self._slots, self.ids = size, slots, pd.Index([])
        self.table = np.zeros((0, q), dtype=np.float32)
        self.history = np.full((0, history), -1, dtype=np.int32)
        self.newsletters: dict[str, Any] = {
            "x": np.zeros((0, p), dtype=np.float32),
            "items": np.zeros((0, 0), dtype=np.int32),
            "clicks": np.zeros((0, 0), dtype=np.int8),
            "history": np.zeros((0, history), dtype=np.int32),
            "order": np.zeros(0),
        }

    def histories(self, ids: NDArray[Any]) -> Ints:
        """[n, h] of these members; all -1 for a member never met."""
        at = locate(self.ids, ids)
        blank = np.full((1, self.history.shape[1]), -1, dtype=np.int32)
        return np.concatenate([self.history, blank])[at]  # -1 takes the last row, the blank one

    def add(self, round: Round) -> int:
        """Take in an issue: its newsletters with the histories before it, then its clicks. Nothing is dropped yet.

        Returns how many newsletters there were to learn from. Raises ValueError for more slots than foreseen.
        """
        context, choice = round.context, round.slates.choice
        opened = np.flatnonzero(round.feedback.opened & (choice >= 0).any(axis=1))
        if not len(opened):
            return 0
        ids = context.member_ids[opened]
        items = np.where(choice[opened] >= 0, choice[opened] + len(self.table), -1).astype(np.int32)
        clicked = round.feedback.clicked[opened] & (items >= 0)
        before = self.histories(ids)
        kept = dict(self.newsletters)
        check.slots(items.shape[1], self._slots)
        widest = max(kept["items"].shape[1], items.shape[1])
        for name, blank in {"items": -1, "clicks": 0}.items():
            kept[name] = _widen(kept[name], widest, blank)
        new = {
            "x": context.member_features[opened].astype(np.float32),
            "items": _widen(items, widest, -1),
            "clicks": _widen(clicked, widest, 0).astype(np.int8),
            "history": before,
            "order": keys.uniforms(0, context.campaign, "newsletters", keys.member_keys(ids), 1)[
                :, 0
            ],
        }
        self.newsletters = {name: np.concatenate([kept[name], new[name]]) for name in COLUMNS}
        self.table = np.concatenate([self.table, context.article_features.astype(np.float32)])
        self._click(ids, items, clicked, before)
        return len(opened)

    def _click(self, ids: NDArray[Any], items: Ints, clicked: Bools, before: Ints) -> None:
        """Put what was clicked in front; of one issue, the upper slots are the newest."""
        some = clicked.any(axis=1)
        ids, items, clicked, before = ids[some], items[some], clicked[some], before[some]
        new = pd.Index(ids)[locate(self.ids, ids) < 0]
        if len(new):
            self.ids = self.ids.append(new) if len(self.ids) else new
            blank = np.full((len(new), self.history.shape[1]), -1, dtype=np.int32)
            self.history = np.concatenate([self.history, blank])
        line = np.concatenate([np.where(clicked, items, -1), before], axis=1)
        front = np.argsort(line < 0, axis=1, kind="stable")[:, : self.history.shape[1]]
        self.history[locate(self.ids, ids)] = np.take_along_axis(line, front, axis=1)

    def trim(self) -> None:
        """Keep `size` newsletters, and of the articles those that something points to, equal ones once."""
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
        """x, items, clicks and history of at most `size` newsletters, a uniform sample; x in float64."""
        kept = self.newsletters
        some = np.argsort(kept["order"], kind="stable")[:size]
        return (
            kept["x"][some].astype(np.float64),
            kept["items"][some],
            kept["clicks"][some],
            kept["history"][some],
        )

    def state(self) -> State:
        kept: State = {
            f"newsletters.{name}": array.copy() for name, array in self.newsletters.items()
        }
        return kept | {
            "ids": pack(self.ids.tolist()),
            "table": self.table.copy(),
            "history": self.history.copy(),
        }

    def restore(self, state: State) -> None:
        """Raises ValueError where shapes do not fit, an index points outside the table or an id comes twice."""
        ids, table, r = unpack(state["ids"]), state["table"], len(state["newsletters.order"])
        check.unique("histories", pd.Series(ids, dtype=object))
        check.shape("articles' table", table, (len(table), self.table.shape[1]))
        check.finite("articles' table", table, np.arange(len(table)))
        check.shape("histories", state["history"], (len(ids), self.history.shape[1]))
        kept = {name: state[f"newsletters.{name}"].copy() for name in COLUMNS}
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
            _whole(name, index, -1, len(table) - 1)
        _whole("newsletters' clicks", kept["clicks"], 0, 1)
        self.ids, self.table, self.history = pd.Index(ids), table.copy(), state["history"].copy()
        self.newsletters = kept


def _widen(array: NDArray[Any], slots: int, blank: int) -> NDArray[Any]:
    return np.pad(array, ((0, 0), (0, slots - array.shape[1])), constant_values=blank)


def _whole(what: str, array: NDArray[Any], low: int, high: int) -> None:
    """Raise ValueError unless `array` holds whole numbers from low to high."""
    if array.dtype.kind != "i":
        raise ValueError(f"{what} have type {array.dtype}; must be whole numbers")
    for value in (array.min(initial=high), array.max(initial=low)):
        if not low <= value <= high:
            raise ValueError(f"{what} hold {value}; must be in [{low}, {high}]")
