"""Members: joint frequencies of attributes, and how much of interests they explain."""

import numpy as np
import pytest

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
