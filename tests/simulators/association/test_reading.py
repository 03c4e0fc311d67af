"""The funnel from sent to read: what bounces, what is looked at, and for how long it is read."""

import numpy as np
import pytest

from simulators.association.reading import Reading, count_funnel
from tests.support.dynamics_cases import MOVING, at_random, build, run


def test_the_funnel_nests() -> None:
    association = build(
        **(MOVING | {"members": 2000, "reading": Reading(skimmed=0.3, observed=1.0)})
    )
    for round in run(association, issues=6):
        feedback, filled = round.feedback, round.slates.choice >= 0
        counts = count_funnel(round.slates, feedback)
        assert (
            counts["sent"] == len(round.context.members) == counts["delivered"] + counts["bounced"]
        )
        assert counts["delivered"] > counts["opened"] >= counts["clickers"] > 0
        assert counts["shown"] > counts["examined"] == counts["clicked"] + counts["scrolled_past"]
        assert counts["clicked"] > counts["read"] > 0
        for inner, outer in (
            (feedback.opened, feedback.delivered),
            (feedback.unsubscribed, feedback.delivered),
            (feedback.clicked, feedback.opened[:, None] & filled),
            (feedback.examined == 1, feedback.opened[:, None] & filled),
            (feedback.clicked, feedback.examined == 1),
        ):
            assert (outer | ~inner).all()
        assert ((feedback.examined >= 0) == (feedback.opened[:, None] & filled)).all()
        assert ((feedback.dwell_seconds > 0) == (feedback.examined == 1)).all()
        assert (counts["bounced"] / counts["sent"]) == pytest.approx(0.06, abs=0.025)


def test_only_a_page_tells_what_was_scrolled_past() -> None:
    mail, page = (build(members=2000, reading=Reading(observed=share)) for share in (0.0, 0.4))
    a, b = run(mail, issues=1)[0].feedback, run(page, issues=1)[0].feedback
    assert a.clicked.tobytes() == b.clicked.tobytes()
    assert (a.examined == np.where(a.clicked, 1, -1)).all()
    known = (b.examined >= 0).all(axis=1)[b.opened].mean()
    assert known == pytest.approx(0.4, abs=0.06)


def test_reading_takes_longer_for_those_who_care_and_skims_are_short() -> None:
    usual, caring, skimming = (
        build(members=3000, click_to_open=0.6, reading=reading)
        for reading in (None, Reading(interest=0.8), Reading(skimmed=0.25))
    )
    rounds = [run(association, issues=1)[0] for association in (usual, caring, skimming)]
    clicked = rounds[0].feedback.clicked
    seconds = [round.feedback.dwell_seconds[clicked] for round in rounds]
    care = usual.measure_care(rounds[0].context, rounds[0].slates.choice)[clicked]
    np.testing.assert_allclose(seconds[1], seconds[0] * np.exp(0.8 * care), atol=1.7)
    assert np.median(seconds[0]) == pytest.approx(60, rel=0.1)
    short = seconds[2] != seconds[0]
    assert short.mean() == pytest.approx(0.25, abs=0.04)
    assert (seconds[2][short] <= 10).all()


def test_what_bounces_is_expected_to() -> None:
    still, bouncing = build(), build(bounce=0.1, dead=0.2)
    context = still.issue(1)
    drawn = at_random(context)
    np.testing.assert_allclose(
        bouncing.expected(bouncing.issue(1), drawn), 0.7 * still.expected(context, drawn)
    )


def test_the_dead_are_not_written_to_again() -> None:
    association = build(members=3000, dead=0.05, bounce=0.1, joiners=0.0, unsubscribe=0.0)
    first, second = run(association, issues=2)
    lost = set(first.context.member_ids) - set(second.context.member_ids)
    assert len(lost) / 3000 == pytest.approx(0.05, abs=0.015)
    assert lost < set(first.context.member_ids[~first.feedback.delivered])
    assert (~first.feedback.delivered).mean() == pytest.approx(0.15, abs=0.02)


def test_feedback_is_what_the_log_holds() -> None:
    feedback = run(build(**MOVING), issues=1)[0].feedback
    usual = run(build(), issues=1)[0].feedback
    assert {name: array.dtype for name, array in vars(feedback).items()} == {
        name: array.dtype for name, array in vars(usual).items()
    }
