"""An association fitted to a log: a simulator like any other, which gives back its log."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Round
from bandit.features.features import Features
from bandit.log import archive
from bandit.policies.random import Random
from bandit.slates.walk import draw
from simulators.association.association import Association
from simulators.fitted.logged import Logged
from simulators.play import play


def sent(world: Any, seed: int = 7, issues: int | None = None) -> list[Round]:
    """Random slates, and what came back."""
    return list(play(Random(), world, seed, issues))


@cache
def small() -> tuple[Association, list[Round]]:
    association = Association(
        seed=13, members=300, issues=5, pool=20, slots=4, bounce=0.05, click_to_open=0.3
    )
    return association, sent(association)


@cache
def fitted(seed: int = 1, **options: Any) -> Logged:
    association, rounds = small()
    return Logged(rounds, seed, features=association.features, **options)


def test_the_log_is_the_frame() -> None:
    """Members, pools and rules of each issue are the log's; who left is not there again."""
    world, gone = fitted().twin(), set[int]()
    for round, again in zip(small()[1], play(Random(), world, seed=3), strict=True):
        context = again.context
        assert context.campaign == round.context.campaign
        assert context.rules == round.context.rules
        pd.testing.assert_frame_equal(context.articles, round.context.articles)
        assert np.array_equal(context.article_features, round.context.article_features)
        there = set(context.member_ids)
        assert not there & gone
        late = {
            member
            for member, last in zip(world.members["member"], world.leaving.last, strict=True)
            if last < context.issue
        }
        assert (
            there - set(round.context.member_ids) <= late
        )  # who had left by then in the log may still be there
        gone |= set(context.member_ids[again.feedback.unsubscribed])
    assert world.joined(small()[1][0].context.member_ids).tolist() == [1] * len(
        small()[1][0].context.members
    )


def told(rounds: list[Round]) -> list[np.ndarray]:
    return [
        array
        for round in rounds
        for array in (round.context.member_ids, *vars(round.feedback).values())
    ]


def test_same_seed_same_bytes_and_another_seed_other_members() -> None:
    association, rounds = small()
    again = Logged(rounds, 1, features=association.features)
    one, other = sent(fitted().twin()), sent(again)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(told(one), told(other), strict=True))
    another = fitted(2)
    context = rounds[0].context
    assert not np.allclose(another.truth(context), fitted().truth(context))
    assert np.array_equal(another.fitted, fitted().fitted)


def test_answers_do_not_depend_on_who_is_asked_with_whom() -> None:
    world, other = fitted().twin(), fitted().twin()
    for number in (1, 2):
        context = world.issue(number)
        slates = draw(Random().plan(context), context, 3)
        whole, expected = world.respond(context, slates), world.expected(context, slates)
        other.issue(number)
        for rows in (
            np.arange(0, len(context.members), 3),
            np.setdiff1d(np.arange(len(context.members)), np.arange(0, 999, 3)),
        ):
            part = other.respond(context.take(rows), slates.take(rows))
            for name, array in vars(whole).items():
                assert np.array_equal(array[rows], getattr(part, name)), name
            assert np.array_equal(
                expected[rows], other.expected(context.take(rows), slates.take(rows))
            )


def test_a_run_resumes_from_its_log() -> None:
    world, resumed = fitted().twin(), fitted().twin()
    for round in sent(world, issues=4):
        context = resumed.issue(round.context.issue)
        assert np.array_equal(context.member_ids, round.context.member_ids)
        assert np.array_equal(context.seen, round.context.seen)
        resumed.remember(context, round.slates, round.feedback)
    assert context.seen.any()


def test_a_twin_has_a_memory_of_its_own() -> None:
    world = fitted().twin()
    before = world.twin().issue(3)
    sent(world)
    after = world.twin().issue(3)
    assert np.array_equal(before.member_ids, after.member_ids)
    assert not after.seen.any()


def test_expected_clicks_are_the_mean_of_simulated_ones() -> None:
    """The same issue answered many times, the luck of each another one."""
    world = fitted().twin()
    context = world.issue(1)
    slates = draw(Random().plan(context), context, 3)
    clicks, times = np.zeros(slates.choice.shape), 300
    for seed in range(times):
        world.seed = 1000 + seed  # the luck, not the members
        clicks += world.respond(context, slates).clicked
    expected = world.expected(context, slates)
    assert clicks.sum() / times == pytest.approx(expected.sum(), rel=0.05)
    assert clicks.sum(axis=0) / times == pytest.approx(expected.sum(axis=0), rel=0.1)
    error = (clicks / times - expected) / np.sqrt(np.maximum(expected, 1e-3) / times)
    assert abs(error).max() < 6


