"""From a send, and the files of e-mail providers about it, to the log.

python -m serving.ingest SENT FILE... --log LOG [--mapping M.yaml] [--links L.yaml]

SENT is what serving.send wrote (a campaign in waves: its folder, or that of one wave). Files may be
JSON in any layout, SNS envelopes or CSV, packed or not, of one provider or several, in any order,
and may overlap. LOG grows by one issue, whole or not at all; rows that cannot be used lie in
LOG/aside with the reason. The same files give the same bytes. Needs the extra
`ingest`.
"""

import argparse
import sys
from collections.abc import Sequence

from serving.errors import Parser, require, run_program
from serving.tables.formats import ask_encoding


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = Parser(
        prog="python -m serving.ingest",
        description="Turn what e-mail providers say of a send into the log.",
    )
    add = parser.add_argument
    add("sent", metavar="SENT", help="the folder that serving.send wrote")
    add("files", metavar="FILE", nargs="+", help="what providers recorded: JSON or CSV, or .gz")
    add("--log", required=True, metavar="LOG", help="the log; it is made where there is none")
    add(
        "--mapping",
        action="extend",
        nargs="+",
        default=[],
        metavar="YAML",
        help="what a provider that is not known here calls things",
    )
    add("--links", metavar="YAML", help="links that are no article's: footer, sponsor, honeypot")
    add("--addresses", metavar="FILE", help="member, email: whose address is whose")
    add(
        "--mailing",
        action="extend",
        nargs="+",
        default=[],
        metavar="ID",
        help="the provider's own ids of this campaign, where files hold several",
    )
    add("--delivered-at", metavar="TIME", help="when mails went out, where no file says so")
    add("--window", type=float, default=30.0, help="days in which events count (%(default)g)")
    add(
        "--closes",
        type=float,
        default=7.0,
        help="days until the next issue is planned; later events are tagged late (%(default)g)",
    )
    ask_encoding(add)
    return parser.parse_args(argv)


def work(asked: argparse.Namespace) -> None:
    """Do what is asked. Raises ValueError where a library is missing, and for what cannot be."""
    require("ingest", "pandas")
    from serving.ingest.work import ingest

    for line in ingest(asked):
        print(line)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    asked = parse(argv)
    return run_program("serving.ingest", lambda: work(asked))


if __name__ == "__main__":
    sys.exit(main())
