"""An experiment that is under way: its bundles in memory, and what earlier sends say of it.

Open this file to see why an experiment cannot be changed between two issues.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bandit.core.files import read_json
from bandit.core.types import Ids, Ints
from serving.arms.design import Design
from serving.errors import shorten

if TYPE_CHECKING:
    from serving.bundle import Bundle

SEND = "send.json"  # of `serving.sending.record`, a later folder


@dataclass(frozen=True)
class Trial:
    """Who is in which arm, and what chooses for them.

    design: the experiment as it was written down
    series: name of the series of campaigns; the same name puts the same members into each arm
    bundles: of the arms, in order

    Raises ValueError for an empty series.
    """

    design: Design
    series: str
    bundles: tuple["Bundle", ...]

    def __post_init__(self) -> None:
        if not self.series.strip():
            raise ValueError("--series is empty; it says who is in which arm, in every issue alike")

    def find(self, members: Ids) -> Ints:
        """Each member's arm [n], counted from 0; -1 for members who are in none."""
        return self.design.find(self.series, members)

    def describe(self) -> dict[str, object]:
        """What send.json says of the experiment, and what must stay through the series.

        An arm's bundle may learn from issue to issue; its policy and parameters stay.
        """
        arms = [
            {
                "name": arm.name,
                "share": arm.share,
                "policy": bundle.manifest.policy,
                "parameters": bundle.manifest.parameters,
            }
            for arm, bundle in zip(self.design.arms, self.bundles, strict=True)
        ]
        return {"name": self.design.name, "series": self.series, "arms": arms}

    def list_digests(self) -> dict[str, str]:
        """Arm -> digest of the bundle that chooses for it."""
        named = zip(self.design.arms, self.bundles, strict=True)
        return {arm.name: bundle.digest for arm, bundle in named}


def refuse_changed(trial: Trial, holdout: object, folders: Sequence[Path], path: str) -> None:
    """Raise ValueError where an earlier send knows the experiment otherwise than it is now.

    holdout: what send.json says of it; who is held out may not change under way either
    folders: of campaigns; those that are no send, or belong to no experiment, say nothing
    path: of the experiment's file, for the message
    """
    now = trial.describe() | {"held out": _share(holdout)}
    for file in _list_sends(folders):
        try:
            told = read_json(file)
            then = dict(told["experiment"]) | {"held out": _share(told.get("holdout"))}
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # no experiment, or damaged: then whoever reads that send says so
        if (then.get("name"), then.get("series")) != (now["name"], now["series"]):
            continue
        for what, was, value in _compare(then, now):
            raise ValueError(
                f"{path}: {what} is {shorten(value)}, but {file.parent} was sent with "
                f"{shorten(was)}: an experiment stays as it began; begin another under a new name"
            )


def _share(holdout: object) -> object:
    return holdout.get("share", 0.0) if isinstance(holdout, dict) else 0.0


def _list_sends(folders: Sequence[Path]) -> Iterator[Path]:
    """The records of finished sends in these folders, in their waves too."""
    for folder in folders:
        yield from sorted(folder.glob(SEND))
        yield from sorted(folder.glob(f"wave-*/{SEND}"))


def _compare(
    then: dict[str, object], now: dict[str, object]
) -> Iterator[tuple[str, object, object]]:
    """What differs between two descriptions of an experiment, with both values."""
    before, after = then.get("arms"), now["arms"]
    if before != after and isinstance(before, list) and isinstance(after, list):
        old, new = ([arm.get("name") for arm in arms] for arms in (before, after))
        if old != new:
            yield "the list of arms", old, new
        for was, arm in zip(before, after, strict=False):
            for name, value in arm.items():
                if was.get(name) != value:
                    yield f"{name} of arm {arm['name']!r}", was.get(name), value
    if then.get("held out") != now["held out"]:
        yield "the share of --holdout", then.get("held out"), now["held out"]
