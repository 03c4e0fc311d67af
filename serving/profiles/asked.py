"""What `serving.explain` and `serving.profiles` are both asked.

Open this file when whoever tells of members is to be told something more.
"""

import argparse

from serving.tables.formats import ask_aliases


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Let a program take a bundle and its log, and what is told of nobody."""
    add = parser.add_argument
    add("bundle", metavar="BUNDLE", help="what is sent with")
    add("log", metavar="LOG", help="folder of the log that the bundle has learned")
    add("--members", required=True, help="member and the attributes: who may be told of")
    ask_aliases(add)
    add("--trust", metavar="KEY", help="public key that must have signed BUNDLE")
    add(
        "--deny",
        action="extend",
        nargs="+",
        default=[],
        metavar="WORD",
        help="topics and attributes not told of",
    )
    add("--deny-list", metavar="YAML", help="the same: lists of `topics` and `attributes`")
    add(
        "--learned",
        type=int,
        metavar="ISSUE",
        help="the last issue that BUNDLE has learned, where it does not name them",
    )
