"""Which articles tell one story: the same news under two ids, or once more as "Updated: ...".

Two articles tell one story where an editor's column `story` says so. Where it does not say, their
texts decide, as they are read (`bandit.features.clean`), without "Updated:", "Breaking:" and the
like. Words count by how rare they are in the pool. Numbers in the headlines must agree: "(part 2)"
and "(part 3)" are two stories. Then one of these must hold:

- the headlines agree: nearly all words of each are in the other article (`SAME_TITLE`), and the
  whole texts overlap (`OVERLAP`);
- it is told once more by the same source, as the same kind: the texts overlap somewhat (`RETOLD`),
  and what each is about, the words that its headline and its summary share, is in the other
  (`SUBJECT`). A template that two headlines share does not make one story of two subjects.

How often this is right is in docs/reading-text.md. Open this file to change what one story is.
"""

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from bandit.core.columns import Bools, Columns, Floats, Ints, fill_text
from bandit.features.markup import strip_markup

SAME_TITLE = 0.8  # share of a headline's weight that must be in the other article
OVERLAP = 0.5  # weight that both texts have, as a share of what either has (Jaccard)
RETOLD = 0.4  # the same, for one source telling it once more
SUBJECT = 0.8  # share of the weight of an article's subject that must be in the other
SHORT = 3  # words of a headline that is enough where there is no summary
PIECE = 256  # earlier articles that are compared at a time

