"""A person's own policy, in a folder of their own, is a full citizen."""

from pathlib import Path

import pytest

from bandit.core.files import read_json
from experiments import run, train
from experiments.evaluate import __main__ as evaluate
from experiments.runner.digest import digest_code
from experiments.runner.unit import can_be_sent
from tests.support.asking import SMALL, ask_in, list_names
from tests.support.own_project import write_project


def test_a_policy_of_ones_own_runs_and_leaves_no_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path, "mine")
    monkeypatch.syspath_prepend(tmp_path)
    ask = ask_in(tmp_path, monkeypatch)
    own = ("--config-dir", "configs", "policy=mine", "hydra.run.dir=alone", *SMALL)
    assert not ask(run.main, *own)
    assert "no bundle: a sender takes policies of bandit.policies" in capsys.readouterr().out
    assert read_json(tmp_path / "alone" / "unit.json")["exportable"] is False
    assert "bundle" not in list_names(tmp_path / "alone")
    assert "nearest: policy.weight" in ask(run.main, *own, "policy.wait=3")
    assert "nearest: mine" in ask(run.main, *own[:2], "policy=minne")


def test_a_policy_of_ones_own_is_trained_and_judged_from_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path, "taught")
    monkeypatch.syspath_prepend(tmp_path)
    ask = ask_in(tmp_path, monkeypatch)
    assert not ask(run.main, "policy=random", "hydra.run.dir=logged", *SMALL, "simulator.pool=20")
    own = ("--config-dir", "configs", "policy=taught", "log=logged")
    capsys.readouterr()
    assert not ask(train.main, *own, "judge_from=2", "name=trained")
    assert "no bundle: a sender takes policies of bandit.policies" in capsys.readouterr().out
    assert list_names(tmp_path / "runs" / "trained") == ["estimates.parquet", "run.json"]
    assert not ask(train.main, *own, "judge_from=2", "name=trained")  # its folder is its own
    assert not ask(evaluate.main, *own, "name=judged")
    assert "evaluate.html" in list_names(tmp_path / "runs" / "judged")


def test_an_edit_of_what_lies_beside_it_makes_its_results_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path, "edited")
    monkeypatch.syspath_prepend(tmp_path)
    config = [{"_target_": "edited_policy.Last"}]
    before = digest_code([], config)
    (tmp_path / "other.py").write_text("unused = 1\n", encoding="utf-8")
    assert digest_code([], config) == before
    helper = tmp_path / "edited_helper.py"
    helper.write_text(helper.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    assert digest_code([], config) != before


def test_a_sender_takes_policies_of_the_project_that_are_not_told_the_truth() -> None:
    wave = {"_target_": "bandit.policies.wave.Wave"}
    assert can_be_sent({"_target_": "bandit.policies.random.Random"})
    assert not can_be_sent({"_target_": "bandit.policies.oracle.Oracle"})
    assert not can_be_sent(wave | {"policy": {"_target_": "bandit.policies.oracle.Oracle"}})
    assert not can_be_sent(wave | {"policy": {"_target_": "mine.Last"}})
