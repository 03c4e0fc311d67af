"""Segments: their moments give ridge regression towards the parent segment."""

from dataclasses import replace

import numpy as np
import pytest

from bandit.features.attributes import Attributes
from bandit.models.segments import Membership, Moments, make_ridge, tally
from bandit.policies.segment_learned import SegmentLearned
from simulators.play import send
from tests.support.builders import association_of

LAMBDA = 3.0


def test_moments_fit_is_ridge_regression_towards_the_parent() -> None:
    rng = np.random.default_rng(3)
    s, m, q = 4, 9, 3
    articles, parent, ridge = (
        rng.normal(size=(m, q)),
        rng.normal(size=(s, q)),
        np.array([LAMBDA, 0.5, 7.0]),
    )
    looks, clicks = rng.uniform(0, 5, (2, s, m)), rng.uniform(0, 2, (2, s, m))
    moments = Moments.start(s, q)
    moments.add(looks[0], clicks[0], articles)
    moments.fade(0.5)
    moments.add(looks[1], clicks[1], articles)
    look, click = 0.5 * looks[0] + looks[1], 0.5 * clicks[0] + clicks[1]
    for i, found in enumerate(moments.fit(parent, ridge)):
        design = np.vstack([np.sqrt(look[i])[:, None] * articles, np.diag(np.sqrt(ridge))])
        target = np.concatenate([click[i] / np.sqrt(look[i]), np.sqrt(ridge) * parent[i]])
        np.testing.assert_allclose(found, np.linalg.lstsq(design, target, rcond=None)[0], rtol=1e-9)
    np.testing.assert_allclose(
        moments.fit(parent[1], ridge)[1], moments.fit(parent, ridge)[1], rtol=1e-12
    )
    np.testing.assert_allclose(
        Moments.start(s, q).fit(parent, ridge), parent, rtol=1e-12
    )  # no data: the parent


def test_tally_and_ridge() -> None:
    table = tally(np.array([0, 2, 2, 0]), np.array([1, 3, 3, 0]), np.array([0.5, 1, 2, 4]), (3, 4))
    assert table.tolist() == [[4, 0.5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 3]]
    assert make_ridge(5, 60.0).tolist() == [3, 15, 15, 60, 60]


# Members in several segments


def list_pairs(membership: Membership) -> list[tuple[int, int, float]]:
    columns = (membership.member, membership.segment, membership.share)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_member_is_in_the_segment_of_each_tag_to_equal_shares() -> None:
    """Two attributes: one value each (2, 0, 1), then the tags {0, 3}, {1} and {0, 1, 2} of four."""
    one = Membership.start(3).cross(np.array([2, 0, 1]), np.ones(3, dtype=int), np.arange(3), 3)
    assert list_pairs(one) == [(0, 2, 1.0), (1, 0, 1.0), (2, 1, 1.0)]
    codes, first, many = np.array([0, 1, 2, 0, 3, 1]), np.array([3, 5, 0]), np.array([2, 1, 3])
    both = one.cross(first, many, codes, 4)
    third = 1 / 3
    assert list_pairs(both) == [
        (0, 8, 0.5),
        (0, 11, 0.5),
        (1, 1, 1.0),
        (2, 4, third),
        (2, 5, third),
        (2, 6, third),
    ]
    twice = both.cross(first, many, codes, 4)
    assert np.bincount(twice.member, twice.share).tolist() == pytest.approx([1, 1, 1])
    assert len(twice.member) == 2 * 2 + 1 + 3 * 3


def test_averages_and_sums_go_by_shares() -> None:
    membership = Membership(
        np.array([0, 0, 1, 2]), np.array([0, 3, 1, 3]), np.array([0.5, 0.5, 1, 1])
    )
    values = np.array([[1.0, 2.0], [5.0, 7.0], [0.0, 0.0], [3.0, 10.0]])
    assert membership.average(values).tolist() == [[2, 6], [5, 7], [3, 10]]
    rows = np.array([2, 0, 0, 1])
    taken = membership.take(rows)
    assert list_pairs(taken) == [
        (0, 3, 1.0),
        (1, 0, 0.5),
        (1, 3, 0.5),
        (2, 0, 0.5),
        (2, 3, 0.5),
        (3, 1, 1.0),
    ]
    assert taken.average(values).tolist() == membership.average(values)[rows].tolist()
    index, weights = np.array([1, 0, 1, 0]), np.array([3.0, 2.0, 7.0, 11.0])
    found = taken.tally(index, weights, (4, 2))
    assert found.tolist() == [[1.0, 3.5], [11.0, 0.0], [0.0, 0.0], [1.0, 6.5]]
    assert found.sum() == weights.sum()
    assert taken.average_pairs(values, index).tolist() == [10.0, 2.0, 6.0, 5.0]


def test_where_nobody_has_two_tags_they_are_segments_like_any_other() -> None:
    """One tag each: the same taste as from an attribute with the same values, to the bit."""
    association = association_of(members=150, issues=3, pool=12, slots=4, text_dims=6)
    types = association.features.attributes.levels["member_type"]
    states = []
    for attributes in (
        Attributes({"member_type": types}),
        Attributes(tags={"member_type": types}),
    ):
        policy = SegmentLearned()
        policy.start(replace(association.features, attributes=attributes))
        for number in (1, 2):
            send(policy, association.twin(), association.issue(number), 5)
        states.append(policy.state())
    for name, array in states[0].items():
        assert array.tobytes() == states[1][name].tobytes()


def test_crossings_of_too_many_segments_are_left_out() -> None:
    attributes = Attributes({"a": [f"a{i}" for i in range(99)], "b": [f"b{i}" for i in range(60)]})
    features = association_of(members=150, issues=3, pool=12, slots=4, text_dims=6).features
    policy = SegmentLearned()
    policy.start(replace(features, attributes=attributes))
    assert policy.candidates == [(), ("a",), ("b",)]
    policy = SegmentLearned()
    smaller = replace(attributes, levels={"a": attributes.levels["a"][:48], "b": ["x"]})
    policy.start(replace(features, attributes=smaller))
    assert policy.candidates == [(), ("a",), ("b",), ("a", "b")]
