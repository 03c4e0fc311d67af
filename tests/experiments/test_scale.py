"""What an association costs as it grows: pieces change nothing, and the run's folder is whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.files import read_json
from experiments import scale
from experiments.runner.configs import ROOT, make, read_policy
from simulators.play import send
from tests.support.asking import ask_in

SMALL: dict[str, Any] = {
    "_target_": "simulators.association.association.Association",
    "members": 150,
    "issues": 3,
    "pool": 12,
    "slots": 4,
    "text_dims": 6,
}


@pytest.mark.parametrize("piece", [1, 31, 64, 1000])
@pytest.mark.parametrize("policy", ["lin_ucb", "lin_ts"])
def test_pieces_give_the_slates_and_answers_of_the_whole_issue(policy: str, piece: int) -> None:
    sizes = SMALL | ({"members": 40} if piece == 1 else {})  # a plan for each member
    associations = [make(sizes, seed=3) for _ in range(2)]
    learners = [make(read_policy(policy)) for _ in range(2)]
    for learner, association in zip(learners, associations, strict=True):
        learner.start(association.features)
    for number in (1, 2, 3):
        whole, parted = (association.issue(number) for association in associations)
        at_once = send(learners[0], associations[0], whole, 3, learn=False)
        round = send(learners[1], associations[1], parted, 3, learn=False, piece=piece)
        for ours, theirs in ((round.slates, at_once.slates), (round.feedback, at_once.feedback)):
            for name, wanted in vars(theirs).items():
                np.testing.assert_array_equal(getattr(ours, name), wanted, err_msg=name)
        np.testing.assert_array_equal(round.context.seen, whole.seen)
        for learner in learners:
            learner.learn(round)


@pytest.mark.slow
def test_every_size_leaves_its_issues_and_its_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        scale, "choose_folder", lambda name, label, config: tmp_path / "runs" / name
    )
    config = {"members": [150, 60], "issues": 2, "piece": 40, "seed": 0, "name": "x"}
    run = scale.scale(config | {"policy": read_policy("lin_ucb"), "simulator": SMALL})
    assert run == tmp_path / "runs" / "x"
    table = pd.read_parquet(run / "table.parquet")
    assert table["members"].tolist() == [60, 60, 150, 150]
    assert table["issue"].tolist() == [1, 2, 1, 2]
    assert (table[list(scale.PARTS)] >= 0).all(axis=None)
    assert (table["sent_to"] <= table["members"]).all()
    assert (run / "scale.png").read_bytes().startswith(b"\x89PNG")
    told = read_json(run / "run.json")
    for size, (_, late) in zip(
        told["sizes"], table[table["issue"] == 2].groupby("members"), strict=True
    ):
        costs = size["microseconds"]
        assert costs["all"] == pytest.approx(sum(costs[part] for part in scale.PARTS))
        assert costs["learn"] == pytest.approx(1e6 * late["learn"].sum() / late["sent_to"].sum())
        assert size["peak_gb"] > 0.01
    assert told["flat"] == pytest.approx(
        told["sizes"][1]["microseconds"]["all"] / told["sizes"][0]["microseconds"]["all"]
    )


def test_an_issues_cost_is_taken_apart_by_the_line_through_two_sizes() -> None:
    """.4 s an issue and 12 microseconds a member: 52 at 10^4 members, 12.4 at 10^6."""
    costs = [
        {"sent_to": n, "issue_seconds": 0.4 + 12e-6 * n, "microseconds": {"all": 12 + 0.4e6 / n}}
        for n in (10_000, 70_000, 1_000_000)
    ]
    found = scale.compare_sizes(costs)
    assert found["flat"] == pytest.approx(12.4 / 52)
    assert found["fixed_seconds"] == pytest.approx(0.4)
    assert found["member_microseconds"] == pytest.approx(12)
    assert set(scale.compare_sizes(costs[:1]).values()) == {None}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"members": []}, "members is empty"),
        ({"members": [100, 0]}, "members = 0; must be a whole number of at least 1"),
        ({"members": 1e3}, r"members = 1000\.0; must be a whole number of at least 1"),
        ({"issues": 1}, "issues = 1; must be a whole number of at least 2"),
        ({"piece": 0}, "piece = 0; must be a whole number of at least 1"),
        ({"simulator": SMALL | {"pool": 3}}, "pool = 3; must be at least 4"),
    ],
)
def test_bad_sizes_are_refused_by_name(changed: dict[str, Any], message: str) -> None:
    config = {
        "members": [60],
        "issues": 2,
        "piece": 40,
        "seed": 0,
        "name": "test-refused-scale",
        "simulator": SMALL,
    }
    with pytest.raises(ValueError, match=message):
        scale.scale(config | {"policy": read_policy("lin_ucb")} | changed)
    assert not (ROOT / "runs" / "test-refused-scale").exists()


def test_the_command_refuses_a_bad_size_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ask_in(tmp_path, monkeypatch)(scale.main, "members=[0]")
    assert said == "scale: members = 0; must be a whole number of at least 1"
