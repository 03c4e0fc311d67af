"""Replay as a simulator: its batches are the log, and what matches is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import SlotPmf
from bandit.slates.propensity import draw
from experiments.runner.configs import CONFIGS, make, resolve
from experiments.runner.unit import run_unit
from simulators.replay.evaluation import evaluate_by_replay
from simulators.replay.loaders.mind import Mind
from simulators.replay.replay import ArticleNumbers, Replay
from tests.support.replay_cases import Fixed, M, logged


def test_the_batches_are_the_log() -> None:
    log = logged(103, 1)
    place = Replay(log, seed=3, issues=5)
    issues = [place.issue(t) for t in range(1, 6)]
    met = np.concatenate([issue.member_ids for issue in issues])
    assert sorted(met) == log.members["member"].tolist()
    assert {len(issue.members) for issue in issues} == {20, 21}
    assert not np.array_equal(
        met,
        np.concatenate([Replay(log, seed=4, issues=5).issue(t).member_ids for t in range(1, 6)]),
    )
    np.testing.assert_array_equal(
        log.members["member"].to_numpy()[place.find_rows(issues[2])], issues[2].member_ids
    )
    features = issues[0].article_features
    np.testing.assert_array_equal(features[:, -M:], np.eye(M))


def test_what_matches_is_kept_and_nothing_else() -> None:
    log = logged(200, 2)
    place = Replay(log, seed=3, issues=2)
    context = place.issue(2)
    slates = draw(
        SlotPmf(np.zeros((100, M)), lambda s, open: open / open.sum(1, keepdims=True)), context, 9
    )
    feedback = place.respond(context, slates)
    rows = place.find_rows(context)
    match = slates.choice[:, 0] == log.choice[rows]
    assert 10 < match.sum() < 45
    np.testing.assert_array_equal(feedback.opened, match)
    assert feedback.delivered.all()
    np.testing.assert_array_equal(feedback.clicked[:, 0], match & log.clicked[rows])
    np.testing.assert_array_equal(place.expected(context, slates)[:, 0], match & log.clicked[rows])
    back = np.arange(100)[::-1]
    turned = place.respond(context.take(back), slates.take(back))
    np.testing.assert_array_equal(turned.clicked, feedback.clicked[back])


def test_a_policy_is_taught_what_was_kept() -> None:
    log, policy = logged(300, 3), Fixed()
    result = evaluate_by_replay(policy, log, seed=5, batches=7)
    assert len(policy.taught) == 7
    assert (
        sum(len(round.list_exposures()[0]) for round in policy.taught)
        == result.kept
        < result.rounds
        == 300
    )
    for round in policy.taught:
        rows, _, index, clicked = round.list_exposures()
        at = round.context.member_ids[rows] - 1
        np.testing.assert_array_equal(index, log.choice[at])
        np.testing.assert_array_equal(clicked, log.clicked[at])
    assert evaluate_by_replay(Fixed(), log, seed=5, batches=7) == result


def test_what_a_log_cannot_tell_is_refused(tmp_path: Path) -> None:
    place = Replay(logged(30, 1), issues=3)
    with pytest.raises(
        ValueError, match="made is a log: it does not tell what a member would have clicked on"
    ):
        place.truth(place.issue(1))
    with pytest.raises(ValueError, match="made is a log: nobody knows how its members differ"):
        place.hyperparameters()
    for number, message in [
        (0, "issue = 0; must be at least 1"),
        (4, "issue = 4; the log is cut into 3"),
    ]:
        with pytest.raises(ValueError, match=message):
            place.issue(number)
    with pytest.raises(ValueError, match="issues = 31; made has 30 rounds"):
        Replay(logged(30, 1), issues=31)
    (tmp_path / "news.tsv").write_text("N1\tc\ts\tOne\t\nN2\tc\ts\tTwo\t\n")
    (tmp_path / "behaviors.tsv").write_text("1\tU1\t11/15/2019 9:05:58 AM\t\tN1-1 N2-0\n")
    with pytest.raises(
        ValueError, match=r"behaviors\.tsv: replay needs one choice a round and its propensity"
    ):
        Replay(Mind(str(tmp_path)))


def test_an_article_is_known_by_its_number() -> None:
    encoder = ArticleNumbers(["one. ", "two. "])
    np.testing.assert_array_equal(
        encoder.encode(["two. ", "one. ", "new"]), [[0, 1], [1, 0], [0, 0]]
    )
    assert encoder.name != ArticleNumbers(["two. ", "one. "]).name


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    """A file for a loader: readers click where their first number names the article."""
    rng = np.random.default_rng(5)
    features = rng.integers(0, 10, (1500, 100))
    shown = rng.integers(0, 10, 1500)
    click = (rng.random(1500) < np.where(shown == features[:, 0] // 5, 0.8, 0.1)).astype(int)
    table = {
        "arm": shown + 1,
        "click": click,
        "features": [" ".join(map(str, row)) for row in features],
    }
    pd.DataFrame(table).to_csv(tmp_path / "ten.csv", index=False)
    return tmp_path / "ten.csv"


POLICIES: list[Callable[[], dict[str, Any]]] = [
    lambda: {"_target_": "bandit.policies.popular.Popular", "looks": 5.0},
    lambda: {"_target_": "bandit.policies.random.Random"},
]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_unit_runs_on_a_log_and_resumes_from_its_own(
    tmp_path: Path, ten: Path, policy: Callable[[], dict[str, Any]]
) -> None:
    loader = {"_target_": "simulators.replay.loaders.columbia.Columbia", "path": str(ten)}
    config = {"_target_": "simulators.replay.replay.Replay", "log": loader, "issues": 5}
    run_unit(tmp_path / "whole", policy(), config, seed=11)
    sent = [
        pd.read_json(path, typ="series")
        for path in sorted((tmp_path / "whole/issues").glob("*.json"))
    ]
    result = evaluate_by_replay(make(policy()), make(loader), seed=11, batches=5)
    assert sum(issue["opened"] for issue in sent) == result.kept
    assert sum(issue["delivered"] for issue in sent) == result.rounds
    assert result.rejection
    assert sum(issue["clicks"] for issue in sent) == pytest.approx(
        result.kept * result.rejection.estimate
    )

    cut = tmp_path / "cut"
    run_unit(cut, policy(), config, seed=11)
    for gone in (
        "done.json",
        "log/004.parquet",
        "log/005.parquet",
        "issues/004.json",
        "issues/005.json",
    ):
        (cut / gone).unlink()
    run_unit(cut, policy(), config, seed=11)
    for path in sorted((tmp_path / "whole").rglob("*.*")):
        assert (cut / path.relative_to(tmp_path / "whole")).read_bytes() == path.read_bytes(), path


def test_the_config_names_a_loader_that_says_what_it_needs() -> None:
    from omegaconf import OmegaConf

    config = resolve(OmegaConf.load(CONFIGS / "simulator/replay.yaml"))
    assert config["log"]["_target_"] == "simulators.replay.loaders.open_bandit.OpenBandit"
    config["log"]["folder"] = "nowhere"
    with pytest.raises(ValueError, match="`make data` fetches it"):
        make(config, seed=1)
