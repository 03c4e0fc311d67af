"""The edges: what newsletters do for members with one interest, and with several unrelated ones."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import logit

from bandit.core.files import read_table
from bandit.core.types import KINDS, Floats
from experiments.report.study.figures import draw_gains
from experiments.report.study.page import Finding
from experiments.study.cells import Cells, Gain, read_last_newsletter
from experiments.study.words import advise, tell_change
from simulators.base import Truthful

GROUPS = ("fewest interests", "in between", "most interests")  # thirds of the members
SHOWN = {"profile": "Profile", "segment_learned": "Learned segments", "blast": "One for all"}
OWN = 3  # of a member's topics, those that get the most clicks


def find(cells: Cells) -> Finding:
    """Clicks by the number of interests, and how much of them a newsletter shows."""
    parts = [
        _measure_seed(cells, seed, world)
        for seed, world in zip(cells.seeds, cells.make_worlds(), strict=True)
    ]
    table = pd.concat(parts, ignore_index=True)
    wide = {
        name: table.pivot(index="seed", columns=["group", "policy"], values=name)
        for name in ("rate", "topics", "own", "interests")
    }
    rate = wide["rate"]
    gains = {
        group: Gain.over((rate[group]["profile"] / rate[group]["segment_learned"] - 1).to_numpy())
        for group in GROUPS
    }
    few, many = GROUPS[0], GROUPS[-1]
    apart = Gain.over(
        (
            rate[many]["profile"] / rate[many]["segment_learned"]
            - rate[few]["profile"] / rate[few]["segment_learned"]
        ).to_numpy()
    )
    counts = {group: wide["interests"][group]["profile"].mean() for group in GROUPS}
    mean = {name: frame.mean() for name, frame in wide.items()}
    points, low, high = (round(100 * each) if each == each else 0 for each in apart)
    span = (
        ""
        if apart.low != apart.low
        else f" (95\u00a0% interval {low:+d} to {high:+d})".replace("-", "\u2212")
    )
    chance = "" if apart.sign or apart.low != apart.low else "which may be chance, "
    told = (
        f"a gain {abs(points)} points {'larger' if points > 0 else 'smaller'} than that of members "
        f"with the fewest{span.replace('(', f'({chance}')}"
    )
    headline = (
        f"Members with the most interests get {tell_change(gains[many])} from profiles than from "
        f"learned segments, {told}."
    )
    say = [
        f"Members with the fewest interests get {tell_change(gains[few])} from profiles than from "
        "learned segments.",
        f"A third of the members live on {counts[few]:.1f} topics on average, a third on "
        f"{counts[many]:.1f}. Of a member\u2019s three best topics a newsletter of profiles shows "
        f"{mean['own'][many]['profile']:.1f} to those with the most interests, one of segments "
        f"{mean['own'][many]['segment_learned']:.1f}.",
        f"A newsletter of profiles touches {mean['topics'][many]['profile']:.1f} topics, one of "
        f"segments {mean['topics'][many]['segment_learned']:.1f}: neither is asked to be varied.",
    ]
    return Finding(
        headline=headline,
        advice=advise(
            gains[many],
            len(cells.seeds),
            "Send profiles to members with many interests as to all others, but do not make them "
            "your argument: members with few interests gain more."
            if apart.sign < 0
            else "Send profiles to members with many interests as to all others.",
            "Leave members with many interests with their segments: profiles cost them clicks.",
            "Send one kind of newsletter to all: members with many interests are not shown to gain "
            "by profiles, nor to lose.",
        ),
        say=say,
        figure=draw_gains(
            "edges",
            "Gain of profiles over learned segments by the number of interests",
            [
                (f"{group.capitalize()} ({counts[group]:.1f} topics)", "star", gain)
                for group, gain in gains.items()
            ],
            "Learned segments",
        ),
        caption="Profiles against learned segments, thirds of the members by how many topics make "
        "up their clicks. Bars: 95\u00a0% intervals over seeds.",
        columns=[
            "Members",
            "Newsletter",
            "Clicks per 1,000",
            "Of the limit of knowing",
            "Topics in a newsletter",
            "Of their three best",
        ],
        rows=[
            [
                group,
                words,
                f"{mean['rate'][group][policy]:.1f}",
                f"{100 * mean['rate'][group][policy] / mean['rate'][group]['oracle']:.0f} %",
                f"{mean['topics'][group][policy]:.1f}",
                f"{mean['own'][group][policy]:.1f}",
            ]
            for group in GROUPS
            for policy, words in SHOWN.items()
        ],
    )


def _measure_seed(cells: Cells, seed: int, world: Truthful) -> pd.DataFrame:
    """Of each third of the members and each policy: clicks per 1,000, and what was shown."""
    shares, topics = _find_tastes(world)
    interests = pd.Series(1 / (shares**2).sum(axis=1), index=world.members["member"])
    group = pd.cut(interests.rank(pct=True), [0, 1 / 3, 2 / 3, 1], labels=list(GROUPS))
    best = np.argsort(-shares, axis=1)[:, :OWN]
    rows = []
    for policy in cells.study.policies:
        unit = cells.folders[cells.usual, policy, seed]
        people = read_table(unit / "people.parquet").to_pandas().set_index("member")
        people = people.join(_count_topics(unit, topics, best, world))
        sums = people.groupby(group.reindex(people.index), observed=True)
        found = pd.DataFrame(
            {
                "rate": 1000 * sums["expected"].sum() / sums["delivered"].sum(),
                "topics": sums["topics"].mean(),
                "own": sums["own"].mean(),
                "interests": interests.groupby(group, observed=True).mean(),
            }
        )
        rows.append(found.rename_axis("group").reset_index().assign(policy=policy, seed=seed))
    return pd.concat(rows).astype({"group": str})


def _find_tastes(world: Truthful) -> tuple[Floats, dict[str, int]]:
    """The share of each topic in the clicks of each member [n, t], and each article's topic.

    It is read from the truth: the mean over the run of the logits that a topic's articles have.
    """
    first = int(world.members["member"].iloc[0])
    count = _list_topics(world, 1).shape[1]
    total, seen = np.zeros((len(world.members), count)), np.zeros((len(world.members), count))
    topics: dict[str, int] = {}
    for number in range(1, world.issues + 1):
        context, main = world.issue(number), _list_topics(world, number).argmax(axis=1)
        logits, one = logit(world.truth(context)), np.eye(count)[main]
        rows = context.member_ids - first
        total[rows] += logits @ one
        seen[rows] += one.sum(axis=0)
        topics |= dict(zip(map(str, context.article_ids), map(int, main), strict=True))
    mean = total / np.maximum(seen, 1)
    odds = np.where(seen > 0, np.exp(mean - mean.max(axis=1, keepdims=True)), 0.0)
    return odds / odds.sum(axis=1, keepdims=True), topics


def _list_topics(world: Truthful, number: int) -> Floats:
    """How much each article of an issue is about each topic [m, t]."""
    return world.pool(number).interests()[:, 1 + len(KINDS) :]


def _count_topics(
    unit: Path, topics: dict[str, int], best: np.ndarray, world: Truthful
) -> pd.DataFrame:
    """By member, how many topics the last newsletter had, and how many of the three best."""
    frame = read_last_newsletter(unit)[["member", "article"]].dropna()
    frame["topic"] = frame["article"].astype(str).map(topics)
    place = pd.Series(np.arange(len(best)), index=world.members["member"])
    mine = best[place.loc[frame["member"]].to_numpy()]
    frame["own"] = frame["topic"].where((mine == frame["topic"].to_numpy()[:, None]).any(axis=1))
    return frame.groupby("member").agg(topics=("topic", "nunique"), own=("own", "nunique"))
