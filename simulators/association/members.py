"""Members: what an association knows of them, and what it does not.

It knows attributes, which have realistic joint frequencies. Hidden are interests, which attributes
explain only in part, and how often each member opens a newsletter.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bandit.core.types import KINDS, Floats, Ints
from simulators.association.pools.catalogue import Catalogue

FIRST_ID = 100_001
TICKED = 3  # boxes that a member ticks at sign-up, where there are any


def draw_attributes(
    rng: np.random.Generator, book: Catalogue, count: int, year: int = 2026
) -> pd.DataFrame:
    """A table of `count` members: `member` (id) and the attributes that an association knows.

    They have the catalogue's frequencies. Nobody has been a member for longer than its `longest`,
    counted back from `year`.
    """
    first, *others = book.attributes
    found = {first: _choose(rng, book.attributes[first], count)}
    found |= {name: np.empty(count, dtype=object) for name in book.dependent}
    for value in book.attributes[first]:
        rows = np.flatnonzero(found[first] == value)
        for name in reversed(book.dependent):
            found[name][rows] = _choose(rng, book.dependent[name][value], len(rows))
    found |= {name: _choose(rng, book.attributes[name], count) for name in others}
    names = [*book.attributes, *book.dependent]
    table = pd.DataFrame({name: found[name] for name in names}).astype("str")
    table.insert(0, "member", np.arange(FIRST_ID, FIRST_ID + count))
    [(name, years)] = book.longest.items()
    longest = table[name].map(years).to_numpy()
    table["member_since"] = year - np.floor(rng.random(count) * longest).astype(np.int64)
    return table


def tell_attributes(
    rng: np.random.Generator, book: Catalogue, members: pd.DataFrame, interests: Floats, how: str
) -> pd.DataFrame:
    """The member list as the association has it. Regions are always true: editors' rules use them.

    how: "known", all is true; "two", the first two attributes beside the region; "none", the region
        alone; "shuffled", each member has those of another one, the same one for good; "declared",
        all is true, and `topics` names the topics that the member ticked at sign-up
    interests: of the members, over [constant, kinds, tastes], [n, d]
    """
    if how == "declared":
        ticked = pd.Series(_tick_topics(book, interests), index=members.index, dtype="str")
        return members.assign(topics=ticked)
    others = [name for name in members.columns if name not in ("member", "region")]
    if how == "shuffled":
        order, told = rng.permutation(len(members)), members.copy()
        told[others] = members[others].iloc[order].set_axis(members.index)
        return told
    return members.drop(columns=others[{"none": 0, "two": 2}.get(how, len(others)) :])


def _tick_topics(book: Catalogue, interests: Floats) -> list[str]:
    """The topics that each member likes most, as tags [n]; nobody errs in ticking a box."""
    groups = interests[:, 1 + len(KINDS) :] @ book.lay_out().T
    topic = np.array([t for t, _ in book.groups])
    pull = np.column_stack([groups[:, topic == t].mean(axis=1) for t in range(len(book.topics))])
    names = [part.name for part in book.topics]
    best = np.argsort(-pull, axis=1, kind="stable")[:, :TICKED]
    return ["; ".join(names[t] for t in row) for row in best]


@dataclass(frozen=True)
class Interests:
    """The interests of n members, vectors over [constant, kinds, tastes], in logits.

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

    def list_hyperparameters(
        self, base: float, quality_sd: float, examine: Floats
    ) -> dict[str, Floats]:
        """B [p, d] and interest_variance [d], with what is known of articles and slots.

        base: is added to B's constant, logits
        quality_sd: of articles' appeal, logits; its square is quality_variance [1]
        examine: [k], the chance that each slot is looked at
        """
        B = self.B.copy()
        B[0, 0] += base
        variances = {"interest_variance": self.sd**2, "quality_variance": np.array([quality_sd**2])}
        return {"B": B, **variances, "examine": examine}


def draw_interests(
    rng: np.random.Generator,
    book: Catalogue,
    x: Floats,
    names: list[str],
    taste: float,
    explained: float,
    eagerness: float,
    kind_sd: float,
) -> Interests:
    """The interests of members with features x [n, p], whose columns have the names `names`.

    book: the catalogue, whose tastes they have
    taste: standard deviation over members of an article's pull, in logits
    explained: share of its variance that comes from attributes
    eagerness: standard deviation of a member's readiness to click at all, in logits
    kind_sd: standard deviation of the pull of events and of resources, in logits
    """
    share = np.sqrt(book.weigh_tastes())
    start = 1 + len(KINDS)
    B = np.zeros((len(names), start + len(share)))
    for t, branch in enumerate(book.branches):
        for name, pulls in branch.appeals.items():
            for value, pull in pulls.items():
                if f"{name}={value}" in names:
                    B[names.index(f"{name}={value}"), start + t] = pull
    alone = (x @ B)[:, start:] @ book.lay_out().T  # the pull of an article of one group alone
    spread = np.sqrt(alone.var(axis=0).mean()) or 1.0
    B[:, start:] *= taste * np.sqrt(explained) / spread
    B[0, start:] = rng.normal(scale=0.25 * taste * share) - (x @ B)[:, start:].mean(axis=0)
    sd = np.concatenate(
        [[eagerness], [kind_sd] * len(KINDS), taste * np.sqrt(1 - explained) * share]
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
