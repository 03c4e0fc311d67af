"""Members: what an association knows of them, and what it does not.

It knows attributes, which have realistic joint frequencies. Hidden are interests, which attributes
explain only in part, and how often each member opens a newsletter.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bandit.core.types import KINDS, Floats, Ints
from simulators.association.pools.articles import read_catalogue

FIRST_ID = 100_001
# The attributes that move interests. Region moves none, but whoever builds segments does not know.
APPEALING = ("member_type", "practice_area", "career_stage")
YEARS = {"student": 3, "early": 8, "mid": 18, "senior": 30, "retired": 40}


def draw_attributes(rng: np.random.Generator, count: int, year: int = 2026) -> pd.DataFrame:
    """A table of `count` members: `member` (id) and the attributes that an association knows.

    Nobody has been a member for longer than `YEARS` of the career stage, counted back from `year`.
    """
    book = read_catalogue()["attributes"]
    types = _choose(rng, book["member_type"], count)
    stages, areas = np.empty(count, dtype=object), np.empty(count, dtype=object)
    for value in book["member_type"]:
        rows = np.flatnonzero(types == value)
        stages[rows] = _choose(rng, book["career_stage_by_type"][value], len(rows))
        areas[rows] = _choose(rng, book["practice_area_by_type"][value], len(rows))
    longest = pd.Series(stages).map(YEARS).to_numpy()
    return pd.DataFrame(
        {
            "member": np.arange(FIRST_ID, FIRST_ID + count),
            "member_type": types,
            "region": _choose(rng, book["region"], count),
            "practice_area": areas,
            "career_stage": stages,
            "member_since": year - np.floor(rng.random(count) * longest).astype(np.int64),
        }
    ).astype(dict.fromkeys(("member_type", "region", "practice_area", "career_stage"), "str"))


@dataclass(frozen=True)
class Interests:
    """The interests of n members, vectors over [constant, kinds, topics], in logits.

    Member i's vector is drawn from Normal(x_i B, diag(sd^2)), where x_i are the member's features.

    B [p, d]: what each feature adds
    sd [d]: standard deviation of what is personal
    mean [n, d]: x_i B
    personal [n, d]: the draw around it
    """

    B: Floats
    sd: Floats
    mean: Floats
    personal: Floats

    @property
    def all(self) -> Floats:
        """mean + personal, which decides the clicks [n, d]."""
        return self.mean + self.personal


def draw_interests(
    rng: np.random.Generator,
    x: Floats,
    names: list[str],
    taste: float,
    explained: float,
    eagerness: float,
    kind_sd: float,
) -> Interests:
    """The interests of members with features x [n, p], whose columns have the names `names`.

    taste: standard deviation over members of a topic's pull, in logits
    explained: share of its variance that comes from attributes
    eagerness: standard deviation of a member's readiness to click at all, in logits
    kind_sd: standard deviation of the pull of events and of resources, in logits
    """
    topics = read_catalogue()["topics"]
    start = 1 + len(KINDS)
    B = np.zeros((len(names), start + len(topics)))
    for t, topic in enumerate(topics):
        for name in APPEALING:
            for value, pull in topic["appeals"].get(name, {}).items():
                if f"{name}={value}" in names:
                    B[names.index(f"{name}={value}"), start + t] = pull
    mean = x @ B
    spread = np.sqrt(mean[:, start:].var(axis=0).mean()) or 1.0
    B[:, start:] *= taste * np.sqrt(explained) / spread
    B[0, start:] = rng.normal(scale=0.25 * taste, size=len(topics)) - (x @ B)[:, start:].mean(
        axis=0
    )
    sd = np.concatenate(
        [[eagerness], [kind_sd] * len(KINDS), [taste * np.sqrt(1 - explained)] * len(topics)]
    )
    return Interests(B, sd, x @ B, rng.normal(size=(len(x), len(sd))) * sd)


def draw_habits(
    rng: np.random.Generator,
    members: int,
    issues: int,
    open_rate: float,
    open_spread: float,
    joiners: float,
) -> tuple[Floats, Ints]:
    """How often each member opens, and the first issue that each is sent. Both [n].

    The rates are Beta with mean `open_rate` and concentration `open_spread`. A share `joiners`
    joins within the first three quarters of the issues, the others are there from issue 1.
    """
    rate = rng.beta(open_rate * open_spread, (1 - open_rate) * open_spread, size=members)
    under_way = rng.permutation(members)[: round(joiners * members)]
    joined = np.ones(members, dtype=np.int64)
    joined[under_way] = rng.integers(2, max(3, round(0.75 * issues)), size=len(under_way))
    return rate, joined


def _choose(rng: np.random.Generator, frequencies: dict[str, float], count: int) -> np.ndarray:
    values = list(frequencies)
    p = np.array(list(frequencies.values()), dtype=np.float64)
    return np.array(values, dtype=object)[rng.choice(len(values), size=count, p=p / p.sum())]
