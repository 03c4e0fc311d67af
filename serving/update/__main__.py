"""Let a bundle learn what came back: the issues of a log that it does not know yet.

python -m serving.update BUNDLE LOG NEW_BUNDLE [--aliases A] [--seen SEEN]

NEW_BUNDLE knows, bit for bit, what a policy would that learned the whole log at once, and names the
issues that it knows. BUNDLE stays as it was. Learning needs pandas; most policies
need scipy too, and some torch (extra `update`). Sending needs none of them.
"""

import argparse
import sys
from collections.abc import Sequence

from serving.errors import Parser, require, run_program
from serving.tables.formats import ask_aliases


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = Parser(
        prog="python -m serving.update",
        description="Let a bundle learn the issues of a log that it does not know yet.",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="what is sent with now; it stays")
    parser.add_argument("log", metavar="LOG", help="folder of the log, with all its issues")
    parser.add_argument(
        "new_bundle", metavar="NEW_BUNDLE", help="where to; an earlier bundle there is replaced"
    )
    ask_aliases(parser.add_argument)
    parser.add_argument(
        "--seen",
        metavar="FILE",
        help="member, article (parquet): who has seen what; pairs of the new issues are added, or "
        "of all issues where there is no such file",
    )
    parser.add_argument(
        "--learned",
        type=int,
        metavar="ISSUE",
        help="the last issue that BUNDLE has learned, where it does not name them (made by an "
        "earlier version)",
    )
    parser.add_argument("--sign", metavar="KEY", help="PEM file with an Ed25519 private key")
    parser.add_argument("--trust", metavar="KEY", help="public key that must have signed BUNDLE")
    return parser.parse_args(argv)


def work(asked: argparse.Namespace) -> None:
    """Do what is asked. Raises ValueError where a library is missing, and for what cannot be."""
    require("update", "pandas", "scipy")
    from serving.update.work import update

    print(update(asked))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    asked = parse(argv)
    return run_program("serving.update", lambda: work(asked))


if __name__ == "__main__":
    sys.exit(main())
