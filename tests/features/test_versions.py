"""What a bundle keeps of features, and encoders that are at fault."""

import json
from typing import Any

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.features.features import Features
from tests.support.text_cases import ARCHIVE, MEMBERS, Letters, pool


@pytest.fixture(scope="module")
def features() -> Features:
    return Features.fit(MEMBERS, ARCHIVE, dims=5)


# State


def test_state_survives_json_and_restores_to_the_bit() -> None:
    fitted = Features.fit(MEMBERS, ARCHIVE, dims=5, encoder=Letters())
    described, arrays = fitted.state()
    again = Features.restore(json.loads(json.dumps(described)), arrays, Letters())
    strangers = MEMBERS.assign(region=["north", "??", None, "east"])
    assert again.encode_members(strangers).tobytes() == fitted.encode_members(strangers).tobytes()
    assert again.encode_texts(ARCHIVE).tobytes() == fitted.encode_texts(ARCHIVE).tobytes()
    assert (again.member_names, again.article_names) == (fitted.member_names, fitted.article_names)
    with pytest.raises(
        ValueError, match="the bundle was made with encoder 'letters'; this one is 'wordllama"
    ):
        Features.restore(described, arrays)


def test_context_is_checked(features: Features) -> None:
    articles, rules = pool(["A", "B", "C"]), Rules(slots=2)
    context = features.make_context("c", 3, MEMBERS, articles, rules)
    assert (context.member_features.shape, context.article_features.shape) == ((4, 5), (3, 8))
    assert context.eligible.all()
    assert not context.seen.any()
    for wrong, said in (
        ({"members": MEMBERS.iloc[:0]}, "the member list is empty"),
        (
            {"members": MEMBERS.assign(member=["x", "y", "x", "z"])},
            "members row 2: id 'x' appears twice",
        ),
        (
            {"members": MEMBERS.assign(member=["x", None, "y", "z"])},
            "members row 1: the id is missing",
        ),
        ({"articles": articles.drop(columns="source")}, "pool lacks column 'source'"),
        ({"articles": articles.assign(article="a")}, "pool row 1: id 'a' appears twice"),
        (
            {"eligible": np.ones((3, 3), dtype=bool)},
            r"eligible has shape \(3, 3\); must be \(4, 3\)",
        ),
        ({"seen": np.ones((4, 4), dtype=bool)}, r"seen has shape \(4, 4\)"),
        (
            {"article_features": np.full((3, 8), np.nan)},
            r"article_features\[0, 0\] = nan \(row of a0\); must be finite",
        ),
        ({"rules": Rules(slots=4)}, "the pool has 3 articles; the layout has 4 slots"),
    ):
        given = {
            "campaign": "c",
            "issue": 3,
            "members": MEMBERS,
            "articles": articles,
            "rules": rules,
        }
        with pytest.raises(ValueError, match=said):
            features.make_context(**(given | wrong))


# What an encoder gives, and what a bundle keeps


class Broken(Letters):
    """An encoder whose vectors are not what it says."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def encode(self, texts: Any) -> np.ndarray:
        vectors = super().encode(texts)
        if self.fault == "nan":
            vectors[3, 2] = np.nan
        return vectors[:, :-1] if self.fault == "narrow" else vectors


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nan", r"encoder letters: vectors\[3, 2\] = nan"),
        ("narrow", r"encoder letters: vectors has shape \(64, 8\)"),
    ],
)
def test_an_encoder_at_fault_is_named(fault: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Features.fit(MEMBERS, ARCHIVE, dims=5, encoder=Broken(fault))


@pytest.mark.parametrize("dims", [2.5, True, "8"])
def test_a_number_of_columns_is_whole(dims: Any) -> None:
    with pytest.raises(ValueError, match=r"text dims = .*; must be a whole number"):
        Features.fit(MEMBERS, ARCHIVE, dims=dims)


def test_a_version_is_of_all_that_features_follow_from(features: Features) -> None:
    described, arrays = features.state()
    assert Features.restore(json.loads(json.dumps(described)), arrays).version == features.version
    for changed in (
        {"names": ["x"] * len(features.names)},
        {"verbatim": True},
        {"boilerplate": ["read more"]},
    ):
        with pytest.raises(ValueError, match="must be"):
            Features.restore(described | changed, arrays)
    for name in arrays:
        less = {key: array for key, array in arrays.items() if key != name}
        with pytest.raises(ValueError, match="the state lacks array"):
            Features.restore(described, less)
        with pytest.raises(ValueError, match=r"must be|has shape"):
            Features.restore(described, arrays | {name: arrays[name] * 1.01})
