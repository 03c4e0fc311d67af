"""Counted words: by hand, in any batch, and archives that have none in common."""

import numpy as np
import pytest

from bandit.features.vocabulary import Vocabulary

TEXTS = [
    "Warfarin dosing and warfarin genotypes",
    "Warfarin after stroke",
    "Genotypes in the clinic, and their dosing",
    "A clinic for travellers",
    "Stroke in the clinic",
]


def test_words_are_weighted_by_their_rarity_as_scikit_learn_does() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vocabulary = Vocabulary.fit(TEXTS, size=2.0)
    assert vocabulary.words == ("clinic", "dosing", "genotypes", "stroke", "warfarin")
    assert vocabulary.rarity[0] == pytest.approx(1 + np.log(6 / 4))  # "clinic", in three of five
    other = TfidfVectorizer(vocabulary=vocabulary.words, sublinear_tf=True).fit(TEXTS)
    expected = other.transform(TEXTS).toarray() @ vocabulary.components
    columns = vocabulary.read(TEXTS)
    np.testing.assert_allclose(columns, expected, atol=1e-12)
    away = columns - columns.mean(axis=0)
    assert np.sqrt(np.square(away).sum(axis=1).mean()) == pytest.approx(2.0)


def test_a_rows_bits_ignore_the_batch_and_survive_a_bundle() -> None:
    vocabulary = Vocabulary.fit(TEXTS, size=1.0)
    again = Vocabulary.restore(vocabulary.words, vocabulary.state())
    whole = vocabulary.read(TEXTS)
    for row, text in enumerate(TEXTS):
        np.testing.assert_array_equal(vocabulary.read([text])[0], whole[row])
        np.testing.assert_array_equal(again.read([text])[0], whole[row])
    np.testing.assert_array_equal(vocabulary.read(["", "nothing known", "?"]), 0)
    with pytest.raises(ValueError, match="the vocabulary's rarity has shape"):
        Vocabulary.restore(vocabulary.words[1:], vocabulary.state())


def test_an_archive_without_common_words_has_no_vocabulary() -> None:
    none = Vocabulary.fit(["one here", "two there"], size=1.0)
    assert none.words == ()
    assert none.read(["one two"]).shape == (1, 0)
    same = Vocabulary.fit(["pain relief"] * 4, size=1.0)
    np.testing.assert_array_equal(same.read(["pain relief"]), 0)
