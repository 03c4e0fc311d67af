"""Choose the slates of the next issue, and write what an e-mail platform needs to mail them.

python -m serving.send BUNDLE --members M --pool P --rules R --campaign ID --seed 7 --out DIR

Writes into DIR (of a wave: DIR/wave-1) slates.parquet, one row for each member and slot in the
log's format; merge.jsonl and merge.csv, one row a member; preview.html, the page an editor
approves; and last of all send.json, which says what it was made from: a folder without one holds no
finished send. The same inputs give the same bytes, in chunks of any size.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from serving.arms.design import list_bundles
from serving.checks.marks import escape_odd
from serving.errors import run_program
from serving.folder import claim
from serving.letters.files import write_issue
from serving.sending.arguments import read_arguments
from serving.sending.issue import read_issue
from serving.sending.record import refuse_place

if TYPE_CHECKING:  # rich is imported when something is sent
    from rich.console import Console


def send(asked: argparse.Namespace, console: "Console") -> str:
    """Write the send that the command line asks for. Returns a line to print.

    Raises ValueError naming what is wrong with the bundle, the files or the folder.
    """
    from rich.progress import Progress

    read = (asked.members, asked.pool, asked.rules, asked.seen, asked.fallback, asked.aliases)
    read += (asked.trust, asked.experiment, *asked.earlier, *asked.sent, *asked.suppress)
    for bundle in list_bundles(asked):
        refuse_place(Path(asked.out), bundle, *filter(None, read))
    with claim(asked.out):
        issue = read_issue(asked)
        for file, warning in issue.warnings:
            paths = getattr(asked, file)
            named = paths if isinstance(paths, str) else " ".join(map(str, paths))
            _say(console, f"{named}: {warning}")
        with Progress(console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("slates", total=len(issue.members))
            written = write_issue(issue, lambda done: bar.advance(task, done))
    told = written.told
    for sentence in _list(told["contradictions"]):
        _say(console, f"{asked.rules}: {sentence}")
    where = f"{told['mails']} mails of {len(issue.members)} members in {issue.part.folder}"
    where += f", by a bundle that is {issue.bundle.signed}"
    if written.again:
        where += "; it was sent before, and nothing was chosen anew"
    missed = f"; pins missed: {pins}" if (pins := _count_pins(told["missed_pins"])) else ""
    given = f"rules given up: {_count(told['relaxed'])}{missed}"
    return f"{where}: {_count(told['roles'])}; {given}"


def _list(told: object) -> list[object]:
    return told if isinstance(told, list) else []


def _count(told: object) -> str:
    counts = told if isinstance(told, dict) else {}
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _count_pins(told: object) -> str:
    counts = told if isinstance(told, dict) else {}
    return ", ".join(f"slot {slot} in {count} mails" for slot, count in counts.items())


def _say(console: "Console", warning: str) -> None:
    console.print(f"warning: {escape_odd(warning)}", markup=False, highlight=False, soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    from rich.console import Console

    asked = read_arguments(argv)
    return run_program("serving.send", lambda: print(send(asked, Console(stderr=True))))


if __name__ == "__main__":
    sys.exit(main())
