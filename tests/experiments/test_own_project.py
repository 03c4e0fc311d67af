"""A person's own policy, in a folder of their own, is a full citizen."""

from pathlib import Path

import pandas as pd
import pytest

from bandit.core.files import read_json
from experiments import compare, cost, run, train
from experiments.check import __main__ as check
from experiments.evaluate import __main__ as evaluate
from experiments.runner.digest import digest_code
from experiments.runner.unit import can_be_sent
from experiments.study import __main__ as study
from tests.support.asking import SMALL, Ask, ask_in, list_names
from tests.support.own_project import write_project, write_simulator


def ask_beside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """`ask_in` a folder whose modules can be imported."""
    monkeypatch.syspath_prepend(folder)
    return ask_in(folder, monkeypatch)


def test_a_policy_of_ones_own_runs_and_leaves_no_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path, "mine")
    ask = ask_beside(tmp_path, monkeypatch)
    own = ("--config-dir", "configs", "policy=mine", "hydra.run.dir=alone", *SMALL)
    assert not ask(run.main, *own)
    assert "no bundle: a sender takes policies of bandit.policies" in capsys.readouterr().out
    assert read_json(tmp_path / "alone" / "unit.json")["exportable"] is False
    assert "bundle" not in list_names(tmp_path / "alone")
    assert "nearest: policy.weight" in ask(run.main, *own, "policy.wait=3")
    assert "nearest: mine" in ask(run.main, *own[:2], "policy=minne")


FAULTS = {  # what is written wrong, and what is said
    "a_key": (
        ("scores = self.weight", "scores = context.members['shoe'] * self.weight"),
        "a_key/3: Last.plan failed: KeyError: 'shoe' (a_key_policy.py:23); HYDRA_FULL_ERROR=1",
    ),
    "a_file": (
        (
            "    def start(self, features):\n        pass",
            "    def start(self, features):\n        open('no')",
        ),
        "Last.start failed: FileNotFoundError: [Errno 2] No such file or directory: 'no' (a_f",
    ),
    "a_helper": (
        ("count, dtype=float", "count, dtype='flot'"),
        "Last.plan failed: TypeError: data type 'flot' not understood (a_helper_helper.py:7)",
    ),
    "an_option": (
        ("self.weight = weight", "raise ValueError('weight = 1.0; must be less')"),
        "weight = 1.0; must be less (Last.__init__, an_option_policy.py:17)",
    ),
    "a_sum": (
        ("self.weight = weight", "self.weight = weight + 'a'"),
        "unsupported operand type(s) for +: 'float' and 'str' (Last.__init__, a_sum_policy.py:17)",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_ones_own_code_raises_is_told_in_a_line_with_its_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the method that was called, and the last line of one's own."""
    write_project(tmp_path, name)
    (before, after), says = FAULTS[name]
    for path in tmp_path.glob(f"{name}_*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(before, after), encoding="utf-8")
    ask = ask_beside(tmp_path, monkeypatch)
    own = ("--config-dir", "configs", f"policies=[{name}]", "seeds=[3]", "logger=null", *SMALL)
    assert says in ask(compare.main, *own)


def test_the_whole_traceback_is_shown_to_who_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path, "whole")
    path = tmp_path / "whole_policy.py"
    text = path.read_text(encoding="utf-8").replace("scores = self.weight", "scores = self.wait")
    path.write_text(text, encoding="utf-8")
    ask = ask_beside(tmp_path, monkeypatch)
    own = ("--config-dir", "configs", "policy=whole", *SMALL)
    assert "whole: Last.plan failed: AttributeError: " in ask(run.main, *own)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ValueError, match=r"whole: Last\.plan failed") as told:
        ask(run.main, *own)
    assert isinstance(told.value.__cause__, AttributeError)
    assert told.value.__cause__.__traceback__ is not None


def test_a_policy_of_ones_own_is_trained_and_judged_from_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path, "taught")
    ask = ask_beside(tmp_path, monkeypatch)
    assert not ask(run.main, "policy=random", "hydra.run.dir=logged", *SMALL, "simulator.pool=20")
    own = ("--config-dir", "configs", "policy=taught", "log=logged")
    capsys.readouterr()
    assert not ask(train.main, *own, "judge_from=2", "name=trained")
    assert "no bundle: a sender takes policies of bandit.policies" in capsys.readouterr().out
    assert list_names(tmp_path / "runs" / "trained") == ["estimates.parquet", "run.json"]
    assert not ask(train.main, *own, "judge_from=2", "name=trained")  # its folder is its own
    assert not ask(evaluate.main, *own, "name=judged")
    assert "evaluate.html" in list_names(tmp_path / "runs" / "judged")


