"""Vowpal Wabbit: the contract for every exploration type, and slots filled as VW would."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit.core.types import EMPTY, EXPLORE, Feedback, Round, Slates
from bandit.models.vowpal import asking, text, workspace
from bandit.models.vowpal.exploration import BY_COSTS, BY_PMF
from bandit.policies.vw import VW
from bandit.policies.vw_ccb import VWSlates
from bandit.slates.propensity import draw, replay
from simulators.play import send
from tests.support.builders import association_of
from tests.support.vw_cases import SIZES, make_policy, train

EVERY = BY_COSTS + BY_PMF


POLICIES = [(VW, explore) for explore in EVERY] + [(VWSlates, explore) for explore in BY_COSTS]


@pytest.mark.parametrize(("kind", "explore"), POLICIES)
def test_every_exploration_keeps_the_contract(kind: Any, explore: str) -> None:
    """Ask twice, in other rows; replay; restore and learn on."""
    policy, association = train(make_policy(kind, explore), issues=2)
    context = association.issue(3)
    before = {name: array.tobytes() for name, array in policy.state().items()}
    slates = draw(policy.plan(context), context, 7)
    rows = np.random.default_rng(0).permutation(len(context.members))[:41]
    some = draw(policy.plan(context.take(rows)), context.take(rows), 7)
    assert some.choice.tobytes() == slates.choice[rows].tobytes()
    assert some.propensity.tobytes() == slates.propensity[rows].tobytes()
    assert (
        replay(policy.plan(context), context, slates.choice).tobytes()
        == slates.propensity.tobytes()
    )
    assert {name: array.tobytes() for name, array in policy.state().items()} == before
    other = make_policy(kind, explore)
    other.start(association.features)
    other.restore(policy.state())
    send(policy, association, context, 5)
    send(other, association, context, 5)
    after = policy.state()
    assert all(array.tobytes() == after[name].tobytes() for name, array in other.state().items())
    assert after["model"].tobytes() != before["model"]


@pytest.mark.parametrize("explore", [*BY_PMF, "squarecb", "epsilon", "softmax"])
def test_the_first_slot_is_filled_by_vws_own_pmf(explore: str) -> None:
    """VW's squarecb learns the costs that we learn, from the same slates and without weights."""
    policy, association = train(make_policy(VW, explore, epsilon=0.0 if explore in BY_PMF else 0.1))
    context = association.issue(4)
    pmf = policy.plan(context)(np.ones(context.eligible.shape, dtype=bool))
    on = text.switch_on(policy._names, context.member_features)
    theirs = policy
    if explore == "squarecb":
        theirs, given = make_policy(VW, explore), policy.options
        gamma = f"--gamma_scale {given.gamma_scale} --gamma_exponent {given.gamma_exponent}"
        theirs._arguments = f"--cb_explore_adf --squarecb {gamma} --cb_type mtr {given.learning}"
        train(theirs)
    with workspace.open_model(theirs._model, theirs._arguments) as vw:
        own = np.array(
            [vw.predict([text.write_member(row), *text.write_articles(context)]) for row in on]
        )
    own /= own.sum(axis=1, keepdims=True)  # regcbopt gives each of several equals the mass 1
    # costs lie on a grid of 1e-6, and gamma multiplies them
    alike = np.isclose(pmf, own, rtol=1e-7, atol=1e-4).all(axis=1)
    if explore == "epsilon":  # costs 1e-5 apart are a tie to VW, and none to us
        best = np.sort(policy.plan(context).scores, axis=1)[:, -2:]
        alike |= np.diff(best, axis=1)[:, 0] <= 1e-5
        assert np.isclose(pmf, own, atol=1e-4).all(axis=1).mean() > 0.98
    assert alike.all()


@pytest.mark.parametrize("interactions", [["ma"], ["am", "maa"], ["mma"], ["mm", "aa"]])
def test_few_questions_bring_back_every_members_costs(interactions: list[str]) -> None:
    policy, association = train(make_policy(VW, "squarecb", interactions=interactions))
    context = association.issue(4)
    on = text.switch_on(policy._names, context.member_features)
    asked = []
    with workspace.open_model(policy._model, policy._arguments) as vw:
        articles = [text.parse(vw, line) for line in text.write_articles(context)]
        for row in on:
            asked.append(asking.ask_costs(vw, text.write_member(row), articles))
    scores = policy.plan(context).scores
    np.testing.assert_allclose(scores, -np.array(asked), atol=3e-5)
    assert scores.std() > 1e-3


def test_a_conditional_bandits_costs_are_those_vw_fills_the_slots_by() -> None:
    """Slot by slot, with the articles above taken out by inclusion lists, VW's choice is ours."""
    policy, association = train(make_policy(VWSlates, "epsilon", epsilon=0.0))
    context = association.issue(4)
    scores = policy.plan(context).scores
    assert scores.shape == (*context.eligible.shape, 4)
    assert np.abs(scores[:, :, 0] - scores[:, :, 2]).max() > 1e-3
    on = text.switch_on(policy._names, context.member_features)
    with workspace.open_model(policy._model, policy._arguments) as vw:
        lines = [f"ccb action {line}" for line in text.write_articles(context)]
        for row in range(20):
            theirs = vw.predict([f"ccb {text.write_member(on[row])}", *lines, *["ccb slot |"] * 4])
            taken: list[int] = []
            for slot, ranked in enumerate(theirs):
                left = np.where(
                    np.isin(np.arange(len(lines)), taken), -np.inf, scores[row, :, slot]
                )
                taken.append(ranked[0][0])
                assert left[taken[-1]] > left.max() - 1e-5


