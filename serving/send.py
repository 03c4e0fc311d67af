"""Choose the slates of the next issue.

python -m serving.send BUNDLE --members M --pool P --rules R --campaign ID --seed 7 --out DIR

Writes DIR/slates.parquet, one row for each member and slot: campaign, member, slot (from 1),
article (null: empty), propensity, role, relaxed, supported; and DIR/send.json, which says what it
was made from. The same inputs give the same bytes, in chunks of any size.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import Progress

from bandit.core import check
from bandit.core.files import read_json, replacing, write_json
from bandit.core.rules import Rules
from bandit.core.types import ROLES, Bools
from bandit.log.issue import tabulate_slates
from bandit.slates.editorial import MAXIMUM, MINIMUM, REPEAT, STORY, find_eligible
from bandit.slates.propensity import draw
from serving.bundle import Bundle, read
from serving.errors import run_program, shorten
from serving.folder import sync
from serving.inputs import load, sort_pool
from serving.seen import find_seen

CHUNK = 20_000  # members; with a pool of 200 a matrix of scores takes 32 MB
ROW_GROUP = 1 << 20
RELAXED = {"minimum": MINIMUM, "maximum": MAXIMUM, "repeat": REPEAT, "story": STORY}


def compose(
    bundle: Bundle,
    members: pd.DataFrame,
    articles: pd.DataFrame,
    rules: Rules,
    campaign: str,
    seed: int,
    seen: pd.DataFrame | None = None,
    chunk: int = CHUNK,
    earlier: Sequence[pd.DataFrame] = (),
) -> Iterator[pa.Table]:
    """The slates of `chunk` members at a time, in the members' order, k rows for each.

    members: `member` and the attributes
    articles: `article`, title, summary, kind, source, any `only_` columns and perhaps `story`, in
        any order
    rules: the editor's, with the number of slots k
    campaign: name of the issue; it keys the draws and the log
    seed: another one gives another draw of the same slates
    seen: pairs of `member` and `article` in an issue that the member opened
    chunk: members at a time; fewer need less memory and more time
    earlier: pools that were sent before; who saw an article of theirs has seen its story

    Raises ValueError naming what is wrong with them.
    """
    check.at_least("chunk", chunk, 1)
    if not campaign.strip():
        raise ValueError("campaign is empty; it keys the draws and the log")
    check.unique("members", members["member"])
    check.unique("pool", articles["article"])
    articles = sort_pool(articles)
    text = bundle.features.encode_articles(articles)
    told = bundle.features.find_stories(articles)
    rows, columns = find_seen(seen, members, articles, bundle.features, earlier)
    for start in range(0, len(members), chunk):
        part = members.iloc[start : start + chunk]
        shown: Bools = np.zeros((len(part), len(articles)), dtype=bool)
        here = slice(*np.searchsorted(rows, [start, start + len(part)]))
        shown[rows[here] - start, columns[here]] = True
        context = bundle.features.make_context(
            campaign,
            0,
            part,
            articles,
            rules,
            find_eligible(part, articles),
            shown,
            article_features=text,
            told=told,
        )
        slates = draw(bundle.policy.plan(context), context, seed)
        roles = pa.DictionaryArray.from_arrays(pa.array(slates.role.ravel()), pa.array(ROLES))
        # Plain columns, for whatever program sends the mail; parquet stores repeated words once all
        # the same.
        table = tabulate_slates(context, slates) | {"role": roles}
        yield pa.table({name: _decode(column) for name, column in table.items()})


def _decode(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def send(asked: argparse.Namespace, console: Console) -> str:
    """Write the slates that the command line asks for. Returns a line to print.

    Raises ValueError naming what is wrong with the bundle, the files or the folder.
    """
    check.at_least("--chunk", asked.chunk, 1)
    if not asked.campaign.strip():
        raise ValueError("--campaign is empty; it keys the draws and the log")
    bundle = read(asked.bundle, trusted=asked.trust)
    files = (asked.members, asked.pool, asked.rules, asked.seen, asked.earlier)
    inputs = load(bundle.features, *files)
    unread = (
        f"article {article!r} counts as average: {why}" for article, why in inputs.unread.items()
    )
    for path, lines in ((asked.members, _describe_unknown(inputs.unknown)), (asked.pool, unread)):
        for line in lines:
            warning = f"warning: {path}: {line}"
            console.print(warning, markup=False, highlight=False, soft_wrap=True)
    made_from = {
        "bundle": bundle.digest,
        "campaign": asked.campaign,
        "seed": asked.seed,
        "inputs": inputs.digests,
    }
    out = Path(asked.out)
    _refuse_other(out, made_from)
    new = not out.exists()
    counts = {"members": len(inputs.members), "slots": inputs.rules.slots}
    rows = len(inputs.members) * inputs.rules.slots
    which = (inputs.members, inputs.articles, inputs.rules, asked.campaign, asked.seed)
    tables = compose(bundle, *which, inputs.seen, asked.chunk, inputs.earlier)
    try:
        with (
            replacing(out / "slates.parquet") as part,
            Progress(console=console, disable=not console.is_terminal) as bar,
        ):
            task = bar.add_task("slates", total=rows)
            roles, relaxed = _write(part, tables, lambda done: bar.advance(task, done))
            report = counts | {"roles": roles, "relaxed": relaxed}
            # send.json first: wherever there are slates, it says what they are
            warned = {"unknown": inputs.unknown, "unread": inputs.unread}
            write_json(out / "send.json", made_from | report | warned)
        sync(out)
    except BaseException:
        if new:
            with suppress(OSError):
                out.rmdir()
        raise
    where = f"{rows} slots of {len(inputs.members)} members in {out / 'slates.parquet'}"
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


def _write(
    path: Path, tables: Iterable[pa.Table], advance: Callable[[int], None]
) -> tuple[dict[str, int], dict[str, int]]:
    """Write the tables.

    Returns how many slots have each role, and in how many slots each soft rule was given up.
    """
    role: Counter[str] = Counter()
    relaxed: Counter[int] = Counter()
    writer = None
    try:
        for table in _regroup(tables, ROW_GROUP, advance):
            if writer is None:
                writer = pq.ParquetWriter(
                    path, table.schema, compression="zstd", write_page_checksum=True
                )
            writer.write_table(table, row_group_size=ROW_GROUP)
            role.update(_count(table["role"]))
            relaxed.update(_count(table["relaxed"]))
    finally:
        if writer is not None:
            writer.close()
    given_up = {name: relaxed[rule] for name, rule in RELAXED.items()}
    return {name: role[name] for name in ROLES}, given_up


def _count(column: pa.ChunkedArray) -> dict[Any, int]:
    """How often each value is in a column: text or whole numbers."""
    return {row["values"]: row["counts"] for row in column.value_counts().to_pylist()}


def _regroup(
    tables: Iterable[pa.Table], rows: int, advance: Callable[[int], None]
) -> Iterator[pa.Table]:
    """The same rows, `rows` at a time: the bytes of a file must not depend on the chunks."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        advance(len(table))
        while sum(map(len, held)) >= rows:
            together = pa.concat_tables(held)
            yield together.slice(0, rows).combine_chunks()
            held = [together.slice(rows)]
    rest = pa.concat_tables(held)
    if len(rest):
        yield rest.combine_chunks()


