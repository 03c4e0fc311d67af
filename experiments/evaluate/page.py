"""The page that `experiments.evaluate` leaves, and what it prints.

Every number and sentence is made from a judgement. Open this file to change what is told, and in
which order.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup
from rich.table import Table

from bandit.core.files import replacing
from bandit.ope.intervals import Interval
from bandit.ope.sequences import find_first
from bandit.ope.whole.assumptions import ASSUMES, FROM_TOP, MODELLED
from bandit.ope.whole.evaluate import WholeAnswer, WholeEstimate
from experiments.evaluate.judge import Judgement, list_estimates
from experiments.report.calibration.figures import Dot, draw_dots, draw_lines
from experiments.report.off_policy import ESTIMATORS
from experiments.report.page import INK, fill_template, format_percent, format_thousand

WHOLE = {
    "snips": "Reweighted, whole",
    "cascade_sn": "Cascade, whole",
    "cascade_dr": "Cascade, whole, with a model",
    "item_position": "Slot apart from slot",
    "item_position_dr": "Slot apart from slot, with a model",
    "position_based": "Looks by slot",
    "position_based_dr": "Looks by slot, with a model",
}
HEAD = ("Estimate", "Slots", "Clicks per 1,000 sends", "Over what was sent", "Counts as sends", "")


def list_rows(found: Judgement) -> list[list[str]]:
    """A row for each estimate under `HEAD`: the last cell is the reason why there is no more."""
    rows = [["What was sent", str(found.slots), _write(found.sent[-1]), "", f"{found.sends:,}", ""]]
    wholes, tops = list_estimates(found)
    for whole in wholes:
        cells = [WHOLE[whole.estimator], str(found.slots), _write(whole.interval)]
        lift = "\u2013" if whole.lift is None else _write_lift(whole.lift)
        rows.append([*cells, lift, f"{whole.ess:,.0f}", whole.reason])
    silent = all(top.interval is None for top in tops)
    for top in tops[:1] if silent else tops:
        slots = top.slots or 1
        over = "\u2013"
        if top.interval and found.sent[slots - 1].estimate > 0:
            share = top.interval.estimate / found.sent[slots - 1].estimate - 1
            over = format_percent(share, sign=True)
        label = "From the top, every estimate" if silent else ESTIMATORS[top.estimator]
        cells = [label, str(slots), _write(top.interval)]
        rows.append([*cells, over, f"{top.ess:,.0f}", top.reason])
    return rows


def _write(interval: Interval | None) -> str:
    if interval is None:
        return "\u2013"
    ends = f"{format_thousand(interval.low)} to {format_thousand(interval.high)}"
    return f"{format_thousand(interval.estimate)} ({ends})"


def _write_lift(lift: Interval) -> str:
    value, low, high = (format_percent(v, sign=True) for v in (lift.estimate, lift.low, lift.high))
    return f"{value} ({low} to {high})"


def make_table(found: Judgement) -> Table:
    """What the command prints below the verdict."""
    table = Table(title="clicks per 1,000 sends, with 95 % intervals", title_justify="left")
    for name in HEAD[:-1]:
        table.add_column(name, justify="left" if name == "Estimate" else "right")
    for row in list_rows(found):
        table.add_row(*row[:-1])
    return table


def list_reasons(found: Judgement) -> list[str]:
    """Why there is no more of an estimate than `make_table` shows, a line for each reason."""
    reasons: dict[str, list[str]] = {}
    for row in list_rows(found):
        if row[-1]:
            reasons.setdefault(row[-1], []).append(row[0])
    return [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]


def list_findings(found: Judgement) -> list[str]:
    """What was tested and what the answer rests on, in sentences."""
    if found.doubt:
        return [f"Nothing is told of this policy: {found.doubt}."]
    if found.whole is None:
        return [f"Whole newsletters were not judged: {found.why}."]
    told, best = [], found.whole.best
    if best:
        if found.drift:
            told.append(f"What follows is of the judged issues alone: {found.drift}.")
        told.append(f"The answer assumes that {ASSUMES[best.estimator]}.")
        told.append(_tell_choice(found.whole, best))
        told += _tell_tired(found.whole, best)
        told += _tell_opening(found.whole, best)
        if found.why:
            told.append(f"Slots apart and looks by slot were not judged: {found.why}.")
        worth = f"{found.sends:,} sends tell as much as {best.ess:,.0f} by this policy would"
        told.append(f"{worth}.")
        told += _tell_looks(found)
    else:
        words = found.whole.dependence.words
        told.append(f"{words[0].upper()}{words[1:]}.")
        told += [
            f"{WHOLE[each.estimator]}: withheld, because {each.reason}."
            for each in found.whole.estimates
        ]
    return told


def _tell_choice(whole: WholeAnswer, best: WholeEstimate) -> str:
    """Why the answer rests on this estimate and on no other one, in a sentence."""
    others = [each for each in whole.estimates if each.margin is not None and each is not best]
    refused = [each for each in whole.estimates if each.reason]
    chosen = f"It rests on \u201c{WHOLE[best.estimator]}\u201d: "
    if not others:
        alike: dict[str, list[str]] = {}
        for each in refused:
            alike.setdefault(each.reason, []).append(WHOLE[each.estimator])
        reasons = "; ".join(f"{' and '.join(names)}: {why}" for why, names in alike.items())
        return (
            f"{chosen}no other estimate may be believed ({reasons})."
            if reasons
            else (f"{chosen}it is the only one.")
        )
    widths = [f"{WHOLE[each.estimator]} {_tell_margin(each)}" for each in others]
    return (
        f"{chosen}of the estimates that may be believed it tells the change most surely, to "
        f"{_tell_margin(best)} of what was sent ({'; '.join(widths)}), and it contradicts none "
        "that assumes less."
    )


def _tell_tired(whole: WholeAnswer, best: WholeEstimate) -> list[str]:
    """How many clicks a click keeps away, where the answer allows for that."""
    tired = whole.tired
    if tired is None or tired.share == 0 or best.estimator in FROM_TOP:
        return []
    kept = f"{format_percent(tired.share)} (standard error {format_percent(tired.error)})"
    allows = "the answer allows for that, and its interval for how unsure it is"
    if whole.dependence.sure:
        return [
            f"A click keeps {kept} of the clicks below it away, as pairs of clicks tell; {allows}."
        ]
    return [
        "The log cannot tell whether a click keeps others below it away, or none: as pairs of "
        f"clicks have it, {kept} of them, which may be luck; {allows}."
    ]


def _tell_opening(whole: WholeAnswer, best: WholeEstimate) -> list[str]:
    """How many more newsletters the first article would open, where the answer allows for that."""
    opening = whole.opening
    if best.estimator in FROM_TOP or len(whole.curve) < 2 or (opening and not opening.more):
        return []
    if opening is None:
        return [
            "The log cannot tell whether newsletters are opened for their first article; where "
            "they are, a policy that puts better ones on top earns more than this says."
        ]
    change = "more" if opening.more > 0 else "fewer"
    more = f"{format_percent(abs(opening.more))} {change}"
    told = f"{more} (standard error {format_percent(opening.error)})"
    allows = "the answer allows for that, and its interval for how unsure it is"
    if opening.sure:
        return [
            f"Newsletters are opened for their first article, and this policy's would be opened "
            f"{told}; {allows}."
        ]
    return [
        "The log cannot tell whether this policy's first articles would open more newsletters or "
        f"fewer: as its opens have it, {told}, which may be luck; {allows}."
    ]


def _tell_margin(estimate: WholeEstimate) -> str:
    return f"\u00b1{format_percent(estimate.margin or 0.0)}"


def _tell_looks(found: Judgement) -> list[str]:
    """Since when the change is beyond doubt for whoever looks after every issue."""
    first = find_first(found.looks)
    if first is None:
        some = any(look.interval for look in found.looks)
        return ["Looked at after every issue, the change is not beyond doubt yet."] * some
    return [
        f"Looked at after every issue, the change is beyond doubt since {found.campaigns[first]} "
        f"(issue {first + 1} of {len(found.looks)}; the interval holds at all looks together)."
    ]


def draw_values(found: Judgement) -> Markup:
    """What was sent and what whole newsletters of the policy would have earned."""
    rows = [("What was sent", found.sent[-1])]
    for each in found.whole.estimates if found.whole else ():
        if each.interval:
            rows.append((f"This policy: {WHOLE[each.estimator].lower()}", each.interval))
    dots = [
        Dot(name, 1000 * v.estimate, 1000 * v.low, 1000 * v.high, _write(v)) for name, v in rows
    ]
    sent = 1000 * found.sent[-1].estimate
    alt = "clicks per 1,000 sends of what was sent and of this policy, with 95 % intervals"
    return draw_dots("values", alt, dots, "clicks per 1,000 sends", {sent: "sent"})


def draw_issues(found: Judgement) -> Markup | None:
    """The lift of each issue; None where there is none to show."""
    pairs = zip(found.campaigns, found.issues, strict=False)
    dots = [
        Dot(name, 100 * lift.estimate, 100 * lift.low, 100 * lift.high, _write_lift(lift))
        for name, lift in pairs
        if lift
    ]
    if len(dots) < 2:
        return None
    alt = "clicks over what was sent, of each issue, with 95 % intervals"
    wide = max(min(3 * max(abs(dot.value) for dot in dots), 400.0), 20.0)
    ends = [0.0, *(end for dot in dots for end in (dot.low, dot.high))]
    limits = (max(min(ends), -wide), min(max(ends), wide))  # what is drawn fills the frame
    return draw_dots("issues", alt, dots, "% over what was sent", {0.0: "sent"}, None, limits)


def draw_curve(found: Judgement) -> Markup | None:
    """How often each slot is looked at, relative to the first; None where nothing is known."""
    if found.whole is None or found.slots < 2 or not math.isfinite(found.whole.curve.sum()):
        return None
    names = [str(slot + 1) for slot in range(len(found.whole.curve))]
    rows = [("this log", found.whole.curve.tolist(), True)]
    words = "Looks at each slot, relative to the first"
    return draw_lines("looks", words, names, rows, words)


def write(path: Path, found: Judgement, name: str, config: Mapping[str, object]) -> Path:
    """Write the page whole or not at all; returns its path.

    name: of the policy, for people
    config: the settings, shown at the end
    """
    judged = found.whole.estimates if found.whole else ()
    shown = set(ASSUMES) - set(MODELLED) | {each.estimator for each in judged}
    text = fill_template(
        "evaluate.html.j2",
        found=found,
        name=name,
        findings=list_findings(found),
        head=HEAD,
        rows=list_rows(found),
        reasons=list_reasons(found),
        values=draw_values(found),
        curve=draw_curve(found),
        issues=draw_issues(found),
        assumes={WHOLE[each]: words for each, words in ASSUMES.items() if each in shown},
        config=config,
        first=INK,
    )
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return path
