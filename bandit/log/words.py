"""What one member did and likes, in words that an editor or the member can read.

All of it comes from what was read of the articles: topics are those of the reader, by their names.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bandit.core.types import Floats, Round
from bandit.features.features import Features

OTHER = "other topics"


def list_clicks(rounds: Sequence[Round], features: Features) -> pd.DataFrame:
    """Every click, in the order of issues: member, title, and the article's main topic, or ""."""
    found: list[tuple[object, str, str]] = []
    for round in rounds:
        topics = features.name_articles(round.context.article_features)
        titles = round.context.articles["title"].to_numpy()
        for row, slot in np.argwhere(round.feedback.clicked & (round.slates.choice >= 0)):
            article = round.slates.choice[row, slot]
            found.append((round.context.member_ids[row], titles[article], topics[article]))
    return pd.DataFrame(found, columns=["member", "title", "topic"])


def tell_member(rounds: Sequence[Round], clicks: pd.DataFrame, member: object) -> str:
    """One sentence: how many newsletters a member opened, and what was clicked, by topic.

    rounds: the issues that were sent
    clicks: of these issues, from `list_clicks`
    """
    opened = received = 0
    for round in rounds:
        rows = np.flatnonzero(round.context.member_ids == member)
        received += len(rows)
        opened += int(round.feedback.opened[rows].sum())
    own = clicks[clicks["member"] == member]
    counts = own["topic"].value_counts(sort=False).sort_values(ascending=False, kind="stable")
    listed = "; ".join(f"{count} on {topic or OTHER}" for topic, count in counts.items())
    words = f"Opened {opened} of {received} newsletters and clicked {len(own)} articles"
    return f"{words}: {listed}." if listed else f"{words}."


def name_tastes(features: Features, interests: Floats, others: Floats, count: int = 3) -> list[str]:
    """The topics that pull a member more than they pull others, the strongest pull first.

    features: what articles are read with
    interests: [q], the member's
    others: [q], mean interests of all members
    count: how many topics at most
    """
    first = len(features.article_names) - features.text_dims
    pull = (interests - others)[first : first + len(features.names)]
    order = np.argsort(-pull, kind="stable")[:count]
    return [features.names[topic] for topic in order if pull[topic] > 0]
