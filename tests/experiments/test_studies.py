"""Every study in configs/study can be asked, and what it finds is said no bolder than it is."""

import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from bandit.core.files import read_json, read_table
from bandit.log import archive
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from experiments.asked.known import check_known
from experiments.report.index.page import find_pages, write_index
from experiments.report.study.page import Finding, write_page
from experiments.runner.configs import CONFIGS, Settings, list_configs, make, resolve
from experiments.studies.content import tell_headlines
from experiments.study.__main__ import HERE, main
from experiments.study.cells import Gain
from experiments.study.john import TOPICS, WithJohns
from experiments.study.plan import GROUP, Study, enter_studies, read_studies
from experiments.study.what_if import judge_desks
from experiments.study.words import advise, tell_change
from simulators import Association
from simulators.play import play
from tests.support.asking import Ask, ask_in
from tests.support.loader_cases import upworthy

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
    composed = compose_study(f"study={name}")
    check_known(composed, "study")
    (study,) = read_studies(composed["study"]).values()
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
        ([-0.10, 0.20, 0.05], "5.0 % more clicks (which may be chance; 95 % interval -32.3 % to"),
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
        line, advice = f"{name} & <i>all</i>", ("Send it.", "Not at all.")
        found = Finding(line, advice, ["Say."], figure, "Cap.", ["a", "b"], [["1", "2"]])
        write_page(tmp_path / name, told, found, facts)
    index = write_index(tmp_path, find_pages([tmp_path])).read_text(encoding="utf-8")
    assert index.count('class="entry"') == 2
    assert index.count("<b>What to do.</b> Send it.") == 2
    assert "one &amp; &lt;i&gt;all&lt;/i&gt;" in index
    assert "<i>" not in index
    ids = re.findall(r'\bid="([^"]+)"', index)
    assert len(ids) == len(set(ids)) > 2
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', index)) <= set(ids)
    with pytest.raises(ValueError, match="holds no page"):
        find_pages([tmp_path / "nothing"])


@pytest.mark.parametrize(
    ("values", "told", "sure"),
    [
        (
            [0.10, 0.12, 0.14],
            "more",
            "Sure of the direction for associations like the 3 simulated ones",
        ),
        ([-0.10, -0.12, -0.14], "fewer", "Sure of the direction for associations like the 3"),
        # mean .05, half an interval .3726: three times (.3726 / .05) squared
        ([-0.10, 0.20, 0.05], "unclear", "would take about 167 of them to show (seeds=167)."),
        ([-0.10, 0.11, 0.0], "unclear", "would take over 200 of them to show."),
        ([0.1], "unclear", "Not at all, for one association has no interval"),
    ],
)
def test_advice_is_no_surer_than_the_interval(values: list[float], told: str, sure: str) -> None:
    gain = Gain.over(np.array(values))
    found = advise(gain, len(values), "more", "fewer", "unclear")
    assert found[0] == told
    assert sure in found[1]


def test_a_file_of_real_data_is_there_before_anything_is_simulated(
    ask: Ask, tmp_path: Path
) -> None:
    said = ask(main, "name=refused", "study=content", "study.content.data=nowhere.csv")
    assert "configs/study/content.yaml: data = 'nowhere.csv'; there is no such file" in said
    assert not list(tmp_path.rglob("refused"))


def test_real_headlines_are_judged_or_said_to_be_left_out(tmp_path: Path) -> None:
    """Questions get twice the clicks, and words tell them; without a file nothing is made up."""
    said, rows = tell_headlines(None)
    assert "Left out: real headlines." in said[0]
    assert "study.content.data=" in said[0]
    assert not rows
    told = [
        (f"t{test}", headline, "p", 1000 + test, clicks + test % 3, 201440)
        for test in range(60)
        for headline, clicks in ((f"Is it {test}?", 40), (f"It is {test}", 20))
    ]
    upworthy(tmp_path, told)
    said, rows = tell_headlines(str(tmp_path / "arms.csv"))
    assert "60 pairs" in said[0]
    assert len(rows) == 2
    assert rows[1][1].startswith("100.0\u00a0%")


def test_johns_are_made_alike_and_no_more_than_there_are() -> None:
    options = {"seed": 3, "members": 150, "issues": 2, "text_dims": 8}
    world = WithJohns(johns=5, **options)
    assert len(set(world.johns)) == 5
    kinds = world.members.set_index("member").loc[world.johns].iloc[:, 0].astype(str)
    assert set(kinds) == {"hospital pharmacist"}
    truth = world.truth(world.issue(1))[world.issue(1).member_ids.searchsorted(world.johns)]
    own = [world.topic_names[t] in TOPICS for t in world.pool(1).topics.argmax(axis=1)]
    kinds_alike = world.pool(1).articles["kind"].to_numpy()
    for kind in set(kinds_alike):  # whatever the kind is, their topics come first
        rows = kinds_alike == kind
        if rows[own].any() and rows[np.logical_not(own)].any():
            assert truth[:, rows & own].mean() > 3 * truth[:, rows & np.logical_not(own)].mean()
    with pytest.raises(ValueError, match=r"johns = 100: of members = 150 only \d+ are hospital"):
        WithJohns(johns=100, **options)


@pytest.mark.slow
def test_a_log_without_rules_says_what_its_own_rules_cost_nothing(tmp_path: Path) -> None:
    """Judged under the rules that it was sent under, a policy earns the same; a pin costs."""
    options = {"members": 150, "issues": 6, "text_dims": 8, "max_events": 6}
    log = Association(seed=4, pin_every=0, **options)
    archive.write(tmp_path / "log", play(Random(), log, seed=4))
    desks = {
        "none": Association(seed=4, pin_every=0, **options),
        "again": Association(seed=4, pin_every=0, **options),
        "pinned": Association(seed=4, pin_every=1, **options),
    }
    found = judge_desks(tmp_path / "log", Profile(), desks, judge_from=3, seed=4)
    none, again, pinned = (
        [(each.ess, each.reason) for each in found[name].estimates] for name in desks
    )
    assert none == again
    assert none != pinned
