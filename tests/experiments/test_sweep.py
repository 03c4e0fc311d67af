"""Sweeps: a folder for each job, a joint table, and one bad value ends no other job."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from bandit.core.files import read_json
from experiments import compare, run
from experiments.asked.sweep import name_sweep
from experiments.coldstart import __main__ as coldstart
from experiments.study import __main__ as study
from tests.support.asking import SMALL, Ask, ask_in, list_names

SWEEP = ("-m", "policy=popular", "policy.looks=0,50,60", *SMALL)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    return ask_in(tmp_path, monkeypatch)


@pytest.fixture
def joblib_ends() -> Iterator[None]:
    """Ends joblib's processes after a test.

    joblib keeps them for its next call in the same process, and they stay in the folder in which
    they were started: jobs of the next test would be written into the folder of this one.
    """
    yield
    reusable = pytest.importorskip("joblib.externals.loky")
    reusable.get_reusable_executor().shutdown(wait=True)


@pytest.mark.slow
def test_one_bad_value_fails_alone_and_is_listed_and_only_it_runs_again(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "runs those that failed" in ask(run.main, *SWEEP, "name=foo")
    told = capsys.readouterr().err
    assert "1 of 3 jobs failed:\n  policy.looks=0: looks = 0; must be at least" in told
    folder = tmp_path / "runs" / "foo"
    jobs = ["policy.looks=0", "policy.looks=50", "policy.looks=60"]
    assert list_names(folder, "policy*") == jobs
    assert list_names(folder / jobs[0]) == [".hydra", "failed.txt"]
    table = pd.read_parquet(folder / "results.parquet")
    assert set(table["policy.looks"]) == {50, 60}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "policy.looks=0</td><td>looks = 0; must be at least" in page
    assert "<td>60</td>" in page
    one = pd.read_parquet(folder / jobs[1] / "results.parquet")
    assert table[table["policy.looks"] == 50]["value"].tolist() == one["value"].tolist()
    written = (folder / jobs[1] / "done.json").stat().st_mtime_ns
    ask(run.main, *SWEEP, "name=foo")
    assert (folder / jobs[1] / "done.json").stat().st_mtime_ns == written


def test_a_sweep_is_where_one_asks_for_it(ask: Ask, tmp_path: Path) -> None:
    sweep = ("-m", "policy=random", "seed=3,5", "hydra.sweep.dir=there", *SMALL)
    assert not ask(run.main, *sweep, "hydra.sweep.subdir=${hydra.job.num}")
    assert list_names(tmp_path / "there", "[0-9]*") == ["0", "1"]
    assert set(pd.read_parquet(tmp_path / "there" / "results.parquet")["seed"]) == {3, 5}
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("joblib_ends")
def test_jobs_side_by_side_by_joblib(ask: Ask, tmp_path: Path) -> None:
    """A job of one unit works in its own process; one of several starts processes."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    both = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", *SMALL)
    assert "runs those that failed" in ask(run.main, *SWEEP, *both, "name=apart")
    jobs = list_names(tmp_path / "runs" / "apart", "policy*/done.json")
    assert jobs == ["done.json", "done.json"]
    assert set(pd.read_parquet(tmp_path / "runs/apart/results.parquet")["policy.looks"]) == {50, 60}
    few = ("policies=[random,popular]", "late_from=2", "off_policy_from=2", "workers=2")
    assert not ask(compare.main, "-m", *few, "first_seed=3,5", "seeds=1", "name=units", *both)
    table = pd.read_parquet(tmp_path / "runs/units/summary.parquet")
    assert table["first_seed"].tolist() == [3, 3, 5, 5]
    assert table["policy"].tolist() == ["random", "popular"] * 2
    page = (tmp_path / "runs" / "units" / "report.html").read_text(encoding="utf-8")
    for seed in (3, 5):
        assert page.count(f'<a href="first_seed={seed}/report.html">open</a>') == 2
        assert (tmp_path / "runs" / "units" / f"first_seed={seed}" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("joblib_ends")
@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_studies_and_cold_starts_are_swept_by_any_launcher(
    launcher: str, ask: Ask, tmp_path: Path
) -> None:
    """Each job writes into its own folder, whatever the sweep is called."""
    if launcher == "joblib":
        pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    both = ("-m", "first_seed=3,5", "seeds=1", "workers=1", f"hydra/launcher={launcher}", *SMALL)
    assert not ask(study.main, "study=waves", "late_from=2", "name=asked", *both)
    few = ("others=[]", "candidate=popular", "baseline=random")
    assert not ask(coldstart.main, "name=cold", *both, *few, "issues=13")
    for seed in (3, 5):
        asked, cold = (
            tmp_path / "runs" / name / f"first_seed={seed}" for name in ("asked", "cold")
        )
        for page, facts in (
            (asked / "waves" / "study.html", asked / "waves" / "run.json"),
            (cold / "coldstart.html", cold / "run.json"),
        ):
            assert page.exists()
            assert read_json(facts)["seeds"] == [seed]


def test_a_sweep_is_named_by_what_it_keeps_and_varies() -> None:
    few, many = (
        name_sweep("run", ["policy=lin_ts", f"policy.scale={values}", "issues=4"])
        for values in ("0.1,0.2", "0.1,0.2,0.3")
    )
    other = name_sweep("run", ["policy=lin_ts", "policy.scale=0.1,0.2", "issues=5"])
    assert few == many  # a value more is one job more
    assert few[0] != other[0]
    assert few[1] == "hydra.job.config.override_dirname.exclude_keys=[policy,issues]"
    assert name_sweep("run", ["seed=1,2", "hydra.job.name=mine"])[0].startswith("hydra.job.config")
