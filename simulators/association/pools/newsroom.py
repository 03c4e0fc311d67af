"""What the editor does for each issue: make the pool of articles, and set the rules."""

from dataclasses import dataclass, field

import numpy as np

from bandit.core.rules import Rules
from simulators.association.campaigns import Campaigns
from simulators.association.drift import Keyed
from simulators.association.pools.articles import Pool, compose, join
from simulators.association.pools.catalogue import Catalogue
from simulators.association.press import Press


@dataclass(frozen=True, eq=False)
class Newsroom:
    """Pools and rules of all issues, which may be asked for in any order.

    book: the catalogue that articles are composed from
    keyed: makes a generator for each purpose and issue
    size: articles in a pool
    carried: how many of them are carried over from the last issue of the same name
    slots: articles in a newsletter
    quality_sd: standard deviation of the quality of articles, logits
    max_events: how many events a newsletter may show at most
    pin_every: issues from one pinned event to the next; 0 never
    press: how the editor's desk works
    campaigns: what is sent beside the newsletter
    pools: those that were made, by number of the issue
    """

    book: Catalogue
    keyed: Keyed
    size: int
    carried: int
    slots: int
    quality_sd: float
    max_events: int
    pin_every: int
    press: Press
    campaigns: Campaigns
    pools: dict[int, Pool] = field(default_factory=dict, init=False)

    def make_pool(self, number: int) -> Pool:
        """The pool of issue `number` in the order of article ids.

        Some articles are carried over from the last issue of the same name, the others are fresh.
        """
        if number not in self.pools:
            self.pools[number] = self._compose(number)
        return self.pools[number]

    def _compose(self, number: int) -> Pool:
        past = self.campaigns.find_previous(number)
        before = self.make_pool(past) if past else None
        kept: Pool | None = None
        if before and self.carried:
            rng = self.keyed("kept", number)
            kept = before.take(np.sort(rng.choice(self.size, size=self.carried, replace=False)))
        fresh = self.size - (self.carried if kept else 0)
        pool = compose(
            self.keyed("pool", number),
            self.book,
            fresh,
            f"A{number:03d}",
            self.quality_sd,
            taken=frozenset(kept.articles["title"]) if kept else frozenset[str](),
            kinds=self.campaigns.look_up(number)[1].kinds or self.press.mix_kinds(self.book),
            issue=number,
        )
        edit = self.press.edit
        pool = edit(self.keyed("press", number), self.book, pool, before) if fresh else pool
        pool = join(kept, pool) if kept else pool
        return pool.take(np.argsort(pool.articles["article"].to_numpy(), kind="stable"))

    def make_rules(self, number: int) -> Rules:
        """The rules of issue `number`.

        A newsletter shows `max_events` events at most. Every `pin_every` issues the editor pins an
        event that is open to all to the third slot. Other campaigns have no rules.
        """
        if self.campaigns.look_up(number)[0] != "issue":
            return Rules(slots=self.slots)
        articles = self.make_pool(number).articles
        national = (articles["kind"] == "event") & (articles["only_region"] == "")
        events = articles.loc[national, "article"].tolist()
        due = self.pin_every > 0 and number % self.pin_every == 0 and self.slots >= 3
        pins = {3: events[-1]} if due and events else {}
        most = {"kind": {"event": max(self.max_events, len(pins))}}
        return Rules(slots=self.slots, pins=pins, at_most=most)
