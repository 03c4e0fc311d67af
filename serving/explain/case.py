"""Everything that one member's slate follows from; change one thing, and draw again.

A counterfactual here is no approximation: it is the same keyed draw by the ordinary sender, with
one thing changed. Open this file to see what can be changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from bandit.core.columns import Columns
from bandit.core.rules import Rules
from serving.bundle import Bundle
from serving.sending.sender import Composed, Sender


@dataclass(frozen=True)
class Case:
    """One member, one issue.

    bundle: chooses
    member: one row, `member` and the attributes
    articles: the pool, with what a lottery decided
    rules: the editor's
    campaign: name of the campaign; it keys the draw
    seed: keys the draw too
    seen: pairs of member and article that count as seen, or None
    earlier: pools that were sent before
    """

    bundle: Bundle
    member: Columns
    articles: Columns
    rules: Rules
    campaign: str
    seed: int
    seen: Columns | None = None
    earlier: Sequence[Columns] = ()

    def compose(self) -> Composed:
        """The newsletter, as `serving.send` would send it."""
        asked = (self.articles, self.rules, self.campaign, self.seed, self.earlier)
        return Sender(self.bundle).prepare(*asked).compose(self.member, self.seen)

    def show(self) -> list[object]:
        """The ids of the articles from the top; None where a slot is empty."""
        return list(self.compose().articles[0])

    def put(self, attribute: str, value: object) -> Self:
        """The same with another value of an attribute; None is unknown."""
        return replace(self, member=self.member.assign(**{attribute: [value]}))

    def unpin(self, slot: int) -> Self:
        """The same without what the editor pinned to a slot (from 1)."""
        pins = {at: article for at, article in self.rules.pins.items() if at != slot}
        return self._pin(pins)

    def drop(self, article: object) -> Self:
        """The same without an article in the pool, and without what is asked for it alone."""
        kept = self.articles["article"] != article
        pins = {at: own for at, own in self.rules.pins.items() if own != article}
        return replace(self._pin(pins), articles=self.articles.take(kept))

    def _pin(self, pins: dict[int, str | int]) -> Self:
        featured = pins.get(1) if self.rules.featured else None
        return replace(self, rules=replace(self.rules, pins=pins, featured=featured))
