"""A professional association and its newsletter: delivered -> opened -> examined -> clicked -> read.

All noise is keyed by (seed, issue, member, slot or article), so every policy meets the same members, pools and luck.
"""

from collections.abc import Sequence
from copy import copy
from functools import partial
from typing import Any

import numpy as np
from scipy.special import expit

from bandit.core import check, keys
from bandit.core.types import Context, Feedback, Floats, Ints, Slates
from bandit.features.features import Features
from bandit.features.text import Cached, Encoder, StaticEncoder
from bandit.slates.editorial import eligible
from simulators.association import parts
from simulators.association.articles import Pool, compose
from simulators.association.campaigns import Campaigns
from simulators.association.drift import Drift, InterestPath, Membership
from simulators.association.members import FIRST_ID, attributes, interests
from simulators.association.memory import Memory
from simulators.association.newsroom import Newsroom
from simulators.association.opens import Mood, Opens
from simulators.association.press import Press, told_above
from simulators.association.reading import Reading
from simulators.association.reference import Readers, interest, reference
from simulators.base import Truthful
from simulators.examination.walk import Examine, expected, walk
from simulators.noise.noise import Noise
from simulators.noise.recorded import recorded


class Association(Truthful):
    """members, issues, pool, slots: sizes. carried: share of a pool kept from the issue before.

    open_rate: mean over members; open_spread: Beta concentration (lower spreads members wider). click_to_open: share of
    opens with a click that the calibration aims at, for the newsletter that sends everyone the same best articles.
    examine: an examination model, or P(slot is looked at | opened) for each slot, top to bottom. joiners: share of members
    who join under way. unsubscribe, bounce, dead: chance of each mail to be answered by leaving, to bounce, and to find the
    address gone for good. Parts that are None stand still: opens, reading, drift, membership, press, campaigns. noise: what
    a real log adds and hides, between the truth and whoever learns; hygiene: with the filter that production uses.
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
        examine: Examine | Sequence[float] = (0.95, 0.82, 0.70, 0.60, 0.52, 0.46),
        joiners: float = 0.1,
        unsubscribe: float = 0.0015,
        bounce: float = 0.0,
        dead: float = 0.0,
        opens: Opens | None = None,
        reading: Reading | None = None,
        drift: Drift | None = None,
        membership: Membership | None = None,
        press: Press | None = None,
        campaigns: Campaigns | None = None,
        noise: Noise | None = None,
        hygiene: bool = True,
        max_events: int = 2,
        pin_every: int = 4,
        text_dims: int = 32,
        encoder: Encoder | None = None,
        embeddings: str | None = None,
    ) -> None:
        parts.sizes({"members": members, "issues": issues, "slots": slots, "pool": pool})
        shares = {
            "carried": carried,
            "open_rate": open_rate,
            "click_to_open": click_to_open,
            "explained": explained,
        }
        parts.shares(
            shares
            | {"joiners": joiners, "unsubscribe": unsubscribe, "bounce": bounce, "dead": dead}
        )
        for what, value in {
            "taste": taste,
            "eagerness": eagerness,
            "kind_sd": kind_sd,
            "quality_sd": quality_sd,
        }.items():
            check.at_least(what, value, 0)
        check.at_least("open_spread", open_spread, 1e-6)
        for what, value in {"max_events": max_events, "pin_every": pin_every}.items():
            check.at_least(what, value, 0)
        check.flag("hygiene", hygiene)
        given = {"opens": opens, "reading": reading, "drift": drift}
        parts.checked(
            given
            | {"membership": membership, "press": press, "campaigns": campaigns, "noise": noise}
        )
        self.seed, self.issues, self._quality_sd = seed, issues, quality_sd
        self._noise, self._hygiene = noise, hygiene
        self.slots, self._examine = slots, parts.examination(examine, slots)
        self._unsubscribe, self._bounce, self._dead = unsubscribe, bounce, dead
        self._opens, self._reading, self._campaigns = (
            opens or Opens(),
            reading or Reading(),
            campaigns or Campaigns(),
        )
        self._newsroom = Newsroom(
            self._rng,
            pool,
            round(carried * pool),
            slots,
            quality_sd,
            max_events,
            pin_every,
            press or Press(),
            self._campaigns,
        )

        self.members = attributes(self._rng("attributes"), members)
        encoder = encoder or StaticEncoder()
        encoder = Cached(encoder, embeddings) if embeddings else encoder
        archive = compose(
            self._rng("archive"), max(600, 2 * text_dims), "archive", quality_sd
        ).articles
        self.features = Features.fit(
            self.members,
            (archive["title"] + ". " + archive["summary"]).tolist(),
            text_dims,
            encoder,
        )
        self._x = self.features.members(self.members)
        self._interests = interests(
            self._rng("interests"),
            self._x,
            self.features.member_names,
            taste,
            explained,
            eagerness,
            kind_sd,
        )
        self._personal = InterestPath(
            drift, self._interests.personal, self._interests.sd, self._rng
        )
        rng = self._rng("habits")
        self._open_rate = rng.beta(
            open_rate * open_spread, (1 - open_rate) * open_spread, size=members
        )
        under_way = rng.permutation(members)[: round(joiners * members)]
        self._joined = np.ones(members, dtype=np.int64)
        self._joined[under_way] = rng.integers(2, max(3, round(0.75 * issues)), size=len(under_way))
        self._text: dict[int, Floats] = {}
        self._wants: tuple[int, Floats] = (
            0,
            np.zeros((0, 0)),
        )  # the last issue's logits of P(click | examined)
        member = keys.member_keys(self.members["member"].to_numpy())
        day = self._opens.draw_day_habit(seed, member, self._opens.calendar.day(1))
        readers = Readers(self._interests.all, self._open_rate, day, taste or 1.0)
        moody = any(part is not None for part in (opens, membership, campaigns))
        everything = compose(self._rng("reference"), 2 * pool, "reference", quality_sd)
        self._reference = reference(
            readers, everything, self._opens, self._examine, slots, click_to_open, moody
        )
        self._scale, self._eager = readers.scale, readers.theta[:, 0].copy()
        term = keys.uniforms(seed, "association", "term", member, 1)[:, 0]
        self._memory = Memory(
            self._opens,
            membership,
            self._joined,
            Mood.begin(self._opens, self._open_rate, self._reference.served, self._joined == 1)
            if moody
            else None,
            self._reference.usual,
            membership.first_end(self._joined, term) if membership else None,
            lambda number, stream, rows: keys.uniforms(
                seed, f"association-{number}", stream, member[rows], 1
            )[:, 0],
        )

    def _rng(self, *purpose: object) -> np.random.Generator:
        return keys.generator("association", self.seed, *purpose)

    def joined(self, ids: Any) -> np.ndarray:
        """The first issue of each member (1 for the founding list)."""
        return np.asarray(self._joined[np.asarray(ids) - FIRST_ID])

    def pool(self, number: int) -> Pool:
        """Issue `number`'s pool, with what only the simulator knows of its articles."""
        return self._newsroom.pool(number)

    def issue(self, number: int) -> Context:
        """The context of issue `number`, counted from 1; the one after the last may be composed, too."""
        check.at_least("issue", number, 1)
        if number > self.issues + 1:
            raise ValueError(
                f"issue = {number}; the association sends {self.issues}, and one more may be composed"
            )
        self._memory.mood(number)  # who lapsed before it is gone
        self._memory.keep(self._newsroom.current(number))
        name, articles = self._campaigns.at(number)[0], self.pool(number).articles
        there, soon = self._memory.there(number), self._memory.ends_soon(number)
        # a renewal notice goes to those whose term ends soon, and to all where there are none
        rows = np.flatnonzero(there & soon if name == "renewal" and (there & soon).any() else there)
        members = self.members.iloc[rows]
        if number not in self._text:
            self._text[number] = self.features.articles(articles)
        return self.features.context(
            campaign=f"{name}-{number:03d}",
            issue=number,
            members=members,
            articles=articles,
            rules=self._newsroom.rules(number),
            eligible=eligible(members, articles),
            seen=self._memory.seen(articles["article"].tolist(), rows),
            article_features=self._text[number],
            member_features=self._x[rows],
        )

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """Opens, clicks and dwell of the slates of issue `context.issue`, as recorded, remembered as `remember` does."""
        feedback = told = self.people(context, slates)
        if self._noise is not None:
            luck = self._uniform(context, "unseen", keys.member_keys(context.member_ids), 1)[:, 0]
            told = recorded(self._noise, context, slates, feedback, self._hygiene, luck)
        self._remember(context, slates, feedback, told)
        return told

    def people(self, context: Context, slates: Slates) -> Feedback:
        """What people do, whatever of it is recorded; nothing is remembered."""
        member = keys.member_keys(context.member_ids)
        delivered = self._bounced(context) >= self._bounce + self._dead
        opening, leaving = self._uniform(context, "open", member, 2).T
        opened = delivered & (opening < self._opening(context, slates))
        rows = np.flatnonzero(opened)  # only they are asked about the slots
        reader, choice, filled = member[rows], slates.choice[rows], slates.choice[rows] >= 0
        luck_at = partial(self._uniform_at, context)
        wants = filled & (
            luck_at("click", reader, np.maximum(choice, 0)) < self._shown(context, choice, rows)
        )
        looks = self._uniform(context, "examine", reader, choice.shape[1])
        examined, clicked = walk(self._examine, wants, looks, self.slots)
        care = self.care(context, choice, rows) if self._reading.interest else None
        seconds, known = self._reading.told(
            reader, opened[rows], examined & filled, clicked, filled, care, luck_at
        )
        answers = [np.full(slates.choice.shape, nothing) for nothing in (np.int8(-1), False, 0.0)]
        for table, told in zip(answers, (known, clicked, seconds), strict=True):
            table[rows] = told
        return Feedback(delivered, opened, delivered & (leaving < self._leaving(context)), *answers)

    def happened(self, context: Context, slates: Slates, feedback: Feedback) -> Feedback:
        """What people did: `feedback` itself, unless noise stands between the two."""
        return feedback if self._noise is None else self.people(context, slates)

    def remember(self, context: Context, slates: Slates, feedback: Feedback) -> None:
        """What was seen in an opened issue, what that did to moods, and who left; a run that resumes from its log needs no
        more than this. Counts from the next issue on. Raises ValueError where moods count and a later issue was composed."""
        self._remember(
            context,
            slates,
            feedback if self._noise is None else self.people(context, slates),
            feedback,
        )

    def _remember(
        self, context: Context, slates: Slates, feedback: Feedback, told: Feedback
    ) -> None:
        """told: what the sender knows of it. That decides what counts as seen, and who is struck off."""
        rows, articles = context.member_ids - FIRST_ID, context.article_ids.tolist()
        dead = ~feedback.delivered & (self._bounced(context) < self._dead)
        served = None
        if self._memory.mood(context.issue) is not None:
            served = interest(self.care(context, slates.choice), self._reference.examine)
        notice = self._campaigns.at(context.issue)[0] == "renewal"
        gone = dead | feedback.unsubscribed | told.unsubscribed
        self._memory.remember(
            context.issue, rows, articles, slates, feedback, told.opened, gone, served, notice
        )

    def twin(self) -> "Association":
        """The same association with a memory of its own: what members saw depends on who chose the slates."""
        twin = copy(self)
        twin._memory = self._memory.afresh()
        return twin

    # The truth

    def truth(self, context: Context) -> Floats:
        """P(click | examined) of each article alone [n, m]. Never for a learning policy."""
        return np.asarray(expit(self._logits(context.issue)[context.member_ids - FIRST_ID]))

    def _logits(self, number: int) -> Floats:
        """Of P(click | examined) for all members and the pool of issue `number`; asked for several times an issue."""
        if self._wants[0] != number:
            self._wants = 0, np.zeros((0, 0))  # of a million members one issue's are enough to hold
            pool, (name, _) = self.pool(number), self._campaigns.at(number)
            personal = self._personal.interests(number)
            personal = self._campaigns.interests(
                name, personal, self._rng("sessions"), self._interests.sd
            )
            appeal = self._newsroom.press.appeal(pool, number)
            logits = (self._interests.mean + personal) @ pool.interests().T
            logits += appeal
            logits += self._base(number)
            self._wants = number, logits
        return self._wants[1]

    def _base(self, number: int) -> float:
        return (
            self._reference.base
            + self._opens.shift_clicks(number)
            + self._campaigns.at(number)[1].clicks
        )

    def _cells(self, context: Context, choice: Ints, rows: Ints | slice = slice(None)) -> Floats:
        """Logits of the articles in `choice` [n, j], for all members or some; of no meaning where there is none."""
        logits, member = self._logits(context.issue), context.member_ids[rows] - FIRST_ID
        return np.asarray(logits.ravel().take(member[:, None] * logits.shape[1] + choice))

    def _shown(self, context: Context, choice: Ints, rows: Ints | slice = slice(None)) -> Floats:
        """P(click | examined) of what each slot shows [n, k]: less for a story that a slot above has told."""
        p = expit(self._cells(context, choice, rows))
        repeated = self._newsroom.press.repeated
        if repeated:
            p = np.where(told_above(self.pool(context.issue), choice), (1 - repeated) * p, p)
        return np.asarray(p)

    def care(self, context: Context, choice: Ints, rows: Ints | slice = slice(None)) -> Floats:
        """How much each member (or some) cares for the articles in `choice` [n, j], readiness to click apart: tanh of
        logits over taste, -1 to 1, [n, j]; NaN where there is none (-1)."""
        ready = self._eager[context.member_ids[rows] - FIRST_ID] + self._base(context.issue)
        cells = self._cells(context, choice, rows)
        return np.where(choice >= 0, np.tanh((cells - ready[:, None]) / self._scale), np.nan)

    def _opening(self, context: Context, slates: Slates) -> Floats:
        """P(opened | delivered) [n]."""
        rows, opens, number = context.member_ids - FIRST_ID, self._opens, context.issue
        rate, mood = np.asarray(self._open_rate[rows]), self._memory.mood(number)
        if mood is None:
            return rate
        more = opens.draw_day_habit(
            self.seed, keys.member_keys(context.member_ids), opens.calendar.day(number)
        )
        more += self._reference.opens + self._campaigns.at(number)[1].opens
        if opens.subject:
            more += (
                opens.subject
                * np.nan_to_num(self.care(context, opens.find_subject(context, slates)))[:, 0]
            )
        return opens.chance(rate, mood.take(rows), number, self._reference.usual, more)

    def _leaving(self, context: Context) -> Floats | float:
        """P(unsubscribed | delivered)."""
        mood = self._memory.mood(context.issue)
        if mood is None:
            return self._unsubscribe
        mood = mood.take(context.member_ids - FIRST_ID)
        return self._opens.chance_of_leaving(
            self._unsubscribe, mood, context.issue, self._reference.usual
        )

    def _bounced(self, context: Context) -> Floats:
        """Below `dead`: the address is gone; below `bounce` more: this mail bounces [n]."""
        if not self._bounce + self._dead:
            return np.ones(len(context.members))
        return self._uniform(context, "bounce", keys.member_keys(context.member_ids), 1)[:, 0]

    def expected(self, context: Context, slates: Slates) -> Floats:
        """Expected clicks for each member sent these slates (or their top slots), [n, k]: for regret and its like."""
        p = np.where(slates.choice >= 0, self._shown(context, slates.choice), 0.0)
        opens = (1 - self._bounce - self._dead) * self._opening(context, slates)
        return np.asarray(opens[:, None] * expected(self._examine, p, self.slots))

    def hyperparameters(self) -> dict[str, Floats]:
        """What `bayes_limit` may know: B [p, d], interest variances [d], article-quality variance, examination [k]."""
        B = self._interests.B.copy()
        B[0, 0] += self._reference.base
        variance, examine = np.array([self._quality_sd**2]), self._reference.examine
        return {
            "B": B,
            "interest_variance": self._interests.sd**2,
            "quality_variance": variance,
            "examine": examine,
        }

    def _uniform(self, context: Context, stream: str, member: Any, k: int) -> Floats:
        return keys.uniforms(self.seed, f"association-{context.issue}", stream, member, k)

    def _uniform_at(self, context: Context, stream: str, member: Any, index: Any) -> Floats:
        return keys.uniforms_at(self.seed, f"association-{context.issue}", stream, member, index)
