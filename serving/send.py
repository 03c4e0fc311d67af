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

from serving.arms.design import list_bundles
from serving.checks.marks import escape_odd
from serving.errors import run_program
from serving.folder import claim
from serving.letters.files import write_issue
from serving.sending.arguments import read_arguments
from serving.sending.issue import read_issue
from serving.sending.record import refuse_place
from serving.tables.rows import keep_lists


def send(asked: argparse.Namespace) -> str:
    """Write the send that the command line asks for. Returns a line to print.

    Raises ValueError naming what is wrong with the bundle, the files or the folder.
    """
    read = (asked.members, asked.pool, asked.rules, asked.seen, asked.fallback, asked.aliases)
    read += (asked.trust, asked.experiment, *asked.earlier, *asked.sent, *asked.suppress)
    for bundle in list_bundles(asked):
        refuse_place(Path(asked.out), bundle, *filter(None, read))
    with claim(asked.out), keep_lists(asked.out) as keep:
        issue = read_issue(asked, keep)
        for file, warning in issue.warnings:
            paths = getattr(asked, file)
            named = paths if isinstance(paths, str) else " ".join(map(str, paths))
            _say(f"{named}: {warning}")
        written = write_issue(issue, _Progress(issue.count))
    told = written.told
    for sentence in _list(told["contradictions"]):
        _say(f"{asked.rules}: {sentence}")
    for sentence in _list(told.get("alarms")):
        _say(str(sentence))
    where = f"{told['mails']} mails of {issue.count} members in {issue.part.folder}"
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


class _Progress:
    """Says how far a send has come, in a line that is written over; only to a terminal.

    total: members
    """

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0

    def __call__(self, done: int) -> None:
        """So many more are done."""
        self._done = min(self._done + done, self._total)
        if sys.stderr.isatty():
            end = "\n" if self._done == self._total else "\r"
            line = f"{self._done:,} of {self._total:,} members"
            print(line, end=end, file=sys.stderr, flush=True)


def _count_pins(told: object) -> str:
    counts = told if isinstance(told, dict) else {}
    return ", ".join(f"slot {slot} in {count} mails" for slot, count in counts.items())


def _say(warning: str) -> None:
    print(f"warning: {escape_odd(warning)}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    asked = read_arguments(argv)
    return run_program("serving.send", lambda: print(send(asked)))


if __name__ == "__main__":
    sys.exit(main())
