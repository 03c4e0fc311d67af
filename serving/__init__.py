"""Serving: policies leave the experiment as bundles, and compose newsletters from them.

Neither hydra nor pickle is used here. `python -m serving.export` and `python -m serving.send` are
the commands.
"""

from typing import TYPE_CHECKING

from bandit.core.lazy import lazy_exports

if TYPE_CHECKING:
    from serving.bundle import Bundle
    from serving.manifest import Manifest
else:
    __getattr__ = lazy_exports(
        __name__, {"Bundle": "serving.bundle", "Manifest": "serving.manifest"}
    )

__all__ = ["Bundle", "Manifest"]
