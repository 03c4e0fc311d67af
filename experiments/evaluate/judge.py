"""From an archive and a policy to all that the log says of the policy.

Open this file for what is judged on which issues, and what the policy knows by then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bandit.core.check import shorten
from bandit.core.columns import EACH
from bandit.core.rules import Rules
from bandit.core.told import name_nearest
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.attributes import fold
from bandit.log.learning import learn_again
from bandit.ope.evaluate import Estimate, evaluate
from bandit.ope.intervals import Interval, normal_interval
from bandit.ope.rewards.slates import (
    Fit,
    describe_below,
    describe_opened,
    model_appeal,
    model_top,
)
from bandit.ope.sequences import Look
from bandit.ope.trust.calibration import find_miscalibration
from bandit.ope.trust.drift import find_drift
from bandit.ope.whole.assumptions import APART, MODELLED
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import WholeAnswer, WholeEstimate, evaluate_whole
from bandit.ope.whole.from_top import FromTop
from bandit.ope.whole.look import is_sent_by, look_beside, plan_uniform
from bandit.ope.whole.looks import lift_by_issue, look_by_issue
from bandit.policy import Policy
from bandit.slates.layout import read_values
from bandit.slates.propensity import replay

UNKNOWN = (
    "campaign {!r} was not sent at random from what its rules and the log's past leave open, and "
    "what chance an article has in a slot, whatever stands above, is not in the log: name the "
    "bundle that it was sent by, sent_by=PATH"
)


@dataclass(frozen=True)
class Judgement:
    """What the log says of a policy.

    campaigns: those judged, in order
    sends, members, opened, clicks: counts of them
    slots: in a newsletter
    top: estimates of the slots from the top, by weights that assume less
    sent: clicks a send of what was sent, on as many slots, for each number of slots
    whole: what is said of whole newsletters; None where `why` says why nothing is
    why: see above; it may also say why chances whatever stands above are not known
    issues: for each campaign its lift over what was sent, by the estimate believed; empty: none is
    looks: the change in clicks a send after each campaign, by all up to then, with intervals that
        hold at all looks together; empty: no estimate is believed
    doubt: why nothing that follows from the logged chances may be believed; empty: they are sound
    drift: what of the newest issue is not as before, so that there is no decision; empty: nothing
    """

    campaigns: Sequence[str]
    sends: int
    members: int
    opened: int
    clicks: int
    slots: int
    top: Sequence[Estimate]
    sent: Sequence[Interval]
    whole: WholeAnswer | None
    why: str
    issues: Sequence[Interval | None]
    looks: Sequence[Look] = ()
    doubt: str = ""
    drift: str = ""

    @property
    def verdict(self) -> str:
        """The decision, in a sentence."""
        best = self.whole.best if self.whole else None
        if best is None or best.lift is None or self.whole is None:
            return "The log cannot tell what whole newsletters of this policy would have earned."
        if self.drift:
            return "The log cannot tell what this policy would earn now, for it is not as it was."
        low, high = best.lift.low, best.lift.high
        told = f"{_sign(best.lift.estimate)} % clicks [{_sign(low)}, {_sign(high)}]"
        rests = f"on {self.slots} slots; {self.whole.dependence.words}"
        if low > 0:
            return f"Switch: {told} {rests}."
        if high < 0:
            return f"Keep what was sent: {told} {rests}."
        return f"Too early to tell: {told} {rests}."


def _sign(share: float) -> str:
    return f"{100 * share:+.0f}".replace("-", "\u2212")


def list_estimates(found: Judgement) -> tuple[Sequence[WholeEstimate], Sequence[Estimate]]:
    """Estimates of whole newsletters, and those of fewer slots from the top.

    Where weights from the top reach the last slot they are of whole newsletters, and not twice.
    """
    whole = found.whole.estimates if found.whole else ()
    full = bool(whole) and all(top.slots == found.slots for top in found.top)
    if full:
        return whole, ()
    return [each for each in whole if each.estimator in (*APART, *MODELLED)], found.top


def judge(
    policy: Policy,
    rounds: Iterable[Round],
    judge_from: int,
    learns: bool,
    sent_by: Policy | None,
    seed: int,
    draws: int,
    share: float,
    tick: Callable[[], None] = lambda: None,
    rules: Mapping[str, object] | None = None,
    sender_from: int | None = None,
    fit: Fit | None = None,
) -> Judgement:
    """What a log says of a policy that has been started.

    rounds: the log's issues, in order
    judge_from: first issue that is judged; those before teach the policy, if it learns
    learns: the policy learns each issue after it was judged by it; False: it stays as it is
    sent_by: the policy that sent the log, as it was then; None: everything was sent at random
    seed, draws, share: as for `look_beside`
    tick: called after each issue
    rules: what is to be different in the rules by which the policy plans the judged issues, as
        `Rules.parse` takes it; None: nothing
    sender_from: the first issue that `sent_by` learned after it had sent it, and so on; None: it
        stayed as it is
    fit: of a model of clicks, one of `FITS`, that makes estimates of slots apart surer; None: none

    Raises ValueError where no issue is left to judge by, where `sent_by` did not send them, and
    where a rule names a value that no article of the judged issues has.
    """
    judged: list[Round] = []
    parts: list[FromTop] = []
    besides: list[Beside] = []
    plans: list[tuple[SlotPmf, Round, Context]] = []
    why = doubt = ""
    for round in rounds:
        if round.context.issue >= judge_from:
            wanted = change_rules(round.context, rules)
            plan = policy.plan(wanted)
            slates = round.slates
            target = replay(plan, wanted, slates.choice)
            clicked = round.feedback.clicked.astype(np.float64)
            parts.append(FromTop(slates.propensity, target, clicked, slates.supported))
            logger = _plan_sender(sent_by, round.context)
            if sent_by is None and not why and not is_sent_by(logger, round):
                why = UNKNOWN.format(round.context.campaign)
            if not why:
                opens = fit is not None
                found = look_beside(plan, logger, round, seed, draws, share, wanted, opens)
                if fit:
                    plans.append((plan, round, wanted))
                besides.append(replace(found, from_top=parts[-1]))
                doubt = doubt or find_miscalibration(logger, round)
            judged.append(round)
        if learns:
            learn_again(policy, round)
        if sent_by and sender_from is not None and round.context.issue >= sender_from:
            learn_again(sent_by, round)
        tick()
    if not judged:
        raise ValueError(
            f"judge_from = {judge_from}; the log ends before that issue, "
            "so nothing is left to judge by"
        )
    _refuse_void(rules or {}, [round.context for round in judged])
    members = np.concatenate([round.context.member_ids for round in judged])
    if (members == members[0]).all():
        raise ValueError(
            f"the judged issues went to one member, {members.tolist()[0]!r}; an estimate needs two"
        )
    k = min(part.reward.shape[1] for part in parts)
    top = FromTop.join([part.cut(k) for part in parts])
    tops = [] if doubt else evaluate(top.logged, top.target, top.reward, top.supported, members)
    if fit and not why:
        besides = model_appeal([describe_opened(*each, seed) for each in plans], besides, fit)
        if tops and tops[0].slots == k:
            besides = model_top([describe_below(*each, seed) for each in plans], besides, fit)
    whole = None if doubt else _judge_whole(judged, besides, why, top, tops[0])
    best = whole.best if whole else None
    return Judgement(
        campaigns=[round.context.campaign for round in judged],
        sends=len(members),
        members=len(np.unique(members)),
        opened=sum(int(round.feedback.opened.sum()) for round in judged),
        clicks=int(sum(part.reward.sum() for part in parts)),
        slots=k,
        top=tops,
        sent=[normal_interval(top.reward[:, : s + 1].sum(axis=1), members) for s in range(k)],
        whole=whole,
        why=why,
        issues=lift_by_issue(besides, best.estimator) if best and not why else [],
        looks=look_by_issue(besides, best.estimator) if best and not why else [],
        doubt=doubt,
        drift=find_drift(judged),
    )


def _judge_whole(
    judged: list[Round], besides: list[Beside], why: str, seen: FromTop, top: Estimate
) -> WholeAnswer | None:
    """What is said of whole newsletters; None where too little is known of the log to say any.

    why: chances whatever stands above are not known, so there are but the estimates from the top
    """
    name = _name_sends(judged)
    if not why:
        return evaluate_whole(_join(besides), name=name, top=top)
    members = np.concatenate([round.context.member_ids for round in judged])
    slots = {round.context.rules.slots for round in judged}
    if len(slots) > 1:
        return None
    found = evaluate_whole(Beside.know_top(members, seen), name=name, top=top)
    return found if found.best else None


def change_rules(context: Context, rules: Mapping[str, object] | None) -> Context:
    """The issue under its own rules but for those named; itself where none is.

    Raises ValueError naming the campaign for rules that cannot be, or that change how many slots
    there are.
    """
    if not rules:
        return context
    try:
        asked = {str(name): value for name, value in rules.items()}
        for part in ("pins", "only"):
            told = asked.get(part)
            if isinstance(told, Mapping):
                asked[part] = {str(slot): value for slot, value in told.items()}
        changed = Rules.parse(context.rules.describe() | asked)
        if changed.slots != context.rules.slots:
            raise ValueError(f"slots = {changed.slots}; what was sent has {context.rules.slots}")
        return replace(context, rules=changed)
    except ValueError as error:
        raise ValueError(f"rules, campaign {context.campaign!r}: {error}") from None


def _refuse_void(asked: Mapping[str, object], issues: Sequence[Context]) -> None:
    """Raise ValueError for a value of a rule that no article has: it would seem to cost nothing."""
    rules = change_rules(issues[0], asked).rules
    told: list[tuple[str, Mapping[str, Iterable[str]]]] = [
        *(("at_most", rules.at_most), ("at_least", rules.at_least)),
        *(("only", columns) for columns in rules.only.values()),
    ]
    named = [(part, column, value) for part, by in told for column in by for value in by[column]]
    for part, column, value in named:
        if part not in asked or value == EACH:
            continue
        there = {each for issue in issues for each in read_values(issue.articles, column)}
        if fold(value) not in set(map(fold, there)):
            near = name_nearest(value, sorted(there))
            what = f"rules: {part} {column} {shorten(value)}"
            raise ValueError(f"{what}: no article of the judged issues has it{near}")


def _plan_sender(sent_by: Policy | None, context: Context) -> SlotPmf:
    return plan_uniform(context) if sent_by is None else sent_by.plan(context)


def _join(besides: list[Beside]) -> Beside:
    """One log of all issues. Raises ValueError where they differ in slots."""
    slots = sorted({each.reward.shape[1] for each in besides})
    if len(slots) > 1:
        raise ValueError(f"issues have {slots} slots; judge those of one size, by judge_from")
    return Beside.join(besides)


def _name_sends(judged: list[Round]) -> Callable[[int], str]:
    """Says of a row of the judged sends whose it is, for reasons."""
    starts = np.cumsum([0, *(len(round.context.members) for round in judged)])

    def name(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        context = judged[at].context
        who = context.member_ids.tolist()[row - int(starts[at])]
        return f"member {who!r} in campaign {context.campaign!r}"

    return name
