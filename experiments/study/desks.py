"""Associations whose editor rules otherwise."""

from dataclasses import replace

from bandit.core.rules import Rules
from bandit.core.types import Context
from simulators import Association

SECTIONS = {5: {"kind": ["event"]}, 6: {"kind": ["resource"]}}


class Sections(Association):
    """An association whose newsletters keep two slots for one kind each, and have no other rule.

    Campaigns other than the newsletter stay as they are. The options are those of `Association`;
    slots must be at least 6.
    """

    def issue(self, number: int) -> Context:
        """See `Association.issue`."""
        context = super().issue(number)
        if not context.rules.at_most:  # the newsletter alone has rules
            return context
        return replace(context, rules=Rules(slots=context.rules.slots, only=SECTIONS))
