"""Models of clicks in newsletters of many slots, for the doubly robust forms of `ope.whole`.

A model tells the chance of a click from what is known of a choice: its slot, the member, the
article, and how a policy scores the one for the other. With the scores of `profile`, as it was
before the issue, that is the profile model; without, what attributes and texts tell. Each is fitted
on other members' sends, so the estimate leans nowhere whatever the model is worth. Axes: n sends, k
slots, d columns, w slates of the target drawn beside each send. Open this file to give
`doubly_robust.item_position_dr` or `cascade_dr` a model.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from bandit.core import check, keys
from bandit.core.types import Bools, Context, Floats, Ids, Ints, Round, SlotPmf
from bandit.ope.folds import cross_fit
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.doubly_robust import cascade_dr
from bandit.slates.propensity import draw
from bandit.slates.taking import choose
from bandit.slates.walks import walk_down

DRAWN = 4  # newsletters of the target beside each that was opened, for a model of clicks
Fit = Callable[[Floats, Floats, Floats], Floats]
TREES, LEAVES, RATE = 60, 8, 0.1  # of the boosted trees: few clicks bear no more
RIDGE = 1.0  # of the logistic regression, in sends


def describe(context: Context, choice: Ints, plan: SlotPmf | None = None) -> Floats:
    """What is known of each choice, [n, k, d]; zeros for an empty slot.

    The columns are one for each slot, the features of the article and of the member, and the
    plan's score.

    choice: [n, k], indices into the pool, -1 for an empty slot
    plan: of a policy that had not learned from this issue; None: no score
    """
    (n, k), rows = choice.shape, np.arange(len(choice))[:, None]
    article = np.maximum(choice, 0)
    parts = [
        np.broadcast_to(np.eye(k), (n, k, k)),
        context.article_features[article],
        np.broadcast_to(context.member_features[:, None], (n, k, context.member_features.shape[1])),
    ]
    if plan is not None:
        scores = [plan.choose_scores(slot)[rows[:, 0], article[:, slot]] for slot in range(k)]
        parts.append(np.stack(scores, axis=1)[..., None])
    known = np.concatenate(parts, axis=2)
    return np.where((choice >= 0)[..., None], known, 0.0)


def fit_boosted(x: Floats, clicks: Floats, asked: Floats) -> Floats:
    """P(click) [r] by boosted trees (Friedman 2001; scikit-learn's histogram form).

    x: [e, d], what was known of choices that came to `clicks` [e]
    asked: [r, d]
    """
    if len(np.unique(clicks)) < 2:  # no click among them, or nothing else
        return np.full(len(asked), clicks.mean() if len(clicks) else 0.0)
    from sklearn.ensemble import HistGradientBoostingClassifier  # the sender has no need of it

    trees = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        learning_rate=RATE,
        early_stopping=False,
        random_state=0,
    )
    return np.asarray(trees.fit(x, clicks).predict_proba(asked)[:, 1])


def fit_logistic(x: Floats, clicks: Floats, asked: Floats) -> Floats:
    """P(click) [r] by a logistic regression on standardised columns, as for `fit_boosted`."""
    if len(np.unique(clicks)) < 2:
        return np.full(len(asked), clicks.mean() if len(clicks) else 0.0)
    from sklearn.linear_model import LogisticRegression  # the sender has no need of it

    center, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    model = LogisticRegression(C=1 / RIDGE, max_iter=1000)
    model.fit((x - center) / scale, clicks)
    return np.asarray(model.predict_proba((asked - center) / scale)[:, 1])


def model_clicks(
    shown: Floats,
    drawn: Floats,
    reward: Floats | Bools,
    members: Ids,
    fit: Fit = fit_boosted,
    folds: int = 2,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """A cross-fitted model's clicks of what was shown, and of what the target would show, [n, k].

    shown: [n, k, d], what is known of what was shown (`describe`)
    drawn: [w, n, k, d], the same of slates that the target drew for each send; more of them make
        the second sharper
    reward: [n, k], clicks, 0 or 1
    members: [n], ids
    fit: from what was known of choices and their clicks to the chances of others
    folds, seed: as for `folds.assign_folds`; a fold without a click is modelled by its rate, 0

    Raises ValueError for shapes that differ, and rewards that are no clicks.
    """
    n, k, d = shown.shape
    check.shape("reward", reward, (n, k))
    check.shape("drawn", drawn, (len(drawn), n, k, d))
    clicks = np.asarray(reward, np.float64)
    wrong = ~np.isin(clicks, (0.0, 1.0))
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        raise ValueError(f"reward[{i}, {j}] = {clicks[i, j]}; must be a click: 0 or 1")

    def tell(seen: Ints, asked: Ints) -> tuple[Floats, Floats]:
        every = np.concatenate([shown[None, asked], drawn[:, asked]])
        told = fit(shown[seen].reshape(-1, d), clicks[seen].ravel(), every.reshape(-1, d))
        by_slate = told.reshape(len(every), len(asked), k)
        return by_slate[0], by_slate[1:].mean(axis=0)

    return cross_fit(members, tell, folds, seed)


FITS: dict[str, Fit] = {"boosted": fit_boosted, "logistic": fit_logistic}


def find_fit(model: object) -> Fit | None:
    """The one of `FITS` of that name; None for None. Raises ValueError for any other."""
    if model is not None and model not in FITS:
        raise ValueError(f"model = {model!r}; must be null, {' or '.join(FITS)}")
    return None if model is None else FITS[str(model)]


def describe_opened(
    target: SlotPmf, round: Round, wanted: Context, seed: int, drawn: int = DRAWN
) -> Floats:
    """What is known of choices in newsletters that were opened, [1 + w, o, k, d].

    First stands what was sent, then what the target would have sent.

    target: the plan to be judged, made before the issue was learned from
    wanted: the issue under the rules by which the target plans
    seed: of the target's draws; the w-th has the seed + w
    drawn: w, how many newsletters it draws for each that was opened
    """
    own = (draw(target, wanted, seed + each).choice for each in range(drawn))
    return _describe_beside(target, round, wanted, own)


def describe_below(
    target: SlotPmf, round: Round, wanted: Context, seed: int, drawn: int = DRAWN
) -> Floats:
    """The same slot by slot, [1 + w, o, k, d]: what the target would show below the sent slots.

    The arguments are those of `describe_opened`; the seed keys what is drawn for each slot.
    """
    choice, member = round.slates.choice, keys.member_keys(wanted.member_ids)
    numbers = [
        keys.uniforms(seed, wanted.campaign, f"below {each}", member, choice.shape[1])
        for each in range(drawn)
    ]
    own = np.full((drawn, *choice.shape), -1)
    for rows, slot, pmf in walk_down(target, wanted, choice):
        for each in range(drawn):
            own[each, rows, slot] = choose(pmf, numbers[each][rows, slot])
    return _describe_beside(target, round, wanted, own)


def _describe_beside(target: SlotPmf, round: Round, wanted: Context, own: Iterable[Ints]) -> Floats:
    """What was sent to whoever opened, and beside it w choices of the target, [1 + w, o, k, d]."""
    opened = np.flatnonzero(round.feedback.opened)
    sent = describe(round.context, round.slates.choice, target)[opened]
    return np.stack([sent, *(describe(wanted, choice, target)[opened] for choice in own)])


def model_top(
    known: Sequence[Floats], issues: Sequence[Beside], fit: Fit, seed: int = 0
) -> list[Beside]:
    """The issues, with the terms of `cascade_dr` by a cross-fitted model.

    Whoever did not open does not click, so the model has nothing to tell there.

    known: of each issue (`describe_below`)
    issues: of each issue, of which it is known who opened and `from_top`
    fit, seed: as for `model_appeal`
    """
    every, found = np.concatenate(known, axis=1), []
    opened = [np.asarray(issue.opened) for issue in issues]
    tops = [issue.from_top for issue in issues if issue.from_top]
    clicks = [top.reward[mask] for top, mask in zip(tops, opened, strict=True)]
    members = [issue.members[mask] for issue, mask in zip(issues, opened, strict=True)]
    log = (every[0], every[1:], np.concatenate(clicks), np.concatenate(members))
    both = np.stack(model_clicks(*log, fit, seed=seed))
    ends = np.cumsum([mask.sum() for mask in opened])[:-1]
    parts = np.split(both, ends, axis=1)
    for issue, top, mask, part in zip(issues, tops, opened, parts, strict=True):
        told = np.zeros((2, *top.reward.shape))
        told[:, mask] = part
        terms = cascade_dr(top.logged, top.target, top.reward, *told)
        found.append(replace(issue, from_top=replace(top, modelled=terms)))
    return found


def model_appeal(
    known: Sequence[Floats], issues: Sequence[Beside], fit: Fit, seed: int = 0
) -> list[Beside]:
    """The issues, with a cross-fitted model's appeal of what was sent and of what would have been.

    The model tells the chance of a click by somebody who opened, as if the article stood in the
    first slot. Whoever did not open does not click, so it has nothing to tell there.

    known: of each issue (`describe_opened`)
    issues: of each issue, with every newsletter that was opened among the rows
    fit: from what was known of choices and their clicks to the chances of others
    seed: keys the halves of the members
    """
    every = np.concatenate(known, axis=1)
    looked: list[Bools] = [
        np.asarray(issue.opened)[issue.rows] for issue in issues if issue.opened is not None
    ]
    clicks = np.concatenate(
        [issue.reward[mask] for issue, mask in zip(issues, looked, strict=True)]
    )
    members = np.concatenate(
        [issue.members[issue.rows[mask]] for issue, mask in zip(issues, looked, strict=True)]
    )
    check.shape("clicks", clicks, every.shape[1:3])
    k, d = every.shape[2:]
    filled: Bools = np.asarray(every[..., :k].any(axis=-1))

    def tell(seen: Ints, asked: Ints) -> tuple[Floats, Floats]:
        first = every[:, asked].copy()
        first[..., :k] = np.eye(k)[0]
        told = fit(every[0, seen].reshape(-1, d), clicks[seen].ravel(), first.reshape(-1, d))
        appeal = np.where(filled[:, asked], told.reshape(len(every), len(asked), k), 0.0)
        return appeal[0], appeal[1:].mean(axis=0)

    both = np.stack(cross_fit(members, tell, seed=seed), axis=1)
    ends = np.cumsum([mask.sum() for mask in looked])
    found = []
    for issue, mask, part in zip(issues, looked, np.split(both, ends[:-1]), strict=True):
        appeal = np.zeros((len(issue.rows), 2, k))
        appeal[mask] = part
        found.append(replace(issue, appeal=appeal))
    return found
