"""The command on a small association: every section is there, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from bandit.core.files import read_table
from experiments.coldstart.__main__ import main
from tests.support.asking import Ask, ask_in
from tests.support.own_project import write_project

SMALL = ["simulator.members=150", "simulator.pool=12", "simulator.slots=3", "issues=13", "seeds=1"]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    return ask_in(tmp_path, monkeypatch)


@pytest.mark.slow
def test_a_cold_start_has_its_page_and_tables(ask: Ask, tmp_path: Path) -> None:
    asked = ("others=[wave,blast,oracle]", "cuts=[shuffled,no_attributes]", "name=cold")
    assert not ask(main, *SMALL, *asked)
    run = tmp_path / "runs" / "cold"
    page = (run / "coldstart.html").read_text(encoding="utf-8")
    assert page.count("<h2>") == 9
    assert "use at least five" in page
    cuts = read_table(run / "cuts.parquet").to_pandas()
    assert cuts["cut"].tolist() == ["", "shuffled", "no_attributes"]
    assert np.isfinite(cuts["kept"]).tolist() == [False, True, False]
    assert "attributes wrongly, it keeps at least 95\u00a0%" in page
    assert len(read_table(run / "waves.parquet")) == 3
    assert not list(run.rglob("*.part"))


@pytest.mark.slow
def test_a_policy_of_ones_own_is_a_candidate(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path, "mine")
    monkeypatch.syspath_prepend(tmp_path)
    own = ("--config-dir", "configs", "candidate=mine", "others=[]", "workers=1", "name=cold")
    assert not ask(main, *SMALL, *own)
    assert set(read_table(tmp_path / "runs/cold/figures.parquet")["policy"].to_pylist()) >= {"mine"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cuts=[fewer]"], "cuts: there is no 'fewer'; choose from attributes_nothing"),
        (["baseline=profile"], "candidate and baseline are both 'profile'"),
        (["candidate=profil"], "choose from bayes_limit"),
    ],
)
def test_a_cold_start_refuses_what_it_does_not_know(
    arguments: list[str], message: str, ask: Ask, tmp_path: Path
) -> None:
    said = ask(main, "name=refused", *arguments)
    assert message in said
    assert "\n" not in said
    assert not list(tmp_path.rglob("refused"))
