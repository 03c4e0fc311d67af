"""John: the newsletters of one hospital pharmacist, month by month, from segments and profiles."""

from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.files import read_table
from bandit.core.types import PINNED
from experiments.report.study.figures import Series, draw_series
from experiments.report.study.page import Finding, Month
from experiments.study.cells import Cells, Gain
from experiments.study.john import TOPICS, WithJohn

BLOCK = 4  # issues in a month, about
SHOWN = {"segment_learned": "Learned segments", "profile": "Profile"}


def find(cells: Cells) -> Finding:
    """How much of John's newsletter is on his topics, and what it looks like."""
    sent = {
        policy: [
            _read_letters(unit, world)
            for unit, world in zip(cells.list_units(policy), cells.make_worlds(), strict=True)
            if isinstance(world, WithJohn)
        ]
        for policy in SHOWN
    }
    months = int(cells.worlds[cells.usual]["issues"]) // BLOCK
    own = {
        policy: np.array([_average(letters, "own", months) for letters in each])
        for policy, each in sent.items()
    }
    earned = {
        policy: np.array([letters["clicked"].sum() for letters in each])
        for policy, each in sent.items()
    }
    more = Gain.over((earned["profile"] - earned["segment_learned"]).astype(np.float64))
    apart = Gain.over(own["profile"][:, -1] - own["segment_learned"][:, -1])
    side = {1: "clearly more", -1: "clearly fewer", 0: "no clear difference"}[apart.sign]
    headline = (
        f"In the last month {own['profile'][:, -1].mean():.1f} of John\u2019s six articles are on "
        f"his three topics under profiles, {own['segment_learned'][:, -1].mean():.1f} under "
        f"segments: {side} ({_tell_span(apart)})."
    )
    by_john = {policy: ", ".join(map(str, counts)) for policy, counts in earned.items()}
    silent = int((earned["profile"] == 0).sum())
    unheard = (
        [
            f"{silent} of {len(cells.seeds)} Johns clicked nothing that profiles sent: of who "
            "never clicks a profile learns only what he leaves, and the few slots that it tries "
            "things out in may never hold his topics."
        ]
        if silent
        else []
    )
    return Finding(
        headline=headline,
        say=[
            f"Over {months} months the Johns click {by_john['profile']} articles in profiles\u2019 "
            f"newsletters and {by_john['segment_learned']} in those of segments, seed by seed: on "
            f"average {more.mean:+.1f} ({_tell_span(more)}).".replace("-", "\u2212"),
            *unheard,
            "A segment knows that he is a hospital pharmacist, and shows him what hospital "
            "pharmacists click. What he clicks himself changes nothing about it.",
        ],
        figure=draw_series(
            "john",
            "Articles on John\u2019s three topics in a newsletter, month by month",
            {
                words: Series(
                    np.arange(1.0, months + 1),
                    own[policy],
                    "star" if policy == "profile" else "baseline",
                )
                for policy, words in SHOWN.items()
            },
            "Month",
            "Articles of six that are on John\u2019s three topics",
        ),
        caption=f"Means over {len(cells.seeds)} Johns and the {BLOCK} issues of a month.",
        columns=["Month", *(f"{words}: on his topics" for words in SHOWN.values())],
        rows=[
            [str(month + 1), *(_tell(Gain.over(own[policy][:, month])) for policy in SHOWN)]
            for month in range(months)
        ],
        months=[
            _show_month(month + 1, {words: sent[p][0] for p, words in SHOWN.items()})
            for month in range(months)
        ],
    )


def _tell_span(gain: Gain) -> str:
    """The interval of a number."""
    if np.isnan(gain.low):
        return "one seed, no interval"
    return f"95\u00a0% interval {gain.low:.1f} to {gain.high:.1f}".replace("-", "\u2212")


def _tell(gain: Gain) -> str:
    """A number and its interval."""
    if np.isnan(gain.low):
        return f"{gain.mean:.1f}"
    return f"{gain.mean:.1f} ({gain.low:.1f} to {gain.high:.1f})".replace("-", "\u2212")


def _read_letters(unit: Path, world: WithJohn) -> pd.DataFrame:
    """What John was sent, a row for each slot of each issue, and what he did with it."""
    topics = dict(enumerate(world.topic_names))
    parts = []
    for path in sorted((unit / "log").glob("*.parquet")):
        log = read_table(path).to_pandas()
        mine = log[log["member"] == world.john].copy()
        pool = world.pool(int(path.stem))
        main = pd.Series(pool.topics.argmax(axis=1), index=pool.articles["article"]).map(topics)
        mine = mine.assign(article=mine["article"].astype("str"), issue=int(path.stem))
        mine["topic"] = mine["article"].map(main)
        mine["own"] = mine["topic"].isin(TOPICS)
        parts.append(mine.merge(pool.articles[["article", "title", "kind", "source"]]))
    letters: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return letters


def _average(letters: pd.DataFrame, what: str, months: int) -> list[float]:
    """The mean of a count over the issues of each month."""
    counts = letters.groupby("issue")[what].sum()
    return [
        float(counts[(counts.index > BLOCK * m) & (counts.index <= BLOCK * (m + 1))].mean())
        for m in range(months)
    ]


def _show_month(month: int, letters: dict[str, pd.DataFrame]) -> Month:
    """The last newsletters of a month, side by side."""
    issue = BLOCK * month
    past = letters[SHOWN["profile"]]
    clicked = past[past["clicked"] & (past["issue"] < issue)]
    on = int(clicked["own"].sum())
    told = f"articles clicked before: {len(clicked)}, of them on his topics: {on}"
    shown = {
        title: [
            {
                **{name: str(getattr(row, name)) for name in ("title", "kind", "source")},
                "topic": str(row.topic),
                "pinned": row.role == PINNED,
                "clicked": bool(row.clicked),
            }
            for row in each[each["issue"] == issue].sort_values("slot").itertuples()
        ]
        for title, each in letters.items()
    }
    return Month(f"Month {month}, issue {issue}. In the profile\u2019s run {told}", shown)
