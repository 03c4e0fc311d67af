"""What whoever chooses a shard is told, in another process or on another machine.

A shard is some members in a row. Its members and what they have seen lie in files beside its
slates, so a worker needs these files, the bundle and an order, which is small. The slates' file is
there whole or not at all: it is the mark that the shard is done. Open this file to see on what the
slates of a shard depend.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from bandit.core.columns import Columns
from bandit.core.files import read_table
from bandit.core.ids import Aliases

if TYPE_CHECKING:
    from bandit.core.rules import Rules
    from serving.arms.design import Design

SHARD = 60_000  # members; with 6 slots their slates take 40 MB


@dataclass(frozen=True)
class Source:
    """Where a bundle lies, and which one it must be.

    path: of its folder; digest: of the bundle that was there
    """

    path: Path
    digest: str


@dataclass(frozen=True)
class Order:
    """An issue as workers know it.

    folder: of the shards
    source: the bundle
    articles, rules: the pool and the editor's rules
    campaign, seed: key the draws
    chunk: members at a time
    earlier: pools that were sent before
    aliases: the present id of each old one
    series, share: who is held out; a share of 0 is nobody
    fallback: the bundle that chooses for them; None: they are chosen for at random
    design: an experiment, whose arms are drawn by series too, or None
    arms: the bundles of its arms, in order
    """

    folder: Path
    source: Source
    articles: Columns
    rules: "Rules"
    campaign: str
    seed: int
    chunk: int
    earlier: list[Columns]
    aliases: Aliases
    series: str = ""
    share: float = 0.0
    fallback: Source | None = None
    design: "Design | None" = None
    arms: tuple[Source, ...] = ()

    def find(self, number: int, what: str) -> Path:
        """The file of a shard that holds `what`: members, seen or slates."""
        return self.folder / f"{number:05d}.{what}.parquet"

    def is_done(self, number: int) -> bool:
        """Whether a shard's slates are there."""
        return self.find(number, "slates").exists()

    def read_slates(self, number: int) -> pa.Table:
        """The slates of a shard that is done. Raises ValueError where they are damaged."""
        slates = read_table(self.find(number, "slates"))
        members = read_table(self.find(number, "members"))
        if len(slates) != len(members) * self.rules.slots:
            raise ValueError(f"{self.find(number, 'slates')} is not of these members; remove it")
        return slates
