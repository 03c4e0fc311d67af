"""A wheel holds all that a person needs who has a folder of their own and no repository."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pandas as pd
import pytest

from tests.support.asking import SMALL, list_names
from tests.support.own_project import write_project

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "docs" / "template"
PARTS = ("bandit", "simulators", "serving", "experiments", "configs")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of an environment that has the wheel, and of ours only the libraries."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, source / part, symlinks=True, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(place), str(source)]
    subprocess.run(build, check=True, capture_output=True, cwd=place)
    venv.create(place / "env", with_pip=False)
    (site,) = (place / "env" / "lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
    (wheel,) = place.glob("*.whl")
    put = [*pip, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(put, check=True, capture_output=True, cwd=place)
    return place / "env" / "bin" / "python"


def ask(python: Path, folder: Path, module: str, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [str(python), "-m", f"experiments.{module}", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_compares_runs_and_costs_a_persons_own_policy(
    installed: Path, tmp_path: Path
) -> None:
    write_project(tmp_path)
    own = ("--config-dir", "configs", *SMALL)
    names = ["last", "popular keep=0.5", "popular keep=0.75"]
    compared = ask(
        installed,
        tmp_path,
        "compare",
        *("policies=[last,popular]", "policies.popular.keep=0.5,0.75", "baseline=last"),
        *("seeds=2", "late_from=2", "name=first", *own),
    )
    assert f"report: {tmp_path / 'runs/first/report.html'}" in compared
    run = tmp_path / "runs" / "first"
    assert sorted(pd.read_parquet(run / "summary.parquet")["policy"]) == names
    assert "bundle" not in list_names(run / "units" / "last-0")
    assert "bundle" in list_names(run / "units" / f"{names[1]}-0")
    alone = ask(installed, tmp_path, "run", "policy=last", "hydra.run.dir=alone", *own)
    assert "no bundle: a sender takes policies of bandit.policies" in alone
    assert (tmp_path / "alone" / "done.json").exists()
    assert "last" in ask(installed, tmp_path, "cost", "policies=[last,random]", *own)
    shown = ask(installed, tmp_path, "compare", "--help", "--config-dir", "configs")
    assert "last, lin_ts" in shown


def test_the_template_of_an_outside_project_works_as_its_page_says(
    installed: Path, tmp_path: Path
) -> None:
    shutil.copytree(TEMPLATE, tmp_path / "mine")
    place = tmp_path / "mine"
    page = (place / "README.md").read_text(encoding="utf-8")
    lines = [shlex.split(line) for line in page.splitlines() if line.startswith("python -m ")]
    asked = [(line[2].partition(".")[2], *line[3:]) for line in map(_cut_comment, lines)]
    assert [each[0] for each in asked] == ["check", "compare", "compare", "run", "study"]
    seeds = (*SMALL, "seeds=2", "late_from=2")
    small = {"check": (), "compare": seeds, "run": SMALL, "study": seeds}
    told = [
        ask(installed, place, *each, *small[each[0]], f"name={j}")
        if j
        else ask(installed, place, *each)
        for j, each in enumerate(asked)
    ]
    assert "all 19 kept" in told[0]
    assert {"mine", "profile"} <= set(pd.read_parquet(place / "runs/1/summary.parquet")["policy"])
    rates = [f"mine rate={rate}" for rate in ("0.3", "1", "3")]
    assert set(rates) <= set(pd.read_parquet(place / "runs/2/summary.parquet")["policy"])
    swept = pd.read_parquet(place / "runs/3/results.parquet")
    assert set(swept["policy.rate"]) == {0.3, 1, 3}
    assert set(swept["seed"]) == {0, 1}
    assert (place / "runs/4/small_list/study.html").exists()


def _cut_comment(words: list[str]) -> list[str]:
    return words[: words.index("#")] if "#" in words else words
