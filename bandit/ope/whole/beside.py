"""What is known beside a log: of some sends, how likely either policy shows what was clicked.

A send without a click adds nothing to a sum of weighted clicks, so chances are known of the sends
with a click, and of a keyed sample of all, which says how large the weights are. That makes a
newsletter of six slots cost a tenth of what it would. Open this file for what an evaluation of
whole newsletters needs of each issue; `look` finds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bandit.core.types import Bools, Floats, Ids, Ints

if TYPE_CHECKING:
    from bandit.ope.whole.from_top import FromTop

MAYBE = ("opened", "first", "appeal")  # what need not be known of a log


@dataclass(frozen=True)
class Beside:
    """What is known of a log's sends. Axes: n sends, k slots, e sends that were looked at.

    members: [n], ids
    rows: [e], which sends were looked at: those with a click, and a sample
    sampled: [e], the send is in the sample, which was taken without regard to clicks
    reward: [e, k], clicks; a send that was not looked at has none
    supported: [e, k], every open article could be drawn
    logged, target: [e, k, k], as in `inputs.check_chances`
    leans: [e, k, c, 2] of `dependence.lean`
    opened: [n], the member opened it; None: not known
    first: [n, 2], the first article's normal score in the target's order, of what was sent and of
        what the target would send on average, less its mean over what the logger might have sent
        (`trust.opening`); None: not known
    appeal: [e, 2, k], a model's clicks of who opened, of what was sent and of what the target would
        have sent, as if in the first slot (`rewards.slates.model_appeal`); None: there is no model
    from_top: all n sends as weights that multiply down the slate take them; None: not known
    """

    members: Ids
    rows: Ints
    sampled: Bools
    reward: Floats
    supported: Bools
    logged: Floats
    target: Floats
    leans: Floats
    opened: Bools | None = None
    first: Floats | None = None
    appeal: Floats | None = None
    from_top: "FromTop | None" = None

    @classmethod
    def know_top(cls, members: Ids, from_top: "FromTop") -> Self:
        """A log of which only the chances given the slots above are known: no row is looked at."""
        k = from_top.reward.shape[1]
        none, pairs = np.zeros((0, k)), np.zeros((0, k, k))
        no: Bools = np.zeros(0, dtype=bool)
        rows: Ints = np.zeros(0, dtype=np.int64)
        sides = np.zeros((0, k, 1, 2))
        known = (none, none > 0, pairs, pairs, sides)
        return cls(members, rows, no, *known, from_top=from_top)

    def vary(self, weights: Floats, curve: Floats) -> Floats:
        """sum_j curve_j (wanted[i, j] - weights[i, j] shown[i, j]) of the model's appeal, [n].

        The mean is 0 whatever the model is worth, if opening does not depend on the articles; what
        it shares with an estimate's terms is luck, which their sum is rid of.

        weights: [e, k], of what was sent
        curve: [k], looks of each slot relative to the first
        """
        if self.appeal is None:
            raise ValueError("there is no model of clicks; see `rewards.slates.model_appeal`")
        shown, wanted = self.appeal[:, 0], self.appeal[:, 1]
        return self.spread(((wanted - weights * shown) * curve).sum(axis=1))

    @property
    def clicked(self) -> Floats:
        """The clicks of all sends, [n, k]."""
        return self.spread(self.reward)

    def spread(self, of_rows: Floats) -> Floats:
        """Values [e, ...] of the rows that were looked at as those of all sends, 0 elsewhere."""
        every = np.zeros((len(self.members), *of_rows.shape[1:]))
        every[self.rows] = of_rows
        return every

    def count_clicks(self) -> Floats:
        """The clicks of each send, [n]."""
        if self.from_top:
            return np.asarray(self.from_top.reward.sum(axis=1, dtype=np.float64))
        return np.bincount(self.rows, self.reward.sum(axis=1), len(self.members)).astype(np.float64)

    @classmethod
    def join(cls, parts: Sequence["Beside"]) -> Self:
        """Several issues as one log, whose rows are counted on."""
        starts = np.cumsum([0, *(len(part.members) for part in parts[:-1])])
        rows = np.concatenate(
            [part.rows + start for part, start in zip(parts, starts, strict=True)]
        )
        joined = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in cls.__dataclass_fields__
            if name not in ("rows", "from_top", *MAYBE)
        }
        tops = [part.from_top for part in parts if part.from_top]
        from_top = tops[0].join(tops) if len(tops) == len(parts) else None
        maybe: dict[str, Any] = {}
        for name in MAYBE:
            known = [getattr(part, name) for part in parts]
            maybe[name] = None if any(each is None for each in known) else np.concatenate(known)
        return cls(rows=rows, from_top=from_top, **joined, **maybe)
