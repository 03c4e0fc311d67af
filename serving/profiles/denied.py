"""Topics and attributes that are told of nobody, whatever was learned.

Open this file to see what a deny-list looks like, and what it leaves out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bandit.core.told import name_nearest
from bandit.core.types import Bools, Floats, Ints
from bandit.features.features import Features
from bandit.log.words import NAMED, take_topics
from serving.checks.names import name_plainly
from serving.errors import shorten
from serving.settings import read_settings

NOTE = (
    "What a topic says: articles on it pull a member more or less than they pull others. It does "
    "not say why. Nobody's health, faith, politics, sexuality, union membership or money may be "
    "inferred from it, about the member or anybody near: who reads on diabetes may treat it, teach "
    "it or have a friend who has it. Do not decide on dues, credit, care or employment by it, and "
    "do not hand it on."
)


@dataclass(frozen=True)
class Denied:
    """What is left out of every output.

    topics: places of topics among the features' names
    attributes: names of members' attributes
    """

    topics: frozenset[int] = field(default_factory=frozenset)
    attributes: frozenset[str] = field(default_factory=frozenset)

    def list_told(self, features: Features) -> Ints:
        """The places of the topics that are told."""
        places = [at for at in range(len(features.names)) if at not in self.topics]
        return np.array(places, dtype=np.int64)

    def find_articles(self, features: Features, article_features: Floats) -> Bools:
        """Which articles have something of a topic that is not told [m]."""
        denied = sorted(self.topics)
        amounts = take_topics(features, article_features)[:, denied]
        return np.asarray((amounts >= NAMED).any(axis=1))


def read_denied(
    features: Features, words: Sequence[str] = (), path: str | Path | None = None
) -> Denied:
    """What the words of a command line, and a file, leave out.

    words: each is a topic's whole name, a word of it, or the name of an attribute
    path: a yaml with the settings `topics` and `attributes`, each a list of such words

    Raises ValueError for a word that is neither, with the nearest: it would deny nothing.
    """
    asked = [("--deny", word, True, True) for word in words]
    if path is not None:
        given, _ = read_settings(path, "topics: [vaccines]")
        for name, values in given.items():
            if name not in (settings := ("topics", "attributes")):
                raise ValueError(
                    f"{path}: {name} = {shorten(values)}: there is no such setting"
                    f"{name_nearest(name, settings)}"
                )
            if not isinstance(values, list):
                raise ValueError(f"{path}: {name} = {shorten(values)}; must be a list of words")
            chosen = (name == "topics", name == "attributes")
            asked += [(f"{path}: {name}", str(value), *chosen) for value in values]
    topics: set[int] = set()
    attributes: set[str] = set()
    for where, word, topic, attribute in asked:
        found = _find_topics(features, word) if topic else set()
        same = {name for name in features.attributes.columns if attribute}
        same = {name for name in same if name_plainly(name) == name_plainly(word)}
        if not found and not same:
            known = _list_words(features) if topic else []
            known += features.attributes.columns if attribute else []
            near = name_nearest(word, known)
            kinds = [kind for kind, may in (("topic", topic), ("attribute", attribute)) if may]
            raise ValueError(f"{where}: {shorten(word)} is no {' and no '.join(kinds)}{near}")
        topics |= found
        attributes |= same
    return Denied(frozenset(topics), frozenset(attributes))


def _find_topics(features: Features, word: str) -> set[int]:
    """The topics that have this name, or this word in it."""
    plain = word.casefold().strip()
    return {
        at
        for at, name in enumerate(features.names)
        if plain in (name.casefold(), *(part.strip() for part in name.casefold().split("/")))
    }


def _list_words(features: Features) -> list[str]:
    return [part.strip() for name in features.names for part in name.split("/")]
