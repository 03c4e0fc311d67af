"""Two members side by side: the same segment, different people."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bandit.core.types import PINNED, Floats, Round
from serving import bundle
from simulators.association.articles import catalogue
from simulators.play import play_back

SAME = ("member_type", "region", "career_stage")


def two_members(
    segment: Path, profile: Path, association: Any, member_type: str = "hospital pharmacist"
) -> dict[str, Any] | None:
    """Two `member_type`s of one chapter and career stage (and practice area, if there is such a pair: then hardly
    any segment can tell them apart): of the pairs that never clicked on a common topic, the one with the most clicks,
    counted by the member with fewer. None where there is no pair, or nobody knows the articles' topics. Clicks so far are
    the profile run's."""
    if getattr(association.pool(1), "topics", None) is None:
        return None
    worlds = (
        association.twin(),
        association.twin(),
    )  # what members are up to depends on what they were sent
    ours, theirs = (
        list(play_back(unit / "log", world))
        for unit, world in zip((profile, segment), worlds, strict=True)
    )
    last = ours[-1]
    clicks = _clicks(ours[:-1], association)
    seen, tastes = clicks.groupby("member").size(), clicks.groupby("member")["topic"].agg(set)
    members = last.context.members.reset_index(names="row")
    members = members[(members["member_type"] == member_type) & members["member"].isin(seen.index)]
    members = members[members["member"].isin(theirs[-1].context.member_ids)]
    pairs = (
        [
            pair
            for _, group in members.groupby(names)
            for pair in combinations(group[["row", "member"]].itertuples(index=False, name=None), 2)
            if not tastes[pair[0][1]] & tastes[pair[1][1]]
        ]
        for names in ([*SAME, "practice_area"], [*SAME])
    )
    found = next((some for some in pairs if some), None)
    if not found:
        return None
    chosen = max(found, key=lambda pair: min(seen[member] for _, member in pair))
    policy = bundle.read(profile / "bundle").policy
    sent = zip(worlds, (last, theirs[-1]), strict=True)
    worth = [world.expected(each.context, each.slates).sum(axis=1) for world, each in sent]
    told = [_told(row, last, theirs[-1], ours[:-1], clicks, policy, worth) for row, _ in chosen]
    return {"issue": last.context.issue, "members": told}


def _clicks(past: list[Round], association: Any) -> pd.DataFrame:
    """Every click: member, title, and the article's main topic, which only the simulator and this report know."""
    topics = [topic["name"] for topic in catalogue()["topics"]]
    found: list[tuple[Any, str, str]] = []
    for round in past:
        main = association.pool(round.context.issue).topics.argmax(axis=1)
        titles = round.context.articles["title"].to_numpy()
        for row, slot in np.argwhere(round.feedback.clicked):
            article = round.slates.choice[row, slot]
            found.append((round.context.member_ids[row], titles[article], topics[main[article]]))
    return pd.DataFrame(found, columns=["member", "title", "topic"])


def _told(
    row: int,
    ours: Round,
    theirs: Round,
    past: list[Round],
    clicks: pd.DataFrame,
    policy: Any,
    worth: list[Floats],
) -> dict[str, Any]:
    member = ours.context.members.iloc[row]
    got = [round for round in past if member["member"] in set(round.context.member_ids)]
    opened = sum(
        bool(round.feedback.opened[round.context.member_ids == member["member"]][0])
        for round in got
    )
    own = clicks[clicks["member"] == member["member"]]
    topics = own["topic"].value_counts(sort=False).sort_values(ascending=False, kind="stable")
    listed = ", ".join(f"{count} on {topic}" for topic, count in topics.items())
    words = f"Opened {opened} of {len(got)} newsletters and clicked {len(own)} articles: {listed}."
    shares = policy.rests_on(ours.context.take(np.array([row])))
    rests = None if shares is None else float(shares[0])
    there = int(np.flatnonzero(theirs.context.member_ids == member["member"])[0])
    return {
        "name": f"Member {member['member']}",
        "attributes": {
            name: str(value) for name, value in member.items() if name not in ("member", "row")
        },
        "clicks_in_words": words,
        "rests_on_behaviour": rests,
        "clicked_titles": own["title"].tolist(),
        "profile_expected": float(
            worth[0][row]
        ),  # clicks per newsletter sent, by the simulator's truth
        "segment_expected": float(worth[1][there]),
        "segment_slate": _slate(theirs, there),
        "profile_slate": _slate(ours, row),
    }


def _slate(round: Round, row: int) -> list[dict[str, Any]]:
    return [
        {
            "title": str(article["title"]),
            "kind": str(article["kind"]),
            "source": str(article["source"]),
            "pinned": bool(round.slates.role[row, slot] == PINNED),
            "clicked": bool(round.feedback.clicked[row, slot]),
        }
        for slot, index in enumerate(round.slates.choice[row])
        if index >= 0
        for article in [round.context.articles.iloc[index]]
    ]
