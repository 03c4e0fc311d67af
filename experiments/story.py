"""Two members side by side: the same segment, different people."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bandit import log
from bandit.types import PINNED, Round
from serving import bundle
from simulators.articles import catalogue

SAME = ("member_type", "region", "career_stage")


def rounds(folder: Path, association: Any) -> list[Round]:
    """A unit's log, read back through a fresh copy of its association."""
    told = []
    for path in sorted((folder / "log").glob("*.parquet")):
        round = log.read(path, association.issue(int(path.stem)))
        association.remember(round.context, round.slates, round.feedback)
        told.append(round)
    return told


def two_members(
    segment: Path, profile: Path, association: Any, member_type: str = "hospital pharmacist"
) -> dict[str, Any] | None:
    """The pair of `member_type`s of one chapter and career stage (and practice area, if there is such a pair: then no
    segment can tell them apart), each with at least three clicks, whose profile newsletters differ most from one another
    and from the segment's in the last issue. None where there is no pair. Clicks so far are the profile run's."""
    theirs, ours = rounds(segment, association.twin()), rounds(profile, association.twin())
    last = ours[-1]
    clicks = _clicks(ours[:-1], association)
    members = last.context.members.reset_index(names="row")
    seen = clicks.groupby("member").size()
    members = members[(members["member_type"] == member_type) & (members["member"].map(seen).fillna(0) >= 3)]
    members = members[members["member"].isin(theirs[-1].context.member_ids)]
    alike = (
        [pair for _, group in members.groupby(names) for pair in combinations(group["row"], 2)]
        for names in ([*SAME, "practice_area"], [*SAME])
    )
    pairs = next((found for found in alike if found), None)
    if not pairs:
        return None
    shown = [set(slate[slate >= 0]) for slate in last.slates.choice]
    there = {
        member: set(slate) for member, slate in zip(theirs[-1].context.member_ids, theirs[-1].slates.choice, strict=True)
    }
    tastes = {member: set(group["topic"]) for member, group in clicks.groupby("member")}
    ids = last.context.member_ids

    def likeness(pair: tuple[int, int]) -> tuple[int, int, int]:
        """Articles shared with one another and with the segment, then shared topics, then the fewest clicks to show."""
        a, b = pair
        articles = len(shown[a] & shown[b]) + len(shown[a] & there[ids[a]]) + len(shown[b] & there[ids[b]])
        topics = tastes.get(ids[a], set()) & tastes.get(ids[b], set())
        return articles, len(topics), -int(min(seen[ids[a]], seen[ids[b]]))

    rests = bundle.read(profile / "bundle").policy
    told = [_told(row, last, theirs[-1], ours[:-1], clicks, rests) for row in min(pairs, key=likeness)]
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


def _told(row: int, ours: Round, theirs: Round, past: list[Round], clicks: pd.DataFrame, policy: Any) -> dict[str, Any]:
    member = ours.context.members.iloc[row]
    got = [round for round in past if member["member"] in set(round.context.member_ids)]
    opened = sum(bool(round.feedback.opened[round.context.member_ids == member["member"]][0]) for round in got)
    own = clicks[clicks["member"] == member["member"]]
    topics = own["topic"].value_counts(sort=False).sort_values(ascending=False, kind="stable")
    listed = ", ".join(f"{count} on {topic}" for topic, count in topics.items())
    words = f"Opened {opened} of {len(got)} newsletters and clicked {len(own)} articles: {listed}."
    rests = float(policy.rests_on(ours.context.take(np.array([row])))[0]) if hasattr(policy, "rests_on") else None
    there = int(np.flatnonzero(theirs.context.member_ids == member["member"])[0])
    return {
        "name": f"Member {member['member']}",
        "attributes": {name: str(value) for name, value in member.items() if name not in ("member", "row")},
        "clicks_in_words": words,
        "rests_on_behaviour": rests,
        "clicked_titles": own["title"].tolist(),
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
