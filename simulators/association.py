"""A professional association and its weekly newsletter: delivered -> opened -> examined -> clicked.

All noise is keyed by (seed, issue, member, slot or article), so every policy meets the same members, pools and luck.
"""

from collections.abc import Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from bandit import check, keys
from bandit.editorial import eligible
from bandit.features import Features
from bandit.rules import Rules
from bandit.text import Cached, Encoder, StaticEncoder
from bandit.types import Bools, Context, Feedback, Floats, Slates
from simulators.articles import Pool, compose, join
from simulators.members import FIRST_ID, attributes, interests


class Association:
    """members, issues, pool, slots: sizes. carried: share of a pool kept from the issue before.

    open_rate: mean over members; open_spread: Beta concentration (lower spreads members wider). click_to_open: share of
    opens with a click that the calibration aims at, for the newsletter that sends everyone the same best articles.
    examine: P(slot is looked at | opened) for each slot, top to bottom. joiners: share of members who join under way.
    encoder: reads the article text (default: static word vectors). embeddings: an SQLite file to cache its vectors in.
    """

    def __init__(
        self,
        seed: int = 0,
        members: int = 5000,
        issues: int = 26,
        pool: int = 40,
        slots: int = 6,
        carried: float = 0.2,
        open_rate: float = 0.37,
        open_spread: float = 1.6,
        click_to_open: float = 0.15,
        taste: float = 1.8,
        explained: float = 0.15,
        eagerness: float = 0.9,
        kind_sd: float = 0.4,
        quality_sd: float = 0.3,
        examine: Sequence[float] = (0.95, 0.82, 0.70, 0.60, 0.52, 0.46),
        joiners: float = 0.1,
        unsubscribe: float = 0.0015,
        max_events: int = 2,
        pin_every: int = 4,
        text_dims: int = 32,
        encoder: Encoder | None = None,
        embeddings: str | None = None,
    ) -> None:
        for what, size, least in (
            ("members", members, 1),
            ("issues", issues, 1),
            ("slots", slots, 1),
            ("pool", pool, slots),
        ):
            check.at_least(what, size, least)
        shares = {"carried": carried, "open_rate": open_rate, "click_to_open": click_to_open, "explained": explained}
        for what, value in (shares | {"joiners": joiners, "unsubscribe": unsubscribe}).items():
            check.share(what, value)
        for what, value in {"taste": taste, "eagerness": eagerness, "kind_sd": kind_sd, "quality_sd": quality_sd}.items():
            check.at_least(what, value, 0)
        if not 0 < open_rate < 1:
            raise ValueError(f"open_rate = {open_rate}; must be in (0, 1)")
        check.at_least("open_spread", open_spread, 1e-6)
        for j, value in enumerate(examine):
            check.share(f"examine of slot {j + 1}", value)
        if len(examine) < slots:
            raise ValueError(f"examine gives {len(examine)} slots; the layout has {slots}")
        self.seed, self.issues = seed, issues
        self._pool_size, self._carried, self._quality_sd = pool, round(carried * pool), quality_sd
        self.slots, self._max_events, self._pin_every = slots, max_events, pin_every
        self._examine = np.array(examine[:slots])
        self._unsubscribe = unsubscribe

        self.members = attributes(self._rng("attributes"), members)
        encoder = encoder or StaticEncoder()
        encoder = Cached(encoder, embeddings) if embeddings else encoder
        archive = compose(self._rng("archive"), max(600, 2 * text_dims), "archive", quality_sd).articles
        self.features = Features.fit(
            self.members, (archive["title"] + ". " + archive["summary"]).tolist(), text_dims, encoder
        )
        self._x = self.features.members(self.members)
        self._interests = interests(
            self._rng("interests"), self._x, self.features.member_names, taste, explained, eagerness, kind_sd
        )
        rng = self._rng("habits")
        self._open_rate = rng.beta(open_rate * open_spread, (1 - open_rate) * open_spread, size=members)
        under_way = rng.permutation(members)[: round(joiners * members)]
        self._joined = np.ones(members, dtype=np.int64)
        self._joined[under_way] = rng.integers(2, max(3, round(0.75 * issues)), size=len(under_way))
        self._left = np.full(members, np.iinfo(np.int64).max)
        self._pools: dict[int, Pool] = {}
        self._text: dict[int, Floats] = {}
        self._saw: dict[str, Bools] = {}
        self._wants: tuple[int, Floats] = (0, np.zeros((0, 0)))  # the last issue's P(click | examined)
        self._base = self._calibrated(click_to_open)

    def _rng(self, *purpose: object) -> np.random.Generator:
        return keys.generator("association", self.seed, *purpose)

    def joined(self, ids: Any) -> np.ndarray:
        """The first issue of each member (1 for the founding list)."""
        return np.asarray(self._joined[np.asarray(ids) - FIRST_ID])

    def pool(self, number: int) -> Pool:
        """Issue `number`'s pool: fresh articles and some carried over, in article-id order."""
        if number not in self._pools:
            kept: Pool | None = None
            if number > 1 and self._carried:
                rows = self._rng("kept", number).choice(self._pool_size, size=self._carried, replace=False)
                kept = self.pool(number - 1).take(np.sort(rows))
            fresh = self._pool_size - (self._carried if kept else 0)
            taken = frozenset(kept.articles["title"]) if kept else frozenset[str]()
            pool = compose(self._rng("pool", number), fresh, f"A{number:03d}", self._quality_sd, taken=taken)
            pool = join(kept, pool) if kept else pool
            self._pools[number] = pool.take(np.argsort(pool.articles["article"].to_numpy(), kind="stable"))
        return self._pools[number]

    def issue(self, number: int) -> Context:
        """The context of issue `number`, counted from 1; the one after the last may be composed, too."""
        check.at_least("issue", number, 1)
        if number > self.issues + 1:
            raise ValueError(f"issue = {number}; the association sends {self.issues}, and one more may be composed")
        pool = self.pool(number)
        rows = np.flatnonzero((self._joined <= number) & (self._left >= number))
        members, articles = self.members.iloc[rows], pool.articles
        nobody = np.zeros(len(self.members), dtype=bool)
        seen = np.stack([self._saw.get(article, nobody)[rows] for article in articles["article"]], axis=1)
        if number not in self._text:
            self._text[number] = self.features.articles(articles)
        return self.features.context(
            campaign=f"issue-{number:03d}",
            issue=number,
            members=members,
            articles=articles,
            rules=self._rules(number, articles),
            eligible=eligible(members, articles),
            seen=seen,
            article_features=self._text[number],
            member_features=self._x[rows],
        )

    def _rules(self, number: int, articles: pd.DataFrame) -> Rules:
        """Two events at most; now and then the editor pins an event that is open to all to the third slot."""
        national = articles[(articles["kind"] == "event") & (articles["only_region"] == "")]["article"].tolist()
        pin = self._pin_every > 0 and number % self._pin_every == 0 and self.slots >= 3 and bool(national)
        return Rules(
            slots=self.slots,
            pins={3: national[-1]} if pin else {},
            at_most={"kind": {"event": max(self._max_events, int(pin))}},
        )

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """Opens, clicks and dwell of the slates of issue `context.issue`, remembered as `remember` does."""
        rows = context.member_ids - FIRST_ID
        n, k = slates.choice.shape
        member = keys.member_keys(context.member_ids)
        opened = self._uniform(context, "open", member, 1)[:, 0] < self._open_rate[rows]
        examined = opened[:, None] & (self._uniform(context, "examine", member, k) < self._examine[:k])
        shown = slates.choice >= 0
        wants = self._uniform_at(context, "click", member, np.maximum(slates.choice, 0)) < self._shown(context, slates)
        clicked = examined & shown & wants
        seconds = np.zeros((n, k))
        row, slot = np.nonzero(clicked)
        noise = self._uniform_at(context, "dwell", member[row], slot[:, None])[:, 0]
        seconds[row, slot] = np.round(60 * np.exp(0.6 * _normal(noise)))
        gone = self._uniform(context, "unsubscribe", member, 1)[:, 0] < self._unsubscribe
        feedback = Feedback(
            delivered=np.ones(n, dtype=bool),
            opened=opened,
            unsubscribed=gone,
            examined=np.where(clicked, 1, -1).astype(np.int8),  # e-mail shows a click, never a glance
            clicked=clicked,
            dwell_seconds=seconds,
        )
        self.remember(context, slates, feedback)
        return feedback

    def remember(self, context: Context, slates: Slates, feedback: Feedback) -> None:
        """What was seen in an opened issue, and who left; a run that resumes from its log needs no more than this."""
        rows = context.member_ids - FIRST_ID
        gone = rows[feedback.unsubscribed]
        self._left[gone] = np.minimum(self._left[gone], context.issue)
        row, slot = np.nonzero(feedback.opened[:, None] & (slates.choice >= 0))
        shown = slates.choice[row, slot]
        for j, article in enumerate(context.article_ids):
            self._saw.setdefault(article, np.zeros(len(self.members), dtype=bool))[rows[row[shown == j]]] = True

    def twin(self) -> "Association":
        """The same association with a memory of its own: what members saw depends on who chose the slates."""
        twin = copy(self)
        twin._left, twin._saw = np.full_like(self._left, np.iinfo(np.int64).max), {}
        return twin

    def truth(self, context: Context) -> Floats:
        """P(click | examined) [n, m]. Never for a learning policy."""
        if self._wants[0] != context.issue:  # asked for several times an issue
            pool = self.pool(context.issue)
            theta = self._interests.mean + self._interests.personal
            self._wants = context.issue, np.asarray(expit(theta @ pool.interests().T + pool.quality + self._base))
        return np.asarray(self._wants[1][context.member_ids - FIRST_ID])

    def _shown(self, context: Context, slates: Slates) -> Floats:
        """P(click | examined) of what each slot shows [n, k]."""
        return self.truth(context)[np.arange(len(context.members))[:, None], slates.choice]

    def expected(self, context: Context, slates: Slates) -> Floats:
        """Expected clicks for each member sent these slates (or their top slots), [n, k]: for regret and its like."""
        k = slates.choice.shape[1]
        p = self._shown(context, slates)
        opens = self._open_rate[context.member_ids - FIRST_ID]
        return np.where(slates.choice >= 0, opens[:, None] * self._examine[:k] * p, 0.0)

    def hyperparameters(self) -> dict[str, Floats]:
        """What `bayes_limit` may know: B [p, d], interest variances [d], article-quality variance, examination [k]."""
        B = self._interests.B.copy()
        B[0, 0] += self._base
        variance = np.array([self._quality_sd**2])
        return {"B": B, "interest_variance": self._interests.sd**2, "quality_variance": variance, "examine": self._examine}

    @cached_property
    def _reference(self) -> Pool:
        return compose(self._rng("reference"), 2 * self._pool_size, "reference", self._quality_sd)

    def _calibrated(self, click_to_open: float) -> float:
        """The intercept at which the one newsletter for all, made of the best articles, gets `click_to_open`."""
        logits = self._interests.all @ self._reference.interests().T + self._reference.quality
        low, high = -12.0, 6.0
        for _ in range(40):
            base = (low + high) / 2
            p = expit(logits + base)
            means = self._open_rate @ p
            # the best six of each half: pools of the true size
            halves = [half[np.argsort(-means[half])[: self.slots]] for half in np.split(np.arange(p.shape[1]), 2)]
            any_click = np.mean([1 - (1 - self._examine * p[:, best]).prod(axis=1) for best in halves], axis=0)
            low, high = (base, high) if self._open_rate @ any_click / self._open_rate.sum() < click_to_open else (low, base)
        return (low + high) / 2

    def _uniform(self, context: Context, stream: str, member: Any, k: int) -> Floats:
        return keys.uniforms(self.seed, f"association-{context.issue}", stream, member, k)

    def _uniform_at(self, context: Context, stream: str, member: Any, index: Any) -> Floats:
        return keys.uniforms_at(self.seed, f"association-{context.issue}", stream, member, index)


def _normal(uniform: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(uniform, 1e-12, 1 - 1e-12)))
