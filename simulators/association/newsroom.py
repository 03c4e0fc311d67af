"""The editor's side: each issue's pool of articles, and the rules of its layout."""

from typing import Any

import numpy as np

from bandit.core.rules import Rules
from simulators.association.articles import Pool, compose, join
from simulators.association.campaigns import Campaigns
from simulators.association.drift import Keyed
from simulators.association.press import Press


class Newsroom:
    """size: articles in a pool; carried: of them from the last issue of its kind; slots: of a newsletter; quality_sd:
    logits; max_events: the cap on events; pin_every: issues from one pinned event to the next, 0 never. Pools are
    keyed by issue, so they may be asked for in any order."""

    def __init__(
        self,
        keyed: Keyed,
        size: int,
        carried: int,
        slots: int,
        quality_sd: float,
        max_events: int,
        pin_every: int,
        press: Press,
        campaigns: Campaigns,
    ) -> None:
        self.press, self.campaigns = press, campaigns
        self._keyed, self._size, self._carried, self._slots = keyed, size, carried, slots
        self._quality_sd, self._max_events, self._pin_every = quality_sd, max_events, pin_every
        self._pools: dict[int, Pool] = {}

    def pool(self, number: int) -> Pool:
        """Issue `number`'s pool, by article id: fresh articles and some carried over from the last issue of its kind."""
        if number not in self._pools:
            past = self.campaigns.before(number)
            before = self.pool(past) if past else None
            kept: Pool | None = None
            if before and self._carried:
                rows = self._keyed("kept", number).choice(
                    self._size, size=self._carried, replace=False
                )
                kept = before.take(np.sort(rows))
            fresh = self._size - (self._carried if kept else 0)
            pool = compose(
                self._keyed("pool", number),
                fresh,
                f"A{number:03d}",
                self._quality_sd,
                taken=frozenset(kept.articles["title"]) if kept else frozenset[str](),
                kinds=self.campaigns.at(number)[1].kinds or self.press.kinds(),
                issue=number,
            )
            pool = self.press.edited(self._keyed("press", number), pool, before) if fresh else pool
            pool = join(kept, pool) if kept else pool
            self._pools[number] = pool.take(
                np.argsort(pool.articles["article"].to_numpy(), kind="stable")
            )
        return self._pools[number]

    def current(self, number: int) -> frozenset[str]:
        """Articles of issue `number`, and those that a later issue may carry over."""
        pools = [self.pool(past) for past in self.campaigns.latest(number)]
        return frozenset(article for pool in pools for article in pool.articles["article"])

    def rules(self, number: int) -> Rules:
        """Of the newsletter: two events at most; now and then the editor pins an event that is open to all to the third
        slot. Other campaigns are free."""
        if self.campaigns.at(number)[0] != "issue":
            return Rules(slots=self._slots)
        articles = self.pool(number).articles
        national = articles[(articles["kind"] == "event") & (articles["only_region"] == "")][
            "article"
        ].tolist()
        pin = (
            self._pin_every > 0
            and number % self._pin_every == 0
            and self._slots >= 3
            and bool(national)
        )
        most: dict[str, Any] = {"kind": {"event": max(self._max_events, int(pin))}}
        return Rules(slots=self._slots, pins={3: national[-1]} if pin else {}, at_most=most)
