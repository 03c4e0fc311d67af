"""How a title becomes numbers that can tell how well it will be clicked.

What an article is about says which members will like it; how its title is put says how many will.
The columns are three kinds of marks: style (length, sentences, questions, numbers, whom it speaks
of), the commonest words of the archive, and the title's word vectors, for all other words. Open
this file for what is read; what the columns are worth is learned from clicks
(`bandit/models/promise.py`), and docs/findings.md tells how they were chosen.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bandit.core import check, exact
from bandit.core.types import Floats
from bandit.features.text import Encoder, StaticEncoder, check_encoder, encode

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[$%#?!.,:;\"*()…-]")  # words, and what stands between them
SENTENCE = re.compile(r"(?<=[.!?…])[\"')]*\s+")
STRAIGHT = str.maketrans("\u2019\u2018\u201c\u201d\u2013\u2014", "''\"\"--")  # curly to plain
SHARES = {"style": 0.2, "words": 0.6, "vectors": 0.2}  # of the variance of a title's columns
REACH = 6.0  # a style column ends at so many standard deviations: one odd title must not rule

# name of a flag -> what switches it on, in the title with straight quotes
MARKS = {
    "question": r"\?",
    "ends with a question": r"\?\W*$",
    "exclamation": r"!",
    "ellipsis": r"\.\.\.|…",
    "ends with a full stop": r"\.\W*$",
    "quotation": r"\"|(?:^|\s)'",
    "bracket": r"\(",
    "colon": r":",
    "dash": r"\s-|--",
    "comma": r",",
    "star or hash": r"[*#]",
    "number": r"\d",
    "starts with a number": r"^\W*\d",
    "money or per cent": r"[$£€%]",
    "word in capitals": r"\b(?-i:[A-Z]{3,})\b",
    "I": r"\b(?:i|i'm|i've|i'd|i'll|my|me)\b",
    "you": r"\byou",
    "we": r"\b(?:we|our|us|we're|we've)\b",
    "he": r"\b(?:he|his|him|he's|man|guy|boy|dad|father)\b",
    "she": r"\b(?:she|her|she's|woman|girl|lady|mom|mother)\b",
    "they": r"\b(?:they|their|them|they're|they've)\b",
    "this": r"\bthis\b",
    "these": r"\b(?:these|those)\b",
    "that": r"\bthat\b",
    "here": r"\bhere\b",
    "it": r"\b(?:it|its|it's)\b",
    "why": r"\bwhy\b",
    "how": r"\bhow\b",
    "what": r"\bwhat\b",
    "who": r"\bwho\b",
    "when": r"\b(?:when|then|until|before|after)\b",
    "meet": r"\bmeet\b",
    "watch": r"\b(?:watch|see|look|listen)\b",
    "medium": r"\b(?:video|ad|photos?|map|song|speech|chart|cartoon|movie|clip|podcast|report)\b",
    "negation": r"\b(?:not|no|never|nothing)\b|n't\b",
    "hedge": r"\b(?:maybe|might|could|seems?|probably|kinda|pretty|actually|basically)\b",
    "superlative": r"\b(?:best|worst|most|ever|every|all|only)\b",
    "link": r"\b(?:but|so|and|because|if)\b",
    "thing": r"\b(?:some|any|every)?things?\b|\b(?:some|any|every)one\b",
    "starts with this": r"^\W*this\b",
    "starts with a question word": r"^\W*(?:why|how|what|who|when|where)\b",
    "starts with if": r"^\W*if\b",
    "starts with an article": r"^\W*(?:a|an|the)\b",
    "starts with a person": r"^\W*(?:he|she|they|his|her|their)\b",
    "starts with you": r"^\W*your?\b",
}
PATTERNS = [re.compile(pattern, re.IGNORECASE) for pattern in MARKS.values()]
MEASURES = (
    "log words",
    "log words squared",
    "log characters",
    "characters a word",
    "sentences",
    "two sentences",
    "three sentences",
    "log words of the first sentence",
    "log words of the last sentence",
    "share of words with a capital",
    "mostly small letters",
    "share of short words",
)


def split(title: str) -> list[str]:
    """The title's words in small letters, and its punctuation marks."""
    return WORD.findall(title.translate(STRAIGHT).lower())


def measure_style(title: str) -> list[float]:
    """The flags of MARKS and the numbers of MEASURES, before any scaling."""
    text = title.translate(STRAIGHT).strip()
    words = [word for word in WORD.findall(text) if word[0].isalnum()]
    count = max(len(words), 1)
    sentences = [part for part in SENTENCE.split(text) if part] or [""]
    ends = [
        sum(word[0].isalnum() for word in WORD.findall(part))
        for part in (sentences[0], sentences[-1])
    ]
    capitals = sum(word[0].isupper() for word in words) / count
    length = np.log(count)
    return [
        *(float(pattern.search(text) is not None) for pattern in PATTERNS),
        length,
        length**2,
        np.log(max(len(text), 1)),
        len(text) / count,
        float(len(sentences)),
        float(len(sentences) >= 2),
        float(len(sentences) >= 3),
        *np.log1p(ends),
        capitals,
        float(capitals < 0.6),
        sum(len(word) <= 3 for word in words) / count,
    ]


