"""A verdict in plain sentences: how large a difference is, how sure that is, and what to do.

Open this file to see when to stop, and when to read nothing from the numbers at all.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bandit.ope.arms import LEAST
from bandit.ope.intervals import Interval
from bandit.ope.sequences import find_first
from serving.verdict.sends import HELD

if TYPE_CHECKING:
    from serving.verdict.course import Course, Guard, Pair

UNSOUND = 1000.0  # evidence against the split: a sound one passes it in one of 1,000 experiments
HAPPENS = {"unsubscribed": "unsubscribe", "complained": "complain"}


@dataclass(frozen=True)
class Judged:
    """What is said of one pair.

    outcome: better, worse, alike, open, early or unsound
    found: a sentence on how large the difference is
    advice: a sentence on what to do
    guards: what is guarded -> fine, harm or open, and a sentence
    """

    outcome: str
    found: str
    advice: str
    guards: dict[str, tuple[str, str]]

    @property
    def harm(self) -> bool:
        """Whether something rare befalls the second's members more often for sure."""
        return any(outcome == "harm" for outcome, _ in self.guards.values())


def judge(course: "Course", pair: "Pair", worth: float, margin: float) -> Judged:
    """What to think of one pair at its last look.

    worth: the smallest difference that counts, in clicks a newsletter; 0: any does
    margin: how much more often something rare may befall the second's members, as a share
    """
    if broken := find_broken(course):
        return Judged("unsound", "", f"Read nothing from it: {broken}.", {})
    guards = {
        name: judge_guard(pair, name, looks[-1], margin) for name, looks in pair.guards.items()
    }
    outcome, found, advice = _weigh(course, pair, worth)
    harm = [HAPPENS[name] for name, (guarded, _) in guards.items() if guarded == "harm"]
    if harm and outcome != "worse":
        more = f"members of {pair.second} {' and '.join(harm)} more often"
        better = outcome == "better"
        clicks = "; do not choose it on clicks alone" if better else ", whatever they click"
        advice = f"Stop: {more}{clicks}."
    return Judged(outcome, found, advice, guards)


def _weigh(course: "Course", pair: "Pair", worth: float) -> tuple[str, str, str]:
    """Outcome, what was found, and what to do, by clicks alone."""
    interval = pair.looks[-1].interval
    if interval is None:
        fewer = min(pair.clicked)
        who = pair.second if pair.clicked[1] == fewer else pair.first
        one = fewer == 1
        of = f"member{'' if one else 's'} " + ("held out" if who == HELD else f"of {who}")
        has = "has" if one else "have"
        found = f"{fewer} {of} {has} clicked so far; an interval needs {LEAST} on each side."
        return "early", found, "Keep going: it is too early to tell."
    found = _say_difference(pair, interval)
    if interval.low > 0:
        return "better", found, f"Stop: {pair.second} is better."
    if interval.high < 0:
        better = "what they get" if pair.first == HELD else pair.first
        return "worse", found, f"Stop: {better} is better."
    if worth and -worth < interval.low and interval.high < worth:
        size = f"{1000 * worth:.1f}"
        return (
            "alike",
            found,
            f"Stop: a difference of {size} clicks or more per 1,000 is ruled out.",
        )
    first = find_first(pair.looks)
    if first is None:
        return "open", found, "Keep going: cannot tell yet which is better."
    advice = (
        f"It was sure after {course.campaigns[first]}, and is not any more: what the arms are "
        "worth has changed since. Keep going."
    )
    return "open", found, advice


def find_broken(course: "Course") -> str:
    """Why the split cannot be trusted; "" where it can."""
    for what, evidence in course.evidence.items():
        if evidence >= UNSOUND:
            done = "were mailed" if what == "mailed" else "got what was mailed"
            return (
                f"the numbers of members who {done} are not what the shares give, and a sound "
                f"split is so far off in fewer than one of {int(UNSOUND):,} experiments"
            )
    return ""


def judge_guard(pair: "Pair", name: str, guard: "Guard", margin: float) -> tuple[str, str]:
    """Whether something rare befalls the second's members too often, and a sentence.

    It is harm when that is more often for sure; fine when it is for sure not `margin` more often.
    """
    do, ratio = HAPPENS[name], guard.ratio
    who = f"of {pair.second}"
    others = call(pair.first) if pair.first == HELD else f"those of {pair.first}"
    first, second = guard.counts
    times = f"{_times(ratio)} as often ({second:,} {name}, against {first:,})"
    if not first + second:
        return "open", f"Nobody of {pair.second} or {call(pair.first)} has {name}."
    if ratio.low > 1:
        return "harm", f"Members {who} {do} more often than {others}: {times}."
    limit = f"{1 + margin:g} times as often"
    if ratio.high < 1 + margin:
        return "fine", f"Members {who} do not {do} {limit} as {others}: it is {times}."
    unsure = f"Too few have {name} to rule out that members {who} do so {limit} as {others}"
    return "open", f"{unsure}: it may be {times}."


def call(group: str) -> str:
    """A group's name in a sentence."""
    return "members held out" if group == HELD else group


def _say_difference(pair: "Pair", interval: Interval) -> str:
    """Such as: B gets 4.1 more clicks per 1,000 newsletters than A, between 1.2 and 7.0 more."""
    more = format_clicks(abs(interval.estimate))
    word = "more" if interval.estimate >= 0 else "fewer"
    head = f"{pair.second} gets {more} {word} clicks per 1,000 newsletters than {call(pair.first)}"
    low, high = interval.low, interval.high
    if low > 0 or high < 0:
        near, far = map(format_clicks, sorted((abs(low), abs(high))))
        return f"{head}, between {near} and {far}, whatever day you look."
    fewer, more = format_clicks(-low), format_clicks(high)
    return f"{head}; it may be from {fewer} fewer to {more} more, whatever day you look."


def format_clicks(clicks: float) -> str:
    """Clicks a newsletter as clicks per 1,000."""
    return f"{1000 * clicks:,.1f}".replace("-", "\u2212")


def _times(ratio: Interval) -> str:
    """Between which ratios the truth should lie, such as `0.80 to 1.25 times`."""
    if math.isinf(ratio.high):
        return f"anything from {ratio.low:.2f} times upwards"
    return f"{ratio.low:.2f} to {ratio.high:.2f} times"
