"""An archive's own words, counted: what two texts share by name.

Word vectors put synonyms together and blur names; counted words tell names apart and know no
synonyms. A reader of topics sees both. Words are weighted by their rarity (TF-IDF, Sparck Jones
1972) and put on their leading components (latent semantic analysis, Deerwester et al. 1990). Open
this file for what a text says beside its word vectors.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.columns import Floats
from bandit.core.state import require

MOST = 4000  # words, the commonest; a larger archive has no more
LEAST = 2  # texts that a word must stand in
DIMS = 128  # components of the words
PATTERN = r"(?u)\b[^\W\d_]\w+\b"  # two letters or more


@dataclass(frozen=True)
class Vocabulary:
    """Reads a text as k numbers. Most callers use `Vocabulary.fit` or `Vocabulary.restore`.

    words: the v words that are known
    rarity: [v], weight of each
    components: [v, k], what each adds to each number
    """

    words: tuple[str, ...]
    rarity: Floats
    components: Floats

    @classmethod
    def fit(cls, texts: Sequence[str], size: float) -> "Vocabulary":
        """Count the words of an archive.

        texts: n texts; where fewer than two words stand in two of them, the vocabulary has none
        size: root mean square length that the numbers are to have over the archive, around their
            mean; the longer, the more words count beside what else is known of a text
        """
        from sklearn.decomposition import TruncatedSVD  # only whoever fits a reader needs it
        from sklearn.feature_extraction.text import TfidfVectorizer

        reader = TfidfVectorizer(
            stop_words="english",
            min_df=LEAST,
            max_features=MOST,
            sublinear_tf=True,
            token_pattern=PATTERN,
        )
        try:
            counts = reader.fit_transform(texts)
        except ValueError:  # no word stands in two texts
            return cls((), np.zeros(0), np.zeros((0, 0)))
        words = tuple(reader.get_feature_names_out().tolist())
        if len(words) < 2:  # one word has no components
            return cls((), np.zeros(0), np.zeros((0, 0)))
        dims = min(DIMS, len(words), len(texts))
        with np.errstate(invalid="ignore"):  # all texts may be alike
            components = TruncatedSVD(dims, random_state=0).fit(counts).components_.T
        columns = counts @ components
        spread = float(np.sqrt(np.square(columns - columns.mean(axis=0)).sum(axis=1).mean()))
        return cls(words, reader.idf_, components * (size / spread if spread > 0 else 0.0))

    def read(self, texts: Sequence[str]) -> Floats:
        """The numbers [m, k] of m texts; a row's bits ignore the other rows."""
        place = {word: number for number, word in enumerate(self.words)}
        columns = np.zeros((len(texts), self.components.shape[1]))
        for row, text in enumerate(texts):
            found = (place[word] for word in re.findall(PATTERN, text.lower()) if word in place)
            counts = sorted(Counter(found).items())
            if counts:
                rows, times = np.array(counts).T
                weight = (1 + np.log(times)) * self.rarity[rows]
                total = np.einsum("w,wk->k", weight, self.components[rows])
                columns[row] = total / np.sqrt(np.square(weight).sum())
        return columns

    def state(self) -> dict[str, Floats]:
        """The arrays that `restore` needs, beside the words."""
        return {"rarity": self.rarity, "word components": self.components}

    @classmethod
    def restore(cls, words: Sequence[str], arrays: Mapping[str, Floats]) -> "Vocabulary":
        """The inverse of `state`. Raises ValueError for arrays that do not fit the words."""
        require(arrays, ("rarity", "word components"))
        rarity, components = arrays["rarity"], arrays["word components"]
        check.shape("the vocabulary's rarity", rarity, (len(words),))
        check.shape("the vocabulary's components", components, (len(words), components.shape[-1]))
        return cls(tuple(words), rarity, components)
