"""How members and articles become feature matrices.

`Features` is fitted once on members and archive, then frozen. Open this file for what a policy can
see of an article; what it can see of a member is in `attributes.py`.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from bandit.core import check, exact
from bandit.core.columns import Columns, Tabular
from bandit.core.threads import use_one_thread
from bandit.core.types import KINDS, Bools, Context, Floats, Ints
from bandit.features import clean, stories
from bandit.features.attributes import Attributes
from bandit.features.names import name_topics
from bandit.features.novelty import Novelty
from bandit.features.reader import Reader
from bandit.features.text import Encoder, StaticEncoder, check_encoder, encode
from bandit.features.vocabulary import Vocabulary

if TYPE_CHECKING:  # only `fit` reads pandas tables
    import pandas as pd

    from bandit.core.rules import Rules

WORDS = 1.0  # how much the archive's own words count beside the encoder's vectors, in length
Learned = tuple[Reader, Vocabulary, Novelty, tuple[str, ...]]  # the last are names of topics


@dataclass(frozen=True)
class Features:
    """Reads member attributes, and article texts as topics.

    attributes: reads members
    reader: reads text vectors as topics; None: the encoder's own columns are the features
    vocabulary: counts the archive's own words, beside the encoder's vectors; None: none are counted
    novelty: says how much of a text the archive was not about; None: nothing does
    encoder: turns texts into vectors
    names: a few words for each topic of the reader
    boilerplate: the archive's, which is not read: see `clean.find_boilerplate`
    verbatim: texts are names of something, and are read as they come
    """

    attributes: Attributes
    reader: Reader | None = None
    vocabulary: Vocabulary | None = None
    novelty: Novelty | None = None
    encoder: Encoder = field(default_factory=StaticEncoder)
    names: tuple[str, ...] = ()
    boilerplate: frozenset[str] = frozenset()
    verbatim: bool = False

    @classmethod
    def fit(
        cls,
        members: "pd.DataFrame",
        archive: Sequence[str],
        dims: int = 32,
        encoder: Encoder | None = None,
    ) -> "Features":
        """Take attributes from the members, and topics from the archive.

        members: n rows, column `member` and the attributes
        archive: past texts as they came, more than `dims` different ones that can be read
        dims: columns to read a text as; more tell articles apart better and cost more to learn
        encoder: turns texts into vectors (default: the word vectors of `StaticEncoder`)

        Raises ValueError as `Attributes.fit` does, and for dims below 1 or as many as texts.
        """
        check.whole("text dims", dims, 1)
        more = f"{dims} text dimensions need more"
        if len(archive) <= dims:
            raise ValueError(f"the archive has {len(archive)} texts; {more}")
        encoder, attributes = encoder or StaticEncoder(), Attributes.fit(members)
        texts = [text for text in clean.clean_texts(archive) if text]
        if len(set(texts)) <= dims:
            different = f"{len(set(texts))} different texts that can be read"
            raise ValueError(f"the archive has {different}; {more}")
        with use_one_thread():  # the last bits depend on the number of threads
            content = encode(encoder, texts).tobytes()
            reader, vocabulary, novelty, names = _learn(tuple(texts), content, dims)
        boilerplate = clean.find_boilerplate(archive)
        return cls(attributes, reader, vocabulary, novelty, encoder, names, boilerplate)

    @property
    def member_names(self) -> list[str]:
        """What each of the p columns of `members` stands for."""
        return self.attributes.names

    @property
    def text_dims(self) -> int:
        """Columns that a text is read as; the first of them are the topics that have `names`."""
        return self.reader.dims if self.reader else self.encoder.dim

    @property
    def article_names(self) -> list[str]:
        """What each of the q columns of `articles` stands for."""
        texts = [f"text{d}" for d in range(self.text_dims)]
        return ["constant", *(f"kind={kind}" for kind in KINDS), *texts]

    @property
    def version(self) -> str:
        """What identifies all that features follow from; only it can use what it taught."""
        content = [json.dumps(self._describe(), sort_keys=True).encode()]
        content += [array.tobytes() for _, array in sorted(self._list_arrays().items())]
        return sha256(b"\0".join(content)).hexdigest()[:16]

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """How much each text has of each topic, and what refines it, [len(texts), text_dims].

        A text of which the encoder knows nothing is average: its columns are 0.
        """
        vectors, some = self._embed(texts), np.array([bool(text) for text in texts], dtype=bool)
        known = some & vectors[:, : self.encoder.dim].any(axis=1)
        columns = self.reader.read(vectors) if self.reader else exact.snap(vectors)
        return np.where(known[:, None], columns, 0.0)

    def encode_members(self, members: Tabular) -> Floats:
        """Member features [n, p]: see `Attributes.encode`."""
        return self.attributes.encode(members)

    def find_unread(self, articles: Tabular) -> dict[str, str]:
        """Article -> why its text says nothing and counts as average, for the sender to report.

        articles: m rows, columns `article`, title and summary
        """
        articles = Columns.read(articles)
        texts = self._read(articles)
        known = np.asarray(encode(self.encoder, texts).any(axis=1)).tolist()
        return {
            str(article): "its language is hardly known" if text else clean.UNREAD
            for article, text, knows in zip(articles["article"], texts, known, strict=True)
            if not (text and knows)
        }

    def measure_unread(self, articles: Tabular) -> Floats:
        """How much of each article's text the archive was not about, 0 to 1, [m].

        NaN where there is nothing to read, or no reader. `Novelty.usual` says what to expect.
        """
        vectors = encode(self.encoder, self._read(Columns.read(articles)))
        known = vectors.any(axis=1) & (self.novelty is not None)
        return np.where(known, self.novelty.measure(vectors) if self.novelty else 0.0, np.nan)

    def _embed(self, texts: Sequence[str]) -> Floats:
        """The encoder's vectors of m texts, and what the vocabulary counts beside them [m, dim]."""
        vectors = encode(self.encoder, texts)
        return np.hstack([vectors, self.vocabulary.read(texts)]) if self.vocabulary else vectors

    def _read(self, articles: Columns) -> list[str]:
        """What is read of each article, [m]; "" where there is nothing to read."""
        if self.verbatim:
            return clean.join_texts(articles)
        return clean.read_texts(articles, self.boilerplate)

    def encode_articles(self, articles: Tabular) -> Floats:
        """Article features [m, q].

        articles: m rows, columns `article`, title, summary and kind

        Raises ValueError for a title or summary that is not text, and for an empty title.
        """
        articles = Columns.read(articles)
        clean.check_texts(articles)
        kinds = articles["kind"][:, None] == np.array(KINDS, dtype=object)
        text = self.encode_texts(self._read(articles))
        return np.hstack([np.ones((len(articles), 1)), kinds.astype(np.float64), text])

    def find_stories(self, articles: Tabular) -> Ints:
        """For each article the first one that tells its story [m]: see `stories.find_stories`.

        Names, which are read `verbatim`, tell no story.
        """
        articles = Columns.read(articles)
        each = np.arange(len(articles))
        return each if self.verbatim else stories.find_stories(articles, self._read(articles))

    def find_earlier(self, articles: Tabular, pools: Sequence[Tabular]) -> list[list[Hashable]]:
        """For each article the ids by which its story was told before: `stories.find_earlier`.

        pools: of the issues before, the latest one last
        """
        articles, sent = Columns.read(articles), [Columns.read(pool) for pool in pools]
        past = Columns.stack(sent)
        if self.verbatim or not len(past):
            return [[] for _ in range(len(articles))]
        texts = [text for pool in sent for text in self._read(pool)]
        return stories.find_earlier(articles, self._read(articles), past, texts)

    def make_context(
        self,
        campaign: str,
        issue: int,
        members: Tabular,
        articles: Tabular,
        rules: "Rules",
        eligible: Bools | None = None,
        seen: Bools | None = None,
        article_features: Floats | None = None,
        member_features: Floats | None = None,
        told: Ints | None = None,
    ) -> Context:
        """A checked `Context` of one issue; what its parts mean is said there.

        eligible: [n, m] (default: everything)
        seen: [n, m] (default: nothing); who saw an article has seen all that tell its story
        article_features, member_features: [m, q] and [n, p], where they are already at hand
        told: [m], what `find_stories` gives, where it is already at hand

        Raises ValueError naming what is wrong with the member list or the pool.
        """
        members, articles = Columns.read(members), Columns.read(articles)
        shape = (len(members), len(articles))
        if not len(members):
            raise ValueError("the member list is empty")
        check.columns("pool", articles, ["article", "title", "summary", "kind", "source"])
        if member_features is None:
            member_features = self.encode_members(members)
        if article_features is None:
            article_features = self.encode_articles(articles)
        told = self.find_stories(articles) if told is None else told
        return Context(
            campaign=campaign,
            issue=issue,
            members=members,
            articles=articles,
            member_features=member_features,
            article_features=article_features,
            eligible=np.ones(shape, dtype=bool) if eligible is None else eligible,
            seen=np.zeros(shape, dtype=bool) if seen is None else stories.share_seen(seen, told),
            rules=rules,
            stories=told,
        )

    def state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """What a bundle keeps: a JSON-ready description and the arrays."""
        return self._describe() | {"reader": self.version}, self._list_arrays()

    def _describe(self) -> dict[str, Any]:
        return self.attributes.state() | {
            "encoder": self.encoder.name,
            "names": list(self.names),
            "boilerplate": sorted(self.boilerplate),
            "verbatim": self.verbatim,
            "words": list(self.vocabulary.words) if self.vocabulary else [],
        }

    def _list_arrays(self) -> dict[str, Floats]:
        parts = (self.reader, self.vocabulary, self.novelty)
        return {name: array for part in parts if part for name, array in part.state().items()}

    @classmethod
    def restore(
        cls,
        described: Mapping[str, Any],
        arrays: Mapping[str, Floats],
        encoder: Encoder | None = None,
    ) -> "Features":
        """The inverse of `state`.

        Raises ValueError if the encoder is not the one that the reader was fitted with, or if the
        arrays are not those of the reader that is described.
        """
        encoder = encoder or StaticEncoder()
        check_encoder("the bundle was made", described["encoder"], encoder)
        counted = Vocabulary.restore(described["words"], arrays) if arrays else None
        width = encoder.dim + (counted.components.shape[1] if counted else 0)
        restored = cls(
            Attributes.restore(described),
            Reader.restore(arrays, width) if arrays else None,
            counted,
            Novelty.restore(arrays, encoder.dim) if arrays else None,
            encoder,
            tuple(described["names"]),
            frozenset(described["boilerplate"]),
            described["verbatim"],
        )
        if restored.version != described["reader"]:
            got = f"what is described and its arrays are version {restored.version}"
            raise ValueError(f"{got}; must be {described['reader']!r}")
        return restored


@lru_cache(maxsize=8)  # associations of one seed have one archive, whatever else they differ in
def _learn(texts: tuple[str, ...], content: bytes, dims: int) -> Learned:
    """What `Features.fit` learns of n texts and the bytes of their vectors."""
    vectors = np.frombuffer(content).reshape(len(texts), -1).copy()
    length = float(np.sqrt(np.square(vectors - vectors.mean(axis=0)).sum(axis=1).mean()))
    vocabulary = Vocabulary.fit(texts, WORDS * length)
    both = np.hstack([vectors, vocabulary.read(texts)])
    reader, novelty = Reader.fit(both, dims), Novelty.fit(vectors)
    names = name_topics(texts, reader.read(both)[:, : reader.topic_count])
    return reader, vocabulary, novelty, tuple(names)
