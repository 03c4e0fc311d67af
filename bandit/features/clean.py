"""From the texts of articles as they come to the texts that are read.

Titles and summaries come out of feeds, web pages and spreadsheets, with markup, links, calls to
click, shouting, and sentences that stand under every article. Here is the one way from them to what
an encoder reads; a text that needs no cleaning comes out the same, byte for byte. Open this file to
see what of an article is read, or why one could not be.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain

from bandit.core.columns import Columns, Tabular
from bandit.features.boilerplate import drop_call, drop_repeated, find_repeated
from bandit.features.markup import strip_markup

FEWEST = 3  # letters; fewer, as in "x", say nothing
LONGEST = 100  # words that are read: a text says first what it is about
_BREAK = re.compile(r"(?<=[.!?])\s+|\s+[|\u2022\u00b7]\s+")
_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"\w+")
# why an article counts as average
UNREAD = (
    "its title and summary hold nothing that is read, as markup, links, calls such as 'Read more' "
    f"and texts of fewer than {FEWEST} letters are not; write a summary"
)


def check_texts(articles: Columns) -> None:
    """Raise ValueError naming row and article of a title or summary that is not text.

    articles: m rows, columns `article`, title and summary; a title may not be empty
    """
    for column in ("title", "summary"):
        named = zip(articles["article"].tolist(), articles[column].tolist(), strict=True)
        for row, (article, text) in enumerate(named):
            what = f"pool row {row} (article {article!r}): {column}"
            if not isinstance(text, str):
                raise ValueError(f"{what} = {text!r}; must be text")
            if column == "title" and not text.strip():
                raise ValueError(f"{what} is empty")
            try:
                text.encode()
            except UnicodeEncodeError as error:
                why = error.reason
                raise ValueError(f"{what} = {text!r} is not valid UTF-8: {why}") from None


def join_texts(articles: Tabular) -> list[str]:
    """The text of each of m articles as it comes, [m]: its title, then its summary.

    articles: m rows, columns title and summary
    """
    articles = Columns.read(articles)
    both = zip(articles["title"].tolist(), articles["summary"].tolist(), strict=True)
    return [title + ". " + summary for title, summary in both]


def read_texts(articles: Tabular, boilerplate: Collection[str] = ()) -> list[str]:
    """The text that is read of each of m articles, [m]; "" where there is nothing to read.

    articles: m rows, columns title and summary
    boilerplate: as for `clean_texts`
    """
    return clean_texts(join_texts(articles), boilerplate)


def clean_texts(texts: Sequence[str], boilerplate: Collection[str] = ()) -> list[str]:
    """The texts as they are read, [len(texts)]; "" where there is nothing to read.

    texts: of one pool or one archive; what many of them have in common is left out
    boilerplate: of another one, which is left out too, as `find_boilerplate` names it
    """
    return list(_clean(tuple(texts), frozenset(boilerplate)))


@lru_cache(maxsize=1 << 8)  # the same pool is read for features, for stories, and as a past one
def _clean(texts: tuple[str, ...], boilerplate: frozenset[str]) -> tuple[str, ...]:
    split = [_split(text) for text in texts]
    repeated = find_repeated(split) | boilerplate
    kept = [drop_repeated(sentences, repeated) for sentences in split]
    if any(map(_shouts, chain.from_iterable(kept))):
        usual = _learn_capitals(kept)
        kept = [[_quieten(sentence, usual) for sentence in sentences] for sentences in kept]
    return tuple(map(_join, kept))


def find_boilerplate(texts: Sequence[str]) -> frozenset[str]:
    """Names of the sentences that many of the texts have in common.

    texts: of a pool or an archive, as they come
    """
    return find_repeated([_split(text) for text in texts])


@lru_cache(maxsize=1 << 14)
def _split(text: str) -> tuple[str, ...]:
    """The sentences of a text that are no markup and no calls, the title first."""
    lines = strip_markup(text).split("\n")
    ended = [line if line[-1:] in ".,;:!?" else f"{line}." for line in lines[:-1]]
    sentences = _BREAK.split(" ".join([*ended, lines[-1]]))
    return tuple(left for left in map(drop_call, sentences) if _LETTERS.search(left))


def _join(sentences: Sequence[str]) -> str:
    """One text, of `LONGEST` words at most; "" where it has hardly a letter."""
    words = " ".join(sentences).split(" ", LONGEST)[:LONGEST]
    text = " ".join(words)[: 20 * LONGEST]  # some languages have no spaces
    return text if sum(map(str.isalpha, text)) >= FEWEST else ""


def _shouts(sentence: str) -> bool:
    """Whether most longer words of a sentence, and two at least, are in capitals."""
    longer = [word for word in _LETTERS.findall(sentence) if len(word) > 3]
    loud = [word for word in longer if word.isupper()]
    return len(loud) >= 2 and 2 * len(loud) > len(longer)


def _learn_capitals(texts: Sequence[Sequence[str]]) -> dict[str, str]:
    """Word in small letters -> how texts mostly write it where nothing asks for capitals.

    That is within a sentence that does not shout. Of two that are as usual, the first in order.

    texts: the sentences of each
    """
    written: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in chain.from_iterable(texts):
        if not _shouts(sentence):
            for word in _WORD.findall(sentence)[1:]:
                written[word.lower()][word] += 1
    return {
        word: max(sorted(forms), key=lambda form: forms[form]) for word, forms in written.items()
    }


def _quieten(sentence: str, usual: Mapping[str, str]) -> str:
    """A sentence that shouts, as it is usually written; any other as it is.

    A word that no other text has stays as it is if it has a digit, like the name of a gene.
    """
    if not _shouts(sentence):
        return sentence

    def lower(found: re.Match[str]) -> str:
        word = found[0]
        kept = word if any(map(str.isdigit, word)) else word.lower()
        return usual.get(word.lower(), kept)

    quiet = _WORD.sub(lower, sentence)
    return quiet[:1].upper() + quiet[1:]
