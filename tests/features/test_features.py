"""Features: what is unknown, missing or malformed, and the same bits in any batch."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.features.features import Features
from tests.support.text_cases import ARCHIVE, MEMBERS, pool


@pytest.fixture(scope="module")
def features() -> Features:
    return Features.fit(MEMBERS, ARCHIVE, dims=5)


# Members


def test_names_and_values_by_hand(features: Features) -> None:
    assert features.member_names == [
        "constant",
        "region=east",
        "region=north",
        "region=south",
        "age",
    ]
    assert features.article_names == [
        "constant",
        "kind=event",
        "kind=resource",
        "text0",
        "text1",
        "text2",
        "text3",
        "text4",
    ]
    x = features.encode_members(MEMBERS)
    assert x[:, :4].tolist() == [[1, 0, 1, 0], [1, 0, 0, 1], [1, 0, 0, 0], [1, 1, 0, 0]]
    mean, sd = 50.0, np.std([30, 40, 50, 80], ddof=1)
    np.testing.assert_allclose(x[:, 4], (MEMBERS["age"] - mean) / sd, rtol=1e-14)
    assert features.encode_members(MEMBERS.assign(age=1000))[0, 4] == 3  # clipped
    assert features.encode_members(MEMBERS.assign(age=-1000))[0, 4] == -3


@pytest.mark.parametrize(
    "unknown",
    [
        ["west", "south", None, "nan"],
        pd.Categorical(["west", "south", None, "nan"]),
        pd.array(["west", "south", None, "nan"], dtype="string"),
        pd.Series(["west", "south", np.nan, "nan"], dtype=object),
    ],
)
def test_an_unknown_or_missing_value_has_no_column(features: Features, unknown: Any) -> None:
    members = MEMBERS.assign(region=unknown)
    assert features.encode_members(members)[:, 1:4].tolist() == [
        [0, 0, 0],
        [0, 0, 1],
        [0, 0, 0],
        [0, 0, 0],
    ]
    assert features.attributes.count_unknown(members) == {"region": {"west": 1}}  # "nan" is missing
    assert features.attributes.count_unknown(MEMBERS) == {}


def test_an_attribute_that_nobody_has(features: Features) -> None:
    fitted = Features.fit(
        MEMBERS.assign(region=pd.Series([None] * 4, dtype=object)), ARCHIVE, dims=5
    )
    assert fitted.member_names == ["constant", "age"]
    assert fitted.encode_members(MEMBERS).shape == (4, 2)


@pytest.mark.parametrize("ages", [[30.0, np.nan, 1, 2], pd.array([30, None, 1, 2], dtype="Int64")])
def test_a_number_that_is_missing_counts_as_the_mean(features: Features, ages: Any) -> None:
    assert features.encode_members(MEMBERS.assign(age=ages))[1, -1] == 0


def test_a_number_that_is_infinite_is_refused_with_its_place(features: Features) -> None:
    ages = [30.0, np.inf, 1, 2]
    with pytest.raises(
        ValueError, match=r"members column 'age'\[1, 0\] = inf \(row of x2\); must be finite"
    ):
        features.encode_members(MEMBERS.assign(age=ages))


def test_wrong_columns_are_refused_by_name(features: Features) -> None:
    with pytest.raises(ValueError, match=r"members column 'age' has type .*; must be numbers"):
        features.encode_members(MEMBERS.assign(age=["30", "40", "50", "80"]))
    with pytest.raises(ValueError, match="members lacks column 'region'"):
        features.encode_members(MEMBERS.drop(columns="region"))
    with pytest.raises(ValueError, match="text dims = 0; must be at least 1"):
        Features.fit(MEMBERS, ARCHIVE, dims=0)
    with pytest.raises(ValueError, match="the archive has 5 texts; 5 text dimensions need more"):
        Features.fit(MEMBERS, ARCHIVE[:5], dims=5)


@pytest.mark.parametrize("ages", [[40.0], [40.0, 40.0]])
def test_numbers_that_do_not_vary(ages: list[float]) -> None:
    """A list of one member has no standard deviation; features are finite all the same."""
    members = pd.DataFrame({"member": range(len(ages)), "age": ages})
    x = Features.fit(members, ARCHIVE, dims=5).encode_members(members)
    assert x.tolist() == [[1.0, 0.0]] * len(ages)


# Articles


def test_text_is_centred_and_of_unit_variance_on_average(features: Features) -> None:
    text = features.encode_texts(ARCHIVE)
    variance = text.var(axis=0)
    np.testing.assert_allclose(text.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(variance.mean(), 1, atol=1e-5)
    assert (np.diff(variance) <= 1e-5).all()  # the topic that tells most apart comes first


def test_kinds_and_odd_but_lawful_texts(features: Features) -> None:
    odd = ["a|b: c\nd", "", "emoji \U0001f48a and \x00 and \t", "  wide  "]
    a = features.encode_articles(pool(["Plain", "|shared |m 0:1\n", "x" * 5000, "\U0001f48a"], odd))
    assert a[:, :3].tolist() == [[1, 1, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0]]
    assert np.isfinite(a).all()


@pytest.mark.parametrize(
    ("titles", "summaries", "said"),
    [
        (["a", " \n "], None, r"pool row 1 \(article 'a1'\): title is empty"),
        (["a", ""], None, r"pool row 1 \(article 'a1'\): title is empty"),
        (["a", b"b"], None, r"pool row 1 \(article 'a1'\): title = b'b'; must be text"),
        (["a", None], None, r"title = None; must be text"),
        (["a", 3.5], None, r"title = 3.5; must be text"),
        (
            ["a", "half \ud83d"],
            None,
            r"pool row 1 \(article 'a1'\): title = 'half .ud83d' is not valid UTF-8",
        ),
        (
            ["a", "b"],
            ["", "\udc00"],
            r"pool row 1 \(article 'a1'\): summary = .* is not valid UTF-8",
        ),
        (["a", "b"], ["", None], r"pool row 1 \(article 'a1'\): summary = None; must be text"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(
    features: Features, titles: Any, summaries: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        features.encode_articles(pool(titles, summaries))


def test_a_texts_bits_ignore_its_batch(features: Features) -> None:
    whole = features.encode_texts(ARCHIVE)
    for size in (1, 2, 3, 7, 16):
        assert (
            np.vstack(
                [features.encode_texts(ARCHIVE[i : i + size]) for i in range(0, 64, size)]
            ).tobytes()
            == whole.tobytes()
        )
    order = np.random.default_rng(0).permutation(64)
    assert features.encode_texts([ARCHIVE[i] for i in order]).tobytes() == whole[order].tobytes()
    wide = Features.fit(MEMBERS, ARCHIVE, dims=40)
    assert wide.encode_texts(ARCHIVE[5:6]).tobytes() == wide.encode_texts(ARCHIVE)[5:6].tobytes()


def test_an_archive_that_repeats_itself_does_not_blow_up_new_texts() -> None:
    """64 texts of which 3 differ span 2 dimensions.

    The other 3 of the 5 asked for must not magnify rounding noise.
    """
    repeated = (ARCHIVE[:3] * 22)[:64]
    try:
        text = Features.fit(MEMBERS, repeated, dims=5).encode_texts(
            [*ARCHIVE, "something else entirely"]
        )
    except ValueError as error:
        assert "archive" in str(error)  # noqa: PT017  (either outcome is right)
    else:
        assert np.abs(text).max() < 100


def test_an_archive_that_was_read_before_is_remembered_by_its_texts(features: Features) -> None:
    """Other members share what was learned of it; another archive, or other columns, do not."""
    other = Features.fit(MEMBERS.drop(columns="age"), list(ARCHIVE), dims=5)
    parts = ("reader", "vocabulary", "novelty", "names")
    assert all(getattr(other, part) is getattr(features, part) for part in parts)
    assert other.member_names == features.member_names[:-1]
    anew = [Features.fit(MEMBERS, ARCHIVE[1:], dims=5), Features.fit(MEMBERS, ARCHIVE, dims=4)]
    assert [each.text_dims for each in anew] == [5, 4]
    assert all(
        getattr(each, part) is not getattr(features, part) for each in anew for part in parts
    )
