"""Simulators stand where the e-mail stands: they import bandit, and bandit never imports them.

The names below are the simulators and their interface; `simulators.play` is the loop.
"""

from typing import TYPE_CHECKING

from bandit.core.make import lazy_exports

if TYPE_CHECKING:
    from simulators.association.association import Association
    from simulators.base import Simulator, Truthful
    from simulators.classification import Classification
    from simulators.fitted.logged import Logged
    from simulators.replay.replay import Replay
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "Association": "simulators.association.association",
            "Classification": "simulators.classification",
            "Logged": "simulators.fitted.logged",
            "Replay": "simulators.replay.replay",
            "Simulator": "simulators.base",
            "Truthful": "simulators.base",
        },
    )

__all__ = ["Association", "Classification", "Logged", "Replay", "Simulator", "Truthful"]
