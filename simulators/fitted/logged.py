"""An association fitted to a log: its members, pools and rules as they were, its behaviour as the log says.

What each member does is drawn from the posterior that the log leaves (`simulators.fitted.behaviour`, `fitting_clicks`), so members
differ as much as the real ones, and another seed is another association that may have left this log. Draws are keyed by
(seed, issue, member, slot or article), as `Association`'s are.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from bandit.core import check, keys
from bandit.core.ids import locate
from bandit.core.types import Bools, Context, Feedback, Floats, Ints, Round, Slates
from bandit.features.features import Features
from bandit.log import archive
from bandit.slates.editorial import find_eligible
from simulators.association.memory import Memory
from simulators.association.opens import Opens
from simulators.association.reading import Reading
from simulators.base import Truthful
from simulators.examination.em import fit, perplexities
from simulators.examination.given import read_examination
from simulators.examination.walk import Examine, expected, walk
from simulators.fitted import behaviour as fitting
from simulators.fitted import interests as fitting_clicks


@dataclass(frozen=True)
class Pool:
    """An issue's articles and what the fitted model knows of them."""

    articles: pd.DataFrame
    features: Floats

    def interests(self) -> Floats:
        """What interests are multiplied with [m, q]: the article features."""
        return self.features


class Logged(Truthful):
    """log: the folder of an archive (`bandit.log.archive`), or its rounds, with `features`. issues: how many to send (default:
    all that the log has). only: the members to fit to, as ids or as a share of all; the others are simulated from their
    attributes alone. examine: an examination model, or the kind of one (default: the kind that foresees clicks best).
    text_dims: principal components of the article text, where features are fitted here. Raises ValueError naming what
    cannot be.
    """

    def __init__(
        self,
        log: str | Path | Sequence[Round] | None,
        seed: int = 0,
        issues: int | None = None,
        features: Features | None = None,
        only: float | Sequence[Any] | None = None,
        examine: Examine | str | None = None,
        text_dims: int = 32,
    ) -> None:
        if log is None:
            raise ValueError(
                "log is not given; name the folder of a finished unit, e.g. simulator.log=runs/demo/units/random-0"
            )
        if isinstance(log, str | Path):
            features = features or archive.fit_features(log, text_dims)
            rounds = list(archive.read(log, features))
        else:
            rounds = list(log)
        if features is None:
            raise ValueError("features are not given; rounds alone do not say how texts were read")
        if not rounds:
            raise ValueError("log is empty; there is nothing to fit to")
        for number, round in enumerate(rounds, start=1):
            if round.context.issue != number:
                raise ValueError(
                    f"log: issue {round.context.issue} stands in place {number}; number issues from 1, without gaps"
                )
        self.issues = len(rounds) if issues is None else issues
        if not isinstance(self.issues, int) or not 1 <= self.issues <= len(rounds):
            raise ValueError(
                f"issues = {issues!r}; must be a whole number from 1 to {len(rounds)}, the issues of the log"
            )
        self.seed, self.features = seed, features
        self.members = rounds[0].context.members
        for round in rounds[1:]:
            self.members = archive.add_members(self.members, round.context.members)
        members = self.members
        self._index = pd.Index(members["member"])
        self._keys = keys.member_keys(members["member"].to_numpy())
        self._x = features.members(members)
        self._contexts = [round.context for round in rounds]
        rows = [self.rows(round.context.member_ids) for round in rounds]
        self._there = rows
        self.fitted = fitting.chosen(only, members["member"])
        self._joined = np.zeros(len(members), dtype=np.int64)
        for t, at in reversed(list(enumerate(rows, start=1))):
            self._joined[at] = t
        kept = [
            round.take(np.flatnonzero(self.fitted[at]))
            for round, at in zip(rounds, rows, strict=True)
        ]
        self._fit_interests(kept, fitting_clicks.Cells.of(rounds, rows, self.fitted), examine)
        self._fit_opens(kept, [at[self.fitted[at]] for at in rows])
        self.seconds = fitting.seconds(kept)
        self._reading = Reading(observed=self.seconds.observed, glance=self.seconds.glance)
        self.leaving = fitting.leaving(rounds, rows, self.fitted)
        self._wants: tuple[Any, Floats] = (
            None,
            np.zeros((0, 0)),
        )  # the last issue's logits of P(click | examined)
        self._memory = Memory(Opens(), None, self._joined, None, 0.0, None, _unasked)

    def rows(self, ids: NDArray[Any]) -> Ints:
        """Where these members stand in `members` [n]."""
        return locate(self._index, ids)

    def _luck(self, stream: str, k: int = 1) -> Floats:
        """Uniforms of all members that belong to no issue; [n] or [n, k]."""
        drawn = keys.uniforms(self.seed, "logged", stream, self._keys, k)
        return drawn[:, 0] if k == 1 else drawn

    # Fitting

    def _fit_interests(
        self, rounds: Sequence[Round], cells: fitting_clicks.Cells, examine: Examine | str | None
    ) -> None:
        """Interests, articles' appeals, and how slots are looked at."""
        k = cells.article.shape[1]
        self.slots = k
        learned = fitting_clicks.interests(self.features, rounds, self.seed)
        appeal = self._appeals(learned, cells.ids)
        p = cells.wanted(cells.logits(self._drawn(learned), appeal))
        models = fitting_clicks.candidates(k)
        self.perplexities: pd.DataFrame | None = None
        if examine is None:
            self.perplexities = perplexities(models, cells.article, cells.clicked, p)
            examine = str(self.perplexities["model"].iloc[0])
        if isinstance(examine, str):
            if examine not in models:
                raise ValueError(f"examine = {examine!r}; choose from {', '.join(models)}")
            self.examine: Examine = fit(models[examine], cells.article, cells.clicked, p).model
        else:
            self.examine = read_examination(examine, k)
        # members drawn afresh are to click as the log's do
        matched = fitting_clicks.matched(
            cells, self._x @ learned.B, learned.variance, appeal, self.examine, self.seed
        )
        B, factor = learned.B.copy(), np.full(len(learned.variance), matched.taste)
        B[0, 0] += matched.shift
        factor[0] = matched.readiness
        self.matched = matched
        self.learned = fitting_clicks.given(
            B, factor**2 * learned.variance, learned.quality, self._looked(), rounds
        )
        appeal = self._appeals(self.learned, cells.ids)
        self._appeal = dict(zip(cells.ids.tolist(), appeal.tolist(), strict=True))
        self._interests = self._drawn(self.learned)
        logits = cells.logits(self._interests, appeal)
        first: dict[Any, int] = {}
        for number, context in enumerate(self._contexts, start=1):
            first = dict.fromkeys(context.article_ids.tolist(), number) | first
        chances = expected(self.examine, cells.wanted(logits))
        starts = np.array([first[article] for article in cells.ids.tolist()])
        self.fading = fitting_clicks.fading(cells, starts, chances)
        faded = np.stack(
            [self.fading.at(cells.ids, number) for number in range(1, len(self._contexts) + 1)]
        )
        logits += faded[cells.issue[:, None], cells.article]
        # what the posterior's approximation adds or takes
        self._interests[self.fitted, 0] += fitting_clicks.shifted(cells, logits, self.examine)

    def _appeals(self, learned: fitting_clicks.Interests, ids: NDArray[Any]) -> Floats:
        """A draw of each article's appeal [m] from its posterior."""
        mean, variance = learned.appeals(ids)
        uniform = keys.uniforms(self.seed, "logged", "appeal", keys.member_keys(ids), 1)[:, 0]
        return np.asarray(mean + np.sqrt(variance) * _normal(uniform))

    def _drawn(self, learned: fitting_clicks.Interests) -> Floats:
        """A draw of each member's interests [n, q] from its posterior; of members not fitted to, from their attributes'."""
        belief = learned.belief(self.members["member"].to_numpy(), self._x)
        noise = _normal(self._luck("interests", 1 + belief.mean.shape[1]))
        return np.asarray(
            belief.mean + np.sqrt(belief.spread) * noise[:, 1:] + belief.root * noise[:, :1]
        )

    def _looked(self) -> Floats:
        """P(slot examined | opened) [k] of a member who hardly clicks."""
        return np.asarray(
            expected(self.examine, np.full((1, self.slots), 1e-9), self.slots)[0] / 1e-9
        )

    def _fit_opens(self, rounds: Sequence[Round], rows: Sequence[Ints]) -> None:
        """Each member's rates of bounces and opens, and what moves opening."""
        sent, came, opened = fitting.counts(rounds, rows, len(self.members))
        x, known = self._x, self.fitted
        self.bounces = fitting.rates((sent - came)[known], sent[known], x[known, :1])
        self.opens = fitting.rates(opened[known], came[known], x[known])
        self._bounce = self.bounces.drawn(x[:, :1], sent - came, sent, self._luck("bounces"))
        self._rate = self.opens.drawn(x, opened, came, self._luck("opens"))
        mails = fitting.Mails.of(rounds, rows, self.learned.foreseen)
        self.moves = fitting.moves(mails, self._rate, len(rounds))

    # The simulator

    def joined(self, ids: Any) -> np.ndarray:
        """The first issue of each member (1 for those of the first issue of the log)."""
        return np.asarray(self._joined[self.rows(np.asarray(ids))])

    def pool(self, number: int) -> Pool:
        """Issue `number`'s articles."""
        context = self._contexts[number - 1]
        return Pool(context.articles, context.article_features)

    def issue(self, number: int) -> Context:
        """The context of the log's `number`-th issue, counted from 1, for those who are still there in this simulation."""
        check.at_least("issue", number, 1)
        if number > len(self._contexts):
            raise ValueError(f"issue = {number}; the log has {len(self._contexts)}")
        then = self._contexts[number - 1]
        rows = np.flatnonzero(self._sent(number) & self._memory.find_present(number))
        members = self.members.iloc[rows]
        return self.features.context(
            campaign=then.campaign,
            issue=number,
            members=members,
            articles=then.articles,
            rules=then.rules,
            eligible=find_eligible(members, then.articles),
            seen=self._memory.look_up_seen(then.article_ids.tolist(), rows),
            article_features=then.article_features,
            member_features=self._x[rows],
        )

    def _sent(self, number: int) -> Bools:
        """Who is sent issue `number`, if still there [n]: whom it was sent to, and of members who had left by then the share
        that it was sent to of those who had not."""
        sent = (
            keys.uniforms(self.seed, f"logged-{number}", "sent", self._keys, 1)[:, 0]
            < self.leaving.sent[number - 1]
        )
        sent &= self.leaving.last < number
        sent[self._there[number - 1]] = True
        return np.asarray(sent)

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """Opens, clicks and dwell of the slates of issue `context.issue`, remembered as `remember` does."""
        rows, filled = self.rows(context.member_ids), slates.choice >= 0
        member = self._keys[rows]
        delivered = self._uniform(context, "bounce", member, 1)[:, 0] >= self._bounce[rows]
        opened = delivered & (
            self._uniform(context, "open", member, 1)[:, 0] < self._opening(context, slates)
        )
        luck = self._uniform_at(context, "click", member, np.maximum(slates.choice, 0))
        wants = filled & (luck < self._shown(context, slates))
        luck = self._uniform(context, "examine", member, filled.shape[1])
        examined, clicked = walk(self.examine, wants, luck, self.slots)
        examined, clicked = examined & opened[:, None], clicked & opened[:, None]
        luck_at = partial(self._uniform_at, context)
        seconds, known = self._reading.draw_reading(
            member, opened, examined & filled, clicked, filled, None, luck_at
        )
        row, slot = np.nonzero(clicked)
        seconds[row, slot] = self.seconds.drawn(
            luck_at("seconds", member[row], slot[:, None])[:, 0]
        )
        feedback = Feedback(
            delivered, opened, np.zeros(len(rows), dtype=bool), known, clicked, seconds
        )
        leaves = self.leaving.unsubscribe[fitting.state(feedback)]
        feedback = replace(
            feedback, unsubscribed=self._uniform(context, "unsubscribe", member, 1)[:, 0] < leaves
        )
        self.remember(context, slates, feedback)
        return feedback

    def remember(self, context: Context, slates: Slates, feedback: Feedback) -> None:
        """What was seen in an opened issue, and who left; a run that resumes from its log needs no more than this."""
        rows, articles = self.rows(context.member_ids), context.article_ids.tolist()
        vanish = self.leaving.vanish[fitting.state(feedback)]
        gone = self._uniform(context, "vanish", self._keys[rows], 1)[:, 0] < vanish
        if context.issue > len(self._contexts):  # later than the log
            self.fading = self.fading.seen(context.article_ids, context.issue)
        gone |= feedback.unsubscribed
        self._memory.remember(
            context.issue, rows, articles, slates, feedback, feedback.opened, gone, None, False
        )

    def twin(self) -> "Logged":
        """The same association with a memory of its own."""
        twin = copy(self)
        twin._memory = self._memory.start_afresh()
        return twin

    # The truth

    def truth(self, context: Context) -> Floats:
        """P(click | examined) of each article alone [n, m]. Never for a learning policy."""
        return np.asarray(expit(self._logits(context)[self.rows(context.member_ids)]))

    def _logits(self, context: Context) -> Floats:
        """Of P(click | examined) for all members and the pool of an issue; asked for several times an issue."""
        asked = context.issue, context.article_ids.tolist()
        if self._wants[0] != asked:
            appeal = self._appealing(context.article_ids) + self.fading.at(
                context.article_ids, context.issue
            )
            self._wants = asked, self._interests @ context.article_features.T + appeal
        return self._wants[1]

    def _appealing(self, ids: NDArray[Any]) -> Floats:
        """Appeals of articles [m]; those that the log never showed are drawn now, as of any article never clicked."""
        new = np.array([article for article in ids if article not in self._appeal], dtype=object)
        if len(new):
            self._appeal |= dict(
                zip(new.tolist(), self._appeals(self.learned, new).tolist(), strict=True)
            )
        return np.array([self._appeal[article] for article in ids])

    def _shown(self, context: Context, slates: Slates) -> Floats:
        """P(click | examined) of what each slot shows [n, k], of no meaning where it is empty."""
        return np.asarray(
            expit(self._logits(context)[self.rows(context.member_ids)[:, None], slates.choice])
        )

    def _opening(self, context: Context, slates: Slates) -> Floats:
        """P(opened | delivered) [n]."""
        rows, top = self.rows(context.member_ids), slates.choice[:, 0]
        interest = np.where(
            top >= 0, self._logits(context)[rows, top] - self._interests[rows, 0], 0.0
        )
        return self.moves.chance(self._rate[rows], context.issue - 1, interest)

    def expected(self, context: Context, slates: Slates) -> Floats:
        """Expected clicks for each member sent these slates (or their top slots), [n, k]: for regret and its like."""
        p = np.where(slates.choice >= 0, self._shown(context, slates), 0.0)
        opens = (1 - self._bounce[self.rows(context.member_ids)]) * self._opening(context, slates)
        return np.asarray(opens[:, None] * expected(self.examine, p, self.slots))

    def hyperparameters(self) -> dict[str, Floats]:
        """What `bayes_limit` may know: B [p, q], interest variances [q], article-quality variance, examination [k]."""
        B, variance, quality = (
            self.learned.B,
            self.learned.variance,
            np.array([self.learned.quality]),
        )
        return {
            "B": B,
            "interest_variance": variance,
            "quality_variance": quality,
            "examine": self._looked(),
        }

    def _uniform(self, context: Context, stream: str, member: Any, k: int) -> Floats:
        return keys.uniforms(self.seed, f"logged-{context.issue}", stream, member, k)

    def _uniform_at(self, context: Context, stream: str, member: Any, index: Any) -> Floats:
        return keys.uniforms_at(self.seed, f"logged-{context.issue}", stream, member, index)


def _normal(uniform: Floats) -> Floats:
    return np.asarray(ndtri(np.clip(uniform, 1e-12, 1 - 1e-12)))


def _unasked(issue: int, stream: str, rows: Ints) -> Floats:
    raise AssertionError("memory draws luck for terms and moods only")
