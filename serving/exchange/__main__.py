"""Logs of choices in other tools' formats: python -m serving.exchange FROM TO

FROM is a file of VW (.dsjson), Personalizer lines (.jsonl), an Open Bandit file (.csv), or the
folder of an archive that was sent at random, of which the first slot is taken. TO is one of these
files, or .parquet: the table that a mapping reads (docs/estimators.md).
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

from bandit.core.files import write_table
from bandit.log import archive
from bandit.ope.exchange import dsjson, feedback, personalizer
from bandit.ope.exchange.decisions import Decision, find_nested, tabulate
from bandit.ope.exchange.sends import list_decisions
from bandit.ope.whole.look import plan_uniform
from serving.errors import Parser, cut, run_program
from serving.sending.record import refuse_spoiling

T = TypeVar("T")
READ: dict[str, Callable[[Path], list[Decision]]] = {
    ".dsjson": dsjson.read,
    ".jsonl": personalizer.read,
    ".csv": feedback.read_csv,
}
WRITE: dict[str, Callable[[Path, Sequence[Decision]], None]] = {
    ".dsjson": dsjson.write,
    ".jsonl": personalizer.write,
    ".csv": feedback.write_csv,
    ".parquet": lambda path, decisions: write_table(path, tabulate(decisions)),
}
TABLES = (".csv", ".parquet")  # a row for each decision


def read(path: Path) -> list[Decision]:
    """The decisions of a file, by the end of its name, or of an archive that was sent at random.

    Raises ValueError for a name that ends otherwise, and what is damaged.
    """
    if path.is_dir():
        rounds = archive.read(path, archive.fit_features(path))
        return list(chain.from_iterable(list_decisions(each, plan_uniform) for each in rounds))
    return _choose(path, READ)(path)


def write(path: Path, decisions: Sequence[Decision]) -> None:
    """Write decisions in the format that the end of the name says, whole or not at all.

    Raises ValueError for a name that ends otherwise, and decisions that the format cannot hold.
    """
    _choose(path, WRITE)(path, decisions)


def _choose(path: Path, kinds: dict[str, T]) -> T:
    if path.suffix not in kinds:
        raise ValueError(f"{path}: its name must end with one of {', '.join(kinds)}")
    return kinds[path.suffix]


def work(asked: argparse.Namespace) -> None:
    """Read, write, and say how many. Raises ValueError as `read` and `write` do."""
    _choose(asked.made, WRITE)
    refuse_spoiling("TO", asked.made, asked.source)
    decisions = read(asked.source)
    if not decisions:
        raise ValueError(f"{asked.source}: no first slot was filled by choice")
    write(asked.made, decisions)
    mean = sum(each.reward for each in decisions) / len(decisions)
    print(f"{asked.made}: {len(decisions):,} decisions, mean reward {mean:.4g}")
    if asked.made.suffix in TABLES and (left := _list_left(decisions)):
        print(f"left out, as it has no place in such a file: {cut(', '.join(left), 200)}")


def _list_left(decisions: Sequence[Decision]) -> list[str]:
    """What a table of a row for each decision cannot hold."""
    about = any(told for each in decisions for told in each.about)
    left = [f"{name} (a list or an object)" for name in sorted(find_nested(decisions))]
    return ["what is known of the articles"] * about + left


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    parser = Parser(
        prog="python -m serving.exchange",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, metavar="FROM")
    parser.add_argument("made", type=Path, metavar="TO")
    asked = parser.parse_args(argv)
    return run_program("serving.exchange", lambda: work(asked))


if __name__ == "__main__":
    sys.exit(main())
