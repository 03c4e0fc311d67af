"""A professional association and its newsletter: delivered, opened, examined, clicked, read.

All luck is keyed by (seed, issue, member, slot or article), so every policy meets the same members,
pools and luck.
"""

from collections.abc import Hashable, Sequence
from copy import copy

import numpy as np

from bandit.core import check, keys
from bandit.core.columns import Columns
from bandit.core.types import Context, Feedback, Floats, Ids, Ints, Slates
from bandit.features.attributes import Attributes
from bandit.features.features import Features
from bandit.features.text import Cached, Encoder, StaticEncoder
from bandit.slates.editorial import find_eligible
from simulators.association.audience import Audience, Delivery
from simulators.association.campaigns import Campaigns
from simulators.association.drift import Drift, InterestPath, Membership
from simulators.association.members import (
    FIRST_ID,
    draw_attributes,
    draw_habits,
    draw_interests,
    tell_attributes,
)
from simulators.association.memory import Memory
from simulators.association.opens import Mood, Opens
from simulators.association.parts import check_parameters
from simulators.association.pools.articles import Pool, compose, compose_archive
from simulators.association.pools.catalogue import read_catalogue
from simulators.association.pools.newsroom import Newsroom
from simulators.association.press import Press
from simulators.association.reading import Reading
from simulators.association.reference import Readers, measure_interest, measure_reference
from simulators.association.wants import Wants
from simulators.base import Truthful
from simulators.examination.given import read_examination
from simulators.examination.walk import Examine
from simulators.luck import Luck
from simulators.noise.noise import Noise
from simulators.noise.recorded import record_feedback


