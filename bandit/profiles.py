"""Members' profiles: what each member's behaviour adds to what the attributes say.

A member's interest vector is w_i = B x_i + d_i, d_i ~ Normal(0, S) with S diagonal. A profile keeps what the clicks say
about d_i in natural form, precision L_i and shift h_i (both [q], float32): the posterior is d_i ~ Normal(h_i / P_i, 1 / P_i)
with P_i = 1/S + L_i. So S may be re-estimated at any time and forgetting is one multiplication. 8 q bytes a member.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

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

    def posterior(self, rows: Ints, variance: Floats) -> tuple[Floats, Floats]:
        """Mean and variance [n, q] of d_i for rows [n] (-1: the prior), given S [q]."""
        known = (rows >= 0)[:, None]
        at = np.maximum(rows, 0)
        if not len(self.ids):
            return np.zeros((len(rows), len(variance))), np.tile(variance, (len(rows), 1))
        total = 1.0 / variance + np.where(known, self.precision[at], 0.0)
        return np.where(known, self.shift[at], 0.0) / total, 1.0 / total

    def absorb(self, rows: Ints, mean: Floats, spread: Floats, variance: Floats) -> None:
        """Store the posterior mean and variance `spread` [n, q] of these members."""
        self.precision[rows] = np.maximum(1.0 / spread - 1.0 / variance, 0.0)
        self.shift[rows] = mean / spread

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


def laplace(eta: Floats, K: Floats, clicked: Floats, weight: Floats, steps: int = 6) -> tuple[Floats, Floats]:
    """Laplace approximation for k logistic observations of each of n members, in the space of the k logits.

    eta [n, k]: prior logits; K [n, k, k]: their prior covariance; weight [n, k]: P(examined). Newton's method as in
    Rasmussen & Williams (2006), algorithm 3.1, batched. Returns the gradient g [n, k] at the mode (the mode is eta + K g)
    and M [n, k, k] with posterior covariance K - K M K. A step that would overshoot is halved for that member.
    """
    eye = np.eye(eta.shape[1])
    f = eta.copy()
    alpha = np.zeros_like(eta)

    def objective(f: Floats, alpha: Floats) -> Floats:
        fit = weight * (clicked * f - np.logaddexp(0.0, f))
        return np.asarray(fit.sum(axis=1) - 0.5 * (alpha * (f - eta)).sum(axis=1))

    best = objective(f, alpha)
    for _ in range(steps):
        p = expit(f)
        root = np.sqrt(weight * p * (1 - p))
        system = eye + root[:, :, None] * K * root[:, None, :]
        b = root**2 * (f - eta) + weight * (clicked - p)
        inner = root * np.einsum("nij,nj->ni", K, b)
        new_alpha = b - root * np.linalg.solve(system, inner[:, :, None])[:, :, 0]
        for step in (1.0, 0.5, 0.25):
            trial_alpha = alpha + step * (new_alpha - alpha)
            trial = eta + np.einsum("nij,nj->ni", K, trial_alpha)
            value = objective(trial, trial_alpha)
            better = value > best
            f, alpha = np.where(better[:, None], trial, f), np.where(better[:, None], trial_alpha, alpha)
            best = np.where(better, value, best)
            if better.all():
                break
    p = expit(f)
    root = np.sqrt(weight * p * (1 - p))
    system = eye + root[:, :, None] * K * root[:, None, :]
    M = root[:, :, None] * np.linalg.solve(system, eye * root[:, None, :])
    return alpha, M


def pack(values: list[Any]) -> NDArray[np.uint8]:
    """Ids (numbers or text) as bytes that an array file can hold."""
    return np.frombuffer(json.dumps(values).encode(), dtype=np.uint8)


def unpack(packed: NDArray[np.uint8]) -> list[Any]:
    """The inverse of `pack`."""
    values = json.loads(packed.tobytes().decode())
    if not isinstance(values, list):
        raise ValueError(f"ids are {type(values).__name__}; must be a list")
    return values
