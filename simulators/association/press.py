"""How the editor's desk works: ads, series, near-duplicates, breaking news, and articles that grow stale."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints
from simulators.association.articles import Pool, catalogue, written


@dataclass(frozen=True)
class Press:
    """decay: logits of appeal lost with each issue after the first (freshness). ads: share of fresh articles that are paid
    for; ad_appeal: their appeal, logits. series: chance that a fresh article is the next part of one from the issue before:
    same topics, source and appeal. duplicates: chance that it is another fresh article's story written up again; repeated:
    share of the chance to be clicked that the second telling loses below the first. breaking: chance that an issue has a
    piece of breaking news; breaking_lift: its appeal to everyone, logits, in that issue. Raises ValueError naming what
    cannot be."""

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

    def kinds(self, shares: dict[str, float] | None = None) -> dict[str, float]:
        """Shares of the kinds of fresh articles, ads among them."""
        shares = shares or {name: kind["share"] for name, kind in catalogue()["kinds"].items()}
        if not self.ads:
            return shares
        total = sum(shares.values())
        return {name: (1 - self.ads) * share / total for name, share in shares.items()} | {
            "ad": self.ads
        }

    def edited(self, rng: np.random.Generator, fresh: Pool, before: Pool | None) -> Pool:
        """The fresh articles as they go to press, given the pool before."""
        count = len(fresh.stories)
        u, pick, order = rng.random(count), rng.random(count), rng.permutation(count)
        articles: list[dict[Any, Any]] = fresh.articles.to_dict("records")
        topics, lift, stories = fresh.topics.copy(), fresh.lift.copy(), list(fresh.stories)
        ads = fresh.articles["kind"].to_numpy() == "ad"
        quality = fresh.quality + np.where(ads, self.ad_appeal, 0.0)
        earlier = (
            [i for i, story in enumerate(before.stories) if story.kind == "article"]
            if before
            else []
        )
        told = np.flatnonzero(
            ~ads & (u >= self.series + self.duplicates)
        )  # what stays as it is, and can be told again
        for j in np.flatnonzero(~ads & (u < self.series + self.duplicates)):
            if u[j] < self.series:
                if before is None or not earlier:
                    continue
                i = earlier.pop(int(pick[j] * len(earlier)))
                title, part = _part(str(before.articles["title"].iloc[i]))
                row = written(rng, before.stories[i]) | {"title": f"{title} (part {part})"}
                # the next part is a story of its own: who read the first may well want it
                story, quality[j], topics[j] = (
                    replace(before.stories[i]),
                    before.quality[i],
                    before.topics[i],
                )
            elif len(told):
                i = int(told[int(pick[j] * len(told))])
                story, quality[j], topics[j] = stories[i], quality[i], topics[i]
                row = written(rng, story)
            else:
                continue
            articles[j] |= row
            stories[j] = story
        news = [j for j in order if articles[j]["kind"] == "article"]
        if news and rng.random() < self.breaking:
            articles[news[0]]["title"] = f"Breaking: {articles[news[0]]['title']}"
            lift[news[0]] = self.breaking_lift
        table = fresh.articles.assign(
            **{name: [row[name] for row in articles] for name in fresh.articles.columns}
        )
        return Pool(table, topics, quality, fresh.since, lift, tuple(stories))

    def appeal(self, pool: Pool, issue: int) -> Floats:
        """What adds to everyone's interest in each article at `issue` [m], logits."""
        age = issue - pool.since
        return np.asarray(pool.quality + np.where(age == 0, pool.lift, 0.0) - self.decay * age)


def told_above(pool: Pool, choice: Ints) -> Bools:
    """Whether a slot tells the story of a slot above it [n, k]. choice [n, k]: indices into the pool, -1 for none."""
    number: dict[int, int] = {}
    story = np.array([number.setdefault(id(story), len(number)) for story in pool.stories])
    shown = np.where(choice >= 0, story[choice], -1 - np.arange(choice.shape[1]))
    again = np.zeros(choice.shape, dtype=bool)
    for j in range(1, choice.shape[1]):
        again[:, j] = (shown[:, :j] == shown[:, j : j + 1]).any(axis=1)
    return again


def _part(title: str) -> tuple[str, int]:
    """A title without its part number, and the number of the part that comes next."""
    stem, found, number = title.removesuffix(")").rpartition(" (part ")
    return (stem, int(number) + 1) if found else (title, 2)
