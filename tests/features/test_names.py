"""Names of topics: words that are common in a topic and rare elsewhere."""

import numpy as np

from bandit.features.names import name_topics

TEXTS = [
    "New vaccine guidance for the autumn",
    "Vaccine storage and the cold chain",
    "Vaccines at the counter: the autumn clinics",
    "Salary survey: what technicians earn",
    "The salary talk, and how to prepare it",
    "A salary is what you negotiate",
]


def test_words_of_a_topic_name_it() -> None:
    amounts = np.array([[1, 0], [2, 0], [1, -1], [0, 1], [-3, 1], [0, 2]], dtype=float)
    first, second = name_topics(TEXTS, amounts)
    assert first.startswith("vaccine")
    assert second == "salary"
    assert "the" not in first.split(" / ")


def test_names_differ_and_nothing_is_named_by_nothing() -> None:
    twice = np.ones((6, 2))
    names = name_topics(TEXTS, twice)
    assert len(set(names)) == 2
    assert names[1] == "topic 2"
    assert name_topics(["one", "two", "three"], np.ones((3, 1))) == ["topic 1"]
    assert name_topics(TEXTS, np.zeros((6, 1))) == ["topic 1"]


def test_no_word_stands_in_a_name_twice() -> None:
    texts = ["cold chain storage", "cold chain failure", "cold chains", "other words", "other ways"]
    (name,) = name_topics(texts, np.array([[1.0], [1.0], [1.0], [0.0], [0.0]]))
    words = name.replace("/", "").split()
    assert len(words) == len(set(words))
