"""Asking Vowpal Wabbit for costs or for its own pmf, and teaching it decisions.

Open this file to see how few questions are enough for all members, and which decisions of an issue
VW learns from.
"""

from collections.abc import Callable, Sequence

import numpy as np

from bandit.core import check, exact, keys
from bandit.core.types import Bools, Floats, Ints, Round
from bandit.models.vowpal.text import Example, parse, parse_all, write_label
from bandit.models.vowpal.workspace import Workspace

FINE = 2.0**4  # costs are small and differ little: they are summed in units of 2^-24, not 2^-20
FAR = 1000.0  # between tiers: exp(-FAR) is 0


def pick_lessons(
    round: Round, unclicked: float, clip: float
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """What VW is shown of an issue: rows, slots, articles, clicked and propensity, all [e].

    Pins are left out, since they were nobody's decision. Of the slots without a click a share
    `unclicked` is kept, by key, and each stands for 1 / unclicked of them: VW weights what it
    learns by 1 / propensity, and the propensity of what was chosen and kept is the product of the
    two chances. Left unweighted, a rate p would be learned as p / (p + (1 - p) unclicked), .2 as
    .625 where .15 are kept (He et al. 2014, sec. 6.3).

    clip: a propensity below counts as this much

    Raises ValueError for a propensity outside (0, 1], naming its place.
    """
    rows, slots, index, clicked = round.list_exposures()
    slates, context = round.slates, round.context
    propensity = slates.propensity[rows, slots]
    check.propensities(propensity, rows, slots)
    member, k = keys.member_keys(context.member_ids), slates.choice.shape[1]
    chance = keys.uniforms(0, context.campaign, "vw", member, k)
    keep = ~slates.pinned[rows, slots] & ((clicked > 0) | (chance[rows, slots] < unclicked))
    kept = np.maximum(propensity, clip) * np.where(clicked > 0, 1.0, unclicked)
    return rows[keep], slots[keep], index[keep], clicked[keep], kept[keep]


def teach(
    vw: Workspace,
    member: str,
    articles: list[Example],
    lines: list[str],
    j: int,
    cost: float,
    propensity: float,
) -> list[float]:
    """Teach one decision: article j of the pool was shown.

    member and lines are text, articles the same lines parsed. They are used again, so that only two
    lines are parsed. Returns the pmf [m] that VW had before it learned.
    """
    told = [member, f"{write_label(0, cost, propensity)} {lines[j]}"]
    shared, shown = parse_all(vw, told)
    vw.learn([shared, *articles[:j], shown, *articles[j + 1 :]])
    pmf: list[float] = shared.get_action_scores()
    vw.predict([shared, shown])  # VW can take back only the list it predicted last
    vw.finish_example([shared, shown])
    return pmf


def release(vw: Workspace, question: list[Example]) -> None:
    """Give parsed examples back to VW.

    It takes back only a whole question that was just asked; else it may crash.
    """
    vw.predict(question)
    vw.finish_example(question)


def ask_all(on: Bools, interactions: Sequence[str], ask: Callable[[Bools], Floats]) -> Floats:
    """The answers of `ask` for every member, [n, ...], with few questions.

    on: [n, f], the attribute values that are switched on for each member
    ask: the answer for one such row [f]

    Where attributes do not interact with each other, a cost is a sum over what is switched on: a
    member's answer is that of nobody in particular, plus what each value adds. Where they do, there
    is one question for each combination of attributes.
    """
    if any(pair.count("m") > 1 for pair in interactions):
        return ask_each(on, ask)
    nobody = np.zeros(on.shape[1], dtype=bool)
    base = exact.snap(FINE * ask(nobody))
    nothing = np.zeros_like(base)
    one = np.eye(len(nobody), dtype=bool)
    added = [FINE * ask(one[f]) - base if on[:, f].any() else nothing for f in range(len(nobody))]
    table = np.reshape(added, (len(nobody), base.size))  # of no attributes it has no rows
    flat = exact.dot(on.astype(np.float64), table.T)
    return (base + flat.reshape(len(on), *base.shape)) / FINE


def ask_each(on: Bools, ask: Callable[[Bools], Floats]) -> Floats:
    """`ask` for each combination of attributes among the members, on [n, f] -> [n, ...]."""
    combinations, member_of = np.unique(on, axis=0, return_inverse=True)
    if not len(combinations):  # of no members: only the shape is asked for
        return ask(np.zeros(on.shape[1], dtype=bool))[None][:0]
    asked: Floats = np.stack([ask(one) for one in combinations])
    return asked[member_of.ravel()]


def ask_costs(
    vw: Workspace, member: str, articles: list[Example], slots: Sequence[Example] = ()
) -> Floats:
    """VW's cost of each article [m]. slots: those of a conditional bandit's question."""
    shared = parse(vw, member)
    vw.predict([shared, *articles, *slots])
    found = np.array([article.get_partial_prediction() for article in articles])
    vw.finish_example([shared])
    check.finite("vw costs", found[None], [member])
    return found


def ask_tiers(vw: Workspace, member: str, articles: list[Example], enough: int) -> Floats:
    """The logarithm of VW's own pmf over the pool [m], with lower tiers where it has no mass.

    Articles without mass are asked about again as if the rest were not there, and lie FAR lower.
    Asking stops when `enough` articles have their place; the others share the last tier.
    """
    shared = parse(vw, member)
    score, left = np.zeros(len(articles)), np.arange(len(articles))
    depth = 0
    while len(left):
        pmf = np.ones(len(left))
        if len(articles) - len(left) < enough:
            pmf = np.array(vw.predict([shared, *(articles[j] for j in left)]))
        check.finite("vw pmf", pmf[None], [member])
        mass = pmf > 0
        if not mass.any():
            mass[:] = pmf[:] = True
        score[left[mass]] = np.log(pmf[mass] / pmf[mass].sum()) - FAR * depth
        left, depth = left[~mass], depth + 1
    vw.finish_example([shared])
    return score