def test_issues_after_the_log_are_answered_as_the_average_one() -> None:
    """Fitted to three issues, asked about the fourth.

    Its new articles have appeals drawn from what appeals are like.
    """
    association, rounds = small()
    world, later = Logged(rounds[:3], 1, features=association.features), rounds[3]
    met = np.isin(later.context.member_ids, world.members["member"])
    new = ~np.isin(
        later.context.article_ids,
        np.concatenate([round.context.article_ids for round in rounds[:3]]),
    )
    assert new.any()
    part = later.take(np.flatnonzero(met))
    expected = world.expected(part.context, part.slates)
    assert np.array_equal(expected, world.twin().expected(part.context, part.slates))
    assert 0.5 < expected.sum() / part.feedback.clicked.sum() < 2
    appeal = world.clicks.look_up_appeals(later.context.article_ids[new])
    assert len(set(appeal)) == new.sum()
    assert abs(appeal).max() < 4 * np.sqrt(world.clicks.learned.quality)


def test_truth_and_hyperparameters_serve_the_policies_that_may_know() -> None:
    from bandit.policies.bayes_limit import BayesLimit
    from bandit.policies.oracle import Oracle

    earned = {}
    for name, policy in {
        "oracle": Oracle(),
        "bayes_limit": BayesLimit(),
        "random": Random(),
    }.items():
        world = fitted().twin()
        earned[name] = sum(
            float(world.expected(round.context, round.slates).sum())
            for round in play(policy, world, seed=3)
        )
    assert earned["oracle"] > 1.3 * earned["bayes_limit"] > 1.3 * earned["random"]


def test_what_was_held_out_is_not_looked_at() -> None:
    """Other clicks of members who were held out change no byte."""
    association, rounds = small()
    world = fitted(only=0.6)
    assert 0.5 < world.fitted.mean() < 0.7
    held = set(world.members["member"][~world.fitted])

    def opened(round: Round) -> Round:
        rows = np.array([member in held for member in round.context.member_ids])
        feedback = round.feedback
        all_open = np.where(rows, feedback.delivered, feedback.opened)
        clicked = np.where(
            (rows & feedback.delivered)[:, None], round.slates.choice >= 0, feedback.clicked
        )
        return replace(round, feedback=replace(feedback, opened=all_open, clicked=clicked))

    other = Logged([opened(round) for round in rounds], 1, features=association.features, only=0.6)
    one, two = sent(world.twin()), sent(other)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(told(one), told(two), strict=True))
    by_name = fitted(only=tuple(world.members["member"][world.fitted]))
    assert np.array_equal(by_name.fitted, world.fitted)


def test_a_folder_serves_as_well_as_its_rounds(tmp_path: Path) -> None:
    association, rounds = small()
    archive.write(tmp_path / "log", rounds)
    world = Logged(tmp_path / "log", 1, features=association.features)
    assert all(
        a.tobytes() == b.tobytes()
        for a, b in zip(told(sent(world)), told(sent(fitted().twin())), strict=True)
    )


@pytest.mark.parametrize("name", ["random", "profile", "oracle"])
def test_a_unit_runs_on_a_log(tmp_path: Path, name: str) -> None:
    from bandit.core.files import read_json
    from experiments.runner.configs import read_policy
    from experiments.runner.unit import run_unit

    archive.write(tmp_path / "log", small()[1])
    config = {
        "_target_": "simulators.fitted.logged.Logged",
        "log": str(tmp_path / "log"),
        "examine": "position_based",
        "issues": 2,
    }
    run_unit(tmp_path / "unit", read_policy(name), config, 1)
    assert read_json(tmp_path / "unit" / "done.json") == {"issues": 2}


def test_a_newsletter_of_one_slot_and_members_of_no_attributes() -> None:
    association = Association(seed=13, members=300, issues=4, pool=20, slots=1, click_to_open=0.3)
    bare = Features.fit(
        association.members[["member"]], [f"text {number}" for number in range(60)], 5
    )

    def stripped(round: Round) -> Round:
        context = round.context
        ids = [f"m{number}" for number in context.member_ids]  # and ids that are text
        members = pd.DataFrame({"member": ids})
        articles = context.articles.drop(columns="only_region")
        made: dict[str, Any] = {
            "members": members,
            "articles": articles,
            "member_features": bare.encode_members(members),
        }
        return replace(
            round, context=replace(context, article_features=bare.encode_articles(articles), **made)
        )

    rounds = [stripped(round) for round in sent(association)]
    world = Logged(rounds, 1, features=bare)
    clicks = [
        sum(round.feedback.clicked.sum() for round in some) for some in (rounds, sent(world.twin()))
    ]
    assert clicks[1] == pytest.approx(clicks[0], rel=0.5)
    assert world.members["member"].iloc[0] == "m100001"