@pytest.mark.slow
def test_a_simulator_of_ones_own_is_a_full_citizen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is checked, run, compared and costed; its log is one that policies learn from."""
    write_simulator(tmp_path, "town")
    ask = ask_beside(tmp_path, monkeypatch)
    own = ("--config-dir", "configs", "simulator=town")
    assert not ask(check.main, *own)
    assert capsys.readouterr().out.endswith("all 11 kept\n")
    assert not ask(run.main, *own, "policy=random", "issues=4", "hydra.run.dir=logged")
    few = ("policies=[profile,random]", "issues=4", "late_from=2", "off_policy_from=2")
    assert not ask(compare.main, *own, *few, "seeds=2", "baseline=random", "name=two")
    assert not ask(cost.main, *own, "policies=[random]", "issues=2")
    reader = "encoder={_target_:simulators.examples.Labels,names:[north,south,both,none]}"
    learn = ("policy=lin_ts", "log=logged", "judge_from=2", "name=trained")
    assert "made with encoder 'labels'" in ask(train.main, *learn)
    assert not ask(train.main, *learn, reader)
    assert "nearest: simulator.likes" in ask(run.main, *own, "+simulator.like=0.1")
    lift = pd.read_parquet(tmp_path / "runs" / "two" / "summary.parquet").set_index("policy")
    rates = lift["clicks_per_delivered"]
    assert rates["profile"] > 1.3 * rates["random"]  # at best .55 of two, by chance .325


ENCODER = """import numpy as np


class Letters:
    name, dim = "letters", 26

    def encode(self, texts):
        counts = [[text.lower().count(chr(97 + j)) for j in range(26)] for text in texts]
        vectors = np.array(counts, dtype=np.float32).reshape(-1, 26)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
"""


@pytest.mark.slow
def test_an_encoder_of_ones_own_reads_what_is_run_learned_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letters_encoder.py").write_text(ENCODER, encoding="utf-8")
    ask = ask_beside(tmp_path, monkeypatch)
    own = "encoder=letters_encoder.Letters"
    assert not ask(check.main, own)
    assert capsys.readouterr().out.count("BROKEN") == 0
    reads = "simulator.encoder._target_=letters_encoder.Letters"
    assert not ask(
        run.main, "policy=random", reads, "hydra.run.dir=logged", *SMALL, "simulator.pool=20"
    )
    learn = ("policy=lin_ts", "log=logged", "judge_from=2")
    assert "made with encoder 'letters'; this one is 'wordllama" in ask(train.main, *learn)
    assert not ask(train.main, *learn, own, "name=trained")
    assert not ask(evaluate.main, "policy=lin_ts", "log=logged", own, "name=judged")
    assert not ask(evaluate.main, "bundle=runs/trained/bundle", "log=logged", own, "judge_from=3")
    for wrong, message in (
        ("encoder=letters_encoder.Lettres", "'letters_encoder.Lettres' cannot be had"),
        ("encoder=3", "encoder = 3; must be MODULE.NAME, or have a _target_"),
    ):
        assert message in ask(evaluate.main, "policy=lin_ts", "log=logged", wrong)


STUDY = """# @package study.own
_target_: experiments.study.plan.Study
find: own_answer.answer
title: Own
asks: Are the last articles better?
setting: A few members.
reads: It is a test.
worlds: {few: [], fewer: [simulator.members=90]}
policies: {own: {weight: 2.0}, random: {}}
only: {random: [few]}
"""
ANSWER = """from markupsafe import Markup

