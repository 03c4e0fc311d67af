"""Vowpal Wabbit's contextual bandit: cb_explore_adf with SquareCB (Foster & Rakhlin 2020), cb_type mtr by default.

VW learns each slot as one decision with its logged propensity and gives every article a cost; the slots are then filled
by `exploration.squarecb` with VW's own gamma schedule, so that each slot explores among what is still open. (Renormalising
VW's pmf instead would make every slot below the first close to uniform.) Articles are parsed once an issue and members
once for each combination of attributes: 5 times faster than a text line for each member and article.

No text of the pool or the member list reaches VW, only numbers made here: `|`, `:` and newlines are syntax to it.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit import check, keys
from bandit.examination import Examination
from bandit.exploration import squarecb
from bandit.features import Features
from bandit.types import Context, Floats, Round, SlotPmf


class VW:
    """gamma_scale, gamma_exponent: gamma = scale * decisions^exponent (higher explores less). unclicked: share of the
    slots without a click that VW is shown, drawn by key; it scales all rates alike and leaves their order (He et al.
    2014). l2, learning_rate: VW's. cb_type: mtr, ips or dr. bits: weights, as a power of two.
    """

    def __init__(
        self,
        gamma_scale: float = 100.0,
        gamma_exponent: float = 0.5,
        learning_rate: float = 0.5,
        l2: float = 0.0,
        cb_type: str = "mtr",
        unclicked: float = 0.25,
        bits: int = 18,
        max_slots: int = 24,
    ) -> None:
        if cb_type not in ("mtr", "ips", "dr"):
            raise ValueError(f"cb_type = {cb_type!r}; choose from mtr, ips, dr")
        check.share("unclicked", unclicked)
        for what, value in {"unclicked": unclicked, "gamma_scale": gamma_scale, "learning_rate": learning_rate}.items():
            check.at_least(what, value, 1e-6)
        check.at_least("l2", l2, 0)
        if not isinstance(bits, int) or not 1 <= bits <= 31:
            raise ValueError(f"bits = {bits!r}; must be a whole number from 1 to 31")
        self.gamma_scale, self.gamma_exponent, self.unclicked = gamma_scale, float(gamma_exponent), unclicked
        # VW reads a command line: only numbers made here may get there
        numbers = {"gamma_scale": gamma_scale, "gamma_exponent": gamma_exponent, "learning_rate": learning_rate, "l2": l2}
        given = " ".join(f"--{name} {float(value)!r}" for name, value in numbers.items())
        self._arguments = f"--cb_explore_adf --squarecb {given} --cb_type {cb_type} -q ma -b {bits} --random_seed 1 --quiet"
        self._looked = Examination.start(max_slots).curve
        self._decisions = 0

    def start(self, features: Features) -> None:
        self._columns = np.flatnonzero(["=" in name for name in features.member_names])
        self._vw = _workspace(self._arguments)

    @property
    def gamma(self) -> float:
        """What SquareCB's schedule has reached."""
        return self.gamma_scale * float(np.power(float(self._decisions), self.gamma_exponent))

    def plan(self, context: Context) -> SlotPmf:
        vw = self._copy()  # VW counts predictions too; planning must leave no trace
        articles = [vw.parse(line)[0] for line in _article_lines(context)]
        switched_on = context.member_features[:, self._columns] != 0
        combinations, member_of = np.unique(switched_on, axis=0, return_inverse=True)
        rewards = np.empty((len(combinations), len(articles)))
        for i, on in enumerate(combinations):
            member = vw.parse(_member_line(on))[0]
            vw.predict([member, *articles])
            rewards[i] = [-article.get_partial_prediction() for article in articles]
            vw.finish_example([member])
        _release(vw, articles)
        check.finite("vw scores", rewards, np.arange(len(rewards)))
        gamma = self.gamma
        return SlotPmf(rewards[member_of.ravel()], lambda scores, open: squarecb(scores, open, gamma))

    def learn(self, round: Round) -> None:
        rows, slots, index, clicked = round.exposures()
        if not len(rows):
            return
        context, slates = round.context, round.slates
        propensity = slates.propensity[rows, slots]
        _check_labels(propensity, rows, slots)
        chance = keys.uniforms(0, context.campaign, "vw", keys.member_keys(context.member_ids), slates.choice.shape[1])
        # a pin was nobody's decision; the rest of the slots without a click are thinned
        taught = ~slates.pinned[rows, slots] & ((clicked > 0) | (chance[rows, slots] < self.unclicked))
        # a click further down says more: it is divided by the chance that its slot was looked at
        cost = -clicked / self._looked[slots]
        lines = _article_lines(context)
        articles = [self._parse(line) for line in lines]
        on = context.member_features[:, self._columns] != 0
        for e in np.flatnonzero(taught):
            member, j = self._parse(_member_line(on[rows[e]])), index[e]
            shown = self._parse(f"0:{cost[e]:.6f}:{propensity[e]:.9f} {lines[j]}")
            self._vw.learn([member, *articles[:j], shown, *articles[j + 1 :]])
            self._vw.predict([member, shown])  # VW can finish only the list it predicted last
            self._vw.finish_example([member, shown])
        _release(self._vw, articles)
        self._decisions += int(taught.sum())

    def _parse(self, line: str) -> Any:
        return self._vw.parse(line)[0]

    @contextmanager
    def _saved(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.vw"
            self._vw.save(str(path))
            yield path

    def _copy(self) -> Any:
        with self._saved() as path:
            return _workspace(f"{self._arguments} -i {path}")

    def state(self) -> dict[str, NDArray[Any]]:
        with self._saved() as path:
            model = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        return {
            "model": model,
            "columns": self._columns,
            "decisions": np.array([self._decisions]),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._columns = state["columns"].copy()
        self._decisions = int(state["decisions"][0])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.vw"
            path.write_bytes(state["model"].tobytes())
            self._vw = _workspace(f"{self._arguments} -i {path}")


def _workspace(arguments: str) -> Any:
    from vowpalwabbit import Workspace

    return Workspace(arguments)


def _release(vw: Any, articles: list[Any]) -> None:
    """Give parsed articles back to VW, which takes them only behind a shared line."""
    vw.finish_example([vw.parse("shared |m")[0], *articles])


def _member_line(on: NDArray[np.bool_]) -> str:
    return "shared |m " + " ".join(map(str, np.flatnonzero(on)))


def _article_lines(context: Context) -> list[str]:
    return ["|a " + " ".join(f"{d}:{value:.6f}" for d, value in enumerate(row)) for row in context.article_features[:, 1:]]


def _check_labels(propensity: Floats, rows: NDArray[Any], slots: NDArray[Any]) -> None:
    """VW learns from p = 1.5 and skips p = 0 without a word, so neither gets there."""
    bad = ~((propensity > 0) & (propensity <= 1))
    if bad.any():
        e = int(bad.argmax())
        raise ValueError(f"propensity[{rows[e]}, {slots[e]}] = {propensity[e]}; must be in (0, 1]")
