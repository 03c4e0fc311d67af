"""Commands refuse what they do not know, and say what there is."""

import io
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from omegaconf import OmegaConf
from rich.console import Console

from experiments import compare, run
from experiments.compare import tell_what_was_cut
from experiments.runner.configs import ROOT, read_policy
from experiments.runner.folders import choose_folder
from tests.support.asking import SMALL, ask_in, list_names
from tests.support.kill_cases import files_of_at_most


def test_a_misspelt_policy_lists_the_valid_ones() -> None:
    with pytest.raises(ValueError, match=r"no policy 'profil'; choose from .*profile"):
        read_policy("profil")


def test_what_was_cut_is_told() -> None:
    config = {"issues": 6, "late_from": 13, "off_policy_from": 6, "logger": "random"}
    console = Console(record=True, width=120, file=io.StringIO())
    tell_what_was_cut(config | {"policies": {"profile": {}}}, console)
    assert console.export_text().splitlines() == [
        "late_from = 13 is after the last issue: later issues rest on issue 6 alone",
        "no off-policy estimates: random did not run, which logs",
    ]


def test_what_is_only_reported_names_no_other_folder() -> None:
    def digest(**settings: int) -> str:
        config = {"seeds": 2, "late_from": 3, "hydra": {"place": "${digest:}"}} | settings
        return str(OmegaConf.create(config).hydra.place)

    assert digest(late_from=7) == digest(workers=7) == digest(baseline=7) == digest()
    assert digest(seeds=7) != digest()


def test_a_number_is_a_name_as_well() -> None:
    names: list[Any] = [2026, 0]  # as YAML reads name=2026
    for name in names:
        assert choose_folder(name, "x", {}).name == str(name)


@pytest.mark.parametrize("name", ["", "a/b", ".."])
def test_a_run_name_stays_below_runs(name: str) -> None:
    with pytest.raises(ValueError, match="must be a plain folder name"):
        choose_folder(name, "x", {})


REFUSED = [
    (run, ["policy=lin_tz"], "lin_ts"),
    (run, ["sead=1"], "sead"),
    (run, ["simulator.slots=-1"], "slots = -1; must be at least 1"),
    (run, ["issues=0"], "issues = 0; must be a whole number of at least 1"),
    (compare, ["policies=[profil]"], "choose from bayes_limit"),
    (compare, ["policies=[]"], "policies is empty"),
    (compare, ["polices=[random]"], "polices"),
]


@pytest.mark.parametrize(("module", "arguments", "message"), REFUSED)
def test_a_command_refuses_what_it_does_not_know(
    module: ModuleType,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = ask_in(tmp_path, monkeypatch)(module.main, "name=test-refused", *arguments)
    assert message in said
    assert "\n" not in said
    assert not (tmp_path / "runs" / "test-refused").exists()


@pytest.mark.parametrize(("module", "arguments", "message"), [REFUSED[2], REFUSED[4]])
def test_the_command_line_refuses_without_a_traceback(
    module: ModuleType, arguments: list[str], message: str
) -> None:
    command = [sys.executable, "-m", module.__name__, "name=test-refused", *arguments]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.returncode != 0
    assert message in asked.stderr
    assert "Traceback" not in asked.stderr
    assert not (ROOT / "runs" / "test-refused").exists()


@pytest.mark.parametrize("place", [".", "mine", "begun"])
def test_force_removes_nothing_of_a_folder_that_is_not_a_runs_alone(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`hydra.run.dir` may be any folder: a project, where one stands, or one with other things."""
    stands = tmp_path / ("begun" if place == "begun" else "")
    (tmp_path / "mine").mkdir()
    (tmp_path / "begun" / "units").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "mine", stands):
        (folder / "policy.py").write_text("of a person")
    ask = ask_in(stands, monkeypatch)
    asked = (f"hydra.run.dir={tmp_path / place}", "force=true", *SMALL)
    for main, policy in ((run.main, "policy=random"), (compare.main, "policies=[random]")):
        assert "it is no run's folder, or you stand in it" in ask(main, policy, *asked)
        assert "policy.py" in list_names(tmp_path / place)


def test_force_begins_a_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = ask_in(tmp_path, monkeypatch)
    asked = ("policy=random", "hydra.run.dir=there", *SMALL)
    assert not ask(run.main, *asked)
    (tmp_path / "there" / "left.txt").write_text("of an earlier run")
    assert not ask(run.main, *asked, "force=true")
    assert {".hydra", "done.json", "summary.parquet"} <= set(list_names(tmp_path / "there"))
    assert not (tmp_path / "there" / "left.txt").exists()


def test_a_full_disk_ends_a_run_in_one_line_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ask_in(tmp_path, monkeypatch)
    asked = ("policy=random", "hydra.run.dir=there", *SMALL)
    with files_of_at_most(3_000):
        said = ask(run.main, *asked)
    assert "File too large" in said
    assert "the same command goes on from what is written" in said
    assert len(said.splitlines()) == 1
    assert not ask(run.main, *asked)
    assert not ask(run.main, "policy=random", "hydra.run.dir=whole", *SMALL)
    logs = [sorted((tmp_path / name / "log").iterdir()) for name in ("there", "whole")]
    assert [path.read_bytes() for path in logs[0]] == [path.read_bytes() for path in logs[1]]
