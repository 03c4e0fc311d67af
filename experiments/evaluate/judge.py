"""From an archive and a policy to all that the log says of the policy.

Open this file for what is judged on which issues, and what the policy knows by then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bandit.core.check import shorten
from bandit.core.columns import EACH
from bandit.core.rules import Rules, name_nearest
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.attributes import fold
from bandit.log.learning import learn_again
from bandit.ope.evaluate import Estimate, evaluate
from bandit.ope.intervals import Interval, normal_interval
from bandit.ope.sequences import Look
from bandit.ope.whole.assumptions import ASSUMES
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import WholeAnswer, evaluate_whole
from bandit.ope.whole.look import is_sent_by, look_beside, plan_uniform
from bandit.ope.whole.looks import look_by_issue
from bandit.policy import Policy
from bandit.slates.layout import read_values
from bandit.slates.propensity import replay

UNKNOWN = (
    "campaign {!r} was not sent at random, and what chance an article has in a slot, whatever "
    "stands above, is not in the log: name the bundle that it was sent by, sent_by=PATH"
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
    why: see above
    issues: for each campaign its lift over what was sent, by the estimate believed; empty: none is
    looks: the change in clicks a send after each campaign, by all up to then, with intervals that
        hold at all looks together; empty: no estimate is believed
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

    @property
    def verdict(self) -> str:
        """The decision, in a sentence."""
        best = self.whole.best if self.whole else None
        if best is None or best.lift is None or self.whole is None:
            return "The log cannot tell what whole newsletters of this policy would have earned."
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

    Raises ValueError where no issue is left to judge by, where `sent_by` did not send them, and
    where a rule names a value that no article of the judged issues has.
    """
    judged: list[Round] = []
    parts, besides, why = [], [], ""
    for round in rounds:
        if round.context.issue >= judge_from:
            wanted = change_rules(round.context, rules)
            plan = policy.plan(wanted)
            slates = round.slates
            target = replay(plan, wanted, slates.choice)
            clicked = round.feedback.clicked.astype(np.float64)
            parts.append((slates.propensity, target, clicked, slates.supported))
            logger = _plan_sender(sent_by, round.context)
            if sent_by is None and not why and not is_sent_by(logger, round):
                why = UNKNOWN.format(round.context.campaign)
            if not why:
                besides.append(look_beside(plan, logger, round, seed, draws, share, wanted))
            judged.append(round)
        if learns:
            learn_again(policy, round)
        tick()
    if not judged:
        raise ValueError(
            f"judge_from = {judge_from}; the log ends before that issue, "
            "so nothing is left to judge by"
        )
    _refuse_void(rules or {}, [round.context for round in judged])
    members = np.concatenate([round.context.member_ids for round in judged])
    k = min(part[0].shape[1] for part in parts)
    logged, target, clicked, supported = (
        np.concatenate([array[:, :k] for array in column]) for column in zip(*parts, strict=True)
    )
    whole = None if why else evaluate_whole(_join(besides), name=_name_sends(judged))
    return Judgement(
        campaigns=[round.context.campaign for round in judged],
        sends=len(members),
        members=len(np.unique(members)),
        opened=sum(int(round.feedback.opened.sum()) for round in judged),
        clicks=int(sum(part[2].sum() for part in parts)),
        slots=k,
        top=evaluate(logged, target, clicked, supported, members),
        sent=[normal_interval(clicked[:, : s + 1].sum(axis=1), members) for s in range(k)],
        whole=whole,
        why=why,
        issues=[_find_lift(each, whole) for each in besides] if whole and whole.best else [],
        looks=look_by_issue(besides, whole.best.estimator) if whole and whole.best else [],
    )


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


def _find_lift(beside: Beside, whole: WholeAnswer) -> Interval | None:
    """One issue's lift by the estimate that is believed; None where it has too few clicks."""
    if whole.best is None:
        return None
    found = evaluate_whole(beside, least_ess=1.0, least_clicks=5.0)
    place = list(ASSUMES).index(whole.best.estimator)
    return found.estimates[place].lift


def list_values(found: Judgement) -> list[dict[str, object]]:
    """A row for each estimate, what was sent first: numbers, NaN for none, and the reason."""
    rows = [_describe("sent", found.slots, found.sent[-1], None, float(found.sends), "")]
    for whole in found.whole.estimates if found.whole else ():
        told = (whole.interval, whole.lift, whole.ess, whole.reason)
        rows.append(_describe(whole.estimator, found.slots, *told))
    for top in found.top:
        rows.append(_describe(top.estimator, top.slots, top.interval, None, top.ess, top.reason))
    return rows


def _describe(
    estimator: str,
    slots: int,
    value: Interval | None,
    lift: Interval | None,
    ess: float,
    reason: str,
) -> dict[str, object]:
    none = Interval(*[float("nan")] * 3)
    v, over = value or none, lift or none
    return {
        "estimator": estimator,
        "slots": slots,
        "value": v.estimate,
        "low": v.low,
        "high": v.high,
        "lift": over.estimate,
        "lift_low": over.low,
        "lift_high": over.high,
        "ess": ess,
        "reason": reason,
    }
