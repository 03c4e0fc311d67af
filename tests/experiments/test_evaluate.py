"""experiments.evaluate: from any archive and a policy to a verdict, a page, or a refusal."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bandit.core.files import read_json
from bandit.features.features import Features
from bandit.log import archive
from bandit.ope.whole.look import look_beside, plan_uniform
from bandit.policies.popular import Popular
from bandit.policies.random import Random
from bandit.policy import Policy
from experiments.evaluate import __main__ as command
from experiments.evaluate.judge import change_rules, judge
from experiments.evaluate.page import list_findings, write
from experiments.runner.configs import read_config, read_policy
from experiments.runner.unit import write_bundle
from simulators.play import play
from tests.support.builders import association_of

CONSOLE = Console(quiet=True)
WORLD: dict[str, Any] = {"members": 750, "issues": 6, "pool": 10, "slots": 3, "click_to_open": 0.5}


def settings(log: Path, **given: Any) -> dict[str, Any]:
    config = read_config("evaluate", "../evaluate")
    kept = {key: value for key, value in config.items() if key not in ("defaults", "hydra")}
    return kept | {"log": str(log), "name": f"test-evaluate-{log.parent.name}"} | given


def teach(policy: Policy, features: Features, log: Path) -> Policy:
    policy.start(features)
    for round in archive.read(log, features):
        policy.learn(round)
    return policy


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate") / "random"
    archive.write(folder, play(Random(), association_of(**WORLD)))
    return folder


@pytest.fixture(scope="module")
def bundle(log: Path) -> Path:
    """popular, which has learned three issues of the log."""
    features = archive.fit_features(log)
    config = read_policy("popular")
    options = {key: value for key, value in config.items() if key != "_target_"}
    policy = Popular(**options)
    policy.start(features)
    for round in archive.read(log, features):
        if round.context.issue <= 3:
            policy.learn(round)
    folder = log.parent / "bundle"
    write_bundle(folder, policy, config, features, {"issues": 3})
    return folder


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("experiments.runner.folders.RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def test_a_bundle_is_judged_by_what_it_has_not_learned(log: Path, bundle: Path, runs: Path) -> None:
    made, found = command.run(settings(log, bundle=str(bundle)), None, CONSOLE)
    assert made.parent == runs
    assert len(found.campaigns) == 3
    assert found.whole is not None
    best = found.whole.best
    assert best is not None, [each.reason for each in found.whole.estimates]
    assert re.match(
        "(Switch|Keep what was sent|Too early to tell): [+\u2212][0-9]+ % clicks", found.verdict
    )
    told = read_json(made / "run.json")
    assert told["verdict"] == found.verdict
    table = pd.read_parquet(made / "estimates.parquet").set_index("estimator")
    assert table.index[:3].tolist() == ["sent", "item_position", "position_based"]
    assert best.interval is not None
    assert table.loc[best.estimator, "value"] == best.interval.estimate
    assert table.loc["sent", "value"] == pytest.approx(found.clicks / found.sends)


def test_the_page_is_whole_and_fetches_nothing(log: Path, bundle: Path, runs: Path) -> None:
    made, found = command.run(settings(log, bundle=str(bundle)), None, CONSOLE)
    page = (made / "evaluate.html").read_text(encoding="utf-8")
    assert page.count("<svg role=") == 2 * 3  # for a broad page, and for a phone
    assert found.verdict.replace("'", "&#39;") in page
    assert not re.search(r"https?:|url\((?!#)|@import|<script|<link|<img|<iframe", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    named = f"the bundle {'/'.join(bundle.parts[-2:])}"
    again = write(runs / "again.html", found, named, settings(log, bundle=str(bundle)))
    assert again.read_text(encoding="utf-8") == page


def test_a_policy_learns_the_log_and_is_judged_by_its_second_half(log: Path, runs: Path) -> None:
    config = settings(log, policy=read_policy("popular"))
    _, found = command.run(config, "popular", CONSOLE)
    assert len(found.campaigns) == 3
    assert found.sends < 3 * 751
    features = archive.fit_features(log)
    policy = Popular()
    policy.start(features)
    half = judge(policy, archive.read(log, features), 4, True, None, 0, 16, 0.2)
    assert half.sent[-1] == found.sent[-1]
    last = policy.state()
    other = teach(Popular(), features, log).state()
    assert all(np.array_equal(last[name], other[name]) for name in other)


def test_a_log_of_a_policy_needs_the_policy_that_sent_it() -> None:
    world = association_of(**WORLD)
    sender = Popular(epsilon=0.5)
    list(play(sender, world, issues=3))
    sent = list(play(sender, world.twin(), started=True, learn=False))
    target = Random()
    target.start(world.features)
    rest = (1, False, None, 0, 16, 0.2)
    found = judge(target, sent, *rest)
    assert found.whole is not None  # what assumes nothing of clicks needs the log's chances alone
    assert [each.estimator for each in found.whole.estimates if each.interval] == ["snips"]
    assert found.whole.estimates[1].reason.startswith("the log cannot tell whether clicks depend")
    told = list_findings(found)
    assert told[0].startswith("The answer assumes that the log could have shown the same")
    assert ": no other estimate may be believed (Cascade, whole: the log cannot" in told[1]
    why = "Slots apart and looks by slot were not judged: campaign '.*' was not sent at random"
    assert re.match(why, told[2])
    assert told[2].endswith("name the bundle that it was sent by, sent_by=PATH.")
    sharp = Popular(epsilon=0.02)
    list(play(sharp, world.twin(), issues=3))
    few = judge(target, list(play(sharp, world.twin(), started=True, learn=False)), *rest)
    assert few.whole is None
    assert few.verdict == (
        "The log cannot tell what whole newsletters of this policy would have earned."
    )
    (why,) = list_findings(few)
    assert re.match(r"Whole newsletters were not judged: campaign '.*' was not sent at random", why)
    told = judge(target, sent, 1, False, sender, 0, 16, 0.2)
    assert told.whole is not None
    assert [each.estimate for each in told.sent] == [each.estimate for each in found.sent]
    for each in told.whole.estimates:
        if each.interval:  # random explores all that popular did not
            assert each.interval.low < 1.3 * told.sent[-1].estimate
    other = Popular(epsilon=0.4)
    other.start(world.features)
    with pytest.raises(ValueError, match="it is not the policy that sent this"):
        judge(target, sent, 1, False, other, 0, 16, 0.2)


def test_what_cannot_be_judged_is_refused(
    log: Path, bundle: Path, runs: Path, tmp_path: Path
) -> None:
    popular = read_policy("popular")
    for given, name, says in (
        ({}, None, "name what is to be judged: either bundle=PATH or policy=NAME"),
        ({"bundle": str(bundle), "policy": popular}, "popular", "either bundle=PATH or policy"),
        ({"policy": read_policy("oracle")}, "oracle", "policy = oracle: it knows the simulator's"),
        ({"bundle": str(tmp_path)}, None, "manifest"),
        ({"bundle": str(bundle), "judge_from": 7}, None, "judge_from = 7; the log ends before"),
        ({"bundle": str(bundle), "judge_from": 0}, None, "judge_from = 0; must be a whole number"),
        ({"bundle": str(bundle), "sender_from": 1}, None, "sender_from is of the bundle that sent"),
        ({"bundle": str(bundle), "model": "x"}, None, "model = 'x'; must be null, boosted or"),
        ({"bundle": 3}, None, "bundle = 3; must be the path of a folder"),
        ({"bundle": str(bundle), "sent_by": 3}, None, "sent_by = 3; must be the path of a folder"),
        ({"bundle": str(bundle), "draws": 0}, None, "draws = 0; must be a whole number"),
        ({"bundle": str(bundle), "share": 0}, None, r"share = 0; must be in \[0.001, 1\]"),
        ({"bundle": str(bundle), "name": "a/b"}, None, "must be a plain folder name"),
    ):
        with pytest.raises(ValueError, match=says):
            command.run(settings(log, **given), name, CONSOLE)
    with pytest.raises(ValueError, match="there is no such folder"):
        command.run(settings(tmp_path / "none", bundle=str(bundle)), None, CONSOLE)
    with pytest.raises(ValueError, match="log is not given"):
        command.run(settings(log, bundle=str(bundle)) | {"log": None}, None, CONSOLE)
    assert not list(runs.glob("*/*"))


def test_a_bundle_that_has_learned_the_log_is_not_judged_by_it() -> None:
    assert command.choose_first([1, 2, 3, 4, 5], None, 3, own=False) == 4
    assert command.choose_first([4, 5], None, 2, own=False) == 4
    assert command.choose_first([1, 2, 3], None, None, own=False) == 1
    assert command.choose_first([1, 2, 3], None, 0, own=True) == 2
    assert command.choose_first([1, 2, 3], 2, 9, own=False) == 2
    with pytest.raises(ValueError, match="has learned 3 issues, and the log ends with issue 3"):
        command.choose_first([1, 2, 3], None, 3, own=False)


def test_other_rules_cost_what_the_policy_under_them_earns(log: Path, runs: Path) -> None:
    """Under the log's own rules a random policy earns what was sent; a cap makes another policy."""
    features = archive.fit_features(log)
    policy = Random()
    policy.start(features)
    rest = (1, False, None, 0, 16, 1.0)
    same = judge(policy, archive.read(log, features), *rest, rules={"at_most": {}})
    assert same.whole is not None
    assert same.whole.estimates[0].interval == same.whole.sent
    section = {"only": {1: {"kind": ["event"]}}}
    for round in archive.read(log, features):
        context = round.context
        wanted = change_rules(context, section)
        assert wanted.rules.slots == context.rules.slots
        beside = look_beside(
            policy.plan(wanted), plan_uniform(context), round, 0, share=1.0, wanted=wanted
        )
        first, may = round.slates.choice[beside.rows, 0], context.eligible[beside.rows]
        event = np.asarray(context.articles["kind"] == "event")
        count = (may & event).sum(axis=1)
        some = count > 0
        chance = event[first] / np.maximum(count, 1)
        np.testing.assert_allclose(beside.target[some, 0, 0], chance[some], atol=1e-12)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"slots": 2}, "rules, campaign '.*': slots = 2; what was sent has 3"),
        ({"only": {9: {"kind": ["event"]}}}, "rules, campaign '.*': .*slot 9 is beyond"),
        ({"at_most": {"kind": {"evnt": 0}}}, "rules: at_most kind 'evnt': no article of the"),
        ({"only": {1: {"kind": ["evnt"]}}}, "rules: only kind 'evnt': no article .*'event'"),
        ({"capz": 1}, "rules, campaign '.*': .*capz"),
        ({"pins": {"x": "a"}}, "rules, campaign '.*': pins = {'x': 'a'}; slots must be written"),
        ({"only": {None: {}}}, "rules, campaign '.*': only = {'None': {}}; slots must be written"),
        ({"pins": {"1" * 5000: "a"}}, "rules, campaign '.*': pins = {'1.*; slots must be written"),
        ({"pins": {1: "nothing"}}, "rules, campaign '.*': pins: slot 1 pins article 'nothing'"),
    ],
)
def test_impossible_other_rules_are_refused(log: Path, rules: dict[str, Any], words: str) -> None:
    features = archive.fit_features(log)
    policy = Random()
    policy.start(features)
    with pytest.raises(ValueError, match=words):
        judge(policy, archive.read(log, features), 1, False, None, 0, 16, 0.2, rules=rules)


def test_a_look_after_every_issue_is_told(log: Path, bundle: Path, runs: Path) -> None:
    _, found = command.run(settings(log, bundle=str(bundle)), None, CONSOLE)
    assert len(found.looks) == len(found.campaigns)
    told = [words for words in list_findings(found) if words.startswith("Looked at after")]
    assert len(told) == 1
