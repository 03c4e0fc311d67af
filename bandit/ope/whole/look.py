"""Looking beside a log: from plans and an issue that was sent to chances of what was clicked.

Open this file for which sends are looked at, and how it is known that a policy sent a log.
"""

import numpy as np

from bandit.core import keys
from bandit.core.types import Bools, Context, Floats, Ints, Round, SlotPmf
from bandit.ope.trust.dependence import lean, rank_appeal, score_appeal
from bandit.ope.whole.beside import Beside
from bandit.slates.exploration import epsilon_greedy
from bandit.slates.propensity import replay
from bandit.slates.walks import expect_first, find_chances, walk_beside

SHARE = 0.1  # of the sends, taken by lot, that are looked at although nothing was clicked
SAME = 1e-6  # a propensity that is off by less is that of the log: processors differ in last bits


def look_beside(
    target: SlotPmf,
    logger: SlotPmf,
    round: Round,
    seed: int,
    draws: int = 16,
    share: float = SHARE,
    wanted: Context | None = None,
    opened: bool = False,
    checked: bool = False,
) -> Beside:
    """What is known of one issue's sends.

    target: the plan to be judged, made before the issue was learned from
    logger: the plan that the issue was sent by
    seed: keys draws and sample
    draws: as for `walks.find_chances`
    share: of the sends, to be looked at although nothing was clicked; more of them make limits
        surer, and cost as much more time
    wanted: the issue under other rules, by which the target plans; None: under those it was sent by
    opened: every send that was opened is looked at, as a model of clicks needs it; False: not
    checked: that the logger sent this is known, as by `is_sent_by`, and not looked at again

    Raises ValueError naming campaign, member and slot where the logger's plan does not give the
    propensities that were logged.
    """
    context, slates = round.context, round.slates
    if not checked:
        check_logger(logger, round)
    reward = round.feedback.clicked.astype(np.float64)
    member = keys.member_keys(context.member_ids)
    lots = keys.uniforms(seed, context.campaign, "sampled", member, 1)[:, 0] < share
    rows = np.flatnonzero(lots | reward.any(axis=1) | (opened & round.feedback.opened))
    asked, some = slates.choice[rows], context.eligible[rows]
    kinds = (target.choose_scores(0)[rows], _count_clicks(round, rows))
    appeal = np.stack([rank_appeal(each, some) for each in kinds], axis=2)
    walks = walk_beside(logger, context, asked, rows, seed, draws, own=True, appeal=appeal)
    return Beside(
        members=context.member_ids,
        rows=rows,
        sampled=lots[rows],
        reward=reward[rows],
        supported=slates.supported[rows],
        logged=find_chances(logger, context, asked, rows, seed, walks=walks),
        target=find_chances(target, wanted or context, asked, rows, seed, draws),
        leans=lean(walks, reward[rows], appeal),
        opened=round.feedback.opened,
        first=_lean_first(target, logger, round, wanted or context),
    )


def plan_uniform(context: Context) -> SlotPmf:
    """The plan that gives every open article the same chance."""
    return SlotPmf(np.zeros(context.eligible.shape), epsilon_greedy(1.0))


def is_sent_by(logger: SlotPmf, round: Round) -> bool:
    """Whether this plan gives every propensity that was logged."""
    return not _find_others(logger, round)[0].any()


def _find_others(logger: SlotPmf, round: Round) -> tuple[Bools, Floats]:
    """Where the log's propensities [n, k] are not this plan's, and what that plan's are."""
    again = replay(logger, round.context, round.slates.choice)
    logged = round.slates.propensity
    return np.asarray(~(np.abs(again - logged) <= SAME * logged)), again


def check_logger(logger: SlotPmf, round: Round) -> None:
    """Raise ValueError at the first propensity of the log that is not this plan's."""
    context, slates = round.context, round.slates
    wrong, again = _find_others(logger, round)
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        who = context.member_ids.tolist()[i]
        raise ValueError(
            f"campaign {context.campaign!r}, member {who!r}, slot {j + 1}: "
            f"the logging policy gives the article {again[i, j]:.6g}, and the log says "
            f"{slates.propensity[i, j]:.6g}: it is not the policy that sent this"
        )


def _lean_first(target: SlotPmf, logger: SlotPmf, round: Round, wanted: Context) -> Floats:
    """`Beside.first` of one issue, [n, 2]."""
    context, sent = round.context, round.slates.choice[:, :1]
    scores = score_appeal(target.choose_scores(0), context.eligible | wanted.eligible)
    usual = expect_first(logger, context, scores)
    shown = np.take_along_axis(scores, np.maximum(sent, 0), axis=1)[:, 0]
    theirs = expect_first(target, wanted, scores)
    return np.stack([np.where(sent[:, 0] >= 0, shown, 0.0) - usual, theirs - usual], axis=1)


def _count_clicks(round: Round, rows: Ints) -> Floats:
    """Each article's clicks for a show, of everybody but the member, [e, m]; NaN where unshown."""
    choice, clicked = round.slates.choice, round.feedback.clicked
    m = round.context.eligible.shape[1]
    filled = choice >= 0
    shown = np.bincount(choice[filled], minlength=m).astype(np.float64)
    clicks = np.bincount(choice[filled], clicked[filled], m)
    others, theirs = np.tile(shown, (len(rows), 1)), np.tile(clicks, (len(rows), 1))
    at, slot = np.nonzero(filled[rows])
    article = choice[rows][at, slot]
    others[at, article] -= 1.0
    theirs[at, article] -= clicked[rows][at, slot]
    return np.divide(theirs, others, out=np.full_like(others, np.nan), where=others > 0)