def _refuse_other(out: Path, made_from: dict[str, object]) -> None:
    """Raise ValueError if `out` holds slates of other inputs: they may have been sent already."""
    target = out / "slates.parquet"
    if not target.exists():
        return
    try:
        before = read_json(out / "send.json")
    except (OSError, ValueError):
        before = None
    if not isinstance(before, dict):
        raise ValueError(
            f"{target} exists without a send.json that says what it is; choose another --out"
        )
    then, now = _flatten(before), _flatten(made_from)
    now.pop("inputs")
    for what, value in now.items():
        if what not in then or then[what] != value:
            was = shorten(then.get(what))
            raise ValueError(
                f"{target} was made with other {what}: {was}, now {shorten(value)}; "
                "choose another --out"
            )


def _flatten(made_from: dict[str, object]) -> dict[str, object]:
    """What a send was made from, with its inputs beside the rest."""
    inputs = made_from.get("inputs")
    return made_from | (inputs if isinstance(inputs, dict) else {})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.send", description="Choose the slates of the next issue."
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="the folder that serving.export wrote")
    parser.add_argument("--trust", metavar="KEY", help="PEM file: whose signature it must bear")
    parser.add_argument("--members", required=True, help="parquet: member and the attributes")
    parser.add_argument(
        "--pool",
        required=True,
        help="parquet: article, title, summary, kind, source, only_<attribute>",
    )
    parser.add_argument("--rules", required=True, help="yaml: slots, pins, at_most, at_least, only")
    parser.add_argument(
        "--seen", help="parquet: member, article; what was in an issue that the member opened"
    )
    parser.add_argument(
        "--earlier",
        nargs="*",
        default=(),
        help="pools sent before: who saw an article of theirs has seen its story",
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
