"""A member's profile, topic by topic: how strong, how sure, and from which clicks.

Open this file to see how numbers become words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bandit.features.features import Features
    from serving.explain.evidence import Evidence
    from serving.profiles.tastes import Scale, Tastes

WIDTH = 1.2816  # standard deviations to each side: 8 chances in 10
SURE, LIKELY = 0.95, 0.8  # that a topic pulls more, or less, than it pulls the average member
TITLES = 4  # clicks that a sentence names


@dataclass(frozen=True)
class Topic:
    """What is thought of one member and one topic.

    name: of the topic
    pull: beyond the average member's, in logits
    doubt: standard deviation of what is not known of the pull, in logits
    start: the pull that attributes alone would let expect, in logits
    sure: how likely it is that the topic pulls the member more than the average member
    shown: how many articles on it were in newsletters that the member opened
    clicked: the titles of those that were clicked
    """

    name: str
    pull: float
    doubt: float
    start: float
    sure: float
    shown: int
    clicked: Sequence[str]

    @property
    def odds(self) -> float:
        """Of a click, times the average member's."""
        return math.exp(self.pull)

    @property
    def low(self) -> float:
        """The odds' lower end: with 8 chances in 10 they lie between it and `high`."""
        return math.exp(self.pull - WIDTH * self.doubt)

    @property
    def high(self) -> float:
        """The odds' upper end."""
        return math.exp(self.pull + WIDTH * self.doubt)

    @property
    def at_first(self) -> float:
        """The odds that attributes alone would let expect."""
        return math.exp(self.start)

    @property
    def likely(self) -> float:
        """How likely it is that the member is on this side of the average."""
        return max(self.sure, 1 - self.sure)

    @property
    def verdict(self) -> str:
        """More or less than others, and how sure."""
        side = "more" if self.pull >= 0 else "less"
        how = "surely" if self.likely >= SURE else "probably" if self.is_likely else "perhaps"
        return f"{how} {side} than others"

    @property
    def is_likely(self) -> bool:
        """Whether it is likely that the member is not like the average."""
        return self.likely >= LIKELY

    @property
    def words(self) -> str:
        """Two sentences."""
        said = (
            f"{self.verdict.capitalize()}: the odds of a click are {say_odds(self.odds)} times the "
            f"average member's (8 chances in 10: {say_odds(self.low)} to {say_odds(self.high)}). "
        )
        if not self.shown:
            return f"{said}None was in a newsletter that you opened; it follows from all else."
        of = f"Of {self.shown} shown in newsletters that you opened, you clicked"
        if not self.clicked:
            return f"{said}{of} none."
        titles = "; ".join(f"“{title}”" for title in self.clicked[:TITLES])
        more = len(self.clicked) - TITLES
        titles += f"; and {more} more" if more > 0 else ""
        return f"{said}{of} {len(self.clicked)}: {titles}."


def say_odds(odds: float) -> str:
    """Two digits, such as 0.45, 1.8 and 12."""
    return f"{odds:.0f}" if odds >= 9.95 else f"{odds:.1f}" if odds >= 0.995 else f"{odds:.2f}"


def list_topics(
    tastes: "Tastes", scale: "Scale", features: "Features", evidence: "Evidence"
) -> list[Topic]:
    """The topics of the one member of `tastes`, what pulls the member most first."""
    found = []
    for column, place in enumerate(scale.topics.tolist()):
        about = [one for one in evidence.shown if one.topic == place]
        found.append(
            Topic(
                features.names[place],
                float(tastes.pull[0, column]),
                float(tastes.doubt[0, column]),
                float(tastes.start[0, column]),
                float(tastes.sure[0, column]),
                len(about),
                [one.title for one in about if one.clicked],
            )
        )
    return sorted(found, key=lambda topic: -topic.pull)
