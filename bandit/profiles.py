"""Members' profiles: what each member's behaviour says about their interests, apart from what attributes say.

A member's interest vector is w_i ~ Normal(B x_i, S) with S diagonal, before any click. A profile keeps what the clicks say
in natural form, precision L_i and shift h_i (both [q], float32): the posterior is Normal((B x_i / S + h_i) / P_i, 1 / P_i)
with P_i = 1/S + L_i. So B and S may be re-estimated at any time, and what B comes to explain is no longer counted as the
member's own; forgetting is one multiplication. 8 q bytes a member.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit import check
from bandit.types import Floats, Ints


class Profiles:
    """Natural parameters for the members met so far; a member never met has none and rests on attributes alone."""

    def __init__(self, q: int) -> None:
        self.ids = pd.Index([])
        self.precision = np.zeros((0, q), dtype=np.float32)
        self.shift = np.zeros((0, q), dtype=np.float32)

    def rows(self, ids: NDArray[Any]) -> Ints:
        """Row of each member id [n], -1 for a member never met. Raises ValueError where text ids meet whole numbers: every
        member would pass for new."""
        if len(self.ids) and len(ids) and isinstance(self.ids[0], str) != isinstance(ids[0], str):
            kinds = ["text" if isinstance(some[0], str) else "numbers" for some in (ids, self.ids)]
            raise ValueError(f"member ids are {kinds[0]}, e.g. {ids[0]}; the profiles were learned under {kinds[1]}")
        return np.asarray(self.ids.get_indexer(pd.Index(ids)), dtype=np.int64)

    def add(self, ids: NDArray[Any]) -> Ints:
        """Rows of the members, met or new."""
        new = pd.Index(ids)[self.rows(ids) < 0]
        if len(new):
            self.ids = self.ids.append(new) if len(self.ids) else new
            blank = np.zeros((len(new), self.precision.shape[1]), dtype=np.float32)
            self.precision, self.shift = np.vstack([self.precision, blank]), np.vstack([self.shift, blank])
        return self.rows(ids)

    def posterior(self, rows: Ints, prior: Floats, variance: Floats) -> tuple[Floats, Floats]:
        """Mean and variance [n, q] of w_i for rows [n] (-1: never met), given its prior's mean and variance [n, q]."""
        if not len(self.ids):
            return prior, variance
        known = (rows >= 0)[:, None]
        at = np.maximum(rows, 0)
        total = 1.0 / variance + np.where(known, self.precision[at], 0.0)
        return (prior / variance + np.where(known, self.shift[at], 0.0)) / total, 1.0 / total

    def absorb(self, rows: Ints, before: tuple[Floats, Floats], after: tuple[Floats, Floats]) -> None:
        """Add the evidence that took these members' means and variances [n, q] from `before` to `after`."""
        (mean, spread), (new_mean, new_spread) = before, after
        self.precision[rows] = np.maximum(self.precision[rows] + 1 / new_spread - 1 / spread, 0.0)
        self.shift[rows] += new_mean / new_spread - mean / spread

    def forget(self, keep: float) -> None:
        """Let evidence fade: after t issues it counts keep^t."""
        self.precision *= np.float32(keep)
        self.shift *= np.float32(keep)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"ids": pack(self.ids.tolist()), "precision": self.precision.copy(), "shift": self.shift.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        ids = unpack(state["ids"])
        for name in ("precision", "shift"):
            check.shape(f"profiles' {name}", state[name], (len(ids), self.precision.shape[1]))
        self.ids = pd.Index(ids)
        self.precision, self.shift = state["precision"].copy(), state["shift"].copy()


def pack(values: list[Any]) -> NDArray[np.uint8]:
    """Ids (numbers or text) as bytes that an array file can hold."""
    return np.frombuffer(json.dumps(values).encode(), dtype=np.uint8)


def unpack(packed: NDArray[np.uint8]) -> list[Any]:
    """The inverse of `pack`."""
    values = json.loads(packed.tobytes().decode())
    if not isinstance(values, list):
        raise ValueError(f"ids are {type(values).__name__}; must be a list")
    return values
