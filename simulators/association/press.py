"""How the editor's desk works.

It adds ads, series, near-duplicates and breaking news, and articles lose appeal as they grow old.
"""

from dataclasses import dataclass, replace

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints
from simulators.association.pools.articles import Pool
from simulators.association.pools.catalogue import Catalogue
from simulators.association.pools.stories import write_article


@dataclass(frozen=True)
class Press:
    """What the desk does to the articles of a pool.

    decay: logits of appeal that an article loses with each issue after its first; higher makes
        fresh articles matter more
    ads: share of fresh articles that are paid for
    ad_appeal: logits added to the appeal of an ad
    series: chance that a fresh article is the next part of one from the issue before, with the same
        topics, source and appeal
    duplicates: chance that a fresh article tells the story of another fresh article again
    repeated: share of its chance to be clicked that the lower one of two such articles loses
    breaking: chance that an issue has a piece of breaking news
    breaking_lift: its appeal to everyone in that issue, logits
    Raises ValueError naming what cannot be.
    """

    decay: float = 0.0
    ads: float = 0.0
    ad_appeal: float = -1.0
    series: float = 0.0
    duplicates: float = 0.0
    repeated: float = 0.0
    breaking: float = 0.0
    breaking_lift: float = 1.5

    def __post_init__(self) -> None:
        for what in ("ads", "series", "duplicates", "repeated", "breaking"):
            check.share(f"press: {what}", getattr(self, what))
        if self.series + self.duplicates > 1:
            raise ValueError(
                f"press: series + duplicates = {self.series + self.duplicates}; must be at most 1"
            )
        check.at_least("press: decay", self.decay, 0)
        for what in ("ad_appeal", "breaking_lift"):
            if not np.isfinite(getattr(self, what)):
                raise ValueError(f"press: {what} = {getattr(self, what)}; must be finite")

    def mix_kinds(self, book: Catalogue) -> dict[str, float]:
        """Relative shares of the kinds of fresh articles, with the ads among them.

        book: the catalogue, which has the shares of the other kinds
        """
        shares = {name: kind.share for name, kind in book.kinds.items()}
        if not self.ads:
            return shares
        total = sum(shares.values())
        others = {name: (1 - self.ads) * share / total for name, share in shares.items()}
        return others | {"ad": self.ads}

    def edit(
        self, rng: np.random.Generator, book: Catalogue, fresh: Pool, before: Pool | None
    ) -> Pool:
        """The fresh articles as they go to press.

        book: the catalogue that they were composed from
        before: the pool of the issue before, whose articles may have a next part; None at first
        """
        count = len(fresh.stories)
        u, pick, order = rng.random(count), rng.random(count), rng.permutation(count)
        ads = fresh.articles["kind"].to_numpy() == "ad"
        fresh = replace(fresh, quality=fresh.quality + np.where(ads, self.ad_appeal, 0.0))
        retold = ~ads & (u < self.series + self.duplicates)
        originals = np.flatnonzero(~ads & ~retold).tolist()  # any may be told again, many times
        earlier = before.stories if before else ()
        ongoing = [i for i, story in enumerate(earlier) if story.kind == "article"]
        rows, stories = fresh.articles.to_dict("records"), list(fresh.stories)
        quality, lift = fresh.quality.copy(), fresh.lift.copy()
        for j in np.flatnonzero(retold):
            goes_on = bool(u[j] < self.series)
            candidates = ongoing if goes_on else originals
            source = before if goes_on else fresh
            if source is None or not candidates:
                continue
            place = int(pick[j] * len(candidates))
            i = candidates.pop(place) if goes_on else candidates[place]
            quality[j] = source.quality[i]
            stories[j] = story = source.stories[i]
            rows[j].update(write_article(rng, book, story))
            if goes_on:
                rows[j]["title"] = _name_next_part(str(source.articles["title"].iloc[i]))
                stories[j] = replace(story)  # its own: who read one part may well want the next
        news = [j for j in order if rows[j]["kind"] == "article"]
        if news and rng.random() < self.breaking:
            rows[news[0]]["title"] = f"Breaking: {rows[news[0]]['title']}"
            lift[news[0]] = self.breaking_lift
        columns = {name: [row[name] for row in rows] for name in fresh.articles.columns}
        table = fresh.articles.assign(**columns)
        return Pool(table, quality, fresh.since, lift, tuple(stories))

    def measure_appeal(self, pool: Pool, issue: int) -> Floats:
        """What adds to everyone's interest in each article at `issue`, logits [m]."""
        age = issue - pool.since
        return np.asarray(pool.quality + np.where(age == 0, pool.lift, 0.0) - self.decay * age)


def find_repeats(pool: Pool, choice: Ints) -> Bools:
    """Whether each slot tells the story of a slot above it [n, k].

    choice [n, k]: indices into the pool, -1 for an empty slot
    """
    number: dict[int, int] = {}
    story = np.array([number.setdefault(id(story), len(number)) for story in pool.stories])
    shown = np.where(choice >= 0, story[choice], -1 - np.arange(choice.shape[1]))
    again = np.zeros(choice.shape, dtype=bool)
    for j in range(1, choice.shape[1]):
        again[:, j] = (shown[:, :j] == shown[:, j : j + 1]).any(axis=1)
    return again


def _name_next_part(title: str) -> str:
    """The headline of the part of a series that comes after the one with this headline."""
    stem, found, number = title.removesuffix(")").rpartition(" (part ")
    return f"{stem} (part {int(number) + 1})" if found else f"{title} (part 2)"
