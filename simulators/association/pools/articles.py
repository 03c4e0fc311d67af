"""Pools of articles. Their text is composed from the catalogue, so it carries their topics."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bandit.core.types import KINDS, Floats, Ints
from bandit.features.clean import join_texts

SECOND_TOPIC = 0.5  # weight of a second topic beside a first of 1


@cache
def read_catalogue() -> dict[str, Any]:
    """The topics, phrases, kinds and attributes of catalogue.yaml.

    Raises ValueError where no articles can be composed from them.
    """
    loaded: dict[str, Any] = yaml.safe_load(
        (Path(__file__).parent / "catalogue.yaml").read_text(encoding="utf-8")
    )
    check_catalogue(loaded)
    return loaded


def check_catalogue(book: dict[str, Any]) -> None:
    """Raise ValueError naming the part of a catalogue that is empty or cannot be."""
    for part in ("topics", "kinds", "attributes", "sources", "places"):
        if not book.get(part):
            raise ValueError(f"the catalogue is empty: it has no {part}")
    if len(book["topics"]) < 2:
        raise ValueError(f"the catalogue has {len(book['topics'])} topic; articles may touch two")
    for topic in book["topics"]:
        for part, least in (("subjects", 2), ("findings", 1)):
            if len(topic.get(part) or ()) < least:
                raise ValueError(
                    f"the catalogue's topic {topic.get('name')!r} needs at least {least} {part}"
                )
    for name, kind in book["kinds"].items():
        if not 0 <= kind["share"] <= 1:
            raise ValueError(
                f"the catalogue's kind {name!r} has share {kind['share']}; must be in [0, 1]"
            )


@dataclass(frozen=True)
class Story:
    """What an article is about, before anyone has written it. Near-duplicates share one story.

    kind: of the article
    words: phrases that its headline and summary are composed of, by the name of their place
    chapter: the one chapter that an event is for, or ""
    topics [t]: 1 for the main topic, `SECOND_TOPIC` for a second one, otherwise 0
    """

    kind: str
    words: Mapping[str, str]
    chapter: str
    topics: Floats


@dataclass(frozen=True)
class Pool:
    """The m articles that one issue may show. All but `articles` is known to the simulator only.

    articles: a row each, with the columns that a policy may read; `only_region` is the one chapter
        that an event is for, or ""
    topics [m, t]: 1 for the main topic, `SECOND_TOPIC` for a second one, otherwise 0
    quality [m]: appeal to everyone beyond what the text says, logits
    since [m]: the issue that had the article first
    lift [m]: appeal to everyone in that first issue only, logits
    stories: what each is about
    """

    articles: pd.DataFrame
    topics: Floats
    quality: Floats
    since: Ints
    lift: Floats
    stories: tuple[Story, ...]

    def take(self, rows: Ints) -> "Pool":
        """Some of the articles, in the order of `rows`."""
        return Pool(
            self.articles.iloc[rows].reset_index(drop=True),
            self.topics[rows],
            self.quality[rows],
            self.since[rows],
            self.lift[rows],
            tuple(self.stories[j] for j in rows),
        )

    def interests(self) -> Floats:
        """What members' interest vectors are multiplied with [m, 1 + kinds + topics]."""
        kinds = self.articles["kind"].to_numpy()[:, None] == np.array(KINDS, dtype=object)
        return np.hstack([np.ones((len(self.articles), 1)), kinds.astype(np.float64), self.topics])


def join(first: Pool, second: Pool) -> Pool:
    """One pool of the articles of two, those of `first` before those of `second`."""
    return Pool(
        pd.concat([first.articles, second.articles], ignore_index=True),
        np.vstack([first.topics, second.topics]),
        np.concatenate([first.quality, second.quality]),
        np.concatenate([first.since, second.since]),
        np.concatenate([first.lift, second.lift]),
        first.stories + second.stories,
    )


def compose(
    rng: np.random.Generator,
    count: int,
    prefix: str,
    quality_sd: float,
    two_topics: float = 0.3,
    taken: frozenset[str] = frozenset(),
    kinds: Mapping[str, float] | None = None,
    issue: int = 1,
) -> Pool:
    """A pool of `count` new articles with ids `prefix`-00, `prefix`-01 and so on.

    quality_sd: standard deviation of their quality, logits
    two_topics: share of them that touch a second topic
    taken: headlines of other articles; neither these nor any other is used twice, as long as 50
        attempts find a new one
    kinds: relative shares of the kinds of articles (default: the catalogue's)
    issue: the issue that has them first
    """
    used, rows, stories = set(taken), [], []
    shares = kinds or {name: kind["share"] for name, kind in read_catalogue()["kinds"].items()}
    topics = np.zeros((count, len(read_catalogue()["topics"])))
    for j in range(count):
        for _ in range(50):
            story = _draw_story(rng, two_topics, shares)
            row = write_article(rng, story)
            if row["title"] not in used:
                break
        used.add(row["title"])
        rows.append({"article": f"{prefix}-{j:02d}"} | row)
        stories.append(story)
        topics[j] = story.topics
    quality, since = rng.normal(scale=quality_sd, size=count), np.full(count, issue)
    return Pool(pd.DataFrame(rows), topics, quality, since, np.zeros(count), tuple(stories))


def compose_texts(rng: np.random.Generator, count: int, quality_sd: float) -> list[str]:
    """Texts of `count` older articles, on which the reading of text is fitted."""
    return join_texts(compose(rng, count, "archive", quality_sd).articles)


def _draw_story(rng: np.random.Generator, two_topics: float, shares: Mapping[str, float]) -> Story:
    book = read_catalogue()
    names = book["topics"]
    share = np.array(list(shares.values()), dtype=np.float64)
    topics = np.zeros(len(names))
    main, second = rng.choice(len(names), size=2, replace=False)
    topics[main] = 1.0
    subject, other = rng.choice(names[main]["subjects"], size=2, replace=False)
    if rng.random() < two_topics:
        topics[second] = SECOND_TOPIC
        other = rng.choice(names[second]["subjects"])
    name = str(rng.choice(list(shares), p=share / share.sum()))
    words = {
        "subject": subject,
        "other": other,
        "finding": rng.choice(names[main]["findings"]),
        "place": rng.choice(book["places"]),
        "source": rng.choice(book["sources"]),
    }
    regions = list(book["attributes"]["region"])
    chapter = str(rng.choice(regions)) if name == "event" and rng.random() < 0.3 else ""
    return Story(name, words, chapter, topics)


def write_article(rng: np.random.Generator, story: Story) -> dict[str, str]:
    """The columns of an article about a story, all but its id."""
    kind, words, chapter = read_catalogue()["kinds"][story.kind], story.words, story.chapter
    title = _capitalize(str(rng.choice(kind["headlines"])).format(**words))
    return {
        "title": f"{title} ({chapter} chapter)" if chapter else title,
        # A summary whose template has no second subject still says what the second topic is.
        "summary": _write_summary(rng, kind["summaries"], words, story.topics.sum() > 1),
        "kind": story.kind,
        "source": words["source"].removeprefix("the "),
        "only_region": chapter,
    }


def _write_summary(
    rng: np.random.Generator, templates: list[str], words: Mapping[str, str], second: bool
) -> str:
    template = str(rng.choice(templates))
    text = ". ".join(_capitalize(part) for part in template.format(**words).split(". "))
    unnamed = second and "{other}" not in template
    return f"{text} With a look at {words['other']}." if unnamed else text


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
