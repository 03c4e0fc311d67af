"""Say what an experiment inside the sends has found so far, and whether to stop.

python -m serving.verdict LOG... --sent DIR... --out DIR [--aliases A]

LOG is an archive of finished issues, DIR the folders of their sends. It compares clicks a
newsletter delivered between the arms, and of each arm with the members held out, by intervals that
hold at every look together: ask after each issue, and stop when it says so. Issues of the log from
before the experiment tell how members differ, which makes the intervals narrower. Writes
verdict.json and verdict.html into --out, and prints a table. Needs pandas and rich (extra
`prepare`), which sending does not.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bandit.core import check
from serving.errors import Parser, require, run_program
from serving.tables.formats import ask_aliases

if TYPE_CHECKING:  # imported where it is needed, so that --help needs nothing
    from serving.verdict.course import Course
    from serving.verdict.words import Judged


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = Parser(
        prog="python -m serving.verdict",
        description="Say what an experiment inside the sends has found, and whether to stop.",
    )
    add = parser.add_argument
    add("logs", nargs="+", metavar="LOG", help="archives of finished issues, the earliest first")
    add(
        "--sent",
        action="extend",
        nargs="+",
        required=True,
        metavar="DIR",
        help="folders of the issues' sends",
    )
    add("--out", required=True, metavar="DIR", help="for verdict.json and verdict.html")
    add(
        "--worth",
        type=float,
        default=0.0,
        metavar="CLICKS",
        help="the smallest difference that counts, per 1,000 newsletters (%(default)s: any)",
    )
    add(
        "--margin",
        type=float,
        default=0.25,
        metavar="SHARE",
        help="how much more often members may unsubscribe or complain (%(default)s: a quarter)",
    )
    add("--level", type=float, default=0.95, help="of confidence, of all looks (%(default)s)")
    ask_aliases(add)
    return parser.parse_args(argv)


def work(asked: argparse.Namespace) -> None:
    """Do what is asked. Raises ValueError naming what is wrong."""
    check.at_least("--worth", asked.worth, 0.0)
    check.at_least("--margin", asked.margin, 0.0)
    check.between("--level", asked.level, 0.5, 0.9999)
    require("prepare", "pandas", "rich")
    from serving.aliases import read_aliases
    from serving.sending.record import refuse_spoiling
    from serving.verdict.answers import read_answers
    from serving.verdict.course import follow
    from serving.verdict.page import PAGE, write_verdict
    from serving.verdict.sends import read_sends
    from serving.verdict.words import judge

    refuse_spoiling("--out", asked.out, *asked.logs, *asked.sent)
    if Path(asked.out).is_file():
        raise ValueError(f"--out {asked.out} is a file; must be a folder")
    given = asked.aliases is not None
    aliases, digest = read_aliases(asked.aliases, asked.encoding) if given else ({}, None)
    split = read_sends(asked.sent, aliases)
    course = follow(split, read_answers(asked.logs, aliases), asked.level)
    judged = [judge(course, pair, asked.worth / 1000, asked.margin) for pair in course.pairs]
    settings = {name: getattr(asked, name) for name in ("worth", "margin", "level")}
    write_verdict(Path(asked.out), split, course, judged, settings | {"aliases": digest})
    show(course, judged)
    print(f"{Path(asked.out) / PAGE}")


def show(course: "Course", judged: Sequence["Judged"]) -> None:
    """Print the table, and what to make of it."""
    from rich.console import Console
    from rich.table import Table

    from serving.verdict.page import measure_explained
    from serving.verdict.words import call, format_clicks

    console = Console()
    looks = len(course.campaigns)
    after = "1 issue" if looks == 1 else f"{looks} issues"
    table = Table(title=f"clicks per 1,000 newsletters, after {after}")
    for name in ("", "difference", "from", "to", "taken off by the past", "outcome"):
        table.add_column(name, justify="left" if name in ("", "outcome") else "right")
    for pair, said in zip(course.pairs, judged, strict=True):
        one, explained = pair.looks[-1].interval, measure_explained(pair)
        ends = [format_clicks(end) for end in (one.estimate, one.low, one.high)] if one else []
        table.add_row(
            f"{pair.second} less {call(pair.first)}",
            *(ends or ["", "", ""]),
            "" if explained is None else f"{explained:.0%} of the variance",
            {"open": "cannot tell", "early": "too early"}.get(said.outcome, said.outcome),
        )
    console.print(table)
    for pair, said in zip(course.pairs, judged, strict=True):
        sentences = (said.found, said.advice, *(sentence for _, sentence in said.guards.values()))
        print(f"{pair.second}, {call(pair.first)}: {' '.join(filter(None, sentences))}")
    for note in course.notes:
        print(f"note: {note}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    asked = parse(argv)
    return run_program("serving.verdict", lambda: work(asked))


if __name__ == "__main__":
    sys.exit(main())
