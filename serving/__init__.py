"""Serving: policies leave the experiment as bundles, and compose newsletters from them.

Neither hydra nor pickle is used here. `python -m serving.export` and `python -m serving.send` are
the commands; `serving.load` is for programs.
"""

from typing import TYPE_CHECKING

from bandit.core.make import lazy_exports

if TYPE_CHECKING:
    from serving.bundle import Bundle
    from serving.manifest import Manifest
    from serving.sending.sender import Composed, ReadyIssue, Sender, load
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "Bundle": "serving.bundle",
            "Manifest": "serving.manifest",
            "Composed": "serving.sending.sender",
            "ReadyIssue": "serving.sending.sender",
            "Sender": "serving.sending.sender",
            "load": "serving.sending.sender",
        },
    )

__all__ = ["Bundle", "Composed", "Manifest", "ReadyIssue", "Sender", "load"]
