"""The contract: what every simulator found in configs/simulator must keep."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from bandit.core.types import Context, Round, Slates
from bandit.log import archive
from bandit.policies.random import Random
from bandit.slates.propensity import draw
from experiments.runner.configs import CONFIGS, list_configs, make, resolve
from simulators.association.association import Association
from simulators.base import Simulator, Truthful
from simulators.play import play, send

NAMES = list_configs("simulator")
MUTE = {"replay"}  # cannot tell the truth, and says so when asked
SMALL: dict[str, Any] = {"members": 90, "pool": 12, "issues": 4, "text_dims": 6, "embeddings": None}


def log_of_choices(folder: Path) -> dict[str, object]:
    """The options of `replay` for a file of 120 rounds."""
    rng = np.random.default_rng(1)
    features = [" ".join(map(str, row)) for row in rng.integers(0, 9, (120, 100))]
    table = {"arm": rng.permutation(120) % 10 + 1, "click": rng.integers(0, 2, 120)}
    pd.DataFrame(table | {"features": features}).to_csv(folder / "list_configs.csv", index=False)
    loader = "simulators.replay.loaders.columbia.Columbia"
    return {"log": {"_target_": loader, "path": str(folder / "list_configs.csv")}, "issues": 4}


def log_of_newsletters(folder: Path) -> dict[str, object]:
    """The options of `logged` for an archive of four issues."""
    association = Association(seed=5, slots=3, click_to_open=0.3, **(SMALL | {"members": 200}))
    archive.write(folder / "log", play(Random(), association))
    return {"log": str(folder / "log"), "examine": "position_based", "text_dims": 6}


OPTIONS: dict[str, Callable[[Path], dict[str, object]]] = {
    "classification": lambda folder: {"data": "iris", "batch": 40},
    "logged": log_of_newsletters,
    "replay": log_of_choices,
}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Simulator]:
    """`build(name, seed)`: a simulator with nothing remembered; `copy` builds an equal one anew."""

    @cache
    def configure(name: str) -> dict[str, Any]:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            config = resolve(compose("run", overrides=[f"simulator={name}"])["simulator"])
        small = OPTIONS.get(name, lambda folder: SMALL)
        return config | small(tmp_path_factory.mktemp(name))

    @cache
    def made(name: str, seed: int, copy: int) -> Any:
        return make(configure(name), seed=seed)

    return lambda name, seed=3, copy=0: made(name, seed, copy).twin()


Build = Callable[..., Simulator]
every = pytest.mark.parametrize("name", NAMES)


def choose(context: Context, seed: int = 7) -> Slates:
    return draw(Random().plan(context), context, seed)


def arrays_of(round: Round) -> list[np.ndarray]:
    context = round.context
    shown = [context.member_features, context.article_features, context.eligible, context.seen]
    ids = [context.member_ids, context.article_ids]
    return [*ids, *shown, *vars(round.slates).values(), *vars(round.feedback).values()]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_discovery_found_the_family() -> None:
    known = "association newsletter informz higher_logic classification replay logged"
    assert set(known.split()) <= set(NAMES)


@every
def test_each_is_a_simulator_of_members_that_are_listed(name: str, build: Build) -> None:
    simulator = build(name)
    assert isinstance(simulator, Simulator)
    assert simulator.seed == 3
    assert simulator.issues == 4
    assert simulator.members["member"].is_unique
    for round in play(Random(), simulator):
        assert set(round.context.member_ids) <= set(simulator.members["member"])


@every
def test_the_seed_decides_the_contexts_and_the_answers(name: str, build: Build) -> None:
    one, again, other = build(name), build(name, copy=1), build(name, seed=4)
    assert one is not again
    rounds = [list(play(Random(), simulator, seed=7)) for simulator in (one, again, other)]
    contexts_differ = answers_differ = False
    for first, second, third in zip(*rounds, strict=True):
        assert same(arrays_of(first), arrays_of(second))
        contexts_differ |= not same(arrays_of(first)[:6], arrays_of(third)[:6])
        answers = [list(vars(round.feedback).values()) for round in (first, third)]
        answers_differ |= not same(*answers)
    assert answers_differ
    assert contexts_differ or name == "logged"  # whose members and pools are the log's


@every
def test_issues_are_counted_from_one_and_refused_by_number(name: str, build: Build) -> None:
    simulator = build(name)
    assert [simulator.issue(number).issue for number in range(1, simulator.issues + 1)] == [
        *range(1, simulator.issues + 1)
    ]
    for number in (0, -1, simulator.issues + 2):
        with pytest.raises(ValueError, match=f"issue = {number};"):
            build(name).issue(number)


@every
def test_expected_clicks_are_finite_and_none_in_empty_slots(name: str, build: Build) -> None:
    simulator = build(name)
    context = simulator.issue(1)
    slates = choose(context)
    expected = simulator.expected(context, slates)
    assert expected.shape == slates.choice.shape == (len(context.members), context.rules.slots)
    assert np.isfinite(expected).all()
    assert (expected >= 0).all()
    assert expected.sum() > 0
    emptied = slates.choice.copy()
    emptied[::2, -1] = -1
    part = simulator.expected(context, Slates(**(vars(slates) | {"choice": emptied})))
    assert (part[emptied < 0] == 0).all()


@every
def test_asking_what_is_expected_changes_nothing(name: str, build: Build) -> None:
    one, other = build(name), build(name)
    for number in (1, 2):
        context = one.issue(number)
        slates = choose(context)
        first = one.expected(context, slates)
        answer = one.respond(context, slates)
        assert same(
            list(vars(answer).values()),
            list(vars(other.respond(other.issue(number), slates)).values()),
        )
        assert np.array_equal(first, other.expected(context, slates))


@every
def test_feedback_fits_the_slates(name: str, build: Build) -> None:
    for round in play(Random(), build(name)):
        feedback, filled = round.feedback, round.slates.choice >= 0
        n, k = filled.shape
        for what in ("delivered", "opened", "unsubscribed"):
            assert getattr(feedback, what).shape == (n,)
        for what in ("examined", "clicked", "dwell_seconds"):
            assert getattr(feedback, what).shape == (n, k)
        assert not (feedback.clicked & ~(filled & feedback.opened[:, None])).any()
        assert not (feedback.opened & ~feedback.delivered).any()
        assert set(np.unique(feedback.examined)) <= {-1, 0, 1}


@every
def test_a_twin_that_remembers_a_log_goes_on_as_if_it_had_answered(name: str, build: Build) -> None:
    simulator, resumed = build(name), build(name)
    last = simulator.issues
    for round in play(Random(), simulator, seed=7, issues=last - 1):
        resumed.remember(resumed.issue(round.context.issue), round.slates, round.feedback)
    ends = [send(Random(), each, each.issue(last), 7) for each in (simulator, resumed)]
    assert same(*map(arrays_of, ends))


@every
def test_a_twin_has_a_memory_of_its_own(name: str, build: Build) -> None:
    simulator = build(name)
    before = simulator.twin().issue(2)
    list(play(Random(), simulator.twin()))
    after = simulator.issue(2)
    assert np.array_equal(before.member_ids, after.member_ids)
    assert np.array_equal(before.seen, after.seen)


@every
def test_members_have_joined_by_the_issue_that_they_are_sent(name: str, build: Build) -> None:
    simulator = build(name)
    everybody = simulator.joined(simulator.members["member"].to_numpy())
    assert everybody.shape == (len(simulator.members),)
    assert np.issubdtype(everybody.dtype, np.integer)
    assert everybody.min() == 1
    for number in range(1, simulator.issues + 1):
        assert (simulator.joined(simulator.issue(number).member_ids) <= number).all()


@every
def test_contexts_hold_what_a_sender_knows_and_not_the_truth(name: str, build: Build) -> None:
    """Members have the attributes that features read; articles have no column of their appeal."""
    simulator = build(name)
    context = simulator.issue(2)
    read = set(simulator.features.attributes.columns)
    assert set(context.members.names) <= {"member", *read}
    known = {"article", "title", "summary", "kind", "source"}
    assert {c for c in context.articles.names if not c.startswith("only_")} <= known
    assert context.member_features.shape[1] == len(simulator.features.member_names)
    assert context.article_features.shape[1] == len(simulator.features.article_names)


@every
def test_the_truth_is_told_to_those_who_may_know_or_refused(name: str, build: Build) -> None:
    simulator = build(name)
    if not isinstance(simulator, Truthful):
        return  # it need not be: then no policy can be shown its truth
    context = simulator.issue(1)
    if name in MUTE:
        with pytest.raises(ValueError, match="is a log: it does not tell"):
            simulator.truth(context)
        return
    truth = simulator.truth(context)
    assert truth.shape == context.eligible.shape
    assert ((truth >= 0) & (truth <= 1)).all()
    for column in context.member_features.T:
        assert not any(np.array_equal(column, chances) for chances in truth.T)
