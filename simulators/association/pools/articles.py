"""Pools of articles. Their text is composed from a catalogue, so it carries their topics."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.columns import Columns
from bandit.core.types import KINDS, Floats, Ints
from bandit.features.clean import join_texts
from simulators.association.pools.catalogue import Catalogue, read_catalogue
from simulators.association.pools.stories import Story, draw_story, write_article


@dataclass(frozen=True)
class Pool:
    """The m articles that one issue may show. All but `articles` is known to the simulator only.

    articles: a row each, with the columns that a policy may read; `only_region` is the one chapter
        that an event is for, or ""
    quality [m]: appeal to everyone beyond what the text says, logits
    since [m]: the issue that had the article first
    lift [m]: appeal to everyone in that first issue only, logits
    stories: what each is about
    """

    articles: pd.DataFrame
    quality: Floats
    since: Ints
    lift: Floats
    stories: tuple[Story, ...]

    @cached_property
    def columns(self) -> Columns:
        """The articles' columns, kept for the issues that look back at what was sent."""
        return Columns(self.articles)

    @property
    def topics(self) -> Floats:
        """How much each article is about each topic [m, t]: see `Story`."""
        return np.array([story.topics for story in self.stories])

    def take(self, rows: Ints) -> "Pool":
        """Some of the articles, in the order of `rows`."""
        return Pool(
            self.articles.iloc[rows].reset_index(drop=True),
            self.quality[rows],
            self.since[rows],
            self.lift[rows],
            tuple(self.stories[j] for j in rows),
        )

    def interests(self) -> Floats:
        """What members' interest vectors are multiplied with [m, 1 + kinds + tastes]."""
        kinds = self.articles["kind"].to_numpy()[:, None] == np.array(KINDS, dtype=object)
        tastes = np.array([story.tastes for story in self.stories])
        return np.hstack([np.ones((len(self.articles), 1)), kinds.astype(np.float64), tastes])


def join(first: Pool, second: Pool) -> Pool:
    """One pool of the articles of two, those of `first` before those of `second`."""
    return Pool(
        pd.concat([first.articles, second.articles], ignore_index=True),
        np.concatenate([first.quality, second.quality]),
        np.concatenate([first.since, second.since]),
        np.concatenate([first.lift, second.lift]),
        first.stories + second.stories,
    )


def compose(
    rng: np.random.Generator,
    book: Catalogue,
    count: int,
    prefix: str,
    quality_sd: float,
    taken: frozenset[str] = frozenset(),
    kinds: Mapping[str, float] | None = None,
    issue: int = 1,
) -> Pool:
    """A pool of `count` new articles with ids `prefix`-00, `prefix`-01 and so on.

    book: the catalogue that they are composed from
    quality_sd: standard deviation of their quality, logits
    taken: headlines of other articles; neither these nor any other is used twice, as long as 50
        attempts find a new one
    kinds: relative shares of the kinds of articles (default: the catalogue's)
    issue: the issue that has them first
    """
    used, rows, stories = set(taken), [], []
    shares = kinds or {name: kind.share for name, kind in book.kinds.items()}
    for j in range(count):
        for _ in range(50):
            story = draw_story(rng, book, shares)
            row = write_article(rng, book, story)
            if row["title"] not in used:
                break
        used.add(row["title"])
        rows.append({"article": f"{prefix}-{j:02d}"} | row)
        stories.append(story)
    quality, since = rng.normal(scale=quality_sd, size=count), np.full(count, issue)
    return Pool(pd.DataFrame(rows), quality, since, np.zeros(count), tuple(stories))


def compose_texts(
    rng: np.random.Generator, book: Catalogue, count: int, quality_sd: float
) -> list[str]:
    """Texts of `count` older articles, on which the reading of text is fitted."""
    return join_texts(compose(rng, book, count, "archive", quality_sd).articles)


@lru_cache(maxsize=8, typed=True)
def compose_archive(seed: int, catalogue: str, count: int, quality_sd: float) -> tuple[str, ...]:
    """`compose_texts` of a seed's associations, kept: they share it, whatever they differ in."""
    rng = keys.generator("association", seed, "archive")
    return tuple(compose_texts(rng, read_catalogue(catalogue), count, quality_sd))