CCB = [
    ("squarecb", "mtr"),
    *(
        (explore, cb_type)
        for explore in ("epsilon", "softmax", "first")
        for cb_type in ("mtr", "ips", "dr")
    ),
]


@pytest.mark.parametrize(("explore", "cb_type"), CCB)
def test_slates_teach_what_they_teach_vws_driver(
    explore: str, cb_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written out as text, the same slates give the driver the same loss and the same costs."""
    policy, association = train(make_policy(VWSlates, explore, cb_type=cb_type, clip=0.2), issues=0)
    context = association.issue(1)
    saved, losses = workspace.save_model, []

    def look(vw: Any) -> bytes:
        losses.append(vw.get_sum_loss())
        return saved(vw)

    monkeypatch.setattr(workspace, "save_model", look)
    round = send(policy, association, context, 12)
    slates = round.slates
    on, lines = (
        text.switch_on(policy._names, context.member_features),
        text.write_articles(context),
    )
    with (tmp_path / "slates.txt").open("w") as file:
        for row in np.flatnonzero(round.feedback.opened):
            shown = slates.choice[row].tolist()
            listed = shown if cb_type == "mtr" else list(range(len(lines)))
            clicks, p = round.feedback.clicked[row], np.maximum(slates.propensity[row], 0.2)
            slots = [
                f"{listed.index(j)}:{-c:.6f}:{q:.9f}"
                for j, c, q in zip(shown, clicks.astype(float), p, strict=True)
            ]
            block = [
                f"ccb {text.write_member(on[row])}",
                *(f"ccb action {lines[j]}" for j in listed),
            ]
            file.write("\n".join([*block, *(f"ccb slot {slot} |" for slot in slots)]) + "\n\n")
    driver = workspace.start_vw(
        f"{policy._arguments} --random_seed {workspace.SEED}", "-d", str(tmp_path / "slates.txt")
    )
    assert losses == pytest.approx([driver.get_sum_loss()], rel=1e-6)
    assert driver.get_sum_loss() < 0
    scores = policy.plan(context).scores
    policy._model = saved(driver)
    np.testing.assert_allclose(scores, policy.plan(context).scores, atol=1e-6)
    assert scores.std() > 1e-3


def test_an_empty_slot_and_a_pin_take_their_place_in_a_slate() -> None:
    policy, association = train(make_policy(VWSlates, "squarecb"), issues=1)
    context = association.issue(2)
    slates = draw(policy.plan(context), context, 5)
    choice, role = slates.choice.copy(), slates.role.copy()
    choice[::2, 1], role[::2, 1] = -1, 0
    role[:, 2] = 1
    before = policy.state()["decisions"][0]
    feedback = association.respond(context, slates)
    policy.learn(Round(context, replace(slates, choice=choice, role=role), feedback))
    opened = feedback.opened
    assert policy.state()["decisions"][0] - before == 3 * opened.sum() - opened[::2].sum()


@pytest.mark.parametrize(("kind", "explore"), POLICIES)
def test_an_issue_for_nobody_is_planned(kind: Any, explore: str) -> None:
    policy, association = train(make_policy(kind, explore), issues=1)
    nobody = association.issue(2).take(np.arange(0))
    assert draw(policy.plan(nobody), nobody, 7).choice.shape == (0, 4)


def test_regcb_tells_apart_costs_of_clicks_far_down() -> None:
    """A click in the last slot costs 1 / curve.

    Two articles, each always clicked in its slot, both cost less than -1.
    """
    policy = make_policy(VW, "regcb", epsilon=0.0, bits=18)
    association = association_of(**SIZES)
    policy.start(association.features)
    least = -1 / policy._examination.curve.min()
    assert policy.exploration.least_cost == least < -4
    context = association.issue(1)
    n, k = len(context.members), 24
    choice, yes = np.full((n, k), -1, dtype=np.int32), np.ones(n, dtype=bool)
    choice[::2, 6], choice[1::2, 23] = 0, 1
    filled = choice >= 0
    slates = Slates(
        choice, np.where(filled, 0.5, 1.0), np.where(filled, EXPLORE, EMPTY), 0 * choice, filled
    )
    feedback = Feedback(yes, yes, ~yes, filled.astype(np.int8), filled, 0.0 * filled)
    for _ in range(8):
        policy.learn(Round(context, slates, feedback))
    only_two = np.zeros(context.eligible.shape, dtype=bool)
    only_two[:, :2] = True
    assert (policy.plan(context)(only_two)[:, 1] == 1).all()


def test_members_are_switches() -> None:
    """One switch for each attribute value, and one for the quarter of each number.

    What is unknown switches on nothing.
    """
    names, x = (
        ["constant", "a=1", "a=2", "since"],
        np.array([[1, 1, 0, -3.0], [1, 0, 0, 0.1], [1, 0, 1, 0.67], [1, 0, 1, 0.7]]),
    )
    on = text.switch_on(names, x)
    assert on[:, :2].tolist() == [[True, False], [False, False], [False, True], [False, True]]
    assert on[:, 2:].argmax(axis=1).tolist() == [0, 2, 2, 3]
    assert (on[:, 2:].sum(axis=1) == 1).all()
