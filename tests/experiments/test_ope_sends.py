"""The benchmark's own sends: small logs under rules, a month of a policy that goes on learning."""

import numpy as np
import pytest

from bandit.policies.popular import Popular
from experiments.evaluate.judge import judge
from experiments.ope_benchmark import month, rules
from simulators.play import play
from tests.support.builders import association_of


def test_every_kind_of_rule_is_one_that_an_editor_may_ask_for() -> None:
    context = association_of(members=60, issues=2, pool=10, slots=3).issue(2)
    made = {kind: rules.make_rules(kind, context, 3) for kind in rules.KINDS}
    assert [len(told.pins) for told in made.values()] == [0, 1, 0, 0]
    assert [bool(told.at_most) for told in made.values()] == [False, False, True, True]
    assert [bool(told.only) for told in made.values()] == [False, False, False, True]
    for told in made.values():
        told.check_pool(context.article_ids.tolist(), context.articles.names)


def test_logs_keep_their_rules_and_their_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MEMBERS", 40), ("ISSUES", 2), ("TOGETHER", 3)):
        monkeypatch.setattr(rules, name, value)
    logs = list(rules.draw_logs("newsletter", "sections", 1, 3, 10))
    first, second, _ = (set(parts[0][0].context.member_ids.tolist()) for parts, _ in logs)
    assert not first & second
    for parts, truth in logs:
        assert len(parts) == 2
        assert 0 < truth < 3
        for round, _ in parts:
            kinds = np.asarray(round.context.articles["kind"])[round.slates.choice[:, 0]]
            assert set(kinds) == set(round.context.rules.only[1]["kind"])


@pytest.mark.slow
def test_small_logs_are_answered_or_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MEMBERS", 700), ("TOGETHER", 2), ("KINDS", ("no rules",))):
        monkeypatch.setattr(rules, name, value)
    part = rules.run(2, 0, lambda: None, None, ["cascade", "position_based"], 3, 10)
    told = part.errors.groupby(["case", "estimator"])["error"].agg(["mean", "count"])
    assert told.loc[("withheld", "cascade, no rules"), "mean"] == 1
    given = 1 - told.loc[("withheld", "position_based, no rules"), "mean"]
    assert 2 * given == told["count"].get(("truth outside", "position_based, no rules"), 0)


def test_a_month_of_a_policy_that_learns_is_judged_by_its_own_chances(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = {"MEMBERS": 120, "BEFORE": 1, "MONTH": 2, "JUDGED": ("popular", "profile")}
    for name, value in (sizes | {"LOGGERS": ("profile",)}).items():
        monkeypatch.setattr(month, name, value)
    small = {"_target_": "simulators.association.association.Association"}
    part = month.run(small | {"pool": 8, "slots": 2}, 1, 3, lambda: None)
    withheld = part.errors[part.errors["case"] == "withheld"]
    assert withheld["estimator"].tolist() == ["profile"]
    with pytest.raises(ValueError, match="simulator is not given; name a config"):
        month.run(None, 1, 3, lambda: None)


def test_a_sender_that_learned_is_taught_what_it_had_learned() -> None:
    world = association_of(members=200, issues=4, pool=8, slots=2)
    sent = list(play(Popular(epsilon=0.3), world))
    target = Popular(epsilon=0.2)
    target.start(world.features)

    def make_sender() -> Popular:
        sender = Popular(epsilon=0.3)
        sender.start(world.features)
        return sender

    rest = (3, False, make_sender(), 0, 4, 1.0)
    found = judge(target, sent, *rest, sender_from=1)
    assert found.whole is not None
    assert found.campaigns == ["issue-003", "issue-004"]
    with pytest.raises(ValueError, match="it is not the policy that sent this"):
        judge(target, sent, 3, False, make_sender(), 0, 4, 1.0)
