"""The catalogues: what an association writes about, and who its members are.

A catalogue is a YAML file beside this module. Its topics are a list, or they lie on a tree: fields
hold topics, and topics hold groups of subjects. Tastes follow: of a list, members like or dislike
each topic; of a tree, each field, each topic and each group, so that they like neighbours alike.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).parent
CATALOGUES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
# Every catalogue can write these. `Campaign` and `Press` ask for ads and sessions by name.
ALL_KINDS = ("article", "event", "resource", "ad", "session")

Share = Annotated[float, Field(ge=0, le=1)]
Frequencies = Annotated[dict[str, Share], Field(min_length=1)]
Phrases = Annotated[list[str], Field(min_length=1)]
Appeals = dict[str, dict[str, float]]  # attribute -> value -> pull, before all are scaled


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Group(_Part):
    """Subjects that belong together, as noun phrases, and what was found out about them.

    In YAML, `subjects` may give each subject its own finding.
    """

    name: str
    subjects: Annotated[list[str], Field(min_length=2)]
    findings: Phrases

    @model_validator(mode="before")
    @classmethod
    def _split_pairs(cls, given: dict[str, Any]) -> dict[str, Any]:
        pairs = given.get("subjects")
        if not isinstance(pairs, dict):
            return given
        return given | {"subjects": list(pairs), "findings": list(pairs.values())}


class Branch(_Part):
    """A field: its name, and what attributes add to the pull of all its topics."""

    name: str
    appeals: Appeals = {}


class Topic(Branch):
    """A topic of a field ("" in a list of topics), and its groups; in a list it has just one."""

    field: str = ""
    groups: Annotated[list[Group], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _make_one_group(cls, given: dict[str, Any]) -> dict[str, Any]:
        if "groups" in given:
            return given
        parts = {part: given[part] for part in ("subjects", "findings") if part in given}
        rest = {name: value for name, value in given.items() if name not in parts}
        return rest | {"groups": [parts | {"name": given.get("name", "")}]}


class Kind(_Part):
    """A kind of article: its relative share of a pool, and the templates that it is written in.

    claims are headlines that tell the finding; then a summary is one of the follow_ups.
    """

    share: Share
    headlines: Phrases
    summaries: Phrases
    claims: list[str] = []
    follow_ups: list[str] = []


class Shares(_Part):
    """How the variance of an article's pull on members is divided; together 1."""

    field: Share
    topic: Share
    group: Share

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if abs(self.field + self.topic + self.group - 1) > 1e-9:
            raise ValueError(f"shares sum to {self.field + self.topic + self.group}; must be 1")
        return self


class Mixtures(_Part):
    """Which groups an article mixes.

    groups: chances that it touches one group, two, and so on
    concentration: of the Dirichlet distribution of their weights; higher makes them more equal
    same_topic: chance that a further group is of the main group's topic
    same_field: chance that it is of another topic in the same field; otherwise it may be any
    """

    groups: Annotated[list[Share], Field(min_length=1)]
    concentration: Annotated[float, Field(gt=0)]
    same_topic: Share
    same_field: Share


class Asides(_Part):
    """Templates of what a summary says of a further group: of a heavy one, and of a light one."""

    long: Phrases
    short: Phrases