@dataclass(frozen=True)
class HeadlineReader:
    """Reads titles into columns. Most callers use `HeadlineReader.fit` or `restore`.

    Over the archive the columns have mean 0, and their variances sum to 1, so that a prior variance
    v of every column's weight is the variance of what titles promise.

    words: the archive's commonest words, a column each
    centre: [d], subtracted from the raw columns
    scale: [d], then multiplied by
    encoder: turns titles into vectors
    """

    words: tuple[str, ...]
    centre: Floats
    scale: Floats
    encoder: Encoder = field(default_factory=StaticEncoder)

    @classmethod
    def fit(
        cls, archive: Sequence[str], words: int = 400, encoder: Encoder | None = None
    ) -> "HeadlineReader":
        """Take words and scales from past titles. Clicks are not needed.

        archive: past titles, at least two different ones
        words: how many of the commonest words have a column; more tell more where there are
            thousands of titles with known clicks, and cost more to learn where there are few
        encoder: turns titles into vectors (default: `StaticEncoder`)

        Raises ValueError for words below 0, and an archive without two different titles.
        """
        check.at_least("words", words, 0)
        if len(set(archive)) < 2:
            raise ValueError(
                f"the archive has {len(set(archive))} different titles; must be at least 2"
            )
        counts = Counter(word for title in archive for word in set(split(title)))
        common = sorted(counts, key=lambda word: (-counts[word], word))[:words]
        encoder = encoder or StaticEncoder()
        sizes = (len(MARKS) + len(MEASURES), len(common), encoder.dim)
        blank = cls(tuple(common), np.zeros(sum(sizes)), np.ones(sum(sizes)), encoder)
        raw = blank._measure(archive)
        spread = raw.std(axis=0)
        scale = np.zeros(sum(sizes))
        scale[: sizes[0]] = 1 / np.where(spread[: sizes[0]] > 0, spread[: sizes[0]], np.inf)
        scale[sizes[0] :] = 1.0
        parts = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
        for part, share in zip(parts, SHARES.values(), strict=True):
            variance = float(np.square(spread[part] * scale[part]).sum())
            scale[part] *= np.sqrt(share / variance) if variance > 0 else 0.0
        return cls(tuple(common), raw.mean(axis=0), scale, encoder)

    @property
    def names(self) -> list[str]:
        """What each of the d columns stands for."""
        vectors = (f"vector{d}" for d in range(self.encoder.dim))
        return [*MARKS, *MEASURES, *(f"word {word!r}" for word in self.words), *vectors]

    def read(self, titles: Sequence[str]) -> Floats:
        """Columns [m, d] of m titles; a row depends on its own title alone, in every bit."""
        scaled = (self._measure(titles) - self.centre) * self.scale
        style = len(MARKS) + len(MEASURES)
        most = REACH * np.sqrt(SHARES["style"] / style)
        scaled[:, :style] = np.clip(scaled[:, :style], -most, most)
        return exact.snap(scaled)

    def _measure(self, titles: Sequence[str]) -> Floats:
        place = {word: column for column, word in enumerate(self.words)}
        there = np.zeros((len(titles), len(place)))
        for row, title in enumerate(titles):
            there[row, [place[word] for word in split(title) if word in place]] = 1.0
        style = np.array([measure_style(title) for title in titles], dtype=np.float64)
        vectors = encode(self.encoder, titles)
        return np.hstack([style.reshape(len(titles), len(MARKS) + len(MEASURES)), there, vectors])

    def state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """What a bundle keeps: a JSON-ready description and the arrays."""
        described = {"words": list(self.words), "encoder": self.encoder.name}
        return described, {"centre": self.centre, "scale": self.scale}

    @classmethod
    def restore(
        cls,
        described: Mapping[str, Any],
        arrays: Mapping[str, Floats],
        encoder: Encoder | None = None,
    ) -> "HeadlineReader":
        """The inverse of `state`.

        Raises ValueError for another encoder, and arrays that do not fit the words.
        """
        encoder = encoder or StaticEncoder()
        check_encoder("the headlines were read", described["encoder"], encoder)
        words = tuple(described["words"])
        width = (len(MARKS) + len(MEASURES) + len(words) + encoder.dim,)
        for name in ("centre", "scale"):
            check.shape(f"the headlines' {name}", arrays[name], width)
        return cls(words, arrays["centre"], arrays["scale"], encoder)
