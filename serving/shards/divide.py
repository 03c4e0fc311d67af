"""From an issue to shards: who is in which, and what they have seen.

Shards lie in a folder of the send, named by what they are made from: a send that was killed goes on
where it was, and one of other inputs begins anew. Open this file to see what is kept of a send that
was killed.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bandit.core.columns import Columns
from bandit.core.files import read_table, write_table
from bandit.core.keys import member_keys
from bandit.core.types import Ints
from serving.manifest import read_version
from serving.sending.write import regroup
from serving.shards.engines import choose_shards
from serving.shards.order import SHARD, Order, Source

if TYPE_CHECKING:
    from serving.sending.issue import Issue

FOLDER = ".shards-"
TOGETHER = 64  # shards for which what was seen is divided at a time: the keys of 4 million members


@dataclass(frozen=True)
class Shards:
    """The slates of an issue in shards that are done.

    order: says where they are; count: how many
    """

    order: Order
    count: int

    def __iter__(self) -> Iterator[pa.Table]:
        """The slates, one shard after the other, in the members' order."""
        return map(self.order.read_slates, range(self.count))


@contextmanager
def choose_issue(issue: "Issue", advance: Callable[[int], None]) -> Iterator[Shards]:
    """Choose the slates of all members of an issue, for a `with` block that puts them together.

    When the block ends well, and where something is wrong, the shards are removed. A machine that
    fails leaves those that are done to the next send.

    advance: told how many members are done
    """
    place = issue.part.folder / f"{FOLDER}{_digest(issue)}"
    sweep_shards(issue.part.folder, but=place)
    place.mkdir(exist_ok=True)
    order = _write_order(issue, place)
    count = -(-issue.count // SHARD)
    try:
        missing = [number for number in range(count) if not order.is_done(number)]
        _divide(issue, order, missing)
        advance(min((count - len(missing)) * SHARD, issue.count))
        choose_shards(issue, order, missing, lambda: advance(SHARD))
        yield Shards(order, count)
    except (OSError, MemoryError):  # the machine failed: what is done counts
        if not any(map(order.is_done, range(count))):
            shutil.rmtree(place)
        raise
    except Exception:
        shutil.rmtree(place)
        raise
    shutil.rmtree(place)


def sweep_shards(folder: Path, but: Path | None = None) -> None:
    """Remove the shards in a folder, of sends that were killed; `but` those."""
    for left in folder.glob(f"{FOLDER}*"):
        if left != but:
            shutil.rmtree(left)


def _digest(issue: "Issue") -> str:
    """Of all that the slates depend on: other shards must never be taken for these."""
    facts = [read_version(), SHARD, issue.asked.encoding, issue.describe({})]
    return sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _write_order(issue: "Issue", place: Path) -> Order:
    holdout, trial, asked = issue.holdout, issue.trial, issue.asked
    own = trial.design.arms[0].bundle if trial and not asked.bundle else asked.bundle
    order = Order(
        place.resolve(),
        Source(Path(own).resolve(), issue.bundle.digest),
        issue.articles,
        issue.rules,
        asked.campaign,
        asked.seed,
        asked.chunk,
        issue.inputs.earlier,
        issue.aliases,
    )
    if trial:
        named = zip(trial.design.arms, trial.bundles, strict=True)
        arms = tuple(Source(Path(arm.bundle).resolve(), each.digest) for arm, each in named)
        order = replace(order, series=trial.series, design=trial.design, arms=arms)
    if holdout is None:
        return order
    fallback = None
    if asked.fallback:
        fallback = Source(Path(asked.fallback).resolve(), holdout.bundle.digest)
    return replace(order, series=holdout.series, share=holdout.share, fallback=fallback)


def _divide(issue: "Issue", order: Order, missing: list[int]) -> None:
    """Write who is in each shard, and for those that are `missing` what was seen."""
    for number, members in enumerate(regroup(issue.read_members(), SHARD)):
        path = order.find(number, "members")
        if not path.exists():
            write_table(path, members)
    for start in range(0, len(missing), TOGETHER):
        _divide_seen(issue, order, missing[start : start + TOGETHER])


def _divide_seen(issue: "Issue", order: Order, numbers: list[int]) -> None:
    """Write for some shards what their members have seen; no file where nobody has seen anything.

    The keys of their members lie in memory, and what was seen comes by in pieces.
    """
    for number in numbers:
        order.find(number, "seen").unlink(missing_ok=True)
    keys, shards = list[NDArray[np.uint64]](), list[Ints]()
    for number in numbers if issue.has_seen else ():
        members = Columns.from_arrow(read_table(order.find(number, "members")))
        keys.append(member_keys(members["member"]))
        shards.append(np.full(len(members), number))
    if not keys:
        return
    known, shard = np.concatenate(keys), np.concatenate(shards)
    by_key = np.argsort(known)
    known, shard = known[by_key], shard[by_key]
    writers = dict[int, pq.ParquetWriter]()
    with ExitStack() as stack:
        for pairs in issue.read_seen():
            own = member_keys(pairs["member"])
            at = np.minimum(np.searchsorted(known, own), len(known) - 1)
            there = np.where(known[at] == own, shard[at], -1)
            for number in np.unique(there[there >= 0]).tolist():
                table = _tabulate(pairs.take(np.flatnonzero(there == number)))
                if number not in writers:
                    path = order.find(number, "seen")
                    writer = pq.ParquetWriter(path, table.schema, write_page_checksum=True)
                    writers[number] = stack.enter_context(writer)
                writers[number].write_table(table.cast(writers[number].schema))


def _tabulate(table: Columns) -> pa.Table:
    return pa.table({name: pa.array(column) for name, column in table.items()})