# Refused by name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"log": None}, "log is not given"),
        ({"log": "nowhere"}, "log = 'nowhere': there is no such folder"),
        ({"log": []}, "log is empty"),
        ({"features": None}, "features are not given"),
        ({"issues": 6}, "issues = 6; must be a whole number from 1 to 5"),
        ({"issues": 0}, "issues = 0"),
        ({"only": 1.2}, r"only = 1\.2; must be in \[0, 1\]"),
        ({"only": 0.0}, r"only = 0\.0 leaves no member"),
        ({"only": (100_001, 7)}, "only names member 7, who is not in the log"),
        ({"examine": "staring"}, "examine = 'staring'; choose from position_based"),
        ({"examine": (0.9, 0.8, 0.7)}, "examine gives 3 slots; the layout has 4"),
        ({"examine": (0.9, 0.8, 0.7, 1.6)}, r"examine of slot 4 = 1\.6"),
    ],
)
def test_what_cannot_be_is_named(given: dict[str, Any], message: str) -> None:
    association, rounds = small()
    with pytest.raises(ValueError, match=message):
        Logged(**({"log": rounds, "features": association.features} | given))


def test_a_log_without_clicks_is_named() -> None:
    association, rounds = small()
    quiet = [
        replace(
            round, feedback=replace(round.feedback, clicked=np.zeros_like(round.feedback.clicked))
        )
        for round in rounds
    ]
    with pytest.raises(ValueError, match="the log has no click"):
        Logged(quiet, features=association.features)


@pytest.mark.parametrize(
    ("number", "message"), [(0, "issue = 0; must be at least 1"), (6, "issue = 6; the log has 5")]
)
def test_issues_that_the_log_has_not_are_named(number: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted().twin().issue(number)


# What it gives back of the log


def figures(rounds: list[Round], some: set[Any] | None = None) -> dict[str, Any]:
    """Counted over members: what a sender's report would show."""
    rows = [
        np.array([some is None or m in some for m in round.context.member_ids]) for round in rounds
    ]
    member = np.concatenate(
        [round.context.member_ids[at] for round, at in zip(rounds, rows, strict=True)]
    )
    answer = {
        name: np.concatenate(
            [getattr(round.feedback, name)[at] for round, at in zip(rounds, rows, strict=True)]
        )
        for name in ("delivered", "opened", "unsubscribed", "clicked", "dwell_seconds")
    }
    table = (
        pd.DataFrame(
            {
                "member": member,
                "sent": 1,
                "opened": answer["opened"],
                "clicks": answer["clicked"].sum(axis=1),
            }
        )
        .groupby("member")
        .sum()
    )
    often = table[table["sent"] >= 8]
    clicks, opens = answer["clicked"], int(answer["opened"].sum())
    most = np.sort(table["clicks"].to_numpy())[::-1]
    return {
        "opens": opens / answer["delivered"].sum(),
        "click_to_open": clicks.any(axis=1).sum() / opens,
        "by_slot": clicks.sum(axis=0) / opens,
        "open_sd": (often["opened"] / often["sent"]).std(),
        "never": (often["opened"] == 0).mean(),
        "click_sd": table["clicks"].std(),
        "top_tenth": most[: len(most) // 10].sum() / most.sum(),
        "without": (table["clicks"] == 0).mean(),
        "mails": table["sent"].mean(),
        "seconds": np.median(answer["dwell_seconds"][clicks]),
        "unsubscribed": answer["unsubscribed"].mean(),
    }


@cache
def large() -> tuple[list[Round], list[Round], Logged]:
    association = Association(seed=10, members=3000, issues=13)
    rounds = sent(association)
    world = Logged(rounds, 3, features=association.features, only=0.7)
    return rounds, sent(world.twin()), world


# Up to which difference: of members fitted to, whose own opens and clicks are known, and of members
# held out. About three standard errors: 900 members' open rates, which spread by .31, leave .016
# between two samples and the fit.
BOUNDS = {
    "opens": (0.01, 0.048),
    "click_to_open": (0.008, 0.02),
    "by_slot": (0.004, 0.008),
    "open_sd": (0.01, 0.02),
    "never": (0.025, 0.06),
    "click_sd": (0.12, 0.25),
    "top_tenth": (0.04, 0.12),
    "without": (0.03, 0.07),
    "mails": (0.1, 0.15),
    "seconds": (6, 12),
    "unsubscribed": (0.0007, 0.0015),
}


@pytest.mark.slow
@pytest.mark.parametrize("held_out", [False, True])
def test_the_fitted_association_gives_back_the_log(held_out: bool) -> None:
    rounds, simulated, world = large()
    some = set(world.members["member"][~world.fitted if held_out else world.fitted])
    log, found = figures(rounds, some), figures(simulated, some)
    for name, bounds in BOUNDS.items():
        assert found[name] == pytest.approx(log[name], abs=bounds[held_out]), name
