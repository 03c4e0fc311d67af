"""Policies that keep no profile: every reason is a draw that was really run, of what was learned.

Each click that is left out is left out of the whole log here, which another policy learns from the
start, and the ordinary sender shows what the sentence says.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import serving
from bandit.core.types import Round
from bandit.log import archive
from bandit.log.learning import learn_rounds
from bandit.policy import Policy
from experiments.runner.configs import make, read_policy
from serving import bundle
from serving.explain.__main__ import main
from serving.inputs import read_rules
from serving.profiles import __main__ as profiles
from tests.support.member_cases import Desk, set_desk

QUICK = ("popular",)
SLOW = (
    "wave",
    "lin_ts",
    "vw",
    "neural",
    "segment_learned",
    "offpolicy",
    "blast",
    "recency",
    "random",
)
NAMES = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]


def leave_out(round: Round, member: int, clicks: set[tuple[int, str]]) -> Round:
    """An issue as if a member had not clicked some articles."""
    clicked = round.feedback.clicked.copy()
    ids = round.context.article_ids
    for issue, article in clicks:
        if issue == round.context.issue:
            shown = np.where(round.slates.choice >= 0, ids[round.slates.choice], "")
            clicked &= ~((shown == article) & (round.context.member_ids == member)[:, None])
    return replace(round, feedback=replace(round.feedback, clicked=clicked))


def replay(desk: Desk, name: str, member: int, change: dict[str, Any]) -> list[object]:
    """What the sender shows without some clicks, or without an article."""
    given = bundle.read(desk.folder / "bundle")
    pool = pd.read_parquet(desk.folder / "pool.parquet")
    members = pd.read_parquet(desk.folder / "members.parquet")
    seen = pd.read_parquet(desk.folder / "seen.parquet")
    rules, _ = read_rules(desk.folder / "rules.yaml")
    if change["kind"] == "clicks":
        policy: Policy = make(read_policy(name))
        policy.start(given.features)
        clicks = {(issue, article) for issue, article in change["clicks"]}
        rounds = archive.read(desk.folder / "log", given.features)
        learn_rounds(policy, (leave_out(round, member, clicks) for round in rounds))
        given = replace(given, policy=policy)
    else:
        assert change["kind"] == "article"
        pool = pool[pool["article"] != change["article"]]
        pins = {at: own for at, own in rules.pins.items() if own != change["article"]}
        rules = replace(rules, pins=pins)
    issue = serving.Sender(given).prepare(pool, rules, "week-30", 7)
    return list(issue.compose(members[members["member"] == member], seen).articles[0])


@pytest.mark.parametrize("name", NAMES)
def test_every_reason_of_any_policy_is_what_the_sender_shows(name: str, tmp_path: Path) -> None:
    desk = set_desk(tmp_path, name)
    member = next(iter(desk.count_clicks()))
    out = tmp_path / "page.html"
    assert main(desk.list_words(member, out=out)) == 0
    told, page = json.loads(out.with_suffix(".json").read_text()), out.read_text()
    kinds = set()
    for slot in told["slate"]:
        for reason in slot["reasons"]:
            kinds.add(reason["change"]["kind"])
            if reason["change"]["kind"] in ("clicks", "article"):
                got = replay(desk, name, member, reason["change"])
                assert got[slot["slot"] - 1] == reason["otherwise"] != slot["article"]
    assert "article" in kinds
    assert ("clicks" in kinds) >= (name in ("wave", "lin_ts"))
    assert not (name == "random" and "clicks" in kinds)
    if name == "wave":  # a profile chooses in it
        assert told["topics"]
        assert told["rests_on_behaviour"] > 0
        return
    assert told["topics"] == []
    assert told["rests_on_behaviour"] is None
    assert "which keeps no profile of members by topic" in page
    assert "all that the policy knows is learned again" in page


def test_tastes_are_told_of_a_profile_in_waves_and_of_no_other_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, status in (("wave", 0), ("popular", 2)):
        desk = set_desk(tmp_path / name, name)
        members, out = desk.folder / "members.parquet", desk.folder / "profiles.parquet"
        words = [str(desk.folder / part) for part in ("bundle", "log")]
        asked = [*words, "--members", str(members), "--out", str(out)]
        assert profiles.main(asked) == status
        assert out.exists() == (status == 0)
    assert "popular.Popular, which keeps no profile of members by topic" in capsys.readouterr().err
