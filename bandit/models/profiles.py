"""Members' profiles: what each member's behaviour says about their interests, apart from what attributes say.

A member's interest vector is w_i ~ Normal(B x_i, S) with S diagonal, before any click. A profile keeps what the clicks say
in natural form, precision L_i and shift h_i: the posterior is Normal(P_i^-1 (B x_i / S + h_i), P_i^-1) with P_i = 1/S + L_i.
So B and S may be re-estimated at any time, and what B comes to explain is no longer counted as the member's own; forgetting
is one multiplication.

L_i is an arrow: its diagonal, and its first row, for a click may be due to readiness (the constant) as well as to taste, and
only together are the two known. Diagonal in float32, the rest in float16: 8 q bytes a member.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core import check, exact
from bandit.core.ids import locate, pack, unpack
from bandit.core.state import State
from bandit.core.types import Floats, Ints

NAMES = ("precision", "cross", "shift")


@dataclass(frozen=True)
class Belief:
    """Normal(mean, diag(spread) + root root'), each [n, q], spread[:, 0] = 0: the inverse of an arrow is this exactly."""

    mean: Floats
    spread: Floats
    root: Floats

    @classmethod
    def of(cls, mean: Floats, variance: Floats, covariance: Floats) -> "Belief":
        """The nearest in relative entropy to a Gaussian with these means, variances and covariances with the constant."""
        root = covariance / np.sqrt(variance[:, :1])
        spread = np.maximum(variance - root**2, 1e-6)
        spread[:, 0] = 0.0
        return cls(mean, spread, root)

    @property
    def variance(self) -> Floats:
        """Of each coordinate [n, q]."""
        return self.spread + self.root**2

    def scores(self, articles: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of w_i . a_j, each [n, m], the same bits in any batch."""
        spread = exact.dot(self.spread, articles**2) + exact.dot(self.root, articles) ** 2
        return exact.dot(self.mean, articles), spread

    def natural(self) -> tuple[Floats, Floats, Floats]:
        """The precision's diagonal and its first row (0 in front), and precision times mean; each [n, q]."""
        precision = np.zeros_like(self.spread)
        precision[:, 1:] = 1 / self.spread[:, 1:]
        first = self.root[:, :1]
        cross = -precision * self.root / first
        precision[:, 0] = first[:, 0] ** -2 - np.einsum("nq,nq,nq->n", cross, self.root, 1 / first)
        shift = precision * self.mean + cross * self.mean[:, :1]
        shift[:, 0] += np.einsum("nq,nq->n", cross, self.mean)
        return precision, cross, shift


class Profiles:
    """Natural parameters for the members met so far; a member never met has none and rests on attributes alone."""

    def __init__(self, q: int) -> None:
        self.ids = pd.Index([])
        self.precision = np.zeros((0, q), dtype=np.float32)
        self.cross = np.zeros((0, q), dtype=np.float16)
        self.shift = np.zeros((0, q), dtype=np.float16)

    def rows(self, ids: NDArray[Any]) -> Ints:
        """Row of each member id [n], -1 for a member never met."""
        return locate(self.ids, ids)

    def add(self, ids: NDArray[Any]) -> Ints:
        """Rows of the members, met or new."""
        new = pd.Index(ids)[self.rows(ids) < 0]
        if len(new):
            self.ids = self.ids.append(new) if len(self.ids) else new
            for name in NAMES:
                kept = getattr(self, name)
                setattr(
                    self, name, np.vstack([kept, np.zeros((len(new), kept.shape[1]), kept.dtype)])
                )
        return self.rows(ids)

    def posterior(self, rows: Ints, prior: Floats, variance: Floats) -> Belief:
        """Of w_i for rows [n] (-1: never met), given its prior's mean and variance [n, q]."""
        known, at = (rows >= 0)[:, None], np.maximum(rows, 0)
        precision, cross, shift = (
            np.where(known, getattr(self, name)[at].astype(np.float64), 0.0)
            if len(self.ids)
            else np.zeros_like(prior)
            for name in NAMES
        )
        spread = 1 / (1 / variance + precision)
        slope = -cross * spread  # of each coordinate on the constant
        shift = prior / variance + shift
        # evidence never leaves less certain than the prior, whatever S has become since
        first = 1 / (
            1 / variance[:, 0]
            + np.maximum(precision[:, 0] + np.einsum("nq,nq->n", slope, cross), 0.0)
        )
        slope[:, 0], spread[:, 0] = 1.0, 0.0
        mean = spread * shift + slope * (first * np.einsum("nq,nq->n", slope, shift))[:, None]
        return Belief(mean, spread, slope * np.sqrt(first)[:, None])

    def absorb(self, rows: Ints, before: Belief, after: Belief) -> None:
        """Add the evidence that took these members' interests from `before` to `after`."""
        for name, old, new in zip(NAMES, before.natural(), after.natural(), strict=True):
            kept = getattr(self, name)
            kept[rows] += (new - old).astype(kept.dtype)
        self.precision = np.maximum(self.precision, 0.0)

    def forget(self, keep: float) -> None:
        """Let evidence fade: after t issues it counts keep^t."""
        for name in NAMES:
            kept = getattr(self, name)
            kept *= kept.dtype.type(keep)

    def state(self) -> State:
        return {"ids": pack(self.ids.tolist())} | {
            name: getattr(self, name).copy() for name in NAMES
        }

    def restore(self, state: State) -> None:
        ids = unpack(state["ids"])
        for name in NAMES:
            check.shape(f"profiles' {name}", state[name], (len(ids), self.precision.shape[1]))
        check.at_least("profiles' precision", float(state["precision"].min(initial=0.0)), 0)
        self.ids = pd.Index(ids)
        for name in NAMES:
            setattr(self, name, state[name].copy())
