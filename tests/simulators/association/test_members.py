"""Members: joint frequencies of attributes, and how much of interests they explain."""

import numpy as np
import pytest
from scipy.special import logit

from simulators.association.pools.catalogue import read_catalogue
from tests.support.dynamics_cases import build


@pytest.mark.parametrize(
    ("catalogue", "first", "others"),
    [
        ("pharmacy", "member_type", ["practice_area", "career_stage"]),
        ("engineers", "sector", ["discipline", "grade"]),
    ],
)
def test_attributes_have_the_catalogues_joint_frequencies(
    catalogue: str, first: str, others: list[str]
) -> None:
    book = read_catalogue(catalogue)
    members = build(members=20_000, catalogue=catalogue).members
    assert members.columns.tolist() == ["member", first, "region", *others, "member_since"]
    for value, share in book.attributes[first].items():
        rows = members[members[first] == value]
        assert len(rows) / 20_000 == pytest.approx(share, abs=0.012)
        for column in others:
            found = rows[column].value_counts(normalize=True)
            for name, wanted in book.dependent[column][value].items():
                error = 4.5 * np.sqrt(wanted * (1 - wanted) / len(rows))
                assert found.get(name, 0.0) == pytest.approx(wanted, abs=error + 1e-12)


@pytest.mark.parametrize("explained", [0.0, 0.15, 0.6, 1.0])
def test_attributes_explain_their_share_of_interests(explained: float) -> None:
    association = build(members=6000, explained=explained, taste=1.3)
    known = association.hyperparameters()
    topics = (association.features.encode_members(association.members) @ known["B"])[:, 3:]
    between, within = topics.var(axis=0).mean(), (known["interest_variance"][3:]).mean()
    assert between / (between + within) == pytest.approx(explained, abs=1e-9)
    assert between + within == pytest.approx(1.3**2)


def test_an_association_may_know_less_than_is_true() -> None:
    true = build(members=900)
    region = true.members["region"]
    for how, columns in {
        "two": ["member", "member_type", "region", "practice_area"],
        "none": ["member", "region"],
        "shuffled": true.members.columns.tolist(),
        "declared": [*true.members.columns, "topics"],
    }.items():
        told = build(members=900, attributes=how)
        assert told.members.columns.tolist() == columns
        assert (told.members["region"] == region).all()
        # whatever is told, the same members like the same articles
        known, shown = true.issue(1), told.issue(1)
        np.testing.assert_array_equal(true.truth(known), told.truth(shown))
        with pytest.raises(ValueError, match=f"attributes = '{how}'; bayes_limit needs all"):
            told.hyperparameters()
    moved = build(members=900, attributes="shuffled").members
    for name in ("member_type", "member_since"):
        assert sorted(moved[name]) == sorted(true.members[name])
        assert (moved[name] != true.members[name]).any()
    pairs = ["member_type", "practice_area"]  # a member has both of the same other one
    assert moved[pairs].value_counts().to_dict() == true.members[pairs].value_counts().to_dict()


@pytest.mark.parametrize("catalogue", ["pharmacy", "engineers"])
def test_members_tick_the_topics_that_they_like_best(catalogue: str) -> None:
    """Three different topics each, which articles they click on more than on others."""
    told = build(members=400, attributes="declared", catalogue=catalogue, taste=3.0)
    ticked = [cell.split("; ") for cell in told.members["topics"]]
    assert {len(set(topics)) for topics in ticked} == {3}
    assert {name.split("=")[0] for name in told.features.member_names} >= {"topics"}
    context = told.issue(1)
    main = told.pool(1).topics.argmax(axis=1)
    names = [topic.name for topic in read_catalogue(catalogue).topics]
    rows = context.member_ids - told.members["member"].iloc[0]
    own = np.array([[names[t] in ticked[row] for t in main] for row in rows])
    wanted = logit(told.truth(context))
    assert wanted[own].mean() > wanted[~own].mean() + 2.0  # of a standard deviation of 3


def test_what_cannot_be_known_is_refused() -> None:
    with pytest.raises(ValueError, match="attributes = 'some'; must be one of known, two"):
        build(attributes="some")
