"""John: the newsletters of hospital pharmacists alike, month by month, by segments and profiles."""

from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from bandit.core.files import read_table
from bandit.core.types import PINNED
from experiments.report.study.figures import Series, draw_series
from experiments.report.study.page import Finding, Month
from experiments.study.cells import Cells, Gain
from experiments.study.john import TOPICS, WithJohns
from experiments.study.words import advise

BLOCK = 4  # issues in a month, about
SHOWN = {"segment_learned": "Learned segments", "profile": "Profile"}


def find(cells: Cells) -> Finding:
    """How much of the Johns' newsletters is on their topics, and what one's look like."""
    letters = _read_seeds(cells)
    months = int(cells.worlds[cells.usual]["issues"]) // BLOCK
    own = {policy: _follow_months(_pick(letters, policy), months) for policy in SHOWN}
    people = {policy: _read_people(cells, policy) for policy in SHOWN}
    by_seed = {policy: each.groupby("seed").mean() for policy, each in people.items()}
    apart = (people["profile"] - people["segment_learned"]).sort_values(kind="stable")
    gain = Gain.over((by_seed["profile"] / by_seed["segment_learned"] - 1).to_numpy())
    count, seeds = len(apart), len(cells.seeds)
    most = {p: f"{each.mean():.1f}" for p, each in by_seed.items()}
    last = {p: f"{own[p][:, -1].mean():.1f}" for p in SHOWN}
    change = Gain.over((by_seed["profile"] - by_seed["segment_learned"]).to_numpy())
    silent = int((letters.loc["profile"].groupby(level=[0, 1])["clicked"].sum() == 0).sum())
    seed, john = apart.index[(count - 1) // 2]
    his = {words: _pick(letters, p, seed, john) for p, words in SHOWN.items()}
    return Finding(
        headline="A hospital pharmacist who wants pharmacogenomics, career and leadership clicks "
        f"{most['profile']} articles in {months} months of profiles and {most['segment_learned']} "
        f"in {months} months of segments, {_tell_more(change)}; in the last month "
        f"{last['profile']} of his six articles are on these topics under profiles, "
        f"{last['segment_learned']} under segments.",
        advice=advise(
            gain,
            seeds,
            "Send profiles to the members whom their segment fails: they find out what a member "
            "wants from the clicks alone.",
            "Do not send profiles for the sake of such members: their segment serves them better.",
            "Do not promise such a member that a profile finds him out: on average it is not shown "
            "to serve him better than his segment.",
        ),
        say=[
            f"{count} such members, here called John, {count // seeds} in each of {seeds} "
            "associations: "
            f"{int((apart > 0).sum())} find more to click under profiles, "
            f"{int((apart < 0).sum())} under segments. What they click is counted as the simulator "
            "expects it of what they were sent.",
            f"{silent} of them clicked nothing at all that profiles sent: of who never clicks a "
            "profile learns only what he leaves, and the few slots that it tries things out in may "
            "never hold his topics."
            if silent
            else "Each of them clicked at least once what profiles sent.",
            "A segment knows that he is a hospital pharmacist, and shows him what hospital "
            "pharmacists click. What he clicks himself hardly changes it.",
        ],
        figure=draw_series(
            "john",
            "Articles on a John\u2019s three topics in a newsletter, month by month",
            {
                words: Series(
                    np.arange(1.0, months + 1),
                    own[policy],
                    "star" if policy == "profile" else "baseline",
                )
                for policy, words in SHOWN.items()
            },
            "Month",
            "Articles of six that are on a John\u2019s three topics",
        ),
        caption=f"Means over {count} Johns and the {BLOCK} issues of a month. Below: the John in "
        f"the middle when all are sorted by how much more he finds under profiles (seed {seed}).",
        columns=["Month", *(f"{words}: on his topics" for words in SHOWN.values())],
        rows=[
            [str(month + 1), *(_tell(Gain.over(own[policy][:, month])) for policy in SHOWN)]
            for month in range(months)
        ],
        months=[_show_month(month + 1, his) for month in range(months)],
    )


def _tell(gain: Gain) -> str:
    """A number and its interval."""
    if np.isnan(gain.low):
        return f"{gain.mean:.1f}"
    return f"{gain.mean:.1f} ({gain.low:.1f} to {gain.high:.1f})".replace("-", "\u2212")


def _tell_more(gain: Gain) -> str:
    """A difference in articles, its interval, and whether it may be chance."""
    told = f"{abs(gain.mean):.1f} {'more' if gain.mean >= 0 else 'fewer'}"
    if np.isnan(gain.low):
        return f"{told} (one seed, no interval)"
    chance = "" if gain.sign else "which may be chance; "
    span = f"{gain.low:+.1f} to {gain.high:+.1f}".replace("-", "\u2212")
    return f"{told} ({chance}95\u00a0% interval {span})"


def _read_seeds(cells: Cells) -> pd.DataFrame:
    """What each John was sent and did: rows by policy, seed and member, as `_read_letters`."""
    found = {}
    for seed, world in zip(cells.seeds, cells.make_worlds(), strict=True):
        if not isinstance(world, WithJohns):
            raise ValueError(f"{cells.usual}: its simulator is {type(world).__name__}; WithJohns")
        for policy in SHOWN:
            unit = cells.folders[cells.usual, policy, seed]
            found[policy, seed] = _read_letters(unit, world)
    return pd.concat(found, names=["policy", "seed"]).sort_index()


def _pick(letters: pd.DataFrame, *key: object) -> pd.DataFrame:
    """The rows of a policy, or of it, a seed and a member."""
    return cast(pd.DataFrame, letters.xs(key if len(key) > 1 else key[0]))


def _read_people(cells: Cells, policy: str) -> pd.Series:
    """The clicks expected of each John over the run, by seed and member."""
    found = {}
    for seed, world in zip(cells.seeds, cells.make_worlds(), strict=True):
        people = read_table(cells.folders[cells.usual, policy, seed] / "people.parquet").to_pandas()
        johns = world.johns if isinstance(world, WithJohns) else []
        found[seed] = people.set_index("member").loc[johns, "expected"]
    clicks: pd.Series = pd.concat(found, names=["seed"])
    return clicks


def _read_letters(unit: Path, world: WithJohns) -> pd.DataFrame:
    """What the Johns were sent, by member: a row for each slot of each issue."""
    topics = dict(enumerate(world.topic_names))
    parts = []
    for path in sorted((unit / "log").glob("*.parquet")):
        log = read_table(path).to_pandas()
        mine = log[log["member"].isin(world.johns)].copy()
        pool = world.pool(int(path.stem))
        main = pd.Series(pool.topics.argmax(axis=1), index=pool.articles["article"]).map(topics)
        mine = mine.assign(article=mine["article"].astype("str"), issue=int(path.stem))
        mine["topic"] = mine["article"].map(main)
        mine["own"] = mine["topic"].isin(TOPICS)
        parts.append(mine.merge(pool.articles[["article", "title", "kind", "source"]]))
    letters: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return letters.set_index("member")


def _follow_months(letters: pd.DataFrame, months: int) -> np.ndarray:
    """Articles on their own topics in a newsletter, a mean over Johns: [seeds, months]."""
    kept = letters[letters["issue"] <= BLOCK * months]
    counts = kept.groupby(["seed", "member", "issue"])["own"].sum()
    month = (counts.index.get_level_values("issue") - 1) // BLOCK
    means: np.ndarray = counts.groupby(["seed", month]).mean().unstack().to_numpy(np.float64)
    return means


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
