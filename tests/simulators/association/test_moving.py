"""All moving parts of the association at once: sizes of 0 change no byte, and runs resume."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit.core.types import Round
from bandit.log import issue as log
from bandit.policies.oracle import Oracle
from bandit.policies.random import Random
from simulators.association.campaigns import Campaigns
from simulators.association.drift import Drift, Membership
from simulators.association.opens import Opens
from simulators.association.press import Press
from simulators.association.reading import Reading
from simulators.play import play, read_back
from tests.support.dynamics_cases import HABITS, MOVING, at_random, best, build, collect_bytes, run
from tests.support.truth_cases import Worst

# Nothing moves where all sizes are 0


def test_parts_of_size_zero_change_no_byte() -> None:
    neutral = {
        "opens": Opens(),
        "reading": Reading(),
        "drift": Drift(),
        "membership": Membership(renewal=1.0),
        "press": Press(),
        "campaigns": Campaigns(),
    }
    still, moving = build(), build(**neutral)
    a, b = run(still, issues=6), run(moving, issues=6)
    assert collect_bytes(a) == collect_bytes(b)
    assert (
        still.expected(a[-1].context, a[-1].slates).tobytes()
        == moving.expected(b[-1].context, b[-1].slates).tobytes()
    )
    for name, values in still.hyperparameters().items():
        assert values.tobytes() == moving.hyperparameters()[name].tobytes()


@pytest.mark.parametrize(
    "part", ["opens", "reading", "drift", "membership", "press", "campaigns", "bounce"]
)
def test_every_part_changes_something(part: str) -> None:
    assert collect_bytes(run(build(), issues=9)) != collect_bytes(
        run(build(**{part: MOVING[part]}), issues=9)
    )


# Everything at once


def test_expected_clicks_are_what_comes_with_all_parts_moving() -> None:
    """Clicks are what was expected of the state just before, up to luck.

    The differences are a martingale, so a z score can be made of their sums by member.
    """
    terms = []
    for seed in (10, 11):
        association = build(seed=seed, members=2500, **MOVING)
        for number in range(1, 11):
            context = association.issue(number)
            drawn = best(association, context) if number % 2 else at_random(context)
            p = association.expected(context, drawn)
            terms.append((association.respond(context, drawn).clicked - p).sum(axis=1))
            assert (
                association.expected(context, drawn).tobytes() == p.tobytes()
            )  # the issue counts for later ones only
            assert (p[drawn.choice < 0] == 0).all()
    term = np.concatenate(terms)
    assert abs(term.sum() / np.sqrt((term**2).sum())) < 3.5


def test_waves_in_any_order_and_twice_leave_the_same_bytes() -> None:
    whole, parts = build(**MOVING), build(**MOVING)
    for number in range(1, 9):
        context, again = whole.issue(number), parts.issue(number)
        assert context.members.to_pandas().equals(again.members.to_pandas())
        assert context.seen.tobytes() == again.seen.tobytes()
        drawn = at_random(context)
        feedback = whole.respond(context, drawn)
        order = np.random.default_rng(number).permutation(len(context.members))
        for rows in (order[:60], order[60:61], order[:60], order[61:]):
            answer = parts.respond(context.take(rows), drawn.take(rows))
            for name, values in vars(answer).items():
                assert values.tobytes() == getattr(feedback, name)[rows].tobytes()


def test_a_run_resumes_from_its_log(tmp_path: Path) -> None:
    first = run(build(**MOVING), Oracle())
    resumed = build(**MOVING)
    for round in first[:7]:
        path = tmp_path / f"{round.context.issue}.parquet"
        log.write(path, round)
        read_back(path, resumed, resumed.issue(round.context.issue))
    for round in first[7:]:
        context = resumed.issue(round.context.issue)
        assert collect_bytes(
            [Round(context, round.slates, resumed.respond(context, round.slates))]
        ) == collect_bytes([round])
        assert (
            best(resumed, context).choice.tobytes() == round.slates.choice.tobytes()
            if context.issue < 12
            else True
        )


def test_a_twin_has_a_memory_of_its_own() -> None:
    one = build(**MOVING)
    rounds = run(one, Oracle())
    assert collect_bytes(run(one.twin(), Oracle())) == collect_bytes(rounds)
    other = one.twin()
    run(other, Worst())
    assert collect_bytes(run(one.twin(), Oracle())) == collect_bytes(rounds)


def test_an_issue_that_is_over_is_refused_where_moods_count() -> None:
    association = build(opens=HABITS)
    context = association.issue(1)
    drawn = at_random(context)
    association.issue(3)
    with pytest.raises(ValueError, match="issue 1 is over"):
        association.respond(context, drawn)


@pytest.mark.parametrize(
    "options",
    [
        {"members": 1},
        {"carried": 1.0},
        {"pool": 5},
        {"slots": 1},
        {"taste": 0.0, "eagerness": 0.0, "kind_sd": 0.0, "quality_sd": 0.0},
        {"unsubscribe": 0.0},
        {"bounce": 1.0, "dead": 0.0},
        {"membership": Membership(term=1, renewal=1.0, notice=0)},
        {
            "opens": Opens(
                satisfaction=90.0,
                fatigue=90.0,
                subject=90.0,
                habit=90.0,
                irritation=90.0,
                recovery=0.01,
            )
        },
        {"press": Press(ads=1.0, breaking=1.0)},
        {"press": Press(duplicates=1.0, repeated=1.0)},
        {"drift": Drift(walk=1.0, shift=1.0)},
    ],
    ids=str,
)
def test_edges_of_what_is_allowed_work(options: dict[str, Any]) -> None:
    association = build(
        **(MOVING | {"members": 60, "dead": 0.0, "joiners": 0.0, "unsubscribe": 0.0} | options)
    )
    for round in play(Random(), association, seed=5, issues=6):
        expected = association.expected(round.context, round.slates)
        assert ((expected >= 0) & (expected <= 1)).all()
        assert (round.feedback.delivered | ~round.feedback.opened).all()
