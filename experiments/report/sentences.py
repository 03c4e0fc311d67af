"""The report's sentences: the headline, the paragraph under it, and the large numbers.

Each is made from the numbers of the run, and says so when the numbers do not carry a finding.
Clicks are told per 1,000 newsletters delivered.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.report.cold_start.words import write_ends
from experiments.report.page import count_decimals, format_percent, format_thousand
from experiments.report.policy_looks import Look
from experiments.tables.cold_start import LEAST_SEEDS, Parity
from experiments.tables.ladder import HAD, Rung, round_together

if TYPE_CHECKING:
    from experiments.report.run import Run

# the same newsletter for all; the editor's own segments; the winner's own, mailed in waves
ALIKE, BY_HAND, WAVES = "blast", "segment_rules", "wave"
WEEKS = 52


def name_rival(run: "Run") -> str:
    """What the baseline is, in words.

    It is the best segmentation only if no other segmentation in the run beat it.
    """
    if run.baseline is None:
        return ""
    segmentations = [p for p in run.looks if p.startswith("segment_")]
    name = run.looks[run.baseline].label
    if run.baseline not in segmentations:
        return name
    best = run.look_up(run.baseline) >= max(map(run.look_up, segmentations))
    return "the best segmentation" if best else f"the baseline ({name})"


def write_headline(run: "Run") -> str:
    """The finding in one sentence, no stronger than its interval."""
    if run.winner is None:
        return "This run has no policy that could be deployed in place of the baseline."
    name, issues = run.looks[run.winner].label, f"issues {run.late}"
    lift, low, high = run.find_lift(run.winner)
    if not math.isfinite(lift):
        rate = format_thousand(run.look_up(run.winner))
        earned = f"{rate} clicks per 1,000 newsletters delivered, {issues}"
        return f"{name} earned {earned}; this run has no segmentation to compare it with."
    places = count_decimals(lift, low, high)
    more = "more" if lift >= 0 else "fewer"
    clicks = abs(run.look_up(run.winner) - run.look_up(run.baseline or run.winner))
    gain = (
        f"{name} got {format_thousand(clicks)} {more} clicks per 1,000 newsletters delivered "
        f"than {name_rival(run)}"
    )
    share = f"{format_percent(abs(lift), places)} {more}"
    if math.isnan(low) and run.seeds > 1:
        return (
            f"No clear difference: {gain}, {share}, {issues}, in {run.seeds} simulations that "
            "differ too much for an interval. Use more seeds."
        )
    if math.isnan(low):
        return (
            f"{gain}, {share}, {issues}, in a single simulation: without more seeds there is no "
            "interval."
        )
    if low <= 0 <= high:
        few = " Use more seeds." if run.seeds < LEAST_SEEDS else ""
        return (
            f"No clear difference: {gain}, {share}, but the 95\u00a0% interval, "
            f"{_write_span(low, high, places, sign=True)}, includes zero ({issues}).{few}"
        )
    near, far = sorted((abs(low), abs(high)))
    return f"{gain}: {share} (95\u00a0% interval {_write_span(near, far, places)}), {issues}."


def _write_span(low: float, high: float, places: int, sign: bool = False) -> str:
    return f"{format_percent(low, places, sign)} to {format_percent(high, places, sign)}"


def write_lead(run: "Run") -> str:
    """The paragraph under the headline: the size of the run, and how far there was to go."""
    size = f" of {run.facts['members']:,} members" if run.facts.get("members") else ""
    times = f", {run.seeds} times over, each time with other members and articles"
    words = [
        f"A simulated association{size} was sent {run.facts['issues']} weekly issues"
        f"{times if run.seeds != 1 else ''}."
    ]
    if run.winner:
        words.extend(_write_year(run, run.winner))
    if run.winner and "oracle" in run.looks:
        most, ours = (format_thousand(run.look_up(p), 0) for p in ("oracle", run.winner))
        words.append(
            "A newsletter that knew every member\u2019s taste would have earned "
            f"{most} clicks per 1,000 delivered; {run.looks[run.winner].label} earned {ours}."
        )
    if run.baseline and len(run.rivals) > 2 and run.winner in (run.rivals[0], run.chosen):
        words.append(
            f"It was picked as the best of {len(run.rivals)} on these same issues, which flatters "
            "it a little."
        )
    if run.winner and WAVES in run.looks and run.look_up(WAVES) > run.look_up(run.winner):
        words.append(
            f"Mailed in waves, so that the first members\u2019 clicks teach the rest, it would be "
            f"{format_thousand(run.look_up(WAVES), 0)} ({run.looks[WAVES].label}); the headline is "
            "about issues that are mailed to everybody at once."
        )
    return " ".join(words)


def round_off(clicks: float) -> str:
    """A number of clicks that is not known to the last one: to hundreds, or to tens below 1,000.

    >>> round_off(2347.0), round_off(234.7)
    ('2,300', '230')
    """
    return f"{round(clicks, -2 if clicks >= 1000 else -1):,.0f}"


def _write_year(run: "Run", winner: str) -> list[str]:
    """What the gains would come to in a year, as far as they are gains; [] where there is none."""
    sent = run.results[run.results["metric"] == "delivered"]
    mean = sent.groupby(["policy", "seed", "issue"])["value"].sum().groupby("policy").mean()
    rivals = {ALIKE: "one newsletter for all", BY_HAND: "segments drawn up by hand"}
    if run.baseline:
        rivals |= {run.baseline: name_rival(run)}
    gains = {
        f"than {words}": run.look_up(winner) - run.look_up(other)
        for other, words in rivals.items()
        if other in run.looks and other != winner
    }
    gains = dict(sorted(gains.items(), key=lambda pair: pair[1]))
    gains = {against: gain for against, gain in gains.items() if gain > 0}
    if not gains or winner not in mean.index:
        return []
    told = [f"{format_thousand(gain)} more {against}" for against, gain in gains.items()]
    year = [round_off(gain * WEEKS * float(mean[winner])) for gain in gains.values()]
    return [
        f"Of 1,000 newsletters, that is {_join(told)}: about {_join(year)} clicks a "
        f"year, one issue a week to {float(mean[winner]):,.0f} members."
    ]


def _join(words: Sequence[str]) -> str:
    """a, b and c."""
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def write_ladder(ladder: Sequence[Rung], looks: Mapping[str, Look]) -> str:
    """What each step from knowing everything down to the profile costs, in a sentence.

    Whole clicks of 100 that add up. A step in which clicks are won, not lost, is told with its
    interval. "" where there is no ladder.
    """
    down = [rung.policy for rung in ladder]
    steps = ladder[1 : down.index(HAD) + 1] if HAD in down else []
    if not steps:
        return ""
    *costs, had = round_together([*(rung.step for rung in steps), steps[-1].had])
    told: list[str] = []
    won: list[str] = []
    for above, rung, cost in zip(down, steps, costs, strict=False):
        if cost >= 0:
            told.append(f"{cost} {_write_losses(rung.lost, told, cost)}")
            continue
        sure = "which may be luck" if rung.may_be_luck else "more than luck"
        span = f"95\u00a0% interval {-rung.high:.0f} to {-rung.low:.0f}".replace("-", "\u2212")
        span = "one simulation" if math.isnan(rung.low) else span
        name = looks[rung.policy].label
        won.append(f" {name} got {-cost} more than {looks[above].label} ({span}, {sure}).")
    losses = f"{', '.join(told)}; " if told else ""
    had_words = f"{had} {'is' if had == 1 else 'are'} had"
    return f"Of 100 clicks that knowing everything would bring, {losses}{had_words}.{''.join(won)}"


def _write_losses(lost: Sequence[str], told: Sequence[str], cost: int) -> str:
    """What is lost in one step; "are lost" is said once in the sentence that was told so far."""
    head, said, tail = " or ".join(lost).partition("are lost ")
    said = "" if any(" lost " in words for words in told) else said
    words = head + said + tail.replace("are lost ", "")
    return f"is{words.removeprefix('are')}" if cost == 1 and words.startswith("are") else words


def list_numbers(run: "Run") -> list[tuple[str, str]]:
    """Up to four large numbers, each with what it says; what this run cannot give is left out."""
    if run.winner is None:
        return []
    found, (lift, low, high) = [], run.find_lift(run.winner)
    if math.isfinite(lift):
        places = count_decimals(lift, low, high)
        span = f"95\u00a0% interval {_write_span(low, high, places, sign=True)}"
        none = "use more seeds" if run.seeds > 1 else "no interval"
        span = none if math.isnan(low) else span
        words = f"clicks compared with {name_rival(run)}; {span}"
        found.append((format_percent(lift, places, sign=True), words))
    words = f"clicks per 1,000 newsletters delivered, issues {run.late}"
    if run.baseline:
        base = format_thousand(run.look_up(run.baseline))
        words = f"{words}; {run.looks[run.baseline].label}: {base}"
    found.append((format_thousand(run.look_up(run.winner)), words))
    if math.isfinite(share := run.look_up(run.winner, "oracle_share")):
        words = "of the clicks of a newsletter that knew every member\u2019s taste"
        found.append((format_percent(share), words))
    if run.baseline and run.winner in run.parity:
        found.append(_write_wait(run.parity[run.winner], name_rival(run)))
    if len(found) < 4 and math.isfinite(cost := run.look_up(run.winner, "exploration_cost")):
        words = "given up by trying things out" if cost >= 0 else "won at once by trying things out"
        found.append((format_percent(abs(cost), 1), f"of clicks {words}"))
    return found


def _write_wait(parity: Parity, rival: str) -> tuple[str, str]:
    """How many issues a new member waits for a newsletter as good as the baseline's."""
    good = f"a new member\u2019s newsletter is on average as good as {rival}"
    ends = write_ends(parity)
    span = f" (95\u00a0% interval {ends})" if ends else ""
    if parity.issues is None:
        return "not yet", f"in this run no point from which {good}{span}"
    if parity.issues == 0:
        return "at once", f"{good}{span}"
    return f"{parity.issues} issue{'s' * (parity.issues > 1)}", f"until {good}{span}"
