"""What is known beside a log: of some sends, how likely either policy shows what was clicked.

A send without a click adds nothing to a sum of weighted clicks, so chances are known of the sends
with a click, and of a keyed sample of all, which says how large the weights are. That makes a
newsletter of six slots cost a tenth of what it would. Open this file for what an evaluation of
whole newsletters needs of each issue; `look` finds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from bandit.core.types import Bools, Floats, Ids, Ints


@dataclass(frozen=True)
class Beside:
    """What is known of a log's sends. Axes: n sends, k slots, e sends that were looked at.

    members: [n], ids
    rows: [e], which sends were looked at: those with a click, and a sample
    sampled: [e], the send is in the sample, which was taken without regard to clicks
    reward: [e, k], clicks; a send that was not looked at has none
    supported: [e, k], every open article could be drawn
    logged, target: [e, k, k], as in `inputs.check_chances`
    leans: [e, c, 2], as for `dependence.find_dependence`
    """

    members: Ids
    rows: Ints
    sampled: Bools
    reward: Floats
    supported: Bools
    logged: Floats
    target: Floats
    leans: Floats

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
            if name != "rows"
        }
        return cls(rows=rows, **joined)
