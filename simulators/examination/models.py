"""Which slots of an opened newsletter are looked at: the examination models of click modelling.

Each is a table of chances (`examine.Examine`) and an M-step; what can be done with a model is in `examine.py`
(walk, expected clicks, likelihood, perplexity) and `examine_em.py` (fitting it to a log). Every number is a probability, and
one that is exactly 0 or 1 is held there by EM.

Source where no other is named: Chuklin, Markov & de Rijke 2015, "Click models for web search", chapter 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from bandit.core import check
from bandit.core.types import Floats


@dataclass(frozen=True)
class PositionBased:
    """A slot is looked at with a chance of its own (Richardson, Dominowska & Ragno 2007; Craswell et al. 2008).

    examine: for each slot, top to bottom. Clicks tell `examine` times attraction only: the scale is a convention.
    """

    examine: Sequence[float]

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "examine",
            tuple(_share(self, f"examine of slot {j + 1}", e) for j, e in enumerate(self.examine)),
        )

    def chances(self, slots: int) -> Floats:
        _enough(self, "examine", self.examine, slots)
        return np.broadcast_to(np.array(self.examine[:slots]), (2, slots + 1, slots))

    def learned(self, tried: Floats, looked: Floats) -> Self:
        return replace(self, examine=_ratio(looked.sum((0, 1)), tried.sum((0, 1)), self.examine))

    def relative(self) -> Self:
        return replace(self, examine=(1.0, *self.examine[1:]))


@dataclass(frozen=True)
class UserBrowsing:
    """A slot is looked at depending on itself and on the slot clicked last (UBM, Dupret & Piwowarski 2008).

    examine: rows. The first is for no click so far, slots 1 to k; row r + 1 for a last click in slot r, slots r + 1 to k.
    The scale is a convention, as for `PositionBased`.
    """

    examine: Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        rows = (
            tuple(_share(self, f"examine of slot {r + j + 1} {f'after a click in slot {r}' if r else 'before any click'}", e)
                  for j, e in enumerate(row))
            for r, row in enumerate(self.examine)
        )  # fmt: skip
        object.__setattr__(self, "examine", tuple(rows))

    def chances(self, slots: int) -> Floats:
        _enough(self, "rows of examine", self.examine, slots)
        table = np.zeros((slots + 1, slots))
        for r in range(slots):
            _enough(self, f"examine (row {r + 1})", self.examine[r], slots - r)
            table[r, r:] = self.examine[r][: slots - r]
        return np.stack([table, table])

    def learned(self, tried: Floats, looked: Floats) -> Self:
        tried, looked = tried.sum(0), looked.sum(0)
        return replace(
            self,
            examine=[
                _ratio(looked[r, r:], tried[r, r:], row) for r, row in enumerate(self.examine)
            ],
        )

    def relative(self) -> Self:
        return replace(self, examine=[(1.0, *self.examine[0][1:]), *self.examine[1:]])


@dataclass(frozen=True)
class Cascade:
    """Read from the top to the first click, and no further (Craswell, Zoeter, Taylor & Ramsey 2008). No parameters."""

    def chances(self, slots: int) -> Floats:
        return _chain(np.ones(slots), np.zeros(slots))

    def learned(self, tried: Floats, looked: Floats) -> Self:
        return self

    def relative(self) -> Self:
        return self


@dataclass(frozen=True)
class DependentClick:
    """Read from the top; a click in slot j is followed by more reading with chance `onward` j (Guo, Liu & Wang 2009).

    onward: for each slot but the last. With equal values, `DynamicBayesian` with continuation 1.
    """

    onward: Sequence[float]

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "onward",
            tuple(_share(self, f"onward of slot {j + 1}", e) for j, e in enumerate(self.onward)),
        )

    def chances(self, slots: int) -> Floats:
        _enough(self, "onward", self.onward, slots - 1)
        return _chain(np.ones(slots), np.array([0.0, *self.onward[: slots - 1]]))

    def learned(self, tried: Floats, looked: Floats) -> Self:
        j = np.arange(1, tried.shape[2])
        return replace(self, onward=_ratio(looked[1, j, j], tried[1, j, j], self.onward))

    def relative(self) -> Self:
        return self


@dataclass(frozen=True)
class DynamicBayesian:
    """Read from the top; a click satisfies and ends the reading, and any slot may tire (DBN, Chapelle & Zhang 2009).

    continuation: P(next slot examined | this one was, not satisfied), their gamma. satisfaction: P(satisfied | click), one
    number, where the paper has one for each document: a newsletter's log holds too few second clicks for that.
    """

    continuation: float
    satisfaction: float

    def __post_init__(self) -> None:
        for name in ("continuation", "satisfaction"):
            object.__setattr__(self, name, _share(self, name, getattr(self, name)))

    def chances(self, slots: int) -> Floats:
        onward = np.full(slots, self.continuation)
        onward[0] = 1.0
        return _chain(onward, np.full(slots, self.continuation * (1 - self.satisfaction)))

    def learned(self, tried: Floats, looked: Floats) -> Self:
        j = np.arange(1, tried.shape[2])  # the first slot is always examined
        tries, clicked_tries = tried[1, :, 1:].sum(), tried[1, j, j].sum()
        looks, clicked_looks = looked[1, :, 1:].sum(), looked[1, j, j].sum()
        skip = float(
            _ratio([looks - clicked_looks], [tries - clicked_tries], [self.continuation])[0]
        )
        click = float(
            _ratio([clicked_looks], [clicked_tries], [self.continuation * (1 - self.satisfaction)])[
                0
            ]
        )
        if click >= skip:  # satisfaction cannot be negative: the best it can be is 0
            pooled = float(_ratio([looks], [tries], [self.continuation])[0])
            return replace(
                self, continuation=pooled, satisfaction=0.0 if pooled > 0 else self.satisfaction
            )
        return replace(self, continuation=skip, satisfaction=1 - click / skip)

    def relative(self) -> Self:
        return self


@dataclass(frozen=True)
class Newsletter:
    """Looked at from the top down, and again from the end up: e_j = 1 - (1 - first down^(j-1)) (1 - last up^(k-j)).

    Primacy and end-of-list recency of clicks on links are measured by Murphy, Hofacker & Mizerski 2006, "Primacy and
    recency effects on clicking behavior", J. Computer-Mediated Communication 11(2); the form is ours: two independent
    looks, each fading by a constant factor a slot. first, last: chance of the first slot from the top and of the last slot
    from the end. down, up: kept from slot to slot. The scale is a convention, as for `PositionBased`.
    """

    first: float
    down: float
    last: float
    up: float

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(
                self, field.name, _share(self, field.name, getattr(self, field.name))
            )

    def chances(self, slots: int) -> Floats:
        return np.broadcast_to(self.curve(slots), (2, slots + 1, slots))

    def curve(self, slots: int) -> Floats:
        """P(examined) of each slot [slots]."""
        j = np.arange(slots)
        return np.asarray(
            1 - (1 - self.first * self.down**j) * (1 - self.last * self.up ** j[::-1])
        )

    def learned(self, tried: Floats, looked: Floats) -> Self:
        from scipy.optimize import minimize

        tries, looks = tried.sum((0, 1)), looked.sum((0, 1))
        now = np.array([self.first, self.down, self.last, self.up])
        j = np.arange(len(tries))
        i = j[::-1]

        def loss(values: Floats) -> tuple[float, Floats]:
            first, down, last, up = values
            top, end = first * down**j, last * up**i
            e = np.clip(1 - (1 - top) * (1 - end), 1e-12, 1 - 1e-12)
            value = looks @ np.log(e) + (tries - looks) @ np.log1p(-e)
            slope = looks / e - (tries - looks) / (1 - e)
            top_slope, end_slope = slope * (1 - end), slope * (1 - top)
            by_down, by_up = (
                first * j * down ** np.maximum(j - 1, 0),
                last * i * up ** np.maximum(i - 1, 0),
            )
            gradient = np.array(
                [top_slope @ down**j, top_slope @ by_down, end_slope @ up**i, end_slope @ by_up]
            )
            return -float(value) / scale, -gradient / scale

        scale = max(float(looks.sum()), 1.0)
        low, high = np.full(4, 1e-9), np.full(4, 1 - 1e-9)
        start = np.clip(now, low, high)
        held = (now == 0) | (now == 1)
        low[held] = high[held] = start[held]
        found = minimize(
            loss,
            start,
            jac=True,
            bounds=list(zip(low, high, strict=True)),
            options={"ftol": 1e-15, "gtol": 1e-10},
        )
        better = found.fun < loss(start)[0]
        return type(self)(*np.where(held | (not better), now, found.x))

    def relative(self) -> Self:
        return replace(self, first=1.0)


def _chain(skipped: Floats, clicked: Floats) -> Floats:
    """`chances` of a reader who goes down slot by slot and does not come back: chance to look at slot j [slots] if the slot
    above was looked at and skipped, or clicked."""
    slots = len(skipped)
    chances = np.zeros((2, slots + 1, slots))
    chances[1] = skipped
    j = np.arange(1, slots)
    chances[1, j, j] = clicked[1:]
    return chances


def _ratio(looked: Any, tried: Any, now: Sequence[float]) -> tuple[float, ...]:
    """looked / tried; where nothing was tried, or the log has fewer slots, what the model has now. 0 and 1 are held."""
    cells = zip(looked, tried, now, strict=False)
    done = [float(min(a / b, 1.0)) if b > 0 and 0 < old < 1 else old for a, b, old in cells]
    return (*done, *now[len(done) :])


def _share(model: object, what: str, value: float) -> float:
    check.share(f"{type(model).__name__}: {what}", value)
    return float(value)


def _enough(model: object, what: str, values: Sequence[Any], slots: int) -> None:
    if len(values) < slots:
        raise ValueError(
            f"{type(model).__name__}: {what} gives {len(values)} slots; the layout needs {slots}"
        )
