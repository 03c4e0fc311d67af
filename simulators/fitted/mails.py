"""The opened newsletters of a log as arrays: what every estimate from clicks is made of.

Open this to see how rounds with pools of their own come to share one list of articles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from bandit.core import keys
from bandit.core.types import Bools, Floats, Ids, Ints, Round


@dataclass(frozen=True)
class OpenedMails:
    """The opened newsletters of a log, e in all, with k slots.

    ids: [m], articles in the order in which they came
    features: [m, q], of these articles
    member: [e], row of the member list
    issue: [e], place in the log, from 0
    article: [e, k], place in `ids`, -1 where the slot is empty
    clicked: [e, k]
    """

    ids: Ids
    features: Floats
    member: Ints
    issue: Ints
    article: Ints
    clicked: Bools

    @classmethod
    def collect(cls, rounds: Sequence[Round], rows: Sequence[Ints], keep: Bools) -> "OpenedMails":
        """The newsletters that some members opened.

        rows: each round's members as rows of the member list
        keep: [n], which of these count

        Raises ValueError where they clicked on nothing.
        """
        features: dict[Any, Floats] = {}
        for context in (round.context for round in rounds):
            for article, a in zip(context.article_ids, context.article_features, strict=True):
                features.setdefault(article, a)
        index = pd.Index(features)
        some = [
            np.flatnonzero(round.feedback.opened & keep[at])
            for round, at in zip(rounds, rows, strict=True)
        ]
        k = max(round.slates.choice.shape[1] for round in rounds)
        articles, clicks = [], []
        for round, opened in zip(rounds, some, strict=True):
            known = np.append(index.get_indexer(pd.Index(round.context.article_ids)), -1)
            wide = ((0, 0), (0, k - round.slates.choice.shape[1]))
            shown = known[round.slates.choice[opened]]
            articles.append(np.pad(shown, wide, constant_values=-1))
            clicks.append(np.pad(round.feedback.clicked[opened], wide))
        clicked = np.concatenate(clicks).astype(bool)
        if not clicked.any():
            raise ValueError(
                "the log has no click of the members to fit to; what they want cannot be fitted"
            )
        return cls(
            ids=index.to_numpy(),
            features=np.stack(list(features.values())),
            member=np.concatenate([at[opened] for at, opened in zip(rows, some, strict=True)]),
            issue=np.repeat(np.arange(len(rounds)), [len(opened) for opened in some]),
            article=np.concatenate(articles),
            clicked=clicked,
        )

    def sample(self, most: int) -> "OpenedMails":
        """Those of some of the members, drawn by key, so many that there are about `most`."""
        if len(self.member) <= most:
            return self
        who, count = np.unique(self.member, return_counts=True)
        luck = keys.uniforms(0, "logged", "some", who.astype(np.uint64), 1)[:, 0]
        order = np.argsort(luck, kind="stable")
        keep = np.isin(self.member, who[order[np.cumsum(count[order]) <= most]])
        parts = (self.member[keep], self.issue[keep], self.article[keep], self.clicked[keep])
        return OpenedMails(self.ids, self.features, *parts)

    def logits(self, interests: Floats, appeal: Floats) -> Floats:
        """w_i . a_j + b_j of each slot [e, k], of no meaning where it is empty.

        interests: w, [n, q]
        appeal: b, [m]
        """
        scores = np.empty(self.article.shape)
        for slot, index in enumerate(self.article.T):
            along = np.einsum("eq,eq->e", interests[self.member], self.features[index])
            scores[:, slot] = along + appeal[index]
        return scores

    def chances(self, logits: Floats) -> Floats:
        """P(click | examined) [e, k] for logits [e, k], 0 where a slot is empty."""
        return np.where(self.article >= 0, expit(logits), 0.0)
