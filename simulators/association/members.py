"""Members: attributes with realistic joint frequencies, and the hidden interests that attributes explain only partly."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bandit.core.types import Floats
from bandit.features.features import KINDS
from simulators.association.articles import catalogue

FIRST_ID = 100_001
APPEALING = (
    "member_type",
    "practice_area",
    "career_stage",
)  # region moves no interest: a segment may not know that


def attributes(rng: np.random.Generator, count: int, year: int = 2026) -> pd.DataFrame:
    """`count` members: id and the attributes an association knows."""
    book = catalogue()["attributes"]
    types = _choice(rng, book["member_type"], count)
    stages, areas = np.empty(count, dtype=object), np.empty(count, dtype=object)
    for value in book["member_type"]:
        rows = np.flatnonzero(types == value)
        stages[rows] = _choice(rng, book["career_stage_by_type"][value], len(rows))
        areas[rows] = _choice(rng, book["practice_area_by_type"][value], len(rows))
    longest = (
        pd.Series(stages)
        .map({"student": 3, "early": 8, "mid": 18, "senior": 30, "retired": 40})
        .to_numpy()
    )
    return pd.DataFrame(
        {
            "member": np.arange(FIRST_ID, FIRST_ID + count),
            "member_type": types,
            "region": _choice(rng, book["region"], count),
            "practice_area": areas,
            "career_stage": stages,
            "member_since": year - np.floor(rng.random(count) * longest).astype(np.int64),
        }
    ).astype(dict.fromkeys(("member_type", "region", "practice_area", "career_stage"), "str"))


@dataclass(frozen=True)
class Interests:
    """Member i's interest vector is Normal(x_i B, diag(sd^2)) over [constant, kinds, topics]: B [p, d], sd [d].

    mean [n, d] is x_i B, personal [n, d] the draw around it; their sum decides the clicks.
    """

    B: Floats
    sd: Floats
    mean: Floats
    personal: Floats

    @property
    def all(self) -> Floats:
        return self.mean + self.personal


def interests(
    rng: np.random.Generator,
    x: Floats,
    names: list[str],
    taste: float,
    explained: float,
    eagerness: float,
    kind_sd: float,
) -> Interests:
    """Draw interests for members with features x [n, p], named `names`.

    taste: sd over members of a topic's pull, in logits; a share `explained` of its variance comes from attributes.
    eagerness: sd of a member's general readiness to click; kind_sd: of the pull of events and resources.
    """
    topics = catalogue()["topics"]
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


def _choice(rng: np.random.Generator, frequencies: dict[str, float], count: int) -> np.ndarray:
    values = list(frequencies)
    p = np.array(list(frequencies.values()), dtype=np.float64)
    return np.array(values, dtype=object)[rng.choice(len(values), size=count, p=p / p.sum())]
