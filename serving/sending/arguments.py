"""The command line of `serving.send`.

Open this file for what a sender may be asked.
"""

import argparse
from collections.abc import Sequence

from serving.errors import Parser
from serving.sending.write import CHUNK
from serving.tables.formats import ask_aliases


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, each with its type."""
    parser = Parser(
        prog="python -m serving.send", description="Choose the slates of the next issue."
    )
    add = parser.add_argument
    add(
        "bundle",
        metavar="BUNDLE",
        nargs="?",
        help="the folder that serving.export wrote; with --experiment for members in no arm",
    )
    add("--trust", metavar="KEY", help="PEM file: whose signature bundles must bear")
    _add_files(parser)
    _add_campaign(parser)
    add("--out", required=True, metavar="DIR", help="the campaign's folder")
    add("--chunk", type=int, default=CHUNK, help="members at a time (%(default)s)")
    add("--workers", type=int, default=1, help="processes that choose (%(default)s)")
    add(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="where they run: local, on this machine; ray, on the cluster at RAY_ADDRESS",
    )
    asked = parser.parse_args(argv)
    if not (asked.bundle or asked.experiment):
        parser.error("the following arguments are required: BUNDLE")
    return asked


def _add_files(parser: argparse.ArgumentParser) -> None:
    """What others hand over: CSV, XLSX or parquet, but for the rules."""
    add = parser.add_argument_group("files").add_argument
    add("--members", required=True, help="member and the attributes")
    add(
        "--pool",
        required=True,
        help="article, title, summary, kind, source, url, image, only_<attribute>, audience",
    )
    add("--rules", required=True, help="yaml: slots, pins, featured, at_most, at_least, only")
    add("--seen", help="member, article: what was in an issue that the member opened")
    add(
        "--earlier",
        action="extend",
        nargs="+",
        default=[],
        help="pools sent before: who saw an article of theirs has seen its story",
    )
    add(
        "--sent",
        action="extend",
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders of the last issues, the latest last: for the rule no_repeat and the preview",
    )
    add(
        "--suppress",
        action="extend",
        nargs="+",
        default=[],
        metavar="FILE",
        help="lists of members who are not mailed, read when all is chosen",
    )
    ask_aliases(add)
    add(
        "--allow-unmatched",
        action="store_true",
        help="send although a value in the rules, or a list, matches nothing",
    )


def _add_campaign(parser: argparse.ArgumentParser) -> None:
    """What is sent, to whom, and by which draw."""
    add = parser.add_argument_group("campaign").add_argument
    add("--campaign", required=True, help="name of this issue; it keys the draws and the log")
    add(
        "--seed", required=True, type=int, help="another seed gives another draw of the same slates"
    )
    add("--wave", type=int, help="which part of the members: 1, then 2, ...")
    add("--share", type=float, help="of the members in this wave; without it, all the rest")
    add("--holdout", type=float, default=0.0, help="share of the members held out for good")
    add("--experiment", metavar="YAML", help="arms: bundles that choose, each for its own members")
    add(
        "--series",
        default="",
        help="name of a series of campaigns; says who is held out, and in which arm",
    )
    add(
        "--fallback",
        metavar="BUNDLE",
        help="chooses for members held out; without it, their slates are random",
    )
