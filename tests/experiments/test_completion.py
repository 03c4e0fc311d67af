"""What a shell is told at a tab: the names that there are, one's own among them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import compare, run
from experiments.runner.configs import ROOT
from tests.support.asking import ask_in
from tests.support.own_project import write_project


@pytest.mark.parametrize(
    ("line", "offered", "others"),
    [
        ("python -m experiments.run policy=pro", {"policy=profile"}, {"policy=random"}),
        ("python3.11 -m experiments.run policy.bu", {"policy.budget="}, {"policy.keep="}),
        (
            "/usr/bin/python -m experiments.run --config-dir configs policy=",
            {"policy=last", "policy=random"},
            set(),
        ),
    ],
)
def test_a_setting_is_completed(
    line: str,
    offered: set[str],
    others: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_project(tmp_path, "last")
    ask = ask_in(tmp_path, monkeypatch)
    monkeypatch.setenv("COMP_LINE", line)
    assert not ask(run.main, "-sc", "query=bash")
    words = set(capsys.readouterr().out.split())
    assert offered <= words
    assert not others & words
    assert not (tmp_path / "runs").exists()


def test_policies_are_completed_as_a_list_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ask_in(tmp_path, monkeypatch)
    monkeypatch.setenv("COMP_LINE", "python -m experiments.compare policies=")
    assert not ask(compare.main, "-sc", "query=bash")
    assert {"policies=all", "policies=profile"} <= set(capsys.readouterr().out.split())


@pytest.mark.slow
def test_bash_completes_what_follows_the_last_sign(tmp_path: Path) -> None:
    """A line is completed by the function that `-sc install=bash` prints."""
    script = f"""
    eval "$({sys.executable} -m experiments.run -sc install=bash)"
    COMP_LINE="{sys.executable} -m experiments.run policy=pro" COMP_POINT=1000
    _letterbandit
    echo "${{COMPREPLY[@]}}"
    COMP_LINE="{sys.executable} -m pytest -q" COMPREPLY=()
    _letterbandit
    echo "${{#COMPREPLY[@]}}"
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["profile", "profile_true_topics", "0"]
