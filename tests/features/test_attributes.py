"""Attributes: tags are several values of one attribute, and what tells members apart is refused."""

import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.features.attributes import FEW, MOST, Attributes, split_tags

INTERESTS = ["vaccines;leadership", "oncology", None, "career;career;  vaccines", " ; ", "oncology"]


def list_members(**columns: Any) -> pd.DataFrame:
    n = max(len(values) for values in columns.values())
    return pd.DataFrame({"member": [f"x{i}" for i in range(n)]} | columns)


def repeat(values: list[str], n: int) -> list[str]:
    return [values[i % len(values)] for i in range(n)]


# Tags


def test_tags_are_several_values_of_one_attribute() -> None:
    members = list_members(
        region=["n", "s", "n", "s", "n", "n"], interests=INTERESTS, age=[1.0, 2, 3, 4, 5, 6]
    )
    read = Attributes.fit(members)
    assert read.levels == {"region": ["n", "s"]}
    assert read.tags == {"interests": ["career", "leadership", "oncology", "vaccines"]}
    assert read.columns == ["region", "interests", "age"]
    assert read.names == [
        "constant",
        "region=n",
        "region=s",
        "interests=career",
        "interests=leadership",
        "interests=oncology",
        "interests=vaccines",
        "age",
    ]
    assert read.encode(members)[:, 3:7].tolist() == [
        [0, 1, 0, 1],
        [0, 0, 1, 0],
        [0, 0, 0, 0],
        [1, 0, 0, 1],  # a tag given twice is one, and blanks around it do not count
        [0, 0, 0, 0],
        [0, 0, 1, 0],
    ]


def test_unknown_tags_are_reported_each_with_its_members() -> None:
    read = Attributes.fit(list_members(interests=INTERESTS, region=["n", "s", "n", "s", "n", "n"]))
    sent = list_members(
        interests=["art; vaccines", "zoo;art ;art", "oncology"], region=["n", "w;s", None]
    )
    assert read.count_unknown(sent) == {"region": {"w;s": 1}, "interests": {"art": 2, "zoo": 1}}
    assert read.count_unknown(sent.assign(region="n", interests="oncology")) == {}
    known = read.encode(sent)[:, 1 + 2 :]
    assert known.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]]


@given(st.lists(st.lists(st.sampled_from(["a", "b c", "d"]), max_size=4), min_size=1, max_size=9))
def test_the_order_of_tags_and_blanks_do_not_matter(people: list[list[str]]) -> None:
    read = Attributes(tags={"likes": ["a", "b c", "d"]})
    plain = list_members(likes=[";".join(tags) for tags in people])
    untidy = list_members(likes=["; ".join([*reversed(tags), "", *tags[:1]]) for tags in people])
    expected = [[1.0, *(float(tag in tags) for tag in ("a", "b c", "d"))] for tags in people]
    assert read.encode(plain).tolist() == read.encode(untidy).tolist() == expected


def test_splitting() -> None:
    assert split_tags(" b;a; b ;;") == ["b", "a"]
    assert split_tags("") == split_tags(" ; ") == []


def test_a_member_who_is_only_an_id_has_the_constant() -> None:
    members = pd.DataFrame({"member": [3, 7]})
    read = Attributes.fit(members)
    assert (read.names, read.encode(members).tolist()) == (["constant"], [[1.0], [1.0]])
    assert read.count_unknown(members) == {}


# Cells as other systems write them


def test_spaces_and_capital_letters_do_not_tell_values_apart() -> None:
    given = ["student ", "Student", "student", "STUDENT", "great lakes", " Great Lakes", None]
    read = Attributes.fit(list_members(kind=given))
    assert read.levels == {"kind": ["Great Lakes", "student"]}  # the commonest spelling, or first
    assert read.encode(list_members(kind=given))[:, 1:].tolist() == [
        *[[0, 1]] * 4,
        *[[1, 0]] * 2,
        [0, 0],
    ]
    assert read.count_unknown(list_members(kind=["Students ", "students", " sTudent"])) == {
        "kind": {"Students": 1, "students": 1}
    }
    assert read.count_values(list_members(kind=given), "kind") == {
        (" Great Lakes", "Great Lakes"): 1,
        ("STUDENT", "student"): 1,
        ("Student", "student"): 1,
        ("great lakes", "Great Lakes"): 1,
        ("student", "student"): 1,
        ("student ", "student"): 1,
    }
    tags = Attributes.fit(list_members(likes=["Art; zoo", "art ;ART", "art", "ZOO;zoo"]))
    assert tags.tags == {"likes": ["art", "zoo"]}
    assert tags.encode(list_members(likes=["ART", " Zoo;art"]))[:, 1:].tolist() == [[1, 0], [1, 1]]
    assert tags.list_values("likes", "ZOO; b ;") == ["zoo", "b"]


