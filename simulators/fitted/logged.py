"""An association fitted to a log: its members, pools and rules as they were, behaving as it says.

What each member does is drawn from the posterior that the log leaves, so members differ as much as
the real ones, and another seed is another association that may have left this log. Draws are keyed
by (seed, issue, member, slot or article), as `Association`'s are. Open this to see what happens to
an issue; the modules beside it fit what it rests on.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from bandit.core import check, keys
from bandit.core.ids import locate
from bandit.core.types import Bools, Context, Feedback, Floats, Ids, Ints, Round, Slates
from bandit.features.features import Features
from bandit.log import archive
from bandit.slates.editorial import find_eligible
from simulators.association.memory import Memory
from simulators.association.opens import Opens
from simulators.association.reading import Reading
from simulators.base import Truthful
from simulators.examination.given import read_examination
from simulators.examination.walk import Examine, expect_clicks, walk
from simulators.fitted.clicks import fit_clicks
from simulators.fitted.leaving import find_state, fit_leaving
from simulators.fitted.members import LoggedMembers
from simulators.fitted.opening import DeliveredMails, count_mails, fit_opening
from simulators.fitted.rates import fit_rates
from simulators.fitted.reading import collect_times


@dataclass(frozen=True)
class LoggedPool:
    """An issue's articles and what the fitted model knows of them.

    articles: m rows as in `Context`
    features: [m, q]
    topics: None, since a log does not tell what its articles are about
    """

    articles: pd.DataFrame
    features: Floats
    topics: None = None

    def interests(self) -> Floats:
        """What interests are multiplied with, [m, q]: the article features."""
        return self.features


class Logged(Truthful):
    """A simulator whose members, pools and rules are a log's, and whose behaviour is fitted to it.

    log: the folder of an archive (`bandit.log.archive`), or its rounds, with `features`
    seed: draws of what the log leaves open, and luck, follow from it
    issues: how many to send; default: all that the log has
    features: how members and articles are read; default: fitted to the archive
    only: the members to fit to, as ids or as a share of all; the others are simulated from their
        attributes alone; default: all
    examine: an examination model, a chance for each slot, or the kind of a model; default: the kind
        that foresees clicks best
    text_dims: columns that article text is read as, where features are fitted here

    Raises ValueError naming what cannot be.
    """

    def __init__(
        self,
        log: str | Path | Sequence[Round] | None,
        seed: int = 0,
        issues: int | None = None,
        features: Features | None = None,
        only: float | Sequence[object] | None = None,
        examine: Examine | Sequence[float] | str | None = None,
        text_dims: int = 32,
    ) -> None:
        rounds, self.features = _read(log, features, text_dims)
        self.seed, self.issues = seed, len(rounds) if issues is None else issues
        if not isinstance(self.issues, int) or not 1 <= self.issues <= len(rounds):
            raise ValueError(
                f"issues = {issues!r}; must be a whole number from 1 to {len(rounds)}, "
                "the issues of the log"
            )
        self._contexts = [round.context for round in rounds]
        pools = [context.articles for context in self._contexts]
        self._earlier = [self.features.find_earlier(p, pools[:n]) for n, p in enumerate(pools)]
        self._who = who = LoggedMembers.collect(rounds, self.features, only)
        self.members, self.fitted, self._x = who.table, who.fitted, who.features
        self._keys = keys.member_keys(who.ids)
        self.slots = max(round.slates.choice.shape[1] for round in rounds)
        if examine is not None and not isinstance(examine, str):
            examine = read_examination(examine, self.slots)
        self.clicks = fit_clicks(self.features, who, rounds, examine, seed)
        self._fit_opening(*who.keep_fitted(rounds))
        self.leaving = fit_leaving(rounds, who.rows, who.fitted)
        self._joined = who.find_first_issues()
        self._memory = Memory(Opens(), None, self._joined, None, 0.0, None, _refuse_luck)
        # logits of P(click | examined) are asked for several times an issue: which, and they
        self._asked: tuple[int, list[object]] = (0, [])
        self._logits: Floats = np.zeros((0, 0))

    def _fit_opening(self, kept: Sequence[Round], rows: Sequence[Ints]) -> None:
        """Each member's rates of bounces and opens, what moves opening, and how long is read."""
        sent, came, opened = count_mails(kept, rows, len(self.members))
        x, known, who = self._x, self.fitted, self._who
        self.bounces = fit_rates((sent - came)[known], sent[known], x[known, :1])
        self.opens = fit_rates(opened[known], came[known], x[known])
        bounce, rate = (who.draw(self.seed, stream, 1)[:, 0] for stream in ("bounces", "opens"))
        self._bounce = self.bounces.draw(x[:, :1], sent - came, sent, bounce)
        self._rate = self.opens.draw(x, opened, came, rate)
        mails = DeliveredMails.collect(kept, rows, self.clicks.learned.foreseen)
        self.opening = fit_opening(mails, self._rate, len(kept))
        self.times = collect_times(kept)
        self._reading = Reading(observed=self.times.observed, glance=self.times.glance)

    def find_rows(self, ids: Ids) -> Ints:
        """Where these members stand in `members`, [n]."""
        return locate(self._who.ids, ids)

    def joined(self, ids: Ids) -> Ints:
        """The first issue of each member [n]; 1 for those of the first issue of the log."""
        return np.asarray(self._joined[self.find_rows(np.asarray(ids))])

    def pool(self, number: int) -> LoggedPool:
        """The articles of issue `number`, counted from 1."""
        context = self._contexts[number - 1]
        return LoggedPool(context.articles.to_pandas(), context.article_features)

    def issue(self, number: int) -> Context:
        """The log's issue `number`, counted from 1, for those who are still there.

        Who is there depends on what this simulation sent before. Raises ValueError where the log
        has no such issue.
        """
        check.at_least("issue", number, 1)
        if number > len(self._contexts):
            raise ValueError(f"issue = {number}; the log has {len(self._contexts)}")
        then = self._contexts[number - 1]
        rows = np.flatnonzero(self._draw_sent(number) & self._memory.find_present(number))
        members = self.members.iloc[rows]
        return self.features.make_context(
            campaign=then.campaign,
            issue=number,
            members=members,
            articles=then.articles,
            rules=then.rules,
            eligible=find_eligible(members, then.articles),
            seen=self._memory.look_up_seen(
                then.article_ids.tolist(), rows, self._earlier[number - 1]
            ),
            article_features=then.article_features,
            told=then.stories,
            member_features=self._x[rows],
        )

    def _draw_sent(self, number: int) -> Bools:
        """Who is sent issue `number`, if still there, [n].

        They are those whom the log sent it to; and, of members who had left by then, the share that
        it was sent to of those who had not.
        """
        luck = keys.uniforms(self.seed, f"logged-{number}", "sent", self._keys, 1)[:, 0]
        sent = (luck < self.leaving.sent[number - 1]) & (self.leaving.last < number)
        sent[self._who.rows[number - 1]] = True
        return np.asarray(sent)

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """Opens, clicks and seconds of these slates, remembered as `remember` does."""
        rows, filled = self.find_rows(context.member_ids), slates.choice >= 0
        member = self._keys[rows]
        uniform, uniform_at = partial(self._uniform, context), partial(self._uniform_at, context)
        delivered = uniform("bounce", member, 1)[:, 0] >= self._bounce[rows]
        opened = delivered & (uniform("open", member, 1)[:, 0] < self._opening(context, slates))
        luck = uniform_at("click", member, np.maximum(slates.choice, 0))
        wants = filled & (luck < self._shown(context, slates))
        luck = uniform("examine", member, filled.shape[1])
        examined, clicked = walk(self.clicks.examine, wants, luck, self.slots)
        examined, clicked = examined & opened[:, None], clicked & opened[:, None]
        seconds, known = self._reading.draw_reading(
            member, opened, examined & filled, clicked, filled, None, uniform_at
        )
        row, slot = np.nonzero(clicked)
        luck = uniform_at("seconds", member[row], slot[:, None])[:, 0]
        seconds[row, slot] = self.times.draw(luck)
        stays = np.zeros(len(rows), dtype=bool)
        feedback = Feedback(delivered, opened, stays, known, clicked, seconds)
        leaves = self.leaving.unsubscribe[find_state(feedback)]
        feedback = replace(feedback, unsubscribed=uniform("unsubscribe", member, 1)[:, 0] < leaves)
        self.remember(context, slates, feedback)
        return feedback

    def remember(self, context: Context, slates: Slates, feedback: Feedback) -> None:
        """Take note of what was seen in an opened issue, and of who left.

        A run that resumes from its log needs no more than this.
        """
        rows, articles = self.find_rows(context.member_ids), context.article_ids.tolist()
        vanish = self.leaving.vanish[find_state(feedback)]
        gone = self._uniform(context, "vanish", self._keys[rows], 1)[:, 0] < vanish
        if context.issue > len(self._contexts):  # later than the log
            self.clicks = self.clicks.note(context.article_ids, context.issue)
        gone |= feedback.unsubscribed
        self._memory.remember(
            context.issue, rows, articles, slates, feedback, feedback.opened, gone, None, False
        )

    def twin(self) -> Self:
        """The same association with a memory of its own."""
        twin = copy(self)
        twin._memory = self._memory.start_afresh()
        return twin

    # The truth

    def truth(self, context: Context) -> Floats:
        """P(click | examined) of each article alone, [n, m]. Never for a learning policy."""
        return np.asarray(expit(self._score(context)[self.find_rows(context.member_ids)]))

    def _score(self, context: Context) -> Floats:
        """Logits of P(click | examined) of all members and the pool of an issue."""
        asked = context.issue, context.article_ids.tolist()
        if self._asked != asked:
            self._asked, self._logits = asked, self.clicks.logits(context)
        return self._logits

    def _shown(self, context: Context, slates: Slates) -> Floats:
        """P(click | examined) of each slot [n, k], of no meaning where it is empty."""
        rows = self.find_rows(context.member_ids)[:, None]
        return np.asarray(expit(self._score(context)[rows, slates.choice]))

    def _opening(self, context: Context, slates: Slates) -> Floats:
        """P(opened | delivered) [n]."""
        rows, top = self.find_rows(context.member_ids), slates.choice[:, 0]
        care = self._score(context)[rows, top] - self.clicks.interests[rows, 0]
        interest = np.where(top >= 0, care, 0.0)
        return self.opening.chance(self._rate[rows], context.issue - 1, interest)

    def expected(self, context: Context, slates: Slates) -> Floats:
        """Expected clicks of each member sent these slates, or their top slots, [n, k]."""
        p = np.where(slates.choice >= 0, self._shown(context, slates), 0.0)
        came = 1 - self._bounce[self.find_rows(context.member_ids)]
        opens = came * self._opening(context, slates)
        return np.asarray(opens[:, None] * expect_clicks(self.clicks.examine, p, self.slots))

    def hyperparameters(self) -> dict[str, Floats]:
        """How members' interests are distributed, as `bandit.policy.Truth` lists it."""
        learned = self.clicks.learned
        return {
            "B": learned.B,
            "interest_variance": learned.variance,
            "quality_variance": np.array([learned.quality]),
            "examine": self.clicks.curve(self.slots),
        }

    def _uniform(self, context: Context, stream: str, member: NDArray[np.uint64], k: int) -> Floats:
        return keys.uniforms(self.seed, f"logged-{context.issue}", stream, member, k)

    def _uniform_at(
        self, context: Context, stream: str, member: NDArray[np.uint64], index: Ints
    ) -> Floats:
        return keys.uniforms_at(self.seed, f"logged-{context.issue}", stream, member, index)


def _read(
    log: str | Path | Sequence[Round] | None, features: Features | None, text_dims: int
) -> tuple[list[Round], Features]:
    """The rounds of a log and how they are read. Raises ValueError for what cannot be fitted to."""
    if log is None:
        raise ValueError(
            "log is not given; name the folder of a finished unit, "
            "e.g. simulator.log=runs/demo/units/random-0"
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
                f"log: issue {round.context.issue} stands in place {number}; "
                "number issues from 1, without gaps"
            )
    return rounds, features


def _refuse_luck(issue: int, stream: str, rows: Ints) -> Floats:
    raise AssertionError("memory draws luck for terms and moods only")
