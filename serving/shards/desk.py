"""Where a shard is chosen: its members and an order in, a file of slates out.

Open this file to see what a worker does.
"""

import pyarrow as pa

from bandit.core.columns import Columns
from bandit.core.files import read_table, write_table
from bandit.core.ids import Aliases
from serving.arms.trial import Trial
from serving.bundle import Bundle, read
from serving.sending.choose import compose
from serving.sending.holdout import Holdout, choose_at_random
from serving.sending.sender import ReadyIssue
from serving.shards.order import Order, Source


class Desk:
    """Where shards are chosen: the bundles in memory, and an order.

    bundle: chooses; holdout: whoever is held out, or None; trial: the arms, or None
    """

    def __init__(
        self, order: Order, bundle: Bundle, holdout: Holdout | None, trial: Trial | None = None
    ) -> None:
        self._order, self._bundle, self._holdout, self._trial = order, bundle, holdout, trial
        self._ready: dict[int, ReadyIssue] = {}  # the issue, which is the same for all shards

    @classmethod
    def open(cls, order: Order) -> "Desk":
        """A desk of its own for another process."""
        bundle = _read(order.source, order.aliases)
        holdout = trial = None
        if order.share:
            source = order.fallback
            chooses = _read(source, order.aliases) if source else choose_at_random(bundle)
            holdout = Holdout(order.series, order.share, chooses, random=not source)
        if order.design:
            bundles = tuple(_read(source, order.aliases) for source in order.arms)
            trial = Trial(order.design, order.series, bundles)
        return cls(order, bundle, holdout, trial)

    def choose(self, number: int) -> None:
        """Choose the slates of a shard and write them."""
        order = self._order
        seen = order.find(number, "seen")
        tables = compose(
            self._bundle,
            Columns.from_arrow(read_table(order.find(number, "members"))),
            order.articles,
            order.rules,
            order.campaign,
            order.seed,
            Columns.from_arrow(read_table(seen)) if seen.exists() else None,
            order.chunk,
            order.earlier,
            self._holdout,
            self._trial,
            self._ready,
        )
        write_table(order.find(number, "slates"), pa.concat_tables(tables))


def _read(source: Source, aliases: Aliases) -> Bundle:
    """A bundle, its members under their present ids. Raises ValueError if it was changed."""
    bundle = read(source.path)
    if bundle.digest != source.digest:
        raise ValueError(f"{source.path} was changed while the issue was chosen")
    if aliases:
        bundle.policy.follow(aliases)
    return bundle
