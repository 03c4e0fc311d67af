"""Who was in which arm, out of the folders of sends.

Open this file to see which groups of members a verdict compares, and what their shares should be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.check import shorten
from bandit.core.files import read_table
from bandit.core.ids import Aliases, follow
from bandit.core.types import Ids
from serving.arms.design import RESERVED, ROUNDING
from serving.errors import cut
from serving.sending.record import SEND, SLATES, read_parts

HELD, REST, POLICY = RESERVED


@dataclass(frozen=True)
class Split:
    """How members were divided among groups, and who got mail in which campaign.

    name: of the experiment; "" where there is only a holdout
    series: of campaigns
    groups: the arms in order; then `rest`, members in no arm; then `held out`, where there are some
    shares: of all members in each group
    mailed: campaign -> members and the names of their groups, once for each of its waves
    """

    name: str
    series: str
    groups: tuple[str, ...]
    shares: tuple[float, ...]
    mailed: dict[str, list[tuple[Ids, Ids]]] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What is compared, the first of each pair being what the second is measured by.

        Each arm with the first one, then each with the members held out.
        """
        arms = [group for group in self.groups if group not in (HELD, REST)]
        among = [(arms[0], other) for other in arms[1:]]
        return among + [(HELD, arm) for arm in arms if HELD in self.groups]


def read_sends(folders: Sequence[str | Path], aliases: Aliases | None = None) -> Split:
    """The experiment that some sends belong to, or their holdout.

    folders: of campaigns, sent at once or in waves
    aliases: old id -> present one, under which members are counted

    Raises ValueError for sends of two experiments or none, and a campaign that comes twice.
    """
    found: tuple[object, object] | None = None
    split: Split | None = None
    kinds = ""
    for folder in folders:
        for part, told in read_parts(Path(folder)).items():
            what = (told.get("experiment"), _keep(told.get("holdout")))
            if split is None or found is None:
                split, found = _divide(part, *what), what
            elif what != found:
                raise ValueError(
                    f"{part} was sent with another experiment or holdout than {folders[0]}: "
                    f"{_name(*what)}, there {_name(*found)}; a verdict is on one, so give --sent "
                    "the sends of one"
                )
            campaign = str(told.get("campaign"))
            waves = split.mailed.setdefault(campaign, [])
            if waves and not told.get("wave"):
                raise ValueError(f"{part}: campaign {shorten(campaign)} comes twice in --sent")
            waves.append(_read_groups(part, split, aliases or {}))
            kind = waves[-1][0].dtype.kind
            kinds = kinds or kind
            if kind != kinds:
                raise ValueError(f"{part}: member ids are of another kind than in {folders[0]}")
    if split is None:
        raise ValueError("--sent names no folder of a send")
    return split


def _keep(holdout: object) -> object:
    """What of a holdout must be the same in all sends; its bundle may learn."""
    if not isinstance(holdout, dict):
        return None
    return {"series": holdout.get("series"), "share": holdout.get("share")}


def _name(experiment: object, holdout: object) -> str:
    """Both in a few words."""
    told = "no experiment"
    if isinstance(experiment, dict):
        arms = [
            f"{arm.get('name')} {arm.get('share')}"
            for arm in experiment.get("arms", [])
            if isinstance(arm, dict)
        ]
        told = f"experiment {experiment.get('name')} of {', '.join(arms)}"
    held = holdout.get("share") if isinstance(holdout, dict) else "none"
    return cut(f"{told}, held out {held}", 200)


def _divide(part: Path, experiment: object, holdout: object) -> Split:
    """The groups that a send's record tells of, and their shares."""
    try:
        kept = cast(dict[str, object], holdout or {})
        held = float(cast(float, kept.get("share", 0.0)))
        if experiment is None:
            if not held:
                raise ValueError(f"{part} has neither arms nor a holdout to compare")
            return Split("", str(kept["series"]), (POLICY, HELD), (1 - held, held))
        told = cast(dict[str, object], experiment)
        arms = cast(list[dict[str, object]], told["arms"])
        groups = {str(arm["name"]): float(cast(float, arm["share"])) * (1 - held) for arm in arms}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{part / SEND} does not say its arms: {error}") from None
    left = 1 - held - sum(groups.values())
    groups |= ({REST: left} if left > ROUNDING else {}) | ({HELD: held} if held else {})
    return Split(str(told["name"]), str(told["series"]), tuple(groups), tuple(groups.values()))


def _read_groups(part: Path, split: Split, aliases: Aliases) -> tuple[Ids, Ids]:
    """The members of a send, under present ids, and each one's group."""
    path = part / SLATES
    table = read_table(path)
    needed = ["member", "slot", "holdout", *(["arm"] if split.name else [])]
    if missing := [name for name in needed if name not in table.column_names]:
        raise ValueError(f"{path} lacks column {missing[0]!r}")
    table = table.filter(pc.equal(table["slot"], 1))
    other = pa.scalar(REST if split.name else POLICY)
    group = pc.fill_null(table["arm"], other) if split.name else other
    named = pc.if_else(table["holdout"], pa.scalar(HELD), group)
    ids = table["member"].combine_chunks().to_numpy(zero_copy_only=False)
    try:
        return follow(ids, aliases), np.asarray(named.to_numpy(zero_copy_only=False))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