from experiments.report.study.page import Finding


def answer(cells):
    gain = cells.gain("own", "random")
    rate = cells.rates("own", "fewer").mean()
    return Finding(
        f"The gain is {gain.mean:.3f}.", ("Wait.", "No."), [], Markup(""), "", ["a"], [[str(rate)]]
    )


SHAPE = 3
"""


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("{few: [],", "{few: [seeds=3],"), "worlds.few: 'seeds=3' is no setting of a simulator"),
        (
            ("simulator.members=90", "simulator.membrs=90"),
            "study.own.worlds.fewer: there is no setting 'simulator.membrs'; nearest: simulator",
        ),
        (("find: own_answer.answer", "find: 3"), "study.own.find = 3; must be MODULE.FUNCTION"),
        (("only: {random: [few]}", "only: 7"), "only = 7; must be settings by name"),
    ],
)
def test_what_a_study_of_ones_own_cannot_ask_is_refused(
    edit: tuple[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path, "own")
    (tmp_path / "configs" / "study").mkdir()
    (tmp_path / "configs" / "study" / "own.yaml").write_text(STUDY.replace(*edit), encoding="utf-8")
    (tmp_path / "own_answer.py").write_text(ANSWER, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    own = ("--config-dir", "configs", "study=own", "seeds=1", "workers=1", "name=x", *SMALL)
    assert message in ask_in(tmp_path, monkeypatch)(study.main, *own)
    assert not (tmp_path / "runs").exists()


def test_ones_own_yaml_of_a_name_that_the_project_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hydra would take the project's and say nothing."""
    write_project(tmp_path, "own")
    (tmp_path / "configs" / "policy" / "popular.yaml").write_text(
        "_target_: own_policy.Last\n", encoding="utf-8"
    )
    said = ask_in(tmp_path, monkeypatch)(run.main, "--config-dir", "configs", "policy=popular")
    assert "configs/policy/popular.yaml: the project has a policy 'popular'" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_study_of_ones_own_is_asked_as_those_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a policy of one's own, by an analysis of one's own, whose edit is seen."""
    write_project(tmp_path, "own")
    (tmp_path / "configs" / "study").mkdir()
    (tmp_path / "configs" / "study" / "own.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "own_answer.py").write_text(ANSWER, encoding="utf-8")
    ask = ask_beside(tmp_path, monkeypatch)
    own = ("--config-dir", "configs", "study=own", "seeds=1", "workers=1", "name=x", *SMALL)
    for find, message in (
        ("own_answer.asnwer", "study.own.find = 'own_answer.asnwer' cannot be had: "),
        ("own_answer.SHAPE", "study.own.find = 'own_answer.SHAPE'; must be a function of the un"),
        ("null", "study.own.find = 'experiments.studies.own.find' cannot be had: No module"),
    ):
        assert message in ask(study.main, *own, f"study.own.find={find}")
    assert not (tmp_path / "runs").exists()
    assert not ask(study.main, *own)
    assert "The gain is " in capsys.readouterr().out
    facts = read_json(tmp_path / "runs" / "x" / "own" / "run.json")
    assert facts["config"]["policies"]["own"] == {"_target_": "own_policy.Last", "weight": 2.0}
    assert facts["code"] == digest_code(
        ["experiments.runner.unit", "own_answer"],
        [*facts["config"]["worlds"].values(), *facts["config"]["policies"].values()],
    )
    capsys.readouterr()
    ask(study.main, "--help", "--config-dir", "configs")
    assert "noise, own, signals" in capsys.readouterr().out
    assert not ask(study.main, "--config-dir", "configs", "--cfg", "job")
    assert "title: Own\n" in capsys.readouterr().out  # one of all
    answers = (tmp_path / "own_answer.py").read_text(encoding="utf-8")
    (tmp_path / "wrong_answer.py").write_text(answers.replace("return Finding", "return print"))
    assert "wrong_answer.answer gives NoneType; must give a Finding" in ask(
        study.main, *own, "study.own.find=wrong_answer.answer"
    )


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
