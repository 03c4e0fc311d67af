"""The verdict on an experiment: which mails count, what is said, and when nothing is said."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bandit.ope.intervals import Interval
from serving.verdict.answers import Answers
from serving.verdict.course import Course, Pair, follow
from serving.verdict.sends import Split
from serving.verdict.words import Judged, judge, judge_guard

N = 4000


def divide(shares: dict[str, float], issues: int = 6, seed: int = 1) -> Split:
    """Members 0 to N, in groups by lot, mailed in `issues` campaigns."""
    names = np.array(list(shares), dtype=object)
    group = names[np.random.default_rng(seed).choice(len(shares), N, p=list(shares.values()))]
    mailed = {f"week-{issue}": [(np.arange(N), group)] for issue in range(issues)}
    return Split("spring", "weekly", tuple(shares), tuple(shares.values()), mailed)


def answer(
    split: Split, rates: dict[str, float], before: int = 4, rare: dict[str, float] | None = None
) -> Iterator[Answers]:
    """What comes back: members differ for good, and arms by their rates."""
    rng = np.random.default_rng(2)
    taste = rng.gamma(1.0, 1.0, N)
    group = split.mailed["week-0"][0][1]
    rate = np.array([rates[name] for name in group])
    gone = np.array([(rare or {}).get(name, 0.001) for name in group])
    names = [*(f"old-{issue}" for issue in range(before)), *split.mailed]
    for name in names:
        own = rate if name in split.mailed else np.full(N, 0.1)
        delivered = rng.random(N) < 0.97
        clicks = np.minimum(rng.poisson(own * taste), 6) * delivered
        out = {"unsubscribed": delivered & (rng.random(N) < gone)}
        path = Path(f"{name}.parquet")
        yield Answers(name, path, np.arange(N), delivered, clicks.astype(float), out)


def ask(course: Course, pair: int = 0, worth: float = 0.0, margin: float = 0.25) -> Judged:
    return judge(course, course.pairs[pair], worth, margin)


HALVES = {"A": 0.5, "B": 0.5}


def test_a_better_arm_is_found_and_said_in_a_sentence() -> None:
    split = divide(HALVES)
    course = follow(split, answer(split, {"A": 0.1, "B": 0.14}))
    said, interval = ask(course), course.pairs[0].looks[-1].interval
    assert interval is not None
    assert interval.low < 0.04 < interval.high
    assert said.outcome == "better"
    ends = [f"{1000 * end:.1f}" for end in (interval.estimate, interval.low, interval.high)]
    assert said.found == (
        f"B gets {ends[0]} more clicks per 1,000 newsletters than A, between {ends[1]} and "
        f"{ends[2]}, whatever day you look."
    )
    assert said.advice == "Stop: B is better."
    assert course.past == sum(int(one.delivered.sum()) for one in list(answer(split, HALVES))[:4])
    last = course.pairs[0].last
    assert last is not None
    # gamma(1) tastes: variance .6 + .36 of 6 issues' clicks, .4 + .16 of 4 before, covariance .24
    rho2 = 0.24**2 / (0.96 * 0.56)
    assert last.variance / last.plain_variance == pytest.approx(1 - rho2, abs=0.03)


def test_a_worse_arm_and_one_that_nobody_can_tell() -> None:
    split = divide(HALVES)
    worse = ask(follow(split, answer(split, {"A": 0.15, "B": 0.1})))
    assert (worse.outcome, worse.advice) == ("worse", "Stop: A is better.")
    assert "fewer clicks per 1,000 newsletters than A, between" in worse.found
    course = follow(split, answer(split, {"A": 0.1, "B": 0.1}))
    assert ask(course).outcome == "open"
    assert ask(course).advice.startswith("Keep going: cannot tell yet")
    assert "; it may be from" in ask(course).found
    alike = ask(course, worth=0.05)
    assert alike.outcome == "alike"
    assert alike.advice == "Stop: a difference of 50.0 clicks or more per 1,000 is ruled out."


def test_an_arm_that_was_sure_once_is_said_to_have_changed() -> None:
    split = divide(HALVES)
    course = follow(split, answer(split, {"A": 0.1, "B": 0.14}))
    (pair,) = course.pairs
    later = follow(split, answer(split, {"A": 0.1, "B": 0.1})).pairs[0].looks[-1]
    turned = replace(course, pairs=[replace(pair, looks=[*pair.looks[:-1], later])])
    assert ask(turned).advice.startswith("It was sure after week-")


def test_too_few_who_clicked_are_no_interval() -> None:
    split = divide({"A": 0.9, "B": 0.1}, issues=2)
    course = follow(split, answer(split, {"A": 0.03, "B": 0.03}))
    said, pair = ask(course), course.pairs[0]
    assert pair.looks[-1].interval is None
    assert said.outcome == "early"
    assert said.found == (
        f"{pair.clicked[1]} members of B have clicked so far; an interval needs 50 on each side."
    )
    assert said.advice == "Keep going: it is too early to tell."


def test_members_held_out_are_a_family_of_their_own() -> None:
    """Arms with the first one at .95 together, and each with the held out at .95 together."""
    split = divide({"A": 0.3, "B": 0.3, "C": 0.2, "rest": 0.1, "held out": 0.1})
    rates = {"A": 0.1, "B": 0.1, "C": 0.15, "rest": 0.1, "held out": 0.06}
    course = follow(split, answer(split, rates))
    named = [(pair.first, pair.second) for pair in course.pairs]
    assert named == [("A", "B"), ("A", "C")] + [("held out", arm) for arm in "ABC"]
    assert [round(1 - pair.level, 6) for pair in course.pairs] == [0.025] * 2 + [0.016667] * 3
    assert "than members held out" in ask(course, 4).found
    assert set(course.totals) == set(split.groups)
    assert sum(total["members"] for total in course.totals.values()) == N


def test_a_broken_split_is_found_and_nothing_is_said_of_the_rest() -> None:
    """Of arm B a quarter of the members never appears: in the sends, or among the delivered."""
    split = divide(HALVES)
    for what in ("mailed", "delivered"):
        part = divide(HALVES)
        lost = (part.mailed["week-0"][0][1] == "B") & (np.arange(N) % 4 == 0)
        issues = list(answer(split, {"A": 0.1, "B": 0.14}))
        if what == "mailed":
            for waves in part.mailed.values():
                waves[0] = (waves[0][0][~lost], waves[0][1][~lost])
        else:
            issues = [replace(one, delivered=one.delivered & ~lost) for one in issues]
        course = follow(part, issues)
        assert course.evidence[what] > 1000
        assert (ask(course).outcome, ask(course).found) == ("unsound", "")
        assert ask(course).advice.startswith("Read nothing from it: the numbers of members who")


def test_guards_are_harm_fine_or_open() -> None:
    split = divide(HALVES, issues=8)
    rates = {"A": 0.1, "B": 0.14}
    harmed = follow(split, answer(split, rates, rare={"A": 0.004, "B": 0.012}))
    said = ask(harmed)
    assert said.guards["unsubscribed"][0] == "harm"
    assert said.advice == (
        "Stop: members of B unsubscribe more often; do not choose it on clicks alone."
    )
    open_ = follow(split, answer(split, HALVES, rare={"A": 0.004, "B": 0.012}))
    assert ask(open_).advice == "Stop: members of B unsubscribe more often, whatever they click."
    same = follow(split, answer(split, rates, rare={"A": 0.02, "B": 0.02}))
    assert ask(same, margin=0.5).guards["unsubscribed"][0] == "fine"
    assert ask(same, margin=0.05).guards["unsubscribed"][0] == "open"
    none = follow(split, answer(split, rates, rare={"A": 0.0, "B": 0.0}))
    assert ask(none).guards["unsubscribed"] == ("open", "Nobody of B or A has unsubscribed.")
    counts = same.pairs[0].guards["unsubscribed"][-1].counts
    once = sum(same.totals[name]["unsubscribed"] for name in "AB")
    assert sum(counts) == once <= N


@pytest.mark.parametrize(
    ("ratio", "times"),
    [
        (Interval(1.0, 0.06, math.inf), "it may be anything from 0.06 times upwards as often (3 "),
        (Interval(1.0, 0.06, 9.0), "it may be 0.06 to 9.00 times as often (3 unsubscribed, again"),
    ],
)
def test_how_much_more_often_is_said_though_it_has_no_end(ratio: Interval, times: str) -> None:
    guard, pair = (
        SimpleNamespace(ratio=ratio, counts=(2, 3)),
        SimpleNamespace(first="A", second="B"),
    )
    outcome, said = judge_guard(pair, "unsubscribed", guard, 0.25)  # type: ignore[arg-type]  # a stand-in
    assert (outcome, times in said) == ("open", True), said


def test_what_is_left_out_is_said() -> None:
    split = divide(HALVES, issues=3)
    split.mailed["week-9"] = split.mailed["week-0"]
    split.mailed["week-2"] = [(np.arange(N), split.mailed["week-0"][0][1][::-1])]
    issues = [one for one in answer(split, {"A": 0.1, "B": 0.1}) if one.campaign != "week-9"]
    plain = replace(issues[-1], campaign="plain", path=Path("plain.parquet"))
    strange = replace(issues[4], members=np.arange(N) + 1)
    course = follow(split, [*issues[:4], strange, plain, *issues[5:]])
    notes = "\n".join(course.notes)
    assert "week-0: 1 mails in the log are in no send: not counted" in notes
    assert "week-0: the log lacks 1 mails that were sent" in notes
    assert "plain was sent without the experiment: not counted" in notes
    assert "week-9 was sent, and is not in the log yet" in notes
    group = split.mailed["week-0"][0][1]
    moved = int((group != group[::-1]).sum())
    assert f"{moved:,} members were in two groups: not counted" in notes
    assert sum(total["members"] for total in course.totals.values()) == N - moved
    with pytest.raises(ValueError, match="none of the campaigns that were sent: 'week-0'"):
        follow(split, issues[:4])


def test_a_pair_has_a_look_for_each_issue() -> None:
    split = divide(HALVES)
    course = follow(split, answer(split, {"A": 0.1, "B": 0.14}))
    pair: Pair = course.pairs[0]
    assert len(pair.looks) == len(course.campaigns) == 6
    shorter = follow(split, list(answer(split, {"A": 0.1, "B": 0.14}))[:-2])
    assert shorter.pairs[0].looks == pair.looks[:4]  # a later look changes no earlier one
