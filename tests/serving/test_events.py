"""Ids of mails and slots: always the same, never shared; and the log's format around them."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.types import ROLES, Slates
from bandit.log import issue as log
from serving import bundle
from serving.sending import choose
from serving.sending.events import name_events
from tests.support.bundle_cases import SEED, train


def test_an_id_is_of_campaign_member_and_slot() -> None:
    ids = np.array([204, 117, 2**40 + 3])
    named = name_events("may", ids, 3)
    assert named.shape == (3, 4)
    assert named[1].tolist() == name_events("may", ids[[1]], 3)[0].tolist()
    # held for good: events of mails already sent must be found again
    assert named[0, :2].tolist() == [b"macf3e8947a6d9fbd3aa3", b"s00093db5cf63ac354a24"]
    others = (name_events("june", ids, 3), name_events("mayx", ids, 3))
    everything = np.concatenate([named.ravel(), *(other.ravel() for other in others)])
    assert len(set(everything.tolist())) == 3 * 12
    assert (name_events("may", ids, 5)[:, :4] == named).all()


@given(
    members=st.lists(st.text(min_size=1), min_size=2, max_size=40, unique=True),
    slots=st.integers(1, 9),
)
def test_no_two_slots_share_an_id_and_none_holds_the_member(members: list[str], slots: int) -> None:
    named = name_events("week", np.array(members, dtype=object), slots).ravel().tolist()
    assert len(set(named)) == len(members) * (slots + 1)
    assert all(len(one) == 21 for one in named)


def test_slates_are_a_log_that_waits_for_its_answers(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What the sender writes is what `bandit.log` reads: the same slates, role for role."""
    folder = tmp_path_factory.mktemp("b")
    mine = train("profile")
    mine.write(folder / "b")
    found, context = bundle.read(folder / "b"), mine.context
    asked = (context.members, context.articles, context.rules, context.campaign, SEED)
    table = pa.concat_tables(choose.compose(found, *asked))
    log.write_table(folder / "slates.parquet", table)
    slates = log.read_slates(folder / "slates.parquet", context)
    assert isinstance(slates, Slates)
    assert set(np.unique(slates.role)) <= set(range(len(ROLES)))
    again = log.tabulate_slates(context, slates)
    for name, column in again.items():
        assert column.to_pylist() == table[name].to_pylist(), name
    broken = table.set_column(
        table.column_names.index("propensity"), "propensity", pa.array(np.zeros(len(table)))
    )
    log.write_table(folder / "slates.parquet", broken)
    with pytest.raises(ValueError, match=r"slates.parquet: propensity\[0, 0\] = 0.0; must be in"):
        log.read_slates(folder / "slates.parquet", context)
