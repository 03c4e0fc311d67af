"""Vowpal Wabbit's conditional contextual bandit, ccb_explore_adf: whole slates, attributes x text x slot.

A slate is one example of VW's: the member, the articles and the slots, each with its article, cost and logged propensity. VW
crosses all it is given with the slot, so it learns what each slot is worth and for whom, where `vw` divides clicks by an
examination curve. The slots are filled one after the other by a function of VW's costs in that slot.

VW's own answer excludes what it drew above and leaves each article's cost only in the last slot it was open for. Here every
slot of the question has its own copy of the pool, and so all costs come at once. Under mtr, which learns from the article
that was shown only, an example lists just the slate's articles: VW goes through all it lists for every slot.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.state import State
from bandit.core.types import Bools, Context, Floats, Ints, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.vowpal import workspace as vowpal
from bandit.models.vowpal.exploration import BY_COSTS, Exploration
from bandit.policy import Policy


class VWSlates(Policy):
    """The parameters of `vw.VW` that are left. explore: epsilon, first, softmax or squarecb."""

    def __init__(
        self,
        explore: str = "squarecb",
        epsilon: float = 0.02,
        first: int = 1500,
        temperature: float = 0.005,
        gamma_scale: float = 100.0,
        gamma_exponent: float = 0.5,
        learning_rate: float = 0.5,
        l2: float = 0.0,
        clip: float = 1.0,
        cb_type: str = "mtr",
        interactions: Sequence[str] = ("ma",),
        unclicked: float = 0.25,
        bits: int = 18,
    ) -> None:
        self.exploration = Exploration(
            explore,
            cb_type,
            epsilon,
            first,
            temperature,
            gamma_scale,
            gamma_exponent,
            known=BY_COSTS,
        )
        check.share("unclicked", unclicked)
        check.at_least("unclicked", unclicked, 1e-6)
        learning = vowpal.learning(learning_rate, l2, clip, interactions, bits)
        self._arguments = f"--ccb_explore_adf {self.exploration.arguments} {learning}"
        self.cb_type, self.interactions, self.unclicked = cb_type, tuple(interactions), unclicked
        self._decisions = 0

    def start(self, features: Features) -> None:
        self._names, self._inputs = features.member_names, vowpal.inputs(features)
        self._model = vowpal.fresh(self._arguments)

    def plan(self, context: Context) -> SlotPmf:
        on = vowpal.switches(self._names, context.member_features)
        m, k = len(context.articles), context.rules.slots
        with vowpal.opened(self._model, self._arguments) as vw:
            pool = [vowpal.parsed(vw, line) for _ in range(k) for line in _article_lines(context)]
            slots = [
                vowpal.parsed(vw, f"ccb slot {','.join(map(str, range(s * m, s * m + m)))} |")
                for s in range(k)
            ]

            def rewards(one: Bools) -> Floats:
                return -vowpal.costs(vw, _member_line(one), pool, slots).reshape(k, m).T

            scores = vowpal.answers(on, self.interactions, rewards)
            vowpal.release(vw, [vowpal.parsed(vw, "ccb shared |m"), *pool, *slots])
        return SlotPmf(scores, self.exploration.pmf(self._decisions))

    def learn(self, round: Round) -> None:
        rows, slots, _, clicked, propensity = vowpal.taught(round, self.unclicked)
        if not len(rows):
            return
        label = np.full(round.slates.choice.shape, "", dtype=object)
        for row, slot, click, p in zip(rows, slots, clicked, propensity, strict=True):
            label[row, slot] = vowpal.label("{}", -click, p)
        on = vowpal.switches(self._names, round.context.member_features)
        with vowpal.opened(self._model, self._arguments) as vw:
            pool = [vowpal.parsed(vw, line) for line in _article_lines(round.context)]
            for row in np.unique(rows):
                depth = (
                    int(np.flatnonzero(label[row] != "")[-1]) + 1
                )  # slots below the last that teaches say nothing
                self._teach(vw, on[row], pool, round.slates.choice[row, :depth], label[row, :depth])
            vowpal.release(
                vw, [vowpal.parsed(vw, "ccb shared |m"), *pool, vowpal.parsed(vw, "ccb slot |")]
            )
            self._model = vowpal.saved(vw)
        self._decisions += len(rows)

    def _teach(
        self, vw: Any, on: Bools, pool: list[Any], choice: Ints, labels: NDArray[Any]
    ) -> None:
        """One slate. A slot that does not teach (a pin, thinned out) only takes its article out of the pool; an empty slot
        takes one that was not shown, for want of none."""
        spare = np.setdiff1d(np.arange(len(pool)), choice)
        filled = choice.copy()
        filled[choice < 0] = spare[: (choice < 0).sum()]
        listed = filled if self.cb_type == "mtr" else np.arange(len(pool))
        place = {int(j): at for at, j in enumerate(listed)}
        lines = [
            f"ccb slot {(text or '{}').format(place[int(j)])} |"
            for j, text in zip(filled, labels, strict=True)
        ]
        member, asked = (
            vowpal.parsed(vw, _member_line(on)),
            [vowpal.parsed(vw, line) for line in lines],
        )
        vw.learn([member, *(pool[j] for j in listed), *asked])
        vw.finish_example([member, *asked])

    def state(self) -> State:
        return vowpal.packed(self._model, self._decisions, self._inputs)

    def restore(self, state: State) -> None:
        """Raises ValueError for a model that is damaged or was not made with this policy's settings and features."""
        self._model, self._decisions = vowpal.unpacked(state, self._arguments, self._inputs)


def _member_line(on: Bools) -> str:
    return f"ccb {vowpal.member_line(on)}"


def _article_lines(context: Context) -> list[str]:
    return [f"ccb action {line}" for line in vowpal.article_lines(context)]