class Association(Truthful):
    """An association whose members answer newsletters.

    seed: members, pools and all luck follow from it
    members: how many there are on the list by the last issue
    issues: how many are sent
    catalogue: who it is: "pharmacy" (20 separate topics) or "engineers" (mixtures from a tree)
    pool: articles that the editor approves for each issue
    slots: articles in one newsletter
    carried: share of a pool that is kept from the issue before; higher makes repeats matter more
    open_rate: mean over members of the share of delivered mails that they open
    open_spread: concentration of the Beta distribution of these rates; lower makes members differ
        more
    click_to_open: share of opens with a click that the reference newsletter gets, which sends
        everyone the same best articles
    taste: standard deviation over members of an article's pull, logits
    explained: share of its variance that attributes explain; higher favours segments
    attributes: what policies are told of them: all ("known"), "two", "none", another member's
        ("shuffled"), or all and topics ticked at sign-up ("declared"); see `tell_attributes`
    eagerness: standard deviation of readiness to click at all, logits; higher leaves most clicks to
        fewer members
    kind_sd: standard deviation of the pull of events and of resources, logits
    quality_sd: standard deviation of articles' appeal beyond what their text says, logits
    examine: an examination model, or P(slot is looked at | opened) for each slot, top to bottom
    joiners: share of members who join while the run is under way
    unsubscribe: chance that a delivered mail is answered by leaving
    bounce: chance that a mail bounces
    dead: chance that a mail finds the address gone for good
    opens: what moves opening; None: nothing
    reading: how long articles are read; None: as `Reading()`
    drift: how interests change; None: not at all
    membership: how memberships end; None: only by unsubscribing
    press: how the editor's desk works; None: as `Press()`
    campaigns: what is sent beside the newsletter; None: nothing
    noise: what a real log adds and hides, between the truth and whoever learns; None: nothing
    hygiene: with `noise`, policies get what the filter of production leaves of the recorded events;
        False gives them the events as recorded
    max_events: how many events a newsletter may show at most
    pin_every: issues from one pinned event to the next; 0 never
    text_dims: columns that policies see of the article text; topics come first
    encoder: reads the article text; None: static word vectors
    embeddings: an SQLite file to cache its vectors in; None: no cache
    Raises ValueError naming the first parameter that cannot be.
    """

    def __init__(
        self,
        seed: int = 0,
        members: int = 5000,
        issues: int = 26,
        catalogue: str = "pharmacy",
        pool: int = 40,
        slots: int = 6,
        carried: float = 0.2,
        open_rate: float = 0.37,
        open_spread: float = 1.6,
        click_to_open: float = 0.15,
        taste: float = 1.8,
        explained: float = 0.15,
        attributes: str = "known",
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
        check_parameters(locals())  # all of the above, by their names
        self.seed, self.issues, self.slots = seed, issues, slots
        self._noise, self._hygiene, self._quality_sd = noise, hygiene, quality_sd
        ids = np.arange(FIRST_ID, FIRST_ID + members)
        self._luck = luck = Luck("association", seed, keys.member_keys(ids))
        keyed = luck.make_generator
        model, moves, desk = read_examination(examine, slots), opens or Opens(), press or Press()
        moody = bool(opens or membership or campaigns)
        self._campaigns = campaigns = campaigns or Campaigns()

        book = read_catalogue(catalogue)
        people = draw_attributes(keyed("attributes"), book, members)
        true, wide = Attributes.fit(people), (taste, explained, eagerness, kind_sd)
        x = true.encode(people)
        self._interests = interests = draw_interests(keyed("interests"), book, x, true.names, *wide)
        self.members = tell_attributes(keyed("told"), book, people, interests.all, attributes)
        self._told, self._attributes = Columns(self.members), attributes
        texts = compose_archive(seed, catalogue, max(600, 2 * text_dims), quality_sd)
        encoder = encoder or StaticEncoder()
        encoder = Cached(encoder, embeddings) if embeddings else encoder
        self.features = Features.fit(self.members, texts, text_dims, encoder)
        self._x = self.features.encode_members(self.members)
        self._text: dict[int, tuple[Floats, Ints, list[list[Hashable]]]] = {}  # of each issue
        habits = open_rate, open_spread, joiners
        rate, self._joined = draw_habits(keyed("habits"), members, issues, *habits)

        kept = round(carried * pool)
        self._newsroom = news = Newsroom(
            book, keyed, pool, kept, slots, quality_sd, max_events, pin_every, desk, campaigns
        )

        day, scale = moves.draw_day_habit(seed, luck.keys, moves.calendar.day(1)), taste or 1.0
        readers = Readers(interests.all, rate, day, scale)
        articles = compose(keyed("reference"), book, 2 * pool, "reference", quality_sd)
        self._reference = reference = measure_reference(
            readers, articles, moves, model, slots, click_to_open, moody
        )

        path = InterestPath(drift, interests.personal, interests.sd, keyed)
        self._wants = wants = Wants(
            interests, path, news.make_pool, desk, campaigns, moves, reference.base, scale, luck
        )
        delivery = Delivery(rate, unsubscribe, bounce, dead, moves, campaigns, reference, luck)
        self._audience = Audience(delivery, wants, model, slots, reading or Reading(), luck)
        mood = Mood.begin(moves, rate, reference.served, self._joined == 1) if moody else None
        term = luck.draw_lasting("term")
        ends = membership.find_first_end(self._joined, term) if membership else None
        usual = reference.usual
        self._memory = Memory(moves, membership, self._joined, mood, usual, ends, luck.draw_one)

    def joined(self, ids: Ids) -> Ints:
        """The first issue of each member, [n]; 1 for those who were always there."""
        return np.asarray(self._joined[np.asarray(ids) - FIRST_ID])

    def pool(self, number: int) -> Pool:
        """The pool of issue `number`, with what only the simulator knows of its articles."""
        return self._newsroom.make_pool(number)

    def issue(self, number: int) -> Context:
        """The context of issue `number`, from 1 to one after the last; else raises ValueError."""
        check.at_least("issue", number, 1)
        if number > self.issues + 1:
            most = f"the association sends {self.issues}, and one more may be composed"
            raise ValueError(f"issue = {number}; {most}")
        self._memory.advance_to(number)  # those who lapsed before it are gone
        articles, rows = self.pool(number).columns, self._list_recipients(number)
        members = self._told.take(rows)
        if number not in self._text:
            past = [self.pool(issue).columns for issue in range(1, number)]
            self._text[number] = (
                self.features.encode_articles(articles),
                self.features.find_stories(articles),
                self.features.find_earlier(articles, past),
            )
        text, told, earlier = self._text[number]
        return self.features.make_context(
            campaign=f"{self._campaigns.look_up(number)[0]}-{number:03d}",
            issue=number,
            members=members,
            articles=articles,
            rules=self._newsroom.make_rules(number),
            eligible=find_eligible(members, articles),
            seen=self._memory.look_up_seen(articles["article"].tolist(), rows, earlier),
            article_features=text,
            told=told,
            member_features=self._x[rows],
        )

    def _list_recipients(self, number: int) -> Ints:
        """Rows of the members who are sent issue `number`.

        A renewal notice goes to those whose term ends soon, and to all where nobody's does.
        """
        present = self._memory.find_present(number)
        ending = present & self._memory.find_ending(number)
        notice = self._campaigns.look_up(number)[0] == "renewal" and ending.any()
        return np.flatnonzero(ending if notice else present)

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """What comes back from these slates, as recorded; remembered as `remember` does."""
        feedback = recorded = self.people(context, slates)
        if self._noise is not None:
            asked = (self._noise, context, slates, feedback)
            recorded = record_feedback(*asked, self._hygiene, self.seed)
        self._remember(context, slates, feedback, recorded)
        return recorded

    def people(self, context: Context, slates: Slates) -> Feedback:
        """What people do, whatever of it is recorded; nothing is remembered."""
        return self._audience.answer(context, slates, self._memory.advance_to(context.issue))

    def happened(self, context: Context, slates: Slates, feedback: Feedback) -> Feedback:
        """What people did: `feedback` itself, unless noise stands between the two."""
        return feedback if self._noise is None else self.people(context, slates)

    def remember(self, context: Context, slates: Slates, feedback: Feedback) -> None:
        """Take note of what was seen in opened issues, of moods, and of who left.

        It counts from the next issue on. A run that resumes from its log needs no more than this.
        Raises ValueError where moods count and a later issue was composed.
        """
        self._remember(context, slates, self.happened(context, slates, feedback), feedback)

    def _remember(
        self, context: Context, slates: Slates, feedback: Feedback, recorded: Feedback
    ) -> None:
        """`recorded` is what the sender knows: it says what was seen, and who is struck off."""
        number, rows = context.issue, context.member_ids - FIRST_ID
        dead = ~feedback.delivered & self._audience.delivery.find_dead(number, rows)
        served = None
        if self._memory.advance_to(number) is not None:
            care = self._wants.measure_care(number, slates.choice, rows)
            served = measure_interest(care, self._reference.examine)
        self._memory.remember(
            number,
            rows,
            context.article_ids.tolist(),
            slates,
            feedback,
            recorded.opened,
            gone=dead | feedback.unsubscribed | recorded.unsubscribed,
            served=served,
            notice=self._campaigns.look_up(number)[0] == "renewal",
        )

    def twin(self) -> "Association":
        """The same association with a memory of its own."""
        twin = copy(self)
        twin._memory = self._memory.start_afresh()
        return twin

    def truth(self, context: Context) -> Floats:
        """P(click | examined) of each article alone [n, m]. Never for a learning policy."""
        return self._wants.chance(context.issue, context.member_ids - FIRST_ID)

    def measure_care(self, context: Context, choice: Ints) -> Floats:
        """How much each member cares for the articles in `choice`, -1 to 1 [n, j]; NaN at -1."""
        return self._wants.measure_care(context.issue, choice, context.member_ids - FIRST_ID)

    def expected(self, context: Context, slates: Slates) -> Floats:
        """Expected clicks of each member who is sent these slates, or their top slots [n, k]."""
        return self._audience.expect(context, slates, self._memory.advance_to(context.issue))

    def hyperparameters(self) -> dict[str, Floats]:
        """What `bayes_limit` may know, see `Interests.list_hyperparameters`.

        Raises ValueError where attributes are not all known: they are of the true ones.
        """
        if self._attributes != "known":
            raise ValueError(f"attributes = {self._attributes!r}; bayes_limit needs all 'known'")
        base, examine = self._reference.base, self._reference.examine
        return self._interests.list_hyperparameters(base, self._quality_sd, examine)
