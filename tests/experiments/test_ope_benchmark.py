"""The benchmark of estimators: closed forms of its figures, its worlds, and the command."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bandit.core.types import Floats, Ints
from experiments.ope_benchmark import (
    articles,
    cascade,
    changes,
    classification,
    keel,
    sends,
)
from experiments.ope_benchmark.__main__ import main, make_table, run
from experiments.ope_benchmark.labelled import make_log, mix_uniform, soften
from experiments.ope_benchmark.measure import Goal, Part, compare, find_best, list_errors
from experiments.ope_benchmark.published import learners, real_logs
from experiments.runner.configs import read_config
from tests.support.asking import ask_in
from tests.support.loader_cases import hillstrom


def iris(_: str) -> tuple[Floats, Ints]:
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    return x, y


def test_a_ratio_of_errors_is_paired() -> None:
    rows = [
        row
        for number, (a, b) in enumerate([(1.0, 2.0), (3.0, 6.0), (2.0, 4.0)])
        for row in list_errors("case", number, {"a": a, "b": b, "c": 2.5})
    ]
    errors = pd.DataFrame(rows)
    assert compare(errors, "case", "a", "b") == (0.5, pytest.approx(0, abs=1e-15))
    ratio, error = compare(errors, "case", "a", "c")
    assert (ratio, error) == (pytest.approx(0.8), pytest.approx(0.4 / 3**0.5))
    assert find_best(errors, "case", ["a", "b", "c"]) == "a"
    told = Part("p", "title", 10.0, errors, []).summarise().set_index("estimator")
    assert told.loc["b", ["mean", "runs"]].tolist() == [4.0, 3]
    assert told.loc["b", "standard_error"] == pytest.approx(2 / 3**0.5)


def test_a_goal_says_whether_it_is_reached() -> None:
    assert Goal("x over y", 0.4, 0.5, 0.03).words == (
        "reached: x over y: 0.4 +- 0.03, to be at most 0.5"
    )
    assert Goal("x", 0.6, 0.5).words == "NOT reached: x: 0.6, to be at most 0.5"


def test_labels_become_a_log_whose_truth_is_exact() -> None:
    labels = np.array([0, 2, 1])
    target = mix_uniform(np.array([0, 2, 0]), 3, 0.7)
    np.testing.assert_allclose(target[0], [0.8, 0.1, 0.1])
    logged = np.full((3, 3), 1 / 3)
    log, truth = make_log(np.zeros((3, 1)), labels, logged, target, np.random.default_rng(1))
    assert truth == pytest.approx((0.8 + 0.8 + 0.1) / 3)
    assert (log.reward == (log.action == labels)).all()
    np.testing.assert_allclose(soften(np.array([[0.2, 0.7]]), 2.0)[0, 1], np.e / (1 + np.e))


def test_slates_earn_what_their_closed_form_says() -> None:
    """Item-position weights have no bias where slots stay apart."""
    off = []
    for seed in range(20):
        log, value = cascade.draw_run(cascade.REACH["apart"], seed)
        terms = (log.pick(log.target) / log.pick(log.logged) * log.reward).sum(axis=1)
        off.append((terms.mean() - value) / (terms.std() / len(terms) ** 0.5))
    assert abs(np.mean(off)) < 0.8
    assert np.std(off) == pytest.approx(1, abs=0.4)


def test_the_published_ridge_has_no_error_where_rewards_are_linear() -> None:
    log, _ = keel.draw_run(*iris(""), 1)
    model = keel.fit_ridge(log)
    mean = model[np.arange(len(log)), log.action] - np.asarray(log.reward)
    for label in range(3):
        assert mean[log.action == label].mean() == pytest.approx(0, abs=1e-9)


def test_parts_compare_on_the_same_logs() -> None:
    parts = [
        keel.run(2, 0, lambda: None, ["iris"], iris),
        cascade.run(2, 0, lambda: None),
    ]
    for part in parts:
        count = part.errors.groupby(["case", "estimator"]).size()
        assert (count == 2).all()
        assert np.isfinite(part.errors["error"]).all()
        assert make_table(part).row_count == part.errors["estimator"].nunique()
    again = cascade.run(2, 0, lambda: None)
    pd.testing.assert_frame_equal(again.errors, parts[1].errors)
    assert len(parts[1].goals) == 3


def test_articles_earn_by_topic_where_topics_tell_all() -> None:
    log, topic, truth = articles.draw_run(0.5, 0.0, 2)
    assert np.bincount(topic).tolist() == [50] * 10
    assert 0.5 < truth < 1
    assert log.logged.shape == (articles.SENDS, articles.ARTICLES)


def test_the_published_world_is_drawn_as_it_was_published() -> None:
    """A policy by chance earns what was published of it, to all six digits; actions that are
    clicked less are logged more."""
    world = learners.World(learners.SEED)
    x, chances, action, propensity, reward = world.log()
    assert x[0, :2] == pytest.approx([-0.20470766, 0.47894334])
    assert float(world.log()[1].mean()) == pytest.approx(0.499925, abs=5e-7)
    rows = np.arange(learners.ROUNDS)
    assert chances[rows, action].mean() < chances.mean() - 0.05
    assert (1 / propensity).mean() == pytest.approx(learners.ACTIONS, rel=0.05)
    assert reward.mean() == pytest.approx(chances[rows, action].mean(), abs=0.015)


@pytest.mark.slow
def test_the_policy_earns_more_than_published_learners_of_the_same_log() -> None:
    found = learners.value_learners(learners.SEED)
    assert found["by weights"] == pytest.approx(learners.PUBLISHED["IPWLearner"], abs=0.001)
    assert max(learners.PUBLISHED.values()) < found["offpolicy"] < found["best possible"]


def test_a_mailing_sent_to_everybody_earns_what_it_earned(tmp_path: Path) -> None:
    """Self-normalised, by the mean of those to whom it was sent."""
    loader = hillstrom(tmp_path)
    log = loader.read()
    found = real_logs.judge_mails(Path(loader.path))
    for j, mailing in enumerate(real_logs.MAILINGS):
        mean = log.clicked[log.choice == j].mean()
        assert found[f"{mailing}, snips"] == pytest.approx(mean)
    with pytest.raises(ValueError, match="hillstrom = 'nowhere'; there is no such file"):
        real_logs.run(2, 0, lambda: None, mails="nowhere")
    with pytest.raises(ValueError, match="open_bandit and hillstrom are null; name a"):
        real_logs.run(2, 0, lambda: None)
    part = real_logs.run(2, 0, lambda: None, mails=loader.path)
    assert len(part.errors) == 6
    assert not part.goals


def test_the_command_leaves_its_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cascade, "SENDS", 200)
    told = read_config("", "ope_benchmark")
    config = {key: value for key, value in told.items() if key not in ("defaults", "hydra")}
    made, found = run(config | {"parts": ["cascade"], "runs": 2}, Console(quiet=True))
    summary = pd.read_parquet(made / "summary.parquet")
    assert set(summary["estimator"]) == {*cascade.SPECIALISTS, "blend"}
    assert len(pd.read_parquet(made / "errors.parquet")) == 2 * 3 * 8
    assert [part.name for part in found] == ["cascade"]


def test_our_own_sends_are_held_against_what_was_earned(tmp_path: Path) -> None:
    nan = np.nan
    rows = [
        ("a", 0, "x", 1.1, 0.9, 1.3, 1.0),
        ("b", 0, "x", 1.8, 1.7, 1.9, 2.0),  # the truth is outside
        ("c", 0, "x", 3.3, 2.7, 3.9, 3.0),
        ("a", 1, "x", nan, nan, nan, nan),  # withheld
        ("a", 0, "y", 0.5, 0.0, 2.0, 1.0),
    ]
    names = ["target", "seed", "estimator", "value", "low", "high", "earned"]
    frame = pd.DataFrame(rows, columns=names).assign(logger="random")
    frame.to_parquet(tmp_path / "off_policy.parquet")
    part = sends.read(str(tmp_path))
    assert part.title == "Our own sends: 4 estimates from the log of random, 1 withheld"
    told = part.summarise().set_index(["case", "estimator"])["mean"]
    assert told["truth outside", "x"] == pytest.approx(1 / 3)
    assert told["relative error", "x"] == pytest.approx(0.1)
    assert told["half width", "x"] == pytest.approx((0.2 + 0.05 + 0.2) / 3)
    assert told["1 - Kendall's tau", "x"] == 0
    assert ("1 - Kendall's tau", "y") not in told.index
    assert make_table(part).row_count == 2
    with pytest.raises(ValueError, match="run a comparison first"):
        sends.read(str(tmp_path / "elsewhere"))
    frame.assign(low=nan).to_parquet(tmp_path / "off_policy.parquet")
    with pytest.raises(ValueError, match="every estimate was withheld"):
        sends.read(str(tmp_path))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("parts=[kell]", "parts = .'kell'.; must be a list of some of keel, classification"),
        ("sets=[iris]", "sets = .'iris'.; must be a list of some of vehicle, optdigits"),
        ("runs=1", "runs = 1; must be "),
        ("readings=[skimming]", "readings = .'skimming'.; must be a list of some of cascade, dep"),
        ("slots=1", "slots = 1; must be "),
        ("pool=3", "pool = 3; must be "),
        ("parts=[sends]", "run is not given; name the folder of a comparison"),
    ],
)
def test_impossible_settings_are_refused(
    asked: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert re.search(message, ask_in(tmp_path, monkeypatch)(main, asked))


def test_other_worlds_are_drawn() -> None:
    log, second, truth = changes.draw_run(5, 1.0, 0)
    assert second.shape == log.target.shape
    assert abs(truth) < 1
    drawn, value = classification.draw_run("iris", 0)
    assert len(drawn) == 105
    assert 0.5 < value < 1
