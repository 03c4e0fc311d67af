"""Looking every issue: false alarms where arms are alike, and what being allowed to look costs.

python -m experiments.checks.peeking [--logs 1000] [--power 300] [--trials 100] [--least 50]

It draws logs of experiments in which members differ for good, their tastes drift and the same ones
return every issue, and asks `bandit.ope` after each issue as `serving.verdict` does. Beside the
sequence stands the ordinary test, Student's at .05, once at the end, for which one has to wait, and
at every issue, which is a mistake. The last table says how long a trial between two halves of a
list takes. Open this file to see what the tables of
docs/experiments_in_sends.md were made with.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from bandit.core.types import Bools, Floats
from bandit.ope.arms import LEAST, Arm, compare, measure_past
from bandit.ope.sequences import find_first, make_sequence
from experiments.runner.configs import check_whole
from experiments.runner.one_line import in_one_line

NORMAL = 1.959964  # of the ordinary test


@dataclass(frozen=True)
class World:
    """Logs of experiments to draw.

    name: for the table
    members: of both arms; issues: looks
    rate: clicks a newsletter in the first arm
    share: of the second arm
    effect: how much more the second arm clicks, as a share
    spread: standard deviation of the members' lasting log rates
    drift: likewise of what moves, with a correlation of .9 from one issue to the next
    before: issues before the experiment
    """

    name: str
    members: int = 2000
    issues: int = 26
    rate: float = 0.1
    share: float = 0.5
    effect: float = 0.0
    spread: float = 1.0
    drift: float = 0.5
    before: int = 8


ALIKE = (
    World("often clicked, halves", rate=0.5),
    World("often clicked, .8 and .2", rate=0.5, share=0.2),
    World("seldom clicked, halves", rate=0.02, members=4000),
    World("seldom clicked, .8 and .2", rate=0.02, members=4000, share=0.2),
    World("seldom, few members, .8 and .2", rate=0.02, members=500, issues=52, share=0.2),
    World("few members, .8 and .2", members=500, issues=52, share=0.2),
    World("very unlike members", spread=1.5, share=0.2, issues=52),
    World("tastes drift", spread=0.3, drift=1.2, issues=52),
)
DIFFERENT = tuple(
    World(f"+{effect:.0%}", members=8000, rate=0.1, effect=effect)
    for effect in (0.05, 0.1, 0.15, 0.2, 0.3)
)
EFFECTS = (0.1, 0.2, 0.4)
TRIALS = tuple(
    World(f"{members:,} members, {rate:.2f} clicks", members, rate=rate, effect=effect)
    for rate in (0.1, 0.04)
    for members in (1000, 2000, 5000, 20000)
    for effect in EFFECTS
)
MOST = 0.8  # of the trials, which is when a difference counts as found


@dataclass(frozen=True)
class Found:
    """What looking at one log found.

    sequence: the first look at which the sequence excluded 0; None: it never did
    ended, peeked: whether the ordinary test did at the last look, and at any
    covered: whether the effect was inside the sequence at every look
    """

    sequence: int | None
    ended: bool
    peeked: bool
    covered: bool


def draw_log(
    world: World, rng: np.random.Generator
) -> tuple[Bools, Iterator[tuple[Floats, Floats]]]:
    """Who is in the second arm [n], and then clicks and newsletters [n] of each issue.

    The issues before the experiment come first.
    """
    n = world.members
    second = rng.random(n) < world.share
    lasting, moving = rng.normal(0, world.spread, n), rng.normal(0, 1, n)
    shift = (world.spread**2 + world.drift**2) / 2

    def issues() -> Iterator[tuple[Floats, Floats]]:
        nonlocal moving
        for issue in range(world.before + world.issues):
            rate = world.rate * np.exp(lasting + world.drift * moving - shift)
            if issue >= world.before:
                rate = rate * np.where(second, 1 + world.effect, 1.0)
            mails = (rng.random(n) < 0.97).astype(np.float64)
            yield np.minimum(rng.poisson(rate), 6) * mails, mails
            moving = 0.9 * moving + np.sqrt(1 - 0.9**2) * rng.normal(0, 1, n)

    return second, issues()


def look(world: World, rng: np.random.Generator, past: bool = True, least: int = LEAST) -> Found:
    """Draw one log and look at it after each issue.

    past: whether issues before the experiment are used
    least: members of each arm who must have clicked before there is an interval
    """
    second, issues = draw_log(world, rng)
    clicks, mails, before, told = np.zeros((4, world.members))
    known: Floats = np.zeros(world.members)
    looks: list[tuple[float, float, bool]] = []
    for number, (clicked, sent) in enumerate(issues):
        if number < world.before:
            before, told = before + clicked, told + sent
            known = measure_past(before, told) if past else known
            continue
        clicks, mails = clicks + clicked, mails + sent
        arms = [Arm(clicks[own], mails[own], known[own]) for own in (~second, second)]
        found = compare(*arms)
        ready = min(int((arm.clicks > 0).sum()) for arm in arms) >= least
        looks.append((found.estimate, found.variance, ready))
    estimates, variances, enough = (np.array(column) for column in zip(*looks, strict=True))
    sequence = make_sequence(estimates, variances, enough)
    score = np.abs(estimates) / np.sqrt(np.where(variances > 0, variances, np.inf))
    truth = world.rate * world.effect
    inside = [one.interval.low <= truth <= one.interval.high for one in sequence if one.interval]
    return Found(
        find_first(sequence),
        bool(score[-1] > NORMAL),
        bool((score[enough] > NORMAL).any()),
        all(inside),
    )


def judge(world: World, logs: int, seed: int, past: bool = True, least: int = LEAST) -> list[Found]:
    """What looking at some logs found."""
    children = np.random.SeedSequence([seed, len(world.name)]).spawn(logs)
    return [look(world, np.random.default_rng(child), past, least) for child in children]


def wait_for(found: Sequence[Found], world: World) -> str:
    """After how many issues `MOST` of the trials have found the difference, for the table."""
    ends = sorted(world.issues if one.sequence is None else one.sequence for one in found)
    enough = ends[math.ceil(MOST * len(ends)) - 1] + 1
    return f"{enough}" if enough <= world.issues else f"over {world.issues}"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the three tables."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(prog="python -m experiments.checks.peeking")
    parser.add_argument(
        "--logs", type=int, default=1000, help="where arms are alike, of each kind (%(default)s)"
    )
    parser.add_argument("--power", type=int, default=300, help="logs of each effect (%(default)s)")
    parser.add_argument(
        "--trials", type=int, default=100, help="logs of each list and effect (%(default)s)"
    )
    parser.add_argument(
        "--least", type=int, default=LEAST, help="members of each arm who must click (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draws (%(default)s)")
    asked = parser.parse_args(argv)
    with in_one_line("peeking"):
        for name, least in (("logs", 1), ("power", 1), ("trials", 1), ("least", 1), ("seed", 0)):
            check_whole(f"--{name}", getattr(asked, name), least)
    console = Console()
    table = Table("arms alike", "sequence", "test at every issue", "test at the end")
    for world in ALIKE:
        found = judge(world, asked.logs, asked.seed, least=asked.least)
        alarms = [one.sequence is not None for one in found]
        peeked, late = [one.peeked for one in found], [one.ended for one in found]
        rates = [f"{np.mean(some):.1%}" for some in (alarms, peeked, late)]
        table.add_row(f"{world.name}: {world.members:,}, {world.issues} issues", *rates)
    console.print(table)
    columns = ("sequence finds it", "issues until then", "without the past", "test at the end")
    table = Table("second arm better by", *columns)
    for world in DIFFERENT:
        found, bare = (judge(world, asked.power, asked.seed, past) for past in (True, False))
        firsts = [one.sequence + 1 for one in found if one.sequence is not None]
        alone = np.mean([one.sequence is not None for one in bare])
        until = f"{np.median(firsts):.0f}" if firsts else ""
        ended = np.mean([one.ended for one in found])
        row = (f"{len(firsts) / len(found):.0%}", until, f"{alone:.0%}", f"{ended:.0%}")
        table.add_row(world.name, *row)
    console.print(table)
    table = Table("a list, and clicks a newsletter", *(f"+{effect:.0%}" for effect in EFFECTS))
    for name, worlds in groupby(TRIALS, lambda world: world.name):
        waits = [wait_for(judge(each, asked.trials, asked.seed), each) for each in worlds]
        table.add_row(name, *waits)
    console.print(table)


if __name__ == "__main__":
    main()