@pytest.mark.parametrize("word", ["NULL", "null ", "N/A", "n/a", "#N/A", "NaN", "-", "", "  "])
def test_what_stands_for_nothing_is_missing(word: str) -> None:
    read = Attributes.fit(list_members(area=["a", word, "b"], likes=["x;y", word, f"y; {word}"]))
    assert read.levels == {"area": ["a", "b"]}
    assert read.tags == {"likes": ["x", "y"]}
    sent = list_members(area=[word], likes=[word])
    assert read.encode(sent).tolist() == [[1, 0, 0, 0, 0]]
    assert read.count_unknown(sent) == {}
    assert read.list_values("area", word) == []


def test_words_that_may_be_an_answer_are_values() -> None:
    words = ["NA", "None", "Other", "unknown"]
    assert Attributes.fit(list_members(area=words)).levels == {"area": words}


def test_levels_of_old_bundles_are_found_as_they_were_written() -> None:
    """They may differ in capital letters alone, or stand for nothing."""
    old = Attributes(levels={"area": ["-", "A", "a", "a "]})
    assert old.encode(list_members(area=["a ", "a", "A", "-", "n/a"]))[:, 1:].tolist() == [
        [0, 0, 0, 1],
        [0, 0, 1, 0],
        [0, 1, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_a_missing_number_counts_as_the_mean_and_an_infinite_one_is_refused() -> None:
    members = list_members(age=[1.0, None, 7.0, np.nan], seats=pd.array([3, 4, None, 8], "Int64"))
    read = Attributes.fit(members)
    assert read.numeric["age"] == (4.0, pytest.approx(18**0.5))
    assert read.numeric["seats"] == (5.0, pytest.approx(7**0.5))
    found = read.encode(members)
    assert found[[1, 3], 1].tolist() == [0.0, 0.0]
    assert found[2, 2] == 0.0
    assert found[0, 1] == pytest.approx(-3 / 18**0.5)
    lone = Attributes.fit(list_members(age=[5.0, np.nan], none=[np.nan, np.nan]))
    assert lone.numeric == {"age": (5.0, 1.0), "none": (0.0, 1.0)}
    with pytest.raises(ValueError, match=r"'age'\[1, 0\] = inf \(row of x1\); must be finite"):
        read.encode(members.assign(age=[1.0, np.inf, 2.0, 3.0]))


# State


def test_state_survives_json_whatever_the_order_of_its_keys() -> None:
    members = list_members(interests=INTERESTS, age=[1.0, 2, 3, 4, 5, 7])
    read = Attributes.fit(members)
    described = json.loads(json.dumps(read.state(), sort_keys=True))
    again = Attributes.restore(described)
    assert again.encode(members).tobytes() == read.encode(members).tobytes()
    assert again.names == read.names
    assert again == read


# What is refused


@pytest.mark.parametrize(
    "dates",
    [
        ["2012-03-15", "2001-02-03", "1999-12-31", "2001-02-03"],
        ["2012-03-15 08:00", "2001-02-03T00:00:00Z", None, None],
        ["03/15/2012", "2001-02-03", "2025", "2025-09-01", "12/31/99", "2010.0", None],
        ["15 March 2012", "3-Feb-01", "Mar 15, 2012", "June 1st, 2020"],
        ["31.12.99", "1.2.2003", "3.4.2005", "x"],
        pd.to_datetime(["2012-03-15", "2001-02-03", "2001-02-03"]),
        [date(2012, 3, 15), date(2001, 2, 3)],
        pd.Categorical(["2012-03-15", "2001-02-03"]),
    ],
)
def test_dates_are_no_attribute_even_in_a_short_list(dates: Any) -> None:
    members = list_members(join_date=dates)
    count = members["join_date"].dropna().astype(str).nunique()
    said = (
        rf"members column 'join_date' has {count} different values for {len(members)} members; "
        r"they are dates, such as '.*'.*leave the column out"
    )
    with pytest.raises(ValueError, match=said):
        Attributes.fit(members)


def test_addresses_are_no_attribute_even_in_a_short_list() -> None:
    said = (
        "members column 'mail' has 2 different values for 4 members; they are e-mail addresses, "
        "such as 'ann@example.org'"
    )
    with pytest.raises(ValueError, match=said):
        Attributes.fit(list_members(mail=["ann@example.org", " bob@example.org", None, None]))


@pytest.mark.parametrize(
    "values",
    [
        ["@home", "at work", "@home"],
        ["1.2.3", "1.2.4", "2.0.0"],
        ["2012", "2013", "2025"],
        ["555-1234", "marching", "May"],
        ["early", "mid", "03/15/2012"],
        ["2024-25", "2023-24", "2022-23"],
        ["12 Decatur", "1 March Street 2", "Augusta"],
    ],
)
def test_what_only_looks_a_little_like_dates_is_read(values: list[str]) -> None:
    assert Attributes.fit(list_members(x=values)).levels == {"x": sorted(set(values))}


def test_ids_are_refused_with_column_and_count() -> None:
    codes = [f"k{i}" for i in range(3214)]
    with pytest.raises(
        ValueError,
        match=r"members column 'code' has 3,214 different values for 5,000 members; "
        r"must be at most 200: group them, or leave the column out",
    ):
        Attributes.fit(list_members(code=repeat(codes, 5000)))
    with pytest.raises(
        ValueError,
        match=r"members column 'code' has 31 different values for 60 members; they are like ids",
    ):
        Attributes.fit(list_members(code=repeat(codes[:31], 60)))


@pytest.mark.parametrize(
    ("different", "n", "fits"),
    [
        (FEW, FEW, True),  # a short list may have as many values as members
        (FEW + 1, FEW + 1, False),
        (FEW + 1, 2 * FEW + 1, False),
        (FEW + 1, 2 * FEW + 2, True),
        (MOST, 2 * MOST, True),
        (MOST + 1, 50_000, False),
    ],
)
@pytest.mark.parametrize("tagged", [False, True])
def test_where_the_limits_are(different: int, n: int, fits: bool, tagged: bool) -> None:
    """Each tag is mentioned once by every member that has it, so mentions count as members do."""
    values = repeat([f"k{i}" for i in range(different)], n)
    column = [f"{value};" for value in values] if tagged else values
    if fits:
        assert len(Attributes.fit(list_members(code=column)).names) == 1 + different
    else:
        what = "tags" if tagged else "values"
        with pytest.raises(ValueError, match=f"'code' has {different} different {what} for"):
            Attributes.fit(list_members(code=column))


def test_missing_values_do_not_hide_an_id() -> None:
    few = [*(f"k{i}" for i in range(30)), *[None] * 970]
    with pytest.raises(ValueError, match="'code' has 30 different values for 1,000 members"):
        Attributes.fit(list_members(code=few))


def test_columns_are_counted_together() -> None:
    n = 1000
    wide = {f"c{j}": repeat([f"{j}-{i}" for i in range(60 + j)], n) for j in range(8)}
    with pytest.raises(
        ValueError,
        match=r"508 different values together \('c7' 67, 'c6' 66, 'c5' 65, ...\); "
        "must be at most 500",
    ):
        Attributes.fit(list_members(**wide))
    del wide["c0"]
    assert len(Attributes.fit(list_members(**wide)).names) == 1 + 448


def test_numbers_take_one_column_however_many_there_are() -> None:
    members = list_members(dues=np.arange(5000) * 0.25)
    assert Attributes.fit(members).encode(members).shape == (5000, 2)
