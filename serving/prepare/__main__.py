"""Make the first bundle from an association's own files.

python -m serving.prepare --members M --articles PAST... [--sends LOG] [--policy profile]
    [--segment-rules R] --out BUNDLE

Writes BUNDLE for serving.send and, with --segment-rules, the newsletter that the editor's rules
make, as a second bundle, BUNDLE-fallback. With --dry-run it writes nothing, and prints what each
column of the member list was understood as. Needs pandas and scikit-learn (extra `prepare`), which
sending does not.
"""

import argparse
import sys
from collections.abc import Sequence

from serving.errors import Parser, require, run_program
from serving.tables.formats import ask_aliases


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = Parser(
        prog="python -m serving.prepare",
        description="Make the first bundle from an association's own files (CSV, XLSX, parquet).",
    )
    parser.add_argument("--members", required=True, help="the member list: member and attributes")
    parser.add_argument(
        "--articles",
        action="extend",
        nargs="+",
        default=[],
        help="past articles: title, and perhaps summary",
    )
    parser.add_argument("--out", metavar="BUNDLE", help="where to; an earlier bundle is replaced")
    parser.add_argument("--sends", metavar="LOG", help="past sends to learn from: a log's folder")
    ask_aliases(parser.add_argument)
    parser.add_argument(
        "--policy", default="profile", help="a module of bandit/policies (%(default)s)"
    )
    parser.add_argument(
        "--segment-rules",
        metavar="YAML",
        help="the editor's own rules (by, rules, otherwise): BUNDLE-fallback is made of them, or "
        "the bundle itself with --policy segment_rules",
    )
    parser.add_argument(
        "--leave-out",
        action="extend",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="columns of the member list that are not to be used",
    )
    parser.add_argument(
        "--text-dims",
        type=int,
        help="numbers that a text is read as (32, or half the past articles where these are few)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print what each column of the member list is understood as, and write nothing",
    )
    parser.add_argument(
        "--against",
        metavar="BUNDLE",
        help="with --dry-run: compare the values with those that a bundle knows",
    )
    return parser.parse_args(argv)


def work(asked: argparse.Namespace) -> None:
    """Do what is asked. Raises ValueError where a library is missing, and for what cannot be."""
    require("prepare", "pandas", "sklearn")
    from serving.prepare.work import dry_run, prepare

    (dry_run if asked.dry_run else prepare)(asked)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    asked = parse(argv)
    return run_program("serving.prepare", lambda: work(asked))


if __name__ == "__main__":
    sys.exit(main())
