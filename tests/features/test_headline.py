"""Titles as columns: what is read, that a row is its title's alone, and what a bundle keeps."""

import json
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.features.headline import MARKS, MEASURES, HeadlineReader, measure_style, split

TITLES = [
    "Why Nurses Leave. And What Would Make Them Stay?",
    "Annual meeting: registration is open",
    "“We Had 12 Minutes,” She Says. They Needed 13.",
    "You won't believe this chart",
    "New guidance on billing codes for 2026",
]


@pytest.fixture(scope="module")
def reader() -> HeadlineReader:
    return HeadlineReader.fit(TITLES, words=7)


def read_marks(title: str) -> set[str]:
    style = dict(zip([*MARKS, *MEASURES], measure_style(title), strict=True))
    return {name for name in MARKS if style[name]}


def test_marks_of_style() -> None:
    assert read_marks("Annual meeting: registration is open") == {"colon"}
    assert read_marks("Why Nurses Leave. And What Would Make Them Stay?") == {
        *("question", "ends with a question", "they", "why", "what", "link"),
        "starts with a question word",
    }
    assert read_marks("You won\u2019t believe this chart") == {
        *("you", "this", "medium", "negation", "starts with you")
    }
    assert read_marks("NASA\u2019s 3 best… photos!") == {
        *("exclamation", "ellipsis", "number", "word in capitals", "medium", "superlative")
    }


def test_measures_of_style() -> None:
    title = "“We Had 12 Minutes,” She Says. They Needed 13."
    style = dict(zip([*MARKS, *MEASURES], measure_style(title), strict=True))
    assert style["log words"] == pytest.approx(np.log(9))
    assert style["log words squared"] == pytest.approx(np.log(9) ** 2)
    assert style["characters a word"] == pytest.approx(len(title) / 9)
    assert (style["sentences"], style["two sentences"], style["three sentences"]) == (2, 1, 0)
    assert style["log words of the first sentence"] == pytest.approx(np.log1p(6))
    assert style["log words of the last sentence"] == pytest.approx(np.log1p(3))
    assert style["share of words with a capital"] == pytest.approx(7 / 9)
    assert style["share of short words"] == pytest.approx(5 / 9)


def test_words_and_marks_between_them() -> None:
    assert split("Don\u2019t Stop: 40% Off!") == ["don't", "stop", ":", "40", "%", "off", "!"]


def test_columns_of_the_archive_have_mean_0_and_variances_that_sum_to_1() -> None:
    reader = HeadlineReader.fit(TITLES, words=7)
    columns = reader.read(TITLES)
    assert columns.shape == (5, len(reader.names)) == (5, len(MARKS) + len(MEASURES) + 7 + 256)
    np.testing.assert_allclose(columns.mean(axis=0), 0, atol=1e-5)
    variances = columns.var(axis=0)
    style = len(MARKS) + len(MEASURES)
    assert variances[:style].sum() == pytest.approx(0.2, rel=1e-4)
    assert variances[style : style + 7].sum() == pytest.approx(0.6, rel=1e-4)
    assert variances[style + 7 :].sum() == pytest.approx(0.2, rel=1e-4)


def test_the_commonest_words_have_columns_and_ties_are_in_order() -> None:
    reader = HeadlineReader.fit(["b a", "a c", "a d"], words=3)
    assert reader.words == ("a", "b", "c")
    named = dict(zip(reader.names, reader.read(["b b b"])[0], strict=True))
    apart = dict(zip(reader.names, reader.read(["d"])[0], strict=True))
    assert named["word 'b'"] > apart["word 'b'"]
    assert named["word 'a'"] == apart["word 'a'"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(string.printable + "\u2019“”…é漢😀", max_size=60), max_size=4))
def test_any_title_is_read_and_its_row_is_its_own(titles: list[str]) -> None:
    reader = HeadlineReader.fit(TITLES, words=7)
    rows = reader.read(titles)
    assert rows.shape == (len(titles), len(reader.names))
    assert np.isfinite(rows).all()
    for row, title in zip(rows, titles, strict=True):
        np.testing.assert_array_equal(row, reader.read([title])[0])
        np.testing.assert_array_equal(row, reader.read([*TITLES, title])[-1])


def test_one_odd_title_does_not_rule(reader: HeadlineReader) -> None:
    odd = reader.read(["Stop! " * 400, "!" * 5000, ""])
    assert np.linalg.norm(odd, axis=1).max() < 8  # the archive's are about 1


def test_a_restored_reader_reads_the_same_bits(reader: HeadlineReader) -> None:
    described, arrays = reader.state()
    again = HeadlineReader.restore(json.loads(json.dumps(described)), arrays)
    np.testing.assert_array_equal(again.read(TITLES), reader.read(TITLES))
    with pytest.raises(ValueError, match="read with encoder 'other'; this one is 'wordllama"):
        HeadlineReader.restore({**described, "encoder": "other"}, arrays)
    with pytest.raises(ValueError, match=r"headlines' scale has shape \(3,\); must be \(320,\)"):
        HeadlineReader.restore(described, {**arrays, "scale": np.ones(3)})


def test_refusals() -> None:
    with pytest.raises(ValueError, match="the archive has 1 different titles; must be at least 2"):
        HeadlineReader.fit(["same", "same"])
    with pytest.raises(ValueError, match="words = -1; must be at least 0"):
        HeadlineReader.fit(TITLES, words=-1)
