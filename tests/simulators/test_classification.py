"""The classification bandit: its examples are scikit-learn's, and what is known of errors holds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_wine

from bandit.core.files import read_json
from bandit.core.types import Context, Round, SlotPmf
from bandit.policies.bayes_limit import BayesLimit
from bandit.policies.lin_ucb import LinUCB
from bandit.policies.oracle import Oracle
from bandit.policies.random import Random
from bandit.policy import Policy
from bandit.slates.exploration import greedy
from bandit.slates.propensity import draw
from experiments.runner.configs import ROOT
from experiments.runner.unit import run_unit
from simulators.classification import SETS, Classification, progressive_error

SIZES = {
    "digits": (1797, 64, 10),
    "breast_cancer": (569, 30, 2),
    "wine": (178, 13, 3),
    "iris": (150, 4, 3),
}


class Told(Policy):
    """Is told the class of every example, or misled about all of them."""

    def __init__(self, simulator: Classification, sign: float = 1.0) -> None:
        self._simulator, self._sign = simulator, sign

    def start(self, features: Any) -> None: ...
    def learn(self, round: Round) -> None: ...

    def plan(self, context: Context) -> SlotPmf:
        return SlotPmf(self._sign * self._simulator.truth(context), greedy)

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None: ...


@pytest.mark.parametrize("data", SETS)
def test_every_example_is_met_once_with_its_class_and_scaled_attributes(data: str) -> None:
    n, d, classes = SIZES[data]
    simulator = Classification(seed=3, data=data, batch=7)
    contexts = [simulator.issue(number) for number in range(1, simulator.issues + 1)]
    ids = np.concatenate([context.member_ids for context in contexts])
    assert sorted(ids) == list(range(1, n + 1))
    x = np.vstack([context.member_features for context in contexts])
    truth = np.vstack([simulator.truth(context) for context in contexts])
    assert x.shape == (n, 1 + d)
    assert (x[:, 0] == 1).all()
    assert x.min() >= 0
    varied = x[:, 1:].std(axis=0) > 0
    assert (x[:, 1:].max(axis=0)[varied] == 1).all()
    assert (x[:, 1:].min(axis=0)[varied] == 0).all()
    assert truth.shape == (n, classes)
    assert (np.sort(truth, axis=1) == np.eye(classes)[-1]).all()
    text = [name.startswith("text") for name in simulator.features.article_names]
    assert (contexts[0].article_features[:, text] == np.eye(classes)).all()
    assert x.shape[1] == len(simulator.features.member_names)


def test_the_examples_are_scikit_learns() -> None:
    simulator, bunch = Classification(seed=5, data="wine", batch=178), load_wine()
    context = simulator.issue(1)
    low, high = bunch.data.min(axis=0), bunch.data.max(axis=0)
    theirs = np.column_stack([(bunch.data - low) / (high - low), bunch.target])
    ours = np.column_stack(
        [context.member_features[:, 1:], simulator.truth(context).argmax(axis=1)]
    )
    assert not np.allclose(ours, theirs)  # shuffled
    np.testing.assert_allclose(
        *(table[np.lexsort(table.T.round(9))] for table in (ours, theirs)), rtol=1e-12
    )


def test_the_seed_decides_the_order_and_nothing_else_does() -> None:
    first, again, other = (Classification(seed, "iris") for seed in (4, 4, 5))
    assert first.members.equals(again.members)
    assert not first.members.equals(other.members)
    attributes = list(first.features.attributes.numeric)
    ours, others = (
        s.members[attributes].sort_values(attributes, ignore_index=True) for s in (first, other)
    )
    assert ours.equals(others)


@pytest.mark.parametrize("data", SETS)
def test_who_has_the_nearest_id_tells_no_more_than_chance(data: str) -> None:
    """The class of the member before against that of any other example."""
    n, agreed = SIZES[data][0], []
    for seed in range(10):
        simulator = Classification(seed, data, batch=n)
        context = simulator.issue(1)
        truth = simulator.truth(context)[np.argsort(context.member_ids)]
        agreed += (truth[1:] * truth[:-1]).sum(axis=1).tolist()
    counts = truth.sum(axis=0)
    chance = (counts * (counts - 1)).sum() / (n * (n - 1))
    assert abs(np.mean(agreed) - chance) < 4 * np.sqrt(chance * (1 - chance) / len(agreed))


@pytest.mark.parametrize("data", SETS)
def test_who_is_told_the_class_never_errs_and_who_is_misled_always_does(data: str) -> None:
    simulator = Classification(0, data, batch=50)
    assert progressive_error(Told(simulator), simulator) == 0
    assert progressive_error(Told(simulator, -1), simulator) == 1


@pytest.mark.parametrize("data", SETS)
def test_random_errs_as_often_as_chance(data: str) -> None:
    n, _, classes = SIZES[data]
    error = np.mean(
        [progressive_error(Random(), Classification(seed, data, batch=n)) for seed in range(10)]
    )
    expected = 1 - 1 / classes
    assert abs(error - expected) < 4 * np.sqrt(expected * (1 - expected) / (10 * n))


def test_expected_clicks_are_the_clicks_and_everyone_looks() -> None:
    simulator = Classification(0, "digits", batch=100)
    context = simulator.issue(2)
    slates = draw(Random().plan(context), context, 0)
    feedback = simulator.respond(context, slates)
    assert np.array_equal(simulator.expected(context, slates), feedback.clicked)
    assert 0 < feedback.clicked.sum() < 100
    assert feedback.opened.all()
    assert (feedback.examined == 1).all()
    unshown = slates.choice * 0 - 1
    assert (
        simulator.expected(context, type(slates)(unshown, *list(vars(slates).values())[1:])) == 0
    ).all()


def test_the_limit_of_learning_is_refused_and_the_oracle_never_errs() -> None:
    simulator = Classification(0, "wine", batch=30)
    with pytest.raises(ValueError, match="no true hyperparameters"):
        BayesLimit().reveal(simulator)
    oracle = Oracle()
    oracle.reveal(simulator)
    assert progressive_error(oracle, simulator) == 0


def test_attributes_do_not_carry_the_class() -> None:
    simulator = Classification(0, "iris")
    assert list(simulator.issue(1).members.names) == [
        "member",
        *simulator.features.attributes.numeric,
    ]
    assert not any("class" in name or "target" in name for name in simulator.features.member_names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": "mnist"}, "data = 'mnist'; choose from digits, breast_cancer, wine, iris"),
        ({"data": "iris", "batch": 0}, "batch = 0; must be at least 1"),
        ({"data": "iris", "issues": 0}, "issues = 0; must be at least 1"),
        (
            {"data": "iris", "issues": 151},
            "issues = 151; iris has 150 examples, which make 150 of 1",
        ),
    ],
)
def test_what_cannot_be_played_is_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classification(**arguments)


def test_there_is_no_issue_after_the_last() -> None:
    with pytest.raises(ValueError, match="issue = 151; must be in 1 to 150"):
        Classification(0, "iris").issue(151)


def test_a_unit_makes_the_same_choices_as_progressive_error(tmp_path: Path) -> None:
    target = "simulators.classification.Classification"
    policy = {"model": "disjoint", "ridge": 0.3, "alpha": 0.5, "floor": 0.1}
    run_unit(
        tmp_path / "unit",
        {"_target_": "bandit.policies.lin_ucb.LinUCB"} | policy,
        {"_target_": target, "data": "iris", "batch": 2, "issues": 30},
        seed=2,
    )
    clicks = sum(
        read_json(path)["clicks"] for path in (tmp_path / "unit" / "issues").glob("*.json")
    )
    assert clicks == round(
        60 * (1 - progressive_error(LinUCB(**policy), Classification(2, "iris", 2, 30)))
    )


def test_the_command_prints_the_progressive_error(tmp_path: Path) -> None:
    name = f"test-{os.getpid()}-iris"
    command = [
        sys.executable,
        "-m",
        "experiments.run",
        f"name={name}",
        "simulator=classification",
        "simulator.data=iris",
    ]
    try:
        asked = subprocess.run(
            [*command, "simulator.batch=5", "policy=random", "seed=3"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr
        assert (
            f"progressive error: {progressive_error(Random(), Classification(3, 'iris', 5)):.4f}"
            in asked.stdout
        )
    finally:
        shutil.rmtree(ROOT / "runs" / name, ignore_errors=True)
