"""What one member did, in words, from issues that were made by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.log.words import list_clicks, name_tastes, tell_member

NAMES = ("vaccines, flu", "salary", "law")


def make_features() -> Any:
    columns = ["constant", *(f"text{d}" for d in range(4))]
    return SimpleNamespace(names=NAMES, article_names=columns, text_dims=4)


def make_round(members: list[int], opened: list[bool], clicked: list[list[bool]]) -> Any:
    """Three articles (vaccines, law, nothing) in slots 1 to 3, the last slot empty."""
    n = len(members)
    text = np.array([[1, 2.0, 0, 0, 9], [1, 0, 0, 3.0, 9], [1, 0.1, 0.2, 0.3, 9]])
    context = SimpleNamespace(
        article_features=text,
        articles=pd.DataFrame({"title": ["Flu shots", "New bill", "Odds and ends"]}),
        member_ids=np.array(members),
    )
    slates = SimpleNamespace(choice=np.tile([0, 1, 2, -1], (n, 1)))
    feedback = SimpleNamespace(opened=np.array(opened), clicked=np.array(clicked))
    return SimpleNamespace(context=context, slates=slates, feedback=feedback)


def test_clicks_are_counted_by_topic_and_newsletters_by_who_got_them() -> None:
    rounds = [
        make_round([7, 8], [True, True], [[True, False, True, False], [False, True, False, False]]),
        make_round([7], [True], [[True, False, False, False]]),
        make_round([7], [False], [[False] * 4]),
    ]
    clicks = list_clicks(rounds, make_features())
    assert clicks["title"].tolist() == ["Flu shots", "Odds and ends", "New bill", "Flu shots"]
    assert tell_member(rounds, clicks, 7) == (
        "Opened 2 of 3 newsletters and clicked 3 articles: 2 on vaccines, flu; 1 on other topics."
    )
    assert tell_member(rounds, clicks, 8) == (
        "Opened 1 of 1 newsletters and clicked 1 article: 1 on law."
    )
    with pytest.raises(ValueError, match="member 9 was sent none of these 3 issues"):
        tell_member(rounds, clicks, 9)
    nothing = tell_member(rounds[2:], list_clicks(rounds[2:], make_features()), 7)
    assert nothing == "Opened 0 of 1 newsletters and clicked 0 articles."


def test_tastes_are_what_pulls_a_member_more_than_others() -> None:
    features = make_features()
    others = np.array([5.0, 0.2, 0.2, 0.2, 9.0])
    assert name_tastes(features, np.array([9.0, 0.3, 0.9, 0.1, 9.9]), others) == [
        "salary",
        "vaccines, flu",
    ]
    assert name_tastes(features, np.array([9.0, 0.3, 0.9, 0.1, 9.9]), others, count=1) == ["salary"]
    assert name_tastes(features, others, others) == []
