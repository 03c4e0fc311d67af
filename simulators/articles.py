"""Pools of articles whose text is composed from the catalogue, so that the text carries the topic."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bandit.features import KINDS
from bandit.types import Floats

SECOND_TOPIC = 0.5  # weight of a second topic beside a first of 1


@cache
def catalogue() -> dict[str, Any]:
    """The committed topics, phrases, kinds and attributes."""
    loaded: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "catalogue.yaml").read_text(encoding="utf-8"))
    return loaded


@dataclass(frozen=True)
class Pool:
    """articles: the columns a policy may read; `only_region` is the one chapter an event is for, or "". topics [m, t] and
    quality [m] are the simulator's truth."""

    articles: pd.DataFrame
    topics: Floats
    quality: Floats

    def take(self, rows: np.ndarray) -> "Pool":
        return Pool(self.articles.iloc[rows].reset_index(drop=True), self.topics[rows], self.quality[rows])

    def interests(self) -> Floats:
        """What a member's interest vector is multiplied with, [m, 1 + kinds + topics]."""
        kinds = self.articles["kind"].to_numpy()[:, None] == np.array(KINDS, dtype=object)
        return np.hstack([np.ones((len(self.articles), 1)), kinds.astype(np.float64), self.topics])


def join(first: Pool, second: Pool) -> Pool:
    return Pool(
        pd.concat([first.articles, second.articles], ignore_index=True),
        np.vstack([first.topics, second.topics]),
        np.concatenate([first.quality, second.quality]),
    )


def compose(
    rng: np.random.Generator,
    count: int,
    prefix: str,
    quality_sd: float,
    two_topics: float = 0.3,
    taken: frozenset[str] = frozenset(),
) -> Pool:
    """`count` new articles with ids `prefix`-00...; a share `two_topics` of them touch a second topic. No headline twice,
    nor one of those `taken`, as long as there are others."""
    used, rows = set(taken), []
    topics = np.zeros((count, len(catalogue()["topics"])))
    for j in range(count):
        for _ in range(50):
            row, touched = _article(rng, two_topics)
            if row["title"] not in used:
                break
        used.add(row["title"])
        rows.append({"article": f"{prefix}-{j:02d}"} | row)
        topics[j] = touched
    return Pool(pd.DataFrame(rows), topics, rng.normal(scale=quality_sd, size=count))


def _article(rng: np.random.Generator, two_topics: float) -> tuple[dict[str, str], Floats]:
    """The columns of one article but its id, and its topics [t]."""
    book = catalogue()
    names, kinds = book["topics"], book["kinds"]
    shares = np.array([kind["share"] for kind in kinds.values()])
    topics = np.zeros(len(names))
    main, second = rng.choice(len(names), size=2, replace=False)
    topics[main] = 1.0
    subject, other = rng.choice(names[main]["subjects"], size=2, replace=False)
    if rng.random() < two_topics:
        topics[second] = SECOND_TOPIC
        other = rng.choice(names[second]["subjects"])
    name = str(rng.choice(list(kinds), p=shares / shares.sum()))
    words = {
        "subject": subject,
        "other": other,
        "finding": rng.choice(names[main]["findings"]),
        "place": rng.choice(book["places"]),
        "source": rng.choice(book["sources"]),
    }
    regions = list(book["attributes"]["region"])
    chapter = str(rng.choice(regions)) if name == "event" and rng.random() < 0.3 else ""
    title = _sentence(str(rng.choice(kinds[name]["headlines"])).format(**words))
    row = {
        "title": f"{title} ({chapter} chapter)" if chapter else title,
        # a summary that names no second subject still says what the second topic is
        "summary": _summary(rng, kinds[name]["summaries"], words, bool(topics[second])),
        "kind": name,
        "source": words["source"].removeprefix("the "),
        "only_region": chapter,
    }
    return row, topics


def _summary(rng: np.random.Generator, templates: list[str], words: dict[str, str], second: bool) -> str:
    template = str(rng.choice(templates))
    text = ". ".join(_sentence(part) for part in template.format(**words).split(". "))
    return f"{text} With a look at {words['other']}." if second and "{other}" not in template else text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
