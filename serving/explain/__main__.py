"""One member's profile in words, and why each article is in the slate.

python -m serving.explain BUNDLE LOG --member ID --members M --pool P --rules R --campaign ID
    --seed 7 --out page.html

Writes one page, which fetches nothing, and beside it page.json, which says the same for programs.
Each reason is a slate that was really drawn, by the same keys, with one thing changed. The log
is learned once more for it, so this takes as long as learning the log; of a policy that keeps no
profile of members by topic once more for each topic that the member clicked. It needs what
serving.update needs (extra `update`).
"""

import argparse
import sys
from collections.abc import Sequence

from serving.errors import Parser, require, run_program
from serving.profiles.asked import add_shared


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = Parser(
        prog="python -m serving.explain",
        description="Say what is thought of one member, and why each article is in the slate.",
    )
    add_shared(parser)
    add = parser.add_argument
    add("--member", required=True, metavar="ID", help="who is told of")
    add("--pool", required=True, help="as for serving.send")
    add("--rules", required=True, help="as for serving.send")
    add("--campaign", required=True, help="as for serving.send")
    add("--seed", required=True, type=int, help="as for serving.send")
    add("--seen", help="as for serving.send")
    add("--earlier", action="extend", nargs="+", default=[], help="as for serving.send")
    add("--sent", action="extend", nargs="+", default=[], metavar="DIR", help="as for serving.send")
    add("--out", required=True, metavar="PAGE", help="where to; its name ends in .html")
    return parser.parse_args(argv)


def work(asked: argparse.Namespace) -> None:
    """Do what is asked. Raises ValueError where a library is missing, and for what cannot be."""
    require("update", "pandas", "scipy")
    from serving.explain.work import explain

    print(explain(asked))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    asked = parse(argv)
    return run_program("serving.explain", lambda: work(asked))


if __name__ == "__main__":
    sys.exit(main())