_NOTE = r"(?:updated?(?: \d+)?|breaking(?: news)?|correct(?:ed|ion)|clarification|revised|reminder)"
_BEFORE = re.compile(rf"^(?:{_NOTE}\s*[:\-]+\s*)+", re.IGNORECASE)
_AFTER = re.compile(rf"\s*[(\[]{_NOTE}[)\]]\s*$", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+|(?<=\bpart )\w+|(?<=\bepisode )\w+|(?<=\bchapter )\w+|(?<=\bvolume )\w+")


@dataclass(frozen=True)
class Told:
    """What one article tells, as far as it decides which others tell the same.

    story: the editor's own id of its story, "" where there is none
    title: words of the headline, without notes such as "Updated:"
    words: those of the whole text
    subject: those of the headline that come again in the summary
    bare: there is no summary to compare
    numbers: of the headline, in the order they come in
    desk: source and kind
    """

    story: str
    title: frozenset[str]
    words: frozenset[str]
    subject: frozenset[str]
    bare: bool
    numbers: tuple[str, ...]
    desk: tuple[str, str]


def find_stories(articles: Columns, texts: Sequence[str]) -> Ints:
    """For each of m articles the first one in the pool that tells its story, often itself [m].

    articles: m rows as in `Context`, and perhaps `story`, an editor's own ids of stories; an empty
        one says nothing, and two different ones keep articles apart that would be thought near
    texts: what is read of each, [m]
    Which articles are together depends on the pool alone, not on the order of its rows.
    """
    told = _read(articles, texts)
    return _group(told, Weights(told))


def _group(told: Sequence[Told], weights: "Weights") -> Ints:
    """For each article of a pool the first one that tells its story [m]."""
    first = np.arange(len(told))
    for i, j in np.argwhere(np.triu(weights.find_near(told, told), 1)).tolist():
        if first[i] != first[j] and weights.tell_one_story(told[i], told[j]):
            low, high = sorted((first[i], first[j]))
            first[first == high] = low
    return first


def find_earlier(
    articles: Columns,
    texts: Sequence[str],
    earlier: Columns,
    earlier_texts: Sequence[str],
) -> list[list[Hashable]]:
    """For each of m articles the earlier ones that tell its story by another id, [m].

    What is earlier to one article of a story is so to all that tell it in the pool.

    articles, texts: as for `find_stories`
    earlier, earlier_texts: the same of articles that were sent before, where one may come several
        times; those of the pool are left out
    """
    pool = set(articles["article"].tolist())
    last = {article: row for row, article in enumerate(earlier["article"].tolist())}
    rows = sorted(row for article, row in last.items() if article not in pool)
    found: list[list[Hashable]] = [[] for _ in range(len(articles))]
    if not rows:
        return found
    past = earlier.take(rows)
    told, before = _read(articles, texts), _read(past, [earlier_texts[row] for row in rows])
    ids = past["article"].tolist()
    weights = Weights(told)
    for at in range(0, len(before), PIECE):
        piece = before[at : at + PIECE]
        for i, j in np.argwhere(weights.find_near(told, piece)).tolist():
            if weights.tell_one_story(told[i], piece[j]):
                found[i].append(ids[at + j])
    first = _group(told, weights)
    together: dict[int, dict[Hashable, None]] = {}
    for story, own in zip(first.tolist(), found, strict=True):
        together.setdefault(story, {}).update(dict.fromkeys(own))
    return [list(together[story]) for story in first.tolist()]


def share_seen(seen: Bools, stories: Ints) -> Bools:
    """Who has seen each article's story [n, m], of who has seen each article [n, m].

    stories: [m], as `find_stories` gives them
    """
    shared = seen
    for story in np.flatnonzero(np.bincount(stories) > 1) if np.count_nonzero(seen) else ():
        if shared is seen:
            shared = seen.copy()
        group = np.flatnonzero(stories == story)
        shared[:, group] = seen[:, group].any(axis=1, keepdims=True)
    return shared


def _read(articles: Columns, texts: Iterable[str]) -> list[Told]:
    """What each article tells."""
    named = fill_text(articles["story"]) if "story" in articles else [""] * len(articles)
    stories = [story.strip() for story in named]
    columns = [articles[name].tolist() for name in ("title", "source", "kind")]
    rows = zip(stories, texts, *columns, strict=True)
    return [_tell(*row) for row in rows]


@lru_cache(maxsize=1 << 14)
def _tell(story: str, text: str, title: str, source: str, kind: str) -> Told:
    """What one article tells; its text is as it is read, its title as it comes."""
    headline = _AFTER.sub("", _BEFORE.sub("", strip_markup(title))).casefold()
    named = frozenset(_WORD.findall(headline))
    counts = Counter(_WORD.findall(_BEFORE.sub("", text).casefold()))
    return Told(
        story,
        named,
        named.union(counts),
        frozenset(word for word in named if counts[word] > 1),
        named.issuperset(counts),
        tuple(sorted(_NUMBER.findall(headline))),
        (source, kind),
    )


class Weights:
    """How much each word says: more, the fewer articles of the pool have it.

    In hundredths, as whole numbers: sums have the same bits in any order.

    told: the pool's articles
    """

    def __init__(self, told: Sequence[Told]) -> None:
        count = Counter(word for each in told for word in each.words)
        self._weight = {w: round(100 * math.log1p(len(told) / many)) for w, many in count.items()}
        self._rarest = round(100 * math.log1p(len(told)))  # of a word that the pool does not have

    def add(self, words: Iterable[str]) -> int:
        """The weight of some words together."""
        return sum(self._weight.get(word, self._rarest) for word in words)

    def find_near(self, some: Sequence[Told], others: Sequence[Told]) -> Bools:
        """Whether two articles' texts are near enough to be looked at closely [some, others].

        some: articles of the pool
        """
        words = self._weight.keys() & frozenset[str]().union(*(each.words for each in others))
        place = {word: column for column, word in enumerate(sorted(words))}
        left, right = _mark(some, place), _mark(others, place)
        weight = np.array([self._weight[word] for word in place], dtype=np.float64)
        both = (left * weight) @ right.T
        own = np.array([self.add(each.words) for each in some], dtype=np.float64)
        count = np.array([len(each.words) for each in others], dtype=np.float64)
        # whole numbers: each word as if the pool had it not, and those that it has put right
        theirs = self._rarest * count + right @ (weight - self._rarest)
        least = np.minimum(own[:, None], theirs)
        either = own[:, None] + theirs - both
        near = np.asarray(both >= RETOLD * either)
        for i, j in np.argwhere(both >= RETOLD * least).tolist():
            near[i, j] |= some[i].bare or others[j].bare
        for i, j in product(*map(_list_named, (some, others))):
            near[i, j] |= some[i].story == others[j].story
        return near

    def tell_one_story(self, one: Told, other: Told) -> bool:
        """Whether two articles tell one story."""
        if one.story and other.story:
            return one.story == other.story
        if one.numbers != other.numbers:
            return False
        both = self.add(one.words & other.words)
        overlap = both / max(1, self.add(one.words | other.words))
        if self._holds(one.title, other, SAME_TITLE) and self._holds(other.title, one, SAME_TITLE):
            bare = (one.bare or other.bare) and min(len(one.title), len(other.title)) >= SHORT
            return bare or overlap >= OVERLAP
        return (
            one.desk == other.desk
            and overlap >= RETOLD
            and self._holds(one.subject, other, SUBJECT)
            and self._holds(other.subject, one, SUBJECT)
        )

    def _holds(self, words: frozenset[str], other: Told, share: float) -> bool:
        """Whether an article has some words, or this share of their weight; False for no words."""
        return bool(words) and self.add(words & other.words) >= share * self.add(words)


def _list_named(told: Sequence[Told]) -> list[int]:
    """Which articles have an editor's id of their story."""
    return [place for place, each in enumerate(told) if each.story]


def _mark(told: Sequence[Told], place: Mapping[str, int]) -> Floats:
    """Which words each article has [len(told), words], as 0 and 1."""
    marked = np.zeros((len(told), len(place)))
    for row, each in zip(marked, told, strict=True):
        row[[place[word] for word in each.words if word in place]] = 1.0
    return marked
