"""Letterbandit: choose and order newsletter articles for each member, with exact propensities.

The names below are what most programs need; everything else is imported from its own module.
"""

from typing import TYPE_CHECKING

from bandit.core.make import lazy_exports

if TYPE_CHECKING:
    from bandit.core.rules import Rules
    from bandit.core.types import Context, Feedback, Round, Slates, SlotPmf
    from bandit.features.features import Features
    from bandit.ope.evaluate import evaluate
    from bandit.policy import Informed, Policy
    from bandit.slates.propensity import draw, replay
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "Context": "bandit.core.types",
            "Features": "bandit.features.features",
            "Feedback": "bandit.core.types",
            "Informed": "bandit.policy",
            "Policy": "bandit.policy",
            "Round": "bandit.core.types",
            "Rules": "bandit.core.rules",
            "SlotPmf": "bandit.core.types",
            "Slates": "bandit.core.types",
            "draw": "bandit.slates.propensity",
            "evaluate": "bandit.ope.evaluate",
            "replay": "bandit.slates.propensity",
        },
    )

__all__ = [
    "Context",
    "Features",
    "Feedback",
    "Informed",
    "Policy",
    "Round",
    "Rules",
    "Slates",
    "SlotPmf",
    "draw",
    "evaluate",
    "replay",
]
