"""Training from a finished unit's log alone: judged by what is not yet learned, and sent."""

from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from rich.progress import Progress

from bandit.log import archive
from bandit.log import issue as log
from bandit.log.issues import describe_issues, list_issues
from bandit.log.learning import learn_rounds
from bandit.policies.random import Random
from bandit.slates.propensity import replay
from experiments import train
from experiments.runner.configs import make, read_policy
from experiments.runner.unit import run_unit
from serving import bundle
from serving.manifest import POLICY
from simulators.association.association import Association
from simulators.play import play_back
from tests.support.builders import association_of

SIZES: dict[str, Any] = {
    "members": 500,
    "issues": 6,
    "pool": 14,
    "slots": 4,
    "text_dims": 8,
    "seed": 11,
    "pin_every": 2,
}


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units") / "random-11"
    simulator = {"_target_": "simulators.association.association.Association"} | {
        k: v for k, v in SIZES.items() if k != "seed"
    }
    run_unit(folder, read_policy("random"), simulator, SIZES["seed"])
    return folder


def asked(unit: Path, **given: Any) -> dict[str, Any]:
    config = {
        "policy": read_policy("offpolicy"),
        "log": str(unit),
        "bundle": None,
        "judge_from": 4,
        "slots": 1,
        "name": "trained",
    }
    return config | given


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(train, "choose_folder", lambda name, label, config: tmp_path / name)
    return tmp_path


def test_a_log_is_read_back_with_the_contexts_it_was_sent_in(unit: Path) -> None:
    association = association_of(**SIZES)
    for round in play_back(unit / "log", association):
        again = replay(Random().plan(round.context), round.context, round.slates.choice)
        assert again.tobytes() == round.slates.propensity.tobytes()


def test_a_policy_trained_from_a_log_alone_can_be_sent(
    unit: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("only the log may answer")

    def show(bar: Progress, task: Any, **told: Any) -> None:
        shown.append((told["completed"], told["description"]))

    shown: list[tuple[int, str]] = []
    monkeypatch.setattr(Progress, "update", show)
    for name in ("truth", "expected", "respond"):
        monkeypatch.setattr(Association, name, refuse)
    made, estimates, own = train.run(asked(unit), "offpolicy")
    assert shown == [(issue - 1, f"train: issue {issue}") for issue in range(1, 7)]
    assert list(estimates["estimator"])[:2] == ["ips", "snips"]
    association = association_of(**SIZES)
    clicks = np.concatenate(
        [
            r.feedback.clicked[:, 0]
            for r in play_back(unit / "log", association)
            if r.context.issue >= 4
        ]
    )
    assert own["value"][0] == pytest.approx(clicks.mean())

    taught_directly = make(read_policy("offpolicy"))
    association = association_of(**SIZES)
    taught_directly.start(association.features)
    for round in play_back(unit / "log", association):
        taught_directly.learn(round)
    taught_directly.finish()
    context = association.issue(6)
    read = bundle.read(made / "bundle")
    assert (
        read.policy.plan(context).scores.tobytes() == taught_directly.plan(context).scores.tobytes()
    )
    assert "random" in read.manifest.made_from["logger"]


def test_any_archive_will_do_and_the_bundle_names_its_issues(
    unit: Path, runs: Path, tmp_path: Path
) -> None:
    """Whatever made the log: one that is read back and written again has no unit.json."""
    features = bundle.read(unit / "bundle").features
    archive.write(tmp_path / "log", archive.read(unit, features))
    given = {"log": str(tmp_path / "log"), "bundle": str(unit / "bundle")}
    made, *_ = train.run(asked(unit, **given), "offpolicy")
    other, *_ = train.run(asked(unit, name="other"), "offpolicy")
    files = [(each / "bundle" / POLICY).read_bytes() for each in (made, other)]
    assert files[0] == files[1]
    named = describe_issues(list_issues(tmp_path / "log"))
    assert bundle.read(made / "bundle").manifest.made_from["learned"] == named
    alone, *_ = train.run(asked(unit, log=given["log"], name="fitted"), "offpolicy")
    assert bundle.read(alone / "bundle").features.version != features.version


def test_the_logger_itself_is_judged_at_what_it_earned(unit: Path) -> None:
    policy = Random()
    judge = train.Judge(policy, judge_from=1, slots=1)
    learn_rounds(policy, play_back(unit / "log", association_of(**SIZES)), judge.look)
    estimates, own = judge.conclude()
    np.testing.assert_allclose(estimates["value"], own["value"][0], rtol=1e-9)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"log": None}, "log is not given"),
        ({"log": "/nowhere/random-0"}, "there is no such folder"),
        ({"judge_from": 0}, "judge_from = 0; must be a whole number"),
        ({"judge_from": 7}, "judge_from = 7; the log ends with issue 6"),
        ({"policy": {"_target_": "bandit.policies.oracle.Oracle"}}, "there is none in a log"),
    ],
)
def test_what_cannot_be_trained_is_refused_plainly(
    given: dict[str, Any], message: str, unit: Path, runs: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        train.run(asked(unit, **given), "offpolicy")


def test_an_unfinished_or_damaged_unit_is_refused(unit: Path, runs: Path, tmp_path: Path) -> None:
    for gone, message in (
        ("rules.json", "not an archive"),
        ("done.json", "not finished"),
        ("log/002.parquet", "missing"),
    ):
        copy = copytree(unit, tmp_path / f"copy-{Path(gone).stem}")
        (copy / gone).unlink()
        with pytest.raises(ValueError, match=message):
            train.run(asked(copy), "offpolicy")


def test_the_log_of_other_members_is_refused(unit: Path) -> None:
    other = Association(**(SIZES | {"members": 499}))
    with pytest.raises(ValueError, match="rows; "):
        log.read(unit / "log" / "001.parquet", other.issue(1))
