"""Choose the slates of the next issue.

python -m serving.send BUNDLE --members M --pool P --rules R --campaign ID --seed 7 --out DIR

Writes DIR/slates.parquet, one row for each member and slot, in the log's format: campaign, member,
slot (from 1), article (null: empty), propensity, role, relaxed, supported; and the ids of the mail
and of the slot. DIR/send.json, which says what it was made from, is written last: a folder without
one holds no finished send. The same inputs give the same bytes, in chunks of any size.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bandit.core import check
from bandit.core.files import replacing
from serving.bundle import read
from serving.errors import run_program
from serving.folder import claim, sync
from serving.formats import ENCODINGS
from serving.inputs import load
from serving.sending.choose import CHUNK, compose
from serving.sending.record import refuse_other, refuse_place, refuse_unlike, write_send
from serving.sending.unmatched import refuse_unmatched
from serving.sending.write import write_slates

SLATES = "slates.parquet"


def send(asked: argparse.Namespace, console: Console) -> str:
    """Write the slates that the command line asks for. Returns a line to print.

    Raises ValueError naming what is wrong with the bundle, the files or the folder.
    """
    check.at_least("--chunk", asked.chunk, 1)
    if not asked.campaign.strip():
        raise ValueError("--campaign is empty; it keys the draws and the log")
    out, files = (
        Path(asked.out),
        (asked.members, asked.pool, asked.rules, asked.seen, asked.earlier),
    )
    refuse_place(out, asked.bundle, *files[:3], *filter(None, (asked.seen,)), *asked.earlier)
    bundle = read(asked.bundle, trusted=asked.trust)
    inputs = load(bundle.features, *files, encoding=asked.encoding)
    unread = (
        f"article {article!r} counts as average: {why}" for article, why in inputs.unread.items()
    )
    for path, lines in ((asked.members, _describe_unknown(inputs.unknown)), (asked.pool, unread)):
        for line in lines:
            warning = f"warning: {path}: {line}"
            console.print(warning, markup=False, highlight=False, soft_wrap=True)
    paths = (Path(asked.rules), Path(asked.pool), Path(asked.members))
    if not asked.allow_unmatched:
        refuse_unmatched(inputs.rules, inputs.articles, inputs.members, paths)
    made_from = {
        "bundle": bundle.digest,
        "campaign": asked.campaign,
        "seed": asked.seed,
        "inputs": inputs.digests,
    }
    counts = {"members": len(inputs.members), "slots": inputs.rules.slots}
    rows = len(inputs.members) * inputs.rules.slots
    which = (inputs.members, inputs.articles, inputs.rules, asked.campaign, asked.seed)
    tables = compose(bundle, *which, inputs.seen, asked.chunk, inputs.earlier)
    with claim(out):
        refuse_other(out, made_from)
        with (
            replacing(out / SLATES) as part,
            Progress(console=console, disable=not console.is_terminal) as bar,
        ):
            task = bar.add_task("slates", total=rows)
            roles, relaxed = write_slates(part, tables, lambda done: bar.advance(task, done))
            refuse_unlike(part, out / SLATES)
        report = counts | {"roles": roles, "relaxed": relaxed}
        warned = {"unknown": inputs.unknown, "unread": inputs.unread}
        write_send(out, made_from | report | warned, [SLATES])
        sync(out)
    where = f"{rows} slots of {len(inputs.members)} members in {out / SLATES}"
    where += f", by a bundle that is {bundle.signed}"
    return f"{where}: {_list(roles)}; rules given up: {_list(relaxed)}"


def _describe_unknown(unknown: dict[str, dict[str, int]]) -> Iterator[str]:
    """A line for each attribute with values that the bundle has not met."""
    for name, values in unknown.items():
        examples = ", ".join([repr(value) for value in values][:3])
        say = f"{sum(values.values())} members have a {name} never seen before ({examples})"
        yield f"{say}; it counts as unknown"


def _list(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.send", description="Choose the slates of the next issue."
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="the folder that serving.export wrote")
    parser.add_argument("--trust", metavar="KEY", help="PEM file: whose signature it must bear")
    parser.add_argument(
        "--members", required=True, help="CSV, XLSX or parquet: member and the attributes"
    )
    parser.add_argument(
        "--pool",
        required=True,
        help="the same: article, title, summary, kind, source, only_<attribute>",
    )
    parser.add_argument("--rules", required=True, help="yaml: slots, pins, at_most, at_least, only")
    parser.add_argument(
        "--seen", help="the same: member, article; what was in an issue that the member opened"
    )
    parser.add_argument(
        "--earlier",
        nargs="*",
        default=(),
        help="pools sent before: who saw an article of theirs has seen its story",
    )
    parser.add_argument(
        "--encoding",
        choices=ENCODINGS,
        default="utf-8",
        help="of CSV files that are not UTF-8 (%(default)s)",
    )
    parser.add_argument(
        "--allow-unmatched",
        action="store_true",
        help="send although a value in the rules or the pool's only_ columns matches nothing",
    )
    parser.add_argument(
        "--campaign", required=True, help="name of this issue; it keys the draws and the log"
    )
    parser.add_argument(
        "--seed", required=True, type=int, help="another seed gives another draw of the same slates"
    )
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="folder for slates.parquet and send.json"
    )
    parser.add_argument(
        "--chunk",
        type=int,
        default=CHUNK,
        help="members at a time (%(default)s); bounds the memory",
    )
    asked = parser.parse_args(argv)
    return run_program("serving.send", lambda: print(send(asked, Console(stderr=True))))


if __name__ == "__main__":
    sys.exit(main())
