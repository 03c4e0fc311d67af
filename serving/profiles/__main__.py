"""All members' tastes by named topics, how they drifted, and what they rest on, as one table.

python -m serving.profiles BUNDLE LOG --members M --out profiles.parquet [--deny-list deny.yaml]

For renewal and event teams. One row for each member and topic; beside it, under the same name, a
text file says what the columns mean and what may not be inferred. The log is learned once more for
it; it needs what serving.update needs (extra `update`).
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from serving.errors import run_program
from serving.formats import ENCODINGS


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.profiles",
        description="Write all members' tastes by topic, their drift and what they rest on.",
    )
    add = parser.add_argument
    add("bundle", metavar="BUNDLE", help="what is sent with")
    add("log", metavar="LOG", help="folder of the log that the bundle has learned")
    add("--members", required=True, help="member and the attributes: who is told of")
    add(
        "--ago",
        type=int,
        default=52,
        metavar="ISSUES",
        help="drift since so many issues, or since the first where there are fewer (%(default)s)",
    )
    add("--aliases", metavar="FILE", help="old, member: ids that members had, and have now")
    add("--encoding", choices=ENCODINGS, default="utf-8", help="of CSV files that are not UTF-8")
    add("--trust", metavar="KEY", help="public key that must have signed BUNDLE")
    add("--deny", nargs="+", default=(), metavar="WORD", help="topics that are left out")
    add("--deny-list", metavar="YAML", help="the same: a list of `topics`")
    add("--learned", type=int, metavar="ISSUE", help="as for serving.update")
    add("--out", required=True, metavar="FILE", help="where to; its name ends in .parquet")
    return parser.parse_args(argv)


def work(asked: argparse.Namespace) -> None:
    """Do what is asked. Raises ValueError where a library is missing, and for what cannot be."""
    if not find_spec("pandas"):
        raise ValueError(
            "a log is read by pandas, which is missing: pip install letterbandit[update]"
        )
    from serving.profiles.work import tell_profiles

    print(tell_profiles(asked))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    asked = parse(argv)
    return run_program("serving.profiles", lambda: work(asked))


if __name__ == "__main__":
    sys.exit(main())
