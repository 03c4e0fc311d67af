"""Commands refuse what they do not know, and say what there is."""

import io
import subprocess
import sys

import pytest
from omegaconf import OmegaConf
from rich.console import Console

from experiments.compare import tell_what_was_cut
from experiments.runner.configs import ROOT, read_policy
from experiments.runner.folders import choose_folder


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


@pytest.mark.parametrize("name", ["", "a/b", ".."])
def test_a_run_name_stays_below_runs(name: str) -> None:
    with pytest.raises(ValueError, match="must be a plain folder name"):
        choose_folder(name, "x", {})


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("run", ["policy=lin_tz"], "lin_ts"),
        ("run", ["sead=1"], "sead"),
        ("run", ["simulator.slots=-1"], "slots = -1; must be at least 1"),
        ("run", ["issues=0"], "issues = 0; must be a whole number of at least 1"),
        ("compare", ["policies=[profil]"], "choose from bayes_limit"),
        ("compare", ["policies=[]"], "policies is empty"),
        ("compare", ["polices=[random]"], "polices"),
    ],
)
def test_the_command_line_refuses_what_it_does_not_know(
    module: str, arguments: list[str], message: str
) -> None:
    command = [sys.executable, "-m", f"experiments.{module}", "name=test-refused", *arguments]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.returncode != 0
    assert message in asked.stderr
    assert "Traceback" not in asked.stderr
    assert not (ROOT / "runs" / "test-refused").exists()
