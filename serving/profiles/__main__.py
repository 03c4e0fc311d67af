"""All members' tastes by named topics, how they drifted, and what they rest on, as one table.

python -m serving.profiles BUNDLE LOG --members M --out profiles.parquet [--deny-list deny.yaml]

For renewal and event teams. One row for each member and topic; beside it, under the same name, a
text file says what the columns mean and what may not be inferred. The log is learned once more for
it; it needs what serving.update needs (extra `update`).
"""

import argparse
import sys
from collections.abc import Sequence

from serving.errors import Parser, require, run_program
from serving.profiles.asked import add_shared


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = Parser(
        prog="python -m serving.profiles",
        description="Write all members' tastes by topic, their drift and what they rest on.",
    )
    add_shared(parser)
    add = parser.add_argument
    add(
        "--ago",
        type=int,
        default=52,
        metavar="ISSUES",
        help="drift since so many issues, or since the first where there are fewer (%(default)s)",
    )
    add("--out", required=True, metavar="FILE", help="where to; its name ends in .parquet")
    return parser.parse_args(argv)


def work(asked: argparse.Namespace) -> None:
    """Do what is asked. Raises ValueError where a library is missing, and for what cannot be."""
    require("update", "pandas", "scipy")
    from serving.profiles.work import tell_profiles

    print(tell_profiles(asked))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    asked = parse(argv)
    return run_program("serving.profiles", lambda: work(asked))


if __name__ == "__main__":
    sys.exit(main())