class Catalogue(_Part):
    """What articles are composed of, and how often members have which attributes.

    topics: at least 2, by whom they are liked, and their phrases
    fields, shares, mixtures, asides: of a tree; a list of topics has none of the four
    attributes: attribute -> value -> share; `region`, whose values are the chapters, is one
    dependent: attribute -> value of the first of `attributes` -> value -> share
    longest: one attribute -> value -> years of membership at most
    kinds: the kinds of articles, those of `ALL_KINDS`
    sources, places: names that templates may mention

    Raises ValueError (pydantic's) naming the part that is missing or cannot be.
    """

    topics: Annotated[list[Topic], Field(min_length=2)]
    fields: list[Branch] = []
    shares: Shares | None = None
    mixtures: Mixtures | None = None
    asides: Asides | None = None
    attributes: Annotated[dict[str, Frequencies], Field(min_length=1)]
    dependent: dict[str, dict[str, Frequencies]] = {}
    longest: Annotated[dict[str, dict[str, int]], Field(min_length=1, max_length=1)]
    kinds: dict[str, Kind]
    sources: Phrases
    places: Phrases

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if tuple(self.kinds) != ALL_KINDS:
            raise ValueError(f"kinds are {', '.join(self.kinds)}; must be {', '.join(ALL_KINDS)}")
        for name, kind in self.kinds.items():
            if bool(kind.claims) != bool(kind.follow_ups):
                raise ValueError(f"kind {name!r} must have claims and follow_ups, or neither")
        tree = [self.shares, self.mixtures, self.asides]
        if any(part is None for part in tree) if self.fields else any(tree):
            raise ValueError("fields, shares, mixtures and asides make a tree: give all, or none")
        known = [field.name for field in self.fields] or [""]
        for topic in self.topics:
            if topic.field not in known:
                raise ValueError(
                    f"topic {topic.name!r} is of field {topic.field!r}; not in {known}"
                )
        self._check_attributes()
        return self

    def _check_attributes(self) -> None:
        if "region" not in self.attributes:
            raise ValueError(f"attributes are {', '.join(self.attributes)}; one must be region")
        first = next(iter(self.attributes))
        for name, tables in self.dependent.items():
            if set(tables) != set(self.attributes[first]):
                raise ValueError(f"{name} must have shares for each {first}; has {list(tables)}")
        values = self.values
        told = [
            (f"appeals of {branch.name!r}", name, pulls.keys())
            for branch in self.branches
            for name, pulls in branch.appeals.items()
        ]
        told += [("longest", name, years.keys()) for name, years in self.longest.items()]
        for what, name, named in told:
            unknown = sorted(named - values.get(name, set()))
            if unknown:
                raise ValueError(f"{what}: no member has {name} {unknown[0]!r}")

    @property
    def values(self) -> dict[str, set[str]]:
        """The values that each attribute may have."""
        plain = {name: set(shares) for name, shares in self.attributes.items()}
        return plain | {
            name: {value for shares in tables.values() for value in shares}
            for name, tables in self.dependent.items()
        }

    @property
    def branches(self) -> list[Branch]:
        """What has a pull of its own that attributes may move: fields, if any, and topics."""
        return [*self.fields, *self.topics]

    @property
    def groups(self) -> list[tuple[int, Group]]:
        """All groups, each with the number of its topic."""
        return [(t, group) for t, topic in enumerate(self.topics) for group in topic.groups]

    def weigh_tastes(self) -> NDArray[np.float64]:
        """The share of each taste [c] in the variance of an article's pull.

        Tastes are those for topics or, of a tree, for fields, then topics, then groups.
        """
        if self.shares is None:
            return np.ones(len(self.topics))
        counts = (len(self.fields), len(self.topics), len(self.groups))
        shares = (self.shares.field, self.shares.topic, self.shares.group)
        return np.repeat(np.array(shares, dtype=np.float64), counts)

    def lay_out(self) -> NDArray[np.float64]:
        """Which tastes an article of one group alone appeals to [groups, c]: 1 or 0."""
        topic = np.eye(len(self.topics))[[t for t, _ in self.groups]]
        if self.shares is None:
            return topic
        names = [field.name for field in self.fields]
        field = np.eye(len(names))[[names.index(self.topics[t].field) for t, _ in self.groups]]
        return np.hstack([field, topic, np.eye(len(self.groups))])


@cache
def read_catalogue(name: str) -> Catalogue:
    """The catalogue of a name in `CATALOGUES`.

    Raises ValueError for any other name, and for a catalogue that no article can be composed from.
    """
    if name not in CATALOGUES:
        raise ValueError(f"catalogue = {name!r}; choose from {', '.join(CATALOGUES)}")
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return Catalogue.model_validate(yaml.safe_load(text))
