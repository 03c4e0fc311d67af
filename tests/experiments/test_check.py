"""A contract that is broken is told in words, and whose name it goes by."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bandit.features.text import StaticEncoder
from bandit.ope import estimators
from experiments.check import __main__ as check
from experiments.check import learning, parts, planning
from experiments.check.trial import Trial
from tests.support.asking import Ask, ask_in
from tests.support.own_project import write_project

FAULTS = {  # what is done wrong, and the sentence that says so
    "it answers otherwise when asked again": (
        planning.asked_twice_it_answers_the_same,
        "scores = self.weight * rank(len(context.article_ids))",
        "self.weight += 1; scores = np.cos(self.weight * rank(len(context.article_ids)))",
        r"plan -> draw, twice: member \d+, slot \d: .* became ",
    ),
    "it asks who else is there": (
        planning.order_and_company_do_not_matter,
        "SlotPmf(np.tile(scores, (len(context.member_ids), 1))",
        "SlotPmf(np.arange(len(context.member_ids))[:, None] * np.cos(scores)",
        r"\d+ members, shuffled -> plan -> draw: member ",
    ),
    "its state is not all": (
        learning.a_state_restores_to_the_same_slates,
        "    def learn(self, round):\n        pass",
        "    def learn(self, round):\n        self.weight = -self.weight",
        "state -> restore -> plan: member .*: the score of ",
    ),
}


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("mine_policy", "mine_helper"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return ask_in(tmp_path, monkeypatch)


@pytest.mark.slow
def test_a_policy_of_ones_own_keeps_all(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path, "mine")
    assert not ask(check.main, "policy=mine", "--config-dir", "configs")
    told = capsys.readouterr().out
    assert told.endswith("all 19 kept\n")
    assert told.count("kept    ") == 19
    assert not (tmp_path / "runs").exists()


def write_fault(folder: Path, before: str, after: str) -> None:
    write_project(folder, "mine")
    policy = folder / "mine_policy.py"
    text = policy.read_text(encoding="utf-8")
    assert before in text
    policy.write_text(text.replace(before, after), encoding="utf-8")


@pytest.mark.usefixtures("ask")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_in_words(fault: str, tmp_path: Path) -> None:
    ask, before, after, says = FAULTS[fault]
    write_fault(tmp_path, before, after)
    with pytest.raises(AssertionError, match=says):
        ask(Trial({"_target_": "mine_policy.Last"}))


def test_code_that_fails_is_told_with_its_place(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fault(tmp_path, "scores = self.weight", "scores = self.wait")
    assert ask(check.main, "policy=mine", "--config-dir", "configs").endswith("19 of 19 broken")
    told = capsys.readouterr().out
    assert "BROKEN  Asked twice, it gives the same slates.\n        AttributeError: " in told
    assert "no attribute 'wait' (mine_policy.py:23)\n" in told


def test_what_is_to_be_checked_must_be_named_and_be_there(ask: Ask) -> None:
    assert "policy=NAME, simulator=NAME" in ask(check.main)
    assert "estimator = 'nowhere.ips' cannot be had" in ask(check.main, "estimator=nowhere.ips")
    assert "encoder = 3; must be MODULE.NAME" in ask(check.main, "encoder=3")


def test_our_estimators_keep_theirs() -> None:
    for estimator in (estimators.ips, estimators.snips, estimators.cascade, estimators.cascade_sn):
        for each in parts.ESTIMATOR:
            each(estimator)
    with pytest.raises(AssertionError, match=r"one slot: .* the truth is 0\.235"):
        parts.one_slot_comes_near_the_truth(lambda logged, target, reward: reward.sum(axis=1))
    with pytest.raises(AssertionError, match=r"terms have shape \(\); must be \(300,\)"):
        parts.the_loggers_own_value_is_the_mean(lambda logged, target, reward: reward.mean())


class Counting(StaticEncoder):
    """An encoder whose vectors depend on how many texts there are."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.roll(super().encode(texts), len(texts), axis=1)


def test_encoders_keep_theirs() -> None:
    for each in parts.ENCODER:
        each(StaticEncoder())
    with pytest.raises(AssertionError, match=r"'Vaccination .*: another vector where it stands"):
        parts.company_does_not_matter(Counting())
