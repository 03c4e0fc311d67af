"""Two members side by side: the same segment, different people.

They are read back from two logs of one run: what the segment newsletter and the profile newsletter
sent them in the last issue. `experiments.compare` writes them down, and the report shows them.
"""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.types import PINNED, Floats, Round
from bandit.log.words import list_clicks, tell_member
from bandit.policy import Policy
from serving import bundle
from simulators.base import Simulator
from simulators.play import play_back


def find_two_members(
    segment: Path, profile: Path, simulator: Simulator
) -> dict[str, object] | None:
    """The two members, and their newsletters of the last issue.

    They are of the commonest kind of member (by the first attribute) and alike in all others, so
    that hardly any segment can tell them apart. Where there is no such pair they may differ in the
    attribute with the most values. Of the pairs that never clicked on a common topic, the pair is
    chosen whose less active member has the most clicks. Clicks are those of the profile's run.

    segment, profile: the folders of two units; the profile's has a bundle
    simulator: made anew as the units made it

    Returns None where there is no pair, or the articles' topics have no names.
    """
    if not simulator.features.names:
        return None
    # What members are up to depends on what they were sent, so each log has a world of its own.
    worlds = simulator.twin(), simulator.twin()
    ours, theirs = (
        list(play_back(unit / "log", world))
        for unit, world in zip((profile, segment), worlds, strict=True)
    )
    *past, last = ours
    clicks = list_clicks(past, simulator.features)
    rows = _choose_pair(last, theirs[-1], clicks)
    if rows is None:
        return None
    sent = zip(worlds, (last, theirs[-1]), strict=True)
    worth = [world.expected(each.context, each.slates).sum(axis=1) for world, each in sent]
    policy = bundle.read(profile / "bundle").policy
    members = [
        _describe_person(row, last)
        | _describe_behaviour(row, last, past, clicks, policy)
        | _describe_letters(row, last, theirs[-1], worth)
        for row in rows
    ]
    return {"issue": last.context.issue, "members": members}


def _choose_pair(ours: Round, theirs: Round, clicks: pd.DataFrame) -> tuple[int, int] | None:
    """The rows of the two members in our last issue; None where there is no pair."""
    seen = clicks.groupby("member").size()
    tastes = {member: set(own) - {""} for member, own in clicks.groupby("member")["topic"]}
    everybody = ours.context.members.to_pandas()
    same = everybody.drop(columns="member").select_dtypes(["str", "object"]).columns.tolist()
    if not same:
        return None
    kind = everybody[same[0]].value_counts().index[0]
    members = everybody.reset_index(names="row")
    members = members[(members[same[0]] == kind) & members["member"].isin(seen.index)]
    members = members[members["member"].isin(theirs.context.member_ids)]
    finest = max(same, key=lambda name: everybody[name].nunique())

    def pairs(names: list[str]) -> Iterator[tuple[int, int, int]]:
        for _, group in members.groupby(names):
            people = group[["row", "member"]].itertuples(index=False, name=None)
            for (row, member), (other_row, other) in combinations(people, 2):
                if not tastes[member] & tastes[other]:
                    yield min(seen[member], seen[other]), row, other_row

    for names in (same, [name for name in same if name != finest]):
        if best := max(pairs(names), key=lambda pair: pair[0], default=None):
            return best[1:]
    return None


def _describe_person(row: int, ours: Round) -> dict[str, object]:
    member = {name: str(column[row]) for name, column in ours.context.members.items()}
    return {"name": f"Member {member.pop('member')}", "attributes": member}


def _describe_letters(
    row: int, ours: Round, theirs: Round, worth: list[Floats]
) -> dict[str, object]:
    """What both newsletters hold, and what they are worth.

    worth: clicks expected of each member's newsletter by the simulator's truth, ours and theirs
    """
    there = int(np.flatnonzero(theirs.context.member_ids == ours.context.member_ids[row])[0])
    return {
        "profile_expected": float(worth[0][row]),
        "segment_expected": float(worth[1][there]),
        "segment_slate": _list_articles(theirs, there),
        "profile_slate": _list_articles(ours, row),
    }


def _describe_behaviour(
    row: int, ours: Round, past: list[Round], clicks: pd.DataFrame, policy: Policy
) -> dict[str, object]:
    """What a member did so far, and how far the newsletter rests on it."""
    member = ours.context.member_ids[row]
    own = clicks[clicks["member"] == member]
    shares = policy.rests_on(ours.context.take(np.array([row])))
    return {
        "clicks_in_words": tell_member(past, clicks, member),
        "rests_on_behaviour": None if shares is None else float(shares[0]),
        "clicked_titles": own["title"].tolist(),
    }


def _list_articles(round: Round, row: int) -> list[dict[str, object]]:
    """One member's newsletter, from the top; empty slots are left out."""
    articles = round.context.articles
    return [
        {
            **{name: str(articles[name][index]) for name in ("title", "kind", "source")},
            "pinned": bool(round.slates.role[row, slot] == PINNED),
            "clicked": bool(round.feedback.clicked[row, slot]),
        }
        for slot, index in enumerate(round.slates.choice[row])
        if index >= 0
    ]
