"""Which slots of an opened newsletter are looked at: the examination models of click modelling.

Each is a table of chances (`simulators.examination.walk.Examine`) and an M-step. What can be done
with a model is in `walk.py` (walk, expected clicks, likelihood, perplexity) and `em.py` (fitting it
to a log). Every number is a probability, and one that is exactly 0 or 1 is held there by EM. Open
this to add a model.

Source where no other is named: Chuklin, Markov & de Rijke 2015, "Click models for web search",
chapter 3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from bandit.core import check
from bandit.core.types import Floats


@dataclass(frozen=True)
class PositionBased:
    """A slot is looked at with a chance of its own.

    Source: Richardson, Dominowska & Ragno 2007; Craswell et al. 2008. Clicks tell `examine` times
    attraction only: the scale is a convention.

    examine: chance of each slot, top to bottom
    """

    examine: Sequence[float]

    def __post_init__(self) -> None:
        each = [
            _check_share(self, f"examine of slot {j + 1}", e) for j, e in enumerate(self.examine)
        ]
        object.__setattr__(self, "examine", tuple(each))

    def chances(self, slots: int) -> Floats:
        _check_length(self, "examine", self.examine, slots)
        return np.broadcast_to(np.array(self.examine[:slots]), (2, slots + 1, slots))

    def maximise(self, tried: Floats, looked: Floats) -> Self:
        return replace(self, examine=_divide(looked.sum((0, 1)), tried.sum((0, 1)), self.examine))

    def fix_scale(self) -> Self:
        return replace(self, examine=(1.0, *self.examine[1:]))


@dataclass(frozen=True)
class UserBrowsing:
    """A slot is looked at depending on itself and on the slot clicked last.

    Source: UBM, Dupret & Piwowarski 2008. The scale is a convention, as for `PositionBased`.

    examine: rows of chances. The first is for no click so far, slots 1 to k; row r + 1 for a last
        click in slot r, slots r + 1 to k
    """

    examine: Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        rows = []
        for r, row in enumerate(self.examine):
            when = f"after a click in slot {r}" if r else "before any click"
            what = [f"examine of slot {r + j + 1} {when}" for j in range(len(row))]
            rows.append(tuple(_check_share(self, *each) for each in zip(what, row, strict=True)))
        object.__setattr__(self, "examine", tuple(rows))

    def chances(self, slots: int) -> Floats:
        _check_length(self, "rows of examine", self.examine, slots)
        table = np.zeros((slots + 1, slots))
        for r in range(slots):
            _check_length(self, f"examine (row {r + 1})", self.examine[r], slots - r)
            table[r, r:] = self.examine[r][: slots - r]
        return np.stack([table, table])

    def maximise(self, tried: Floats, looked: Floats) -> Self:
        tries, looks = tried.sum(0), looked.sum(0)
        rows = [_divide(looks[r, r:], tries[r, r:], row) for r, row in enumerate(self.examine)]
        return replace(self, examine=rows)

    def fix_scale(self) -> Self:
        return replace(self, examine=[(1.0, *self.examine[0][1:]), *self.examine[1:]])


@dataclass(frozen=True)
class Cascade:
    """Slots are read from the top to the first click, and no further; there are no parameters.

    Source: Craswell, Zoeter, Taylor & Ramsey 2008.
    """

    def chances(self, slots: int) -> Floats:
        return _chain(np.ones(slots), np.zeros(slots))

    def maximise(self, tried: Floats, looked: Floats) -> Self:
        return self

    def fix_scale(self) -> Self:
        return self


@dataclass(frozen=True)
class DependentClick:
    """Slots are read from the top; how often a click is followed by more depends on its slot.

    Source: Guo, Liu & Wang 2009. With equal values it is `DynamicBayesian` with continuation 1.

    onward: chance to read on after a click in each slot but the last; higher makes more of second
        clicks
    """

    onward: Sequence[float]

    def __post_init__(self) -> None:
        each = [_check_share(self, f"onward of slot {j + 1}", e) for j, e in enumerate(self.onward)]
        object.__setattr__(self, "onward", tuple(each))

    def chances(self, slots: int) -> Floats:
        _check_length(self, "onward", self.onward, slots - 1)
        return _chain(np.ones(slots), np.array([0.0, *self.onward[: slots - 1]]))

    def maximise(self, tried: Floats, looked: Floats) -> Self:
        j = np.arange(1, tried.shape[2])
        return replace(self, onward=_divide(looked[1, j, j], tried[1, j, j], self.onward))

    def fix_scale(self) -> Self:
        return self


@dataclass(frozen=True)
class DynamicBayesian:
    """Slots are read from the top; a click satisfies and ends the reading, and any slot may tire.

    Source: DBN, Chapelle & Zhang 2009.

    continuation: P(next slot examined | this one was, not satisfied), their gamma
    satisfaction: P(satisfied | click), one number, where the paper has one for each document: a
        newsletter's log holds too few second clicks for that
    """

    continuation: float
    satisfaction: float

    def __post_init__(self) -> None:
        _check_shares(self)

    def chances(self, slots: int) -> Floats:
        onward = np.full(slots, self.continuation)
        onward[0] = 1.0
        return _chain(onward, np.full(slots, self.continuation * (1 - self.satisfaction)))

    def maximise(self, tried: Floats, looked: Floats) -> Self:
        j = np.arange(1, tried.shape[2])  # the first slot is always examined
        tries, clicked_tries = tried[1, :, 1:].sum(), tried[1, j, j].sum()
        looks, clicked_looks = looked[1, :, 1:].sum(), looked[1, j, j].sum()
        after_click = self.continuation * (1 - self.satisfaction)
        (skip,) = _divide([looks - clicked_looks], [tries - clicked_tries], [self.continuation])
        (click,) = _divide([clicked_looks], [clicked_tries], [after_click])
        if click < skip:
            return replace(self, continuation=skip, satisfaction=1 - click / skip)
        # satisfaction cannot be negative: the best it can be is 0
        (pooled,) = _divide([looks], [tries], [self.continuation])
        satisfaction = 0.0 if pooled > 0 else self.satisfaction
        return replace(self, continuation=pooled, satisfaction=satisfaction)

    def fix_scale(self) -> Self:
        return self


@dataclass(frozen=True)
class Newsletter:
    """Looked at from the top down, and again from the end up.

    e_j = 1 - (1 - first down^(j-1)) (1 - last up^(k-j)). Primacy and end-of-list recency of clicks
    on links are measured by Murphy, Hofacker & Mizerski 2006, "Primacy and recency effects on
    clicking behavior", J. Computer-Mediated Communication 11(2); the form is ours: two independent
    looks, each fading by a constant factor a slot. The scale is a convention, as for
    `PositionBased`.

    first: chance that the first slot is looked at from the top
    down: share of it kept from slot to slot; higher is a flatter start
    last: chance that the last slot is looked at from the end; 0 leaves primacy alone
    up: share of it kept from slot to slot upwards; higher is a flatter end
    """

    first: float
    down: float
    last: float
    up: float

    def __post_init__(self) -> None:
        _check_shares(self)

    def chances(self, slots: int) -> Floats:
        return np.broadcast_to(self.curve(slots), (2, slots + 1, slots))

    def curve(self, slots: int) -> Floats:
        """P(examined) of each slot, [slots]."""
        j = np.arange(slots)
        return np.asarray(
            1 - (1 - self.first * self.down**j) * (1 - self.last * self.up ** j[::-1])
        )

    def maximise(self, tried: Floats, looked: Floats) -> Self:
        from scipy.optimize import minimize  # slow to import, and of use to EM alone

        counts = tried.sum((0, 1)), looked.sum((0, 1))
        now = np.array([self.first, self.down, self.last, self.up])
        low, high = np.full(4, 1e-9), np.full(4, 1 - 1e-9)
        start = np.clip(now, low, high)
        held = (now == 0) | (now == 1)
        low[held] = high[held] = start[held]
        found = minimize(
            _measure_loss,
            start,
            args=counts,
            jac=True,
            bounds=list(zip(low, high, strict=True)),
            options={"ftol": 1e-15, "gtol": 1e-10},
        )
        better = found.fun < _measure_loss(start, *counts)[0]
        return type(self)(*np.where(held | (not better), now, found.x))

    def fix_scale(self) -> Self:
        return replace(self, first=1.0)


def _measure_loss(values: Floats, tries: Floats, looks: Floats) -> tuple[float, Floats]:
    """Minus the log-likelihood a look, and its gradient, at (first, down, last, up).

    tries, looks: [slots], visits to each slot and how many of them found it examined
    """
    first, down, last, up = values
    j = np.arange(len(tries))
    i = j[::-1]
    top, end = first * down**j, last * up**i
    e = np.clip(1 - (1 - top) * (1 - end), 1e-12, 1 - 1e-12)
    value = looks @ np.log(e) + (tries - looks) @ np.log1p(-e)
    slope = looks / e - (tries - looks) / (1 - e)
    top_slope, end_slope = slope * (1 - end), slope * (1 - top)
    by_down = first * j * down ** np.maximum(j - 1, 0)
    by_up = last * i * up ** np.maximum(i - 1, 0)
    gradient = np.array(
        [top_slope @ down**j, top_slope @ by_down, end_slope @ up**i, end_slope @ by_up]
    )
    scale = max(float(looks.sum()), 1.0)
    return -float(value) / scale, -gradient / scale


def _chain(skipped: Floats, clicked: Floats) -> Floats:
    """`chances` of a reader who goes down slot by slot and does not come back.

    skipped, clicked: [slots], chance to look at a slot if the slot above was looked at and skipped,
        or clicked
    """
    slots = len(skipped)
    chances = np.zeros((2, slots + 1, slots))
    chances[1] = skipped
    j = np.arange(1, slots)
    chances[1, j, j] = clicked[1:]
    return chances


def _divide(
    looked: Iterable[float], tried: Iterable[float], now: Sequence[float]
) -> tuple[float, ...]:
    """looked / tried; where nothing was tried, or the log has fewer slots, what the model has now.

    Numbers that are now 0 or 1 are held.
    """
    cells = zip(looked, tried, now, strict=False)
    done = [float(min(a / b, 1.0)) if b > 0 and 0 < old < 1 else old for a, b, old in cells]
    return (*done, *now[len(done) :])


def _check_share(model: object, what: str, value: float) -> float:
    check.share(f"{type(model).__name__}: {what}", value)
    return float(value)


def _check_shares(model: DynamicBayesian | Newsletter) -> None:
    for field in fields(model):
        value = _check_share(model, field.name, getattr(model, field.name))
        object.__setattr__(model, field.name, value)


def _check_length(model: object, what: str, values: Sequence[object], slots: int) -> None:
    if len(values) < slots:
        raise ValueError(
            f"{type(model).__name__}: {what} gives {len(values)} slots; the layout needs {slots}"
        )
