"""What one member did and likes, in words that an editor or the member can read.

All of it comes from what was read of the articles: topics are those of the reader, by their names.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bandit.core import check
from bandit.core.types import Floats, Round
from bandit.features.features import Features

OTHER = "other topics"
NAMED = 1.0  # an article has a topic where its column is this far above the archive's mean


def name_articles(features: Features, article_features: Floats) -> list[str]:
    """The main topic of each article in a few words, [m]; "" where it has none that is named.

    features: what articles are read with
    article_features: [m, q], as `features.encode_articles` makes them
    """
    if not features.names:
        return [""] * len(article_features)
    amounts = take_topics(features, article_features)
    found = zip(amounts.argmax(axis=1), amounts.max(axis=1), strict=True)
    return [features.names[topic] if amount >= NAMED else "" for topic, amount in found]


def list_clicks(rounds: Sequence[Round], features: Features) -> pd.DataFrame:
    """Every click, in the order of issues: member, title, and the article's main topic, or ""."""
    found: list[tuple[object, str, str]] = []
    for round in rounds:
        topics = name_articles(features, round.context.article_features)
        titles = round.context.articles["title"]
        for row, slot in np.argwhere(round.feedback.clicked & (round.slates.choice >= 0)):
            article = round.slates.choice[row, slot]
            found.append((round.context.member_ids[row], titles[article], topics[article]))
    return pd.DataFrame(found, columns=["member", "title", "topic"])


def tell_member(rounds: Sequence[Round], clicks: pd.DataFrame, member: object) -> str:
    """One sentence: how many newsletters a member opened, and what was clicked, by topic.

    rounds: the issues that were sent
    clicks: of these issues, from `list_clicks`

    Raises ValueError for a member who was sent none of them.
    """
    opened = received = 0
    for round in rounds:
        rows = np.flatnonzero(round.context.member_ids == member)
        received += len(rows)
        opened += int(round.feedback.opened[rows].sum())
    if not received:
        raise ValueError(f"member {member!r} was sent none of these {len(rounds)} issues")
    own = clicks[clicks["member"] == member]
    counts = own["topic"].value_counts(sort=False).sort_values(ascending=False, kind="stable")
    listed = "; ".join(f"{count} on {topic or OTHER}" for topic, count in counts.items())
    words = f"Opened {opened} of {received} newsletters and clicked {len(own)} article"
    words += "" if len(own) == 1 else "s"
    return f"{words}: {listed}." if listed else f"{words}."


def name_tastes(features: Features, interests: Floats, others: Floats, count: int = 3) -> list[str]:
    """The topics that pull a member more than they pull others, the strongest pull first.

    Of a member who has clicked nothing yet, they say what attributes lead to expect.

    features: what articles are read with
    interests: [q], the member's
    others: [q], mean interests of all members
    count: how many topics at most
    """
    pull = take_topics(features, interests - others)
    order = np.argsort(-pull, kind="stable")[:count]
    return [features.names[topic] for topic in order if pull[topic] > 0]


def take_topics(features: Features, columns: Floats) -> Floats:
    """Those of q columns, the last axis of an array, that stand for topics with names [..., t].

    Raises ValueError for another number of columns than articles have here.
    """
    check.shape("columns", columns, (*columns.shape[:-1], len(features.article_names)))
    first = len(features.article_names) - features.text_dims
    return columns[..., first : first + len(features.names)]
