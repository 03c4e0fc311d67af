"""What one member was shown and clicked, and a tale for each topic without the clicks on it.

Open this file to see which clicks are told of together.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bandit.core.types import Floats, Round
from bandit.features.features import Features
from bandit.log.words import OTHER
from bandit.policy import Policy
from serving.explain.change import ALL, CLICKS, Change, Click
from serving.explain.lesson import Lesson
from serving.explain.tale import Retold, Tale
from serving.profiles.denied import Denied
from serving.profiles.tastes import find_topics


@dataclass(frozen=True)
class Shown:
    """One article in a newsletter that the member opened.

    issue: its number in the log
    article: its id
    title: as it was shown
    topic: the place of its main topic among the features' names; -1: none that is named
    clicked: whether the member did
    """

    issue: int
    article: object
    title: str
    topic: int
    clicked: bool

    @property
    def click(self) -> Click:
        """What the log calls it."""
        return self.issue, self.article


@dataclass
class Evidence:
    """Watches a log as it is learned again.

    member: the present id
    features: what articles are read with
    denied: what is left out: an article that has something of such a topic is not told of
    policy: learns the log
    start: makes a policy of the same kind that has learned nothing
    shown: what was shown and may be told of
    hidden: how many articles were shown that may not
    articles: features of all pools
    received: how many newsletters the member got
    opened: how many of these the member opened
    """

    member: object
    features: Features
    denied: Denied
    policy: Policy
    start: Callable[[], Policy]
    shown: list[Shown] = field(default_factory=list)
    hidden: int = 0
    articles: list[Floats] = field(default_factory=list)
    received: int = 0
    opened: int = 0

    def __post_init__(self) -> None:
        self._truth: Tale | Lesson = Lesson(self.member, self.policy, self.start)
        self._tales: dict[str, Tale | Lesson] = {}
        if isinstance(self.policy, Retold):
            self._truth = Tale(self.member)
            self.policy.tales = [self._truth]

    @property
    def truth(self) -> Tale | Lesson:
        """What was learned with all clicks."""
        return self._truth

    def look(self, round: Round) -> None:
        """Note an issue that is about to be learned."""
        context = round.context
        self.articles.append(context.article_features)
        topics = find_topics(self.features, context.article_features).tolist()
        secret = self.denied.find_articles(self.features, context.article_features)
        for row in np.flatnonzero(context.member_ids == self.member):
            self.received += 1
            if not round.feedback.opened[row]:
                continue
            self.opened += 1
            for slot, place in enumerate(round.slates.choice[row]):
                if place < 0:
                    continue
                if secret[place]:
                    self.hidden += 1
                    continue
                article, title = context.article_ids[place], str(context.articles["title"][place])
                clicked = bool(round.feedback.clicked[row, slot])
                one = Shown(context.issue, article, title, topics[place], clicked)
                self.shown.append(one)
                if clicked:
                    self._leave_out(one)
        tales = [tale for tale in self._tales.values() if isinstance(tale, Tale)]
        if isinstance(self.policy, Retold) and isinstance(self._truth, Tale):
            self.policy.tales = [self._truth, *tales]
        for lesson in self._list_lessons():
            lesson.learn(round)

    def finish(self) -> None:
        """Nothing is left to learn."""
        for lesson in self._list_lessons():
            lesson.policy.finish()

    def _list_lessons(self) -> list[Lesson]:
        return [each for each in self._tales.values() if isinstance(each, Lesson)]

    def _leave_out(self, click: Shown) -> None:
        """Begin the tales that differ from the truth from this click on."""
        for name in (self._name(click.topic), ALL):
            self._tales.setdefault(name, self._truth.fork()).without.add(click.click)

    def _name(self, topic: int) -> str:
        return self.features.names[topic] if topic >= 0 else OTHER

    def list_clicks(self, topic: int | None = None) -> list[Shown]:
        """The clicks, on a topic or all."""
        return [one for one in self.shown if one.clicked and topic in (None, one.topic)]

    def list_tales(self) -> dict[Change, Tale | Lesson]:
        """For each topic that was clicked, and for all clicks, the change and the tale."""
        found: dict[Change, Tale | Lesson] = {}
        for name, tale in self._tales.items():
            clicks = [one.click for one in self.list_clicks() if one.click in tale.without]
            if name != ALL or len(self._tales) > 2:  # all clicks may be those on one topic
                found[Change(CLICKS, name, clicks=tuple(clicks))] = tale
        return found
