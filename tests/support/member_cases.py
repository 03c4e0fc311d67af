"""A small association whose log a profile has learned, and the editor's files of its next issue."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.types import Round
from bandit.log import archive
from bandit.log.issues import describe_issues
from bandit.log.learning import learn_log
from bandit.policies.random import Random
from bandit.policy import Policy
from experiments.runner.configs import make, read_policy
from serving import bundle
from serving.update.seen import extend_seen
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of

ISSUES, SLOTS = 7, 4
TARGET = "bandit.policies.profile.Profile"


@dataclass(frozen=True)
class Desk:
    """folder: holds bundle/, log/ and the files of the next issue"""

    folder: Path
    association: Association
    rounds: list[Round]

    def list_words(self, member: object, **other: object) -> list[str]:
        """The command line of `serving.explain`."""
        asked = {
            "member": member,
            "members": self.folder / "members.parquet",
            "pool": self.folder / "pool.parquet",
            "rules": self.folder / "rules.yaml",
            "seen": self.folder / "seen.parquet",
            "campaign": "week-30",
            "seed": 7,
        } | other
        words = [str(self.folder / "bundle"), str(self.folder / "log")]
        return words + [part for name, value in asked.items() for part in (f"--{name}", str(value))]

    def count_clicks(self) -> dict[int, int]:
        """Clicks of each member who is still there, most first."""
        there = set(self.association.issue(ISSUES).member_ids.tolist())
        clicks: dict[int, int] = {}
        for round in self.rounds:
            sums = round.feedback.clicked.sum(axis=1).tolist()
            for member, count in zip(round.context.member_ids.tolist(), sums, strict=True):
                if member in there:
                    clicks[member] = clicks.get(member, 0) + count
        return dict(sorted(clicks.items(), key=lambda pair: (-pair[1], pair[0])))


def set_desk(folder: Path, name: str = "profile", **options: float) -> Desk:
    """Write all of it.

    name: of the policy
    options: of a profile
    """
    association = association_of(
        seed=6,
        members=140,
        issues=ISSUES,
        pool=14,
        slots=SLOTS,
        text_dims=8,
        click_to_open=0.45,
    )
    rounds = list(play(Random(), association, seed=7, issues=ISSUES - 1))
    archive.write(folder / "log", rounds)
    parameters = dict(options) if name == "profile" else dict(read_policy(name))
    target = str(parameters.pop("_target_", TARGET))
    policy: Policy = make({"_target_": target, **parameters})
    policy.start(association.features)
    known = learn_log(policy, folder / "log", association.features)
    named = {"learned": describe_issues(known)}
    bundle.write(folder / "bundle", policy, target, parameters, association.features, named)
    context = association.issue(ISSUES)
    context.members.to_pandas().to_parquet(folder / "members.parquet")
    context.articles.to_pandas().to_parquet(folder / "pool.parquet")
    pinned = context.article_ids[3]
    (folder / "rules.yaml").write_text(f"slots: {SLOTS}\npins: {{3: {pinned}}}\n")
    seen = extend_seen(folder / "seen.parquet", folder / "log", known, known, {})
    more = {  # three articles of this pool were in an issue that everybody opened
        "member": np.repeat(context.member_ids, 3),
        "article": np.tile(context.article_ids[7:10], len(context.members)),
    }
    pd.concat([seen.to_pandas(), pd.DataFrame(more)]).to_parquet(folder / "seen.parquet")
    return Desk(folder, association, rounds)


def read_members(desk: Desk) -> pd.DataFrame:
    return pd.read_parquet(desk.folder / "members.parquet")
