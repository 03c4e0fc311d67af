"""Names for topics, from the words of the texts that have much of them.

A word names a topic when it is common in the topic's texts and rare in the others (class-based
TF-IDF, Grootendorst 2022, eq. 2). Open this file for the words that reports, explanations and
exports show for a topic.
"""

from collections.abc import Sequence

import numpy as np

from bandit.core.columns import Floats

WORDS = 3  # words, or pairs of words, in a name
LEAST = 2  # texts that a word must stand in
PATTERN = r"(?u)\b[^\W\d_][\w'-]*[^\W_]\b"  # two signs or more, the first a letter


def name_topics(texts: Sequence[str], amounts: Floats) -> list[str]:
    """A few words for each topic, [t], such as `influenza vaccination / vaccine`.

    A topic without words of its own, which happens where the archive is tiny, is named by its
    number: `topic 7`. No two names are alike.

    texts: n texts of an archive
    amounts: [n, t], how much each text has of each topic; what is negative counts as nothing
    """
    from sklearn.feature_extraction.text import CountVectorizer  # the sender has no need of it

    reader = CountVectorizer(
        stop_words="english", ngram_range=(1, 2), min_df=LEAST, token_pattern=PATTERN
    )
    try:
        counts = reader.fit_transform(texts)
    except ValueError:  # no word stands in two texts
        return [f"topic {t + 1}" for t in range(amounts.shape[1])]
    words = reader.get_feature_names_out()
    weight = np.square(np.maximum(amounts, 0.0))
    weight = weight / np.maximum(weight.sum(axis=0), 1e-12)
    found = np.asarray((counts.T @ weight).T)  # [t, words], mean counts in the topic's texts
    everywhere = np.asarray(counts.sum(axis=0)).ravel() / len(texts)
    scores = found * np.log1p(found.sum(axis=1).mean() / everywhere)
    names: list[str] = []
    for topic, score in enumerate(np.where(found > everywhere, scores, 0.0)):
        best = [word for word in np.argsort(-score, kind="stable")[:30] if score[word] > 0]
        name = " / ".join(_choose(words[best].tolist()))
        names.append(name if name and name not in names else f"topic {topic + 1}")
    return names


def _choose(best: Sequence[str]) -> list[str]:
    """The first `WORDS` of these that say something new: no word stands in two of them."""
    chosen: list[str] = []
    for words in best:
        parts = {_stem(word) for word in words.split()}
        if not any(parts & {_stem(word) for word in other.split()} for other in chosen):
            chosen.append(words)
        if len(chosen) == WORDS:
            break
    return chosen


def _stem(word: str) -> str:
    """Enough of a word to tell it from others: plural and singular are one."""
    return word[:-1] if word.endswith("s") and len(word) > 3 else word
