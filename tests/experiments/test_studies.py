"""Every study in configs/study can be asked, and what it finds is said no bolder than it is."""

import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from bandit.core.files import read_json, read_table
from experiments.asked.known import check_known
from experiments.report.index.page import find_pages, write_index
from experiments.report.study.page import Finding, write_page
from experiments.runner.configs import CONFIGS, Settings, list_configs, make, resolve
from experiments.study.__main__ import HERE, main
from experiments.study.cells import Gain
from experiments.study.plan import GROUP, Study, enter_studies, read_studies
from experiments.study.words import tell_change
from tests.support.asking import Ask, ask_in

STUDIES = list_configs(GROUP)
TINY = ("simulator.members=150", "simulator.text_dims=8", "seeds=2", "issues=16", "late_from=4")


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    return ask_in(tmp_path, monkeypatch)


def compose_study(*overrides: str) -> Settings:
    enter_studies()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return resolve(compose("study", list(overrides)))


def test_the_studies_that_were_promised_are_there() -> None:
    promised = "ceiling content control edges john noise signals static transfer twin waves"
    assert set(promised.split()) <= set(STUDIES)
    assert set(compose_study()["study"]) == set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_says_what_it_asks_of_whom_and_has_an_analysis(name: str) -> None:
    check_known(compose_study(f"study={name}"), "study")
    (study,) = read_studies(compose_study(f"study={name}")["study"]).values()
    assert study.asks.endswith("?")
    assert study.setting.endswith(".")
    assert study.reads.endswith(".")
    for label in study.policies:
        make(study.describe_policy(label))
    for changes in study.worlds.values():
        assert "_target_" in compose_study(f"study={name}", *changes)["simulator"]
    assert callable(import_module(f"{HERE}.{name}").find)


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_tiny_study_has_its_page_its_numbers_and_keeps_its_units(
    name: str, ask: Ask, tmp_path: Path
) -> None:
    assert not ask(main, f"study={name}", *TINY, "name=tiny")
    run = tmp_path / "runs" / "tiny"
    page = (run / name / "study.html").read_text(encoding="utf-8")
    headline = read_json(run / name / "run.json")["headline"]
    assert "interval" in headline or " to " in headline
    assert not re.search(r"https?:|url\((?!#)|@import|<script|<link|<img|<iframe", page)
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert len(read_table(run / name / "numbers.parquet"))
    assert page.count("<svg role=") >= 1
    assert f"{name}/study.html" in (run / "index.html").read_text(encoding="utf-8")
    done = {path: path.stat().st_mtime_ns for path in run.rglob("done.json")}
    assert not ask(main, f"study={name}", *TINY, "name=tiny")
    assert {path: path.stat().st_mtime_ns for path in run.rglob("done.json")} == done
    assert not list(run.rglob("*.part"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study=ceilling"], "there is no study 'ceilling'; nearest: ceiling; choose from"),
        (["study=waves", "seeds=0"], "seeds = 0; must be a whole number of at least 1"),
        (["study=waves", "study.waves.worlds=null"], "worlds and policies must each name one"),
        (["study=waves", "+study.waves.askes=1"], "there is no setting 'study.waves.askes'"),
        (["study=waves", "sedes=3"], "there is no setting 'sedes'; nearest: seeds"),
    ],
)
def test_a_study_refuses_what_it_does_not_know(
    arguments: list[str], message: str, ask: Ask, tmp_path: Path
) -> None:
    said = ask(main, "name=refused", *arguments)
    assert message in said
    assert "\n" not in said
    assert not list(tmp_path.rglob("refused"))


def test_a_policy_in_a_world_that_is_not_there_is_refused() -> None:
    told = {"title": "t", "asks": "a?", "setting": "s.", "reads": "r.", "worlds": {"usual": []}}
    with pytest.raises(ValueError, match=r"only\.blast: no world 'else'; there are usual"):
        Study(**told, policies={"blast": None}, only={"blast": ["else"]})
    with pytest.raises(ValueError, match=r"only\.blst: no policy 'blst'; there are blast"):
        Study(**told, policies={"blast": None}, only={"blst": ["usual"]})
    study = Study(**told, policies={"blast": None, "a": {"like": "blast", "epsilon": 0.5}})
    assert study.cells == [("usual", "blast"), ("usual", "a")]
    assert study.describe_policy("a")["epsilon"] == 0.5


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.10, 0.12, 0.14], "12 % more clicks (95 % interval +7 % to +17 %)"),
        ([-0.10, -0.12, -0.14], "12 % fewer clicks (95 % interval -17 % to -7 %)"),
        ([-0.10, 0.20, 0.05], "neither clearly more nor clearly fewer clicks (95 % interval"),
        ([0.1], "10 % more clicks (one seed, no interval)"),
    ],
)
def test_a_gain_is_said_no_bolder_than_its_interval(values: list[float], said: str) -> None:
    words = tell_change(Gain.over(np.array(values)))
    assert words.translate({0xA0: " ", 0x2212: "-"}).startswith(said)


def test_an_index_has_a_line_and_a_picture_for_each_page(tmp_path: Path) -> None:
    """What a page says and shows is there, escaped, and ids stay unique."""
    from experiments.report.study.figures import draw_gains

    told = {"title": "A <b>", "asks": "Why?", "setting": "So.", "reads": "Thus."}
    facts = {"seeds": [1, 2], "config": {"issues": 3}}
    for name in ("one", "two"):
        figure = draw_gains("same", "alt", [("x", "star", (0.1, 0.05, 0.15))], "zero")
        found = Finding(f"{name} & <i>all</i>", ["Say."], figure, "Cap.", ["a", "b"], [["1", "2"]])
        write_page(tmp_path / name, told, found, facts)
    index = write_index(tmp_path, find_pages([tmp_path])).read_text(encoding="utf-8")
    assert index.count('class="entry"') == 2
    assert "one &amp; &lt;i&gt;all&lt;/i&gt;" in index
    assert "<i>" not in index
    ids = re.findall(r'\bid="([^"]+)"', index)
    assert len(ids) == len(set(ids)) > 2
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', index)) <= set(ids)
    with pytest.raises(ValueError, match="holds no page"):
        find_pages([tmp_path / "nothing"])
