"""From an issue to shards: who is in which, and what they have seen.

Shards lie in a folder of the send, named by what they are made from: a send that was killed goes on
where it was, and one of other inputs begins anew. Open this file to see what is kept of a send that
was killed.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from bandit.core.columns import Columns
from bandit.core.files import write_table
from bandit.core.keys import member_keys
from serving.manifest import read_version
from serving.shards.engines import choose_shards
from serving.shards.order import SHARD, Order, Source

if TYPE_CHECKING:
    from serving.sending.issue import Issue

FOLDER = ".shards-"


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
    count = -(-len(issue.members) // SHARD)
    try:
        missing = [number for number in range(count) if not order.is_done(number)]
        _divide(issue, order, count, missing)
        advance(min((count - len(missing)) * SHARD, len(issue.members)))
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


def _divide(issue: "Issue", order: Order, count: int, missing: list[int]) -> None:
    """Write who is in each shard, and for those that are `missing` what was seen."""
    members = issue.members
    for number in range(count):
        path = order.find(number, "members")
        if not path.exists():
            part = members.take(slice(number * SHARD, (number + 1) * SHARD))
            write_table(path, _tabulate(part))
    pairs = issue.seen
    if pairs is None or not missing:
        return
    known, keys = member_keys(members["member"]), member_keys(pairs["member"])
    order_of_keys = np.argsort(known)
    at = np.searchsorted(known, keys, sorter=order_of_keys)
    row = order_of_keys[np.minimum(at, len(known) - 1)]
    shard = np.where(known[row] == keys, row // SHARD, -1)
    for number in missing:
        part = pairs.take(np.flatnonzero(shard == number))
        write_table(order.find(number, "seen"), _tabulate(part))


def _tabulate(table: Columns) -> pa.Table:
    return pa.table({name: pa.array(column) for name, column in table.items()})
