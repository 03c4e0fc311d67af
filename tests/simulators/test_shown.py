"""What a notebook shows of the tables that travel: what it is, in a few lines."""

from pathlib import Path

import pandas as pd
import pytest

from bandit.policies.profile import Profile
from bandit.policies.random import Random
from experiments.runner.folders import read_tables
from simulators.play import play
from tests.support.builders import association_of


def test_everything_says_what_it_is_in_a_few_lines() -> None:
    association = association_of(members=60, issues=1, pool=12, slots=4, text_dims=6)
    policy = Profile(budget=0.25, keep=0.5)
    (round,) = play(policy, association)
    n = len(round.context.members)
    assert repr(round.context).startswith(f"Context('issue-001', issue 1: {n} members with ")
    assert repr(round.context).endswith("articles with 9, 4 slots)")
    assert repr(round.slates).startswith(f"Slates({n} members, 4 slots: ")
    clicks = round.feedback.clicked.sum()
    assert repr(round.feedback).endswith(f"{clicks} clicks)")
    assert repr(round).count("\n") == 2
    assert len(repr(round)) < 400
    assert repr(association) == "Association(seed=3: 60 members, 1 issues)"
    assert repr(policy).startswith("Profile(budget=0.25, first_budget=1.0, temperature=1.0, keep")
    assert repr(Random()) == "Random()"
    assert "member, member_type" in repr(round.context.members)


def test_the_tables_of_a_run_are_frames_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no results\.parquet: it is no finished run"):
        read_tables(tmp_path)
    table = pd.DataFrame({"policy": ["random"], "value": [0.5]})
    for name in ("results", "summary"):
        table.to_parquet(tmp_path / f"{name}.parquet")
    found = read_tables(str(tmp_path))
    assert list(found) == ["results", "summary"]
    pd.testing.assert_frame_equal(found["summary"], table)
