"""The command on a small association: every section is there, and what it refuses."""

import subprocess
import sys

import pytest

from bandit.core.files import read_table
from experiments.runner.configs import ROOT

SMALL = ["simulator.members=150", "simulator.pool=12", "simulator.slots=3", "issues=13", "seeds=1"]


def ask(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "experiments.coldstart", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_cold_start_has_its_page_and_tables() -> None:
    asked = ask(
        *SMALL, "others=[wave,blast,oracle]", "cuts=[shuffled,no_attributes]", "name=test-cold"
    )
    assert asked.returncode == 0, asked.stderr
    run = ROOT / "runs" / "test-cold"
    page = (run / "coldstart.html").read_text(encoding="utf-8")
    assert page.count("<h2>") == 9
    assert "use at least five" in page
    cuts = read_table(run / "cuts.parquet").to_pandas()
    assert cuts["cut"].tolist() == ["", "shuffled", "no_attributes"]
    assert len(read_table(run / "waves.parquet")) == 3
    assert not list(run.rglob("*.part"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cuts=[fewer]"], "cuts: there is no 'fewer'; choose from attributes_nothing"),
        (["baseline=profile"], "candidate and baseline are both 'profile'"),
        (["candidate=profil"], "choose from bayes_limit"),
    ],
)
def test_a_cold_start_refuses_what_it_does_not_know(arguments: list[str], message: str) -> None:
    asked = ask("name=test-cold-refused", *arguments)
    assert asked.returncode != 0
    assert message in asked.stderr
    assert "Traceback" not in asked.stderr
    assert not (ROOT / "runs" / "test-cold-refused").exists()
