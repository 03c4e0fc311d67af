"""What Vowpal Wabbit is given as text: members, articles and labels, one line for each.

VW takes `|`, `:` and line ends in text for syntax, learns from a propensity of 1.5, is destroyed by
an infinite cost and skips a propensity of 0 without a word. So only numbers made here reach it, and
labels are checked first.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bandit.core.types import Bools, Context, Floats
from bandit.features.features import Features
from bandit.models.vowpal.workspace import InputSizes, Workspace

Example = Any  # a line that vowpalwabbit has parsed: it has no types
QUARTERS = (-0.67, 0.0, 0.67)  # of a standard normal


def measure_inputs(features: Features) -> InputSizes:
    """How much VW is told of a member and of an article."""
    nobody = np.zeros((0, len(features.member_names)))
    switches = switch_on(features.member_names, nobody).shape[1]
    return InputSizes(switches, len(features.article_names) - 1)


def switch_on(names: Sequence[str], members: Floats) -> Bools:
    """Member features [n, p] by `names` as switches [n, f].

    There is one switch for each attribute value, and one for each quarter that a number may fall
    in, so that members share few combinations.
    """
    worded = np.array(["=" in name for name in names])
    numeric = members[:, ~worded & (np.array(names) != "constant")]
    quarter = np.searchsorted(QUARTERS, numeric)[:, :, None] == np.arange(len(QUARTERS) + 1)
    flat = quarter.reshape(len(members), numeric.shape[1] * quarter.shape[2])
    return np.hstack([members[:, worded] != 0, flat])


def write_member(on: Bools) -> str:
    """The line of a member, whose switches are on [f]."""
    return "shared |m " + " ".join(map(str, np.flatnonzero(on)))


def write_articles(context: Context) -> list[str]:
    """One line for each article of the pool, written once an issue.

    Raises ValueError for numbers that VW would drown in.
    """
    largest = np.abs(context.article_features).max()
    if not largest < 1e6:
        raise ValueError(f"article_features reach {largest:.3g}; must stay below 1e6: scale them")
    return [
        "|a " + " ".join(f"{d}:{value:.6f}" for d, value in enumerate(row))
        for row in context.article_features[:, 1:]
    ]


def write_label(action: int | str, cost: float, propensity: float) -> str:
    """What a decision cost, and how likely it was.

    Raises ValueError for what would harm a model.
    """
    if not 0 < propensity <= 1:
        raise ValueError(f"propensity = {propensity}; must be in (0, 1]")
    if not np.isfinite(cost):
        raise ValueError(f"cost = {cost}; must be finite")
    return f"{action}:{cost:.6f}:{max(propensity, 1e-9):.9f}"  # 0 would be skipped without a word


def parse(vw: Workspace, line: str) -> Example:
    """One line, as VW takes it in. It must be given back: see `asking.release`."""
    return vw.parse(line)[0]


def parse_all(vw: Workspace, lines: list[str]) -> list[Example]:
    """VW's examples of some lines, in one call: a call costs as much as parsing a short line."""
    examples: list[Example] = vw.parse(lines)
    return examples
