"""What members do with their mail is estimated from a log: they open, read and leave."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Feedback, Round
from simulators.fitted.leaving import PRIOR_MAILS, STAYED, fit_leaving
from simulators.fitted.members import choose_members
from simulators.fitted.opening import DeliveredMails, Opening, fit_opening
from simulators.fitted.reading import collect_times

# What moves opening


def test_levels_and_the_subject_are_recovered() -> None:
    """What is known of the interest is its mean; the rest of it takes nothing from the effect."""
    rng, n, issues, subject = np.random.default_rng(4), 4000, 11, 0.35
    levels, rate = rng.normal(scale=0.4, size=issues), rng.beta(2, 3, n)
    known, rest = rng.normal(scale=0.7, size=(n, issues)), rng.normal(scale=0.7, size=(n, issues))
    opened = rng.random((n, issues)) < Opening(levels, subject).chance(
        rate[:, None], np.arange(issues), known + rest
    )
    member, issue = (index.ravel() for index in np.indices((n, issues)))
    found = fit_opening(DeliveredMails(member, issue, opened.ravel(), known.ravel()), rate, issues)
    assert found.subject == pytest.approx(subject, abs=0.05)
    assert found.levels == pytest.approx(levels, abs=0.1)
    p = found.chance(rate[member], issue, known.ravel())
    assert np.bincount(issue, p) == pytest.approx(opened.sum(axis=0), rel=0.01)


def test_where_interest_does_not_matter_none_is_found() -> None:
    rng, n, issues = np.random.default_rng(5), 3000, 7
    rate = rng.beta(2, 3, n)
    member, issue = (index.ravel() for index in np.indices((n, issues)))
    mails = DeliveredMails(
        member, issue, rng.random(n * issues) < rate[member], rng.normal(scale=0.7, size=n * issues)
    )
    assert abs(fit_opening(mails, rate, issues).subject) < 0.06


# How long is read, and who is fitted to


def answered(**given: Any) -> Round:
    """A round of which only the feedback counts: three members, two slots."""
    n, k = 3, 2
    no = np.zeros((n, k), dtype=bool)
    nothing = {"delivered": ~no[:, 0], "opened": ~no[:, 0], "unsubscribed": no[:, 0], "clicked": no}
    nothing |= {"examined": -np.ones((n, k), dtype=np.int8), "dwell_seconds": np.zeros((n, k))}
    return Round(None, None, Feedback(**(nothing | given)))  # type: ignore[arg-type]  # unused


def test_reading_times_are_those_of_the_log() -> None:
    clicked = np.array([[True, False], [False, True], [True, False]])
    examined = np.where(clicked, 1, -1)
    examined[1, 0] = 1  # seen to be scrolled past
    times = np.array([[40.0, 0.0], [3.0, 7.0], [90.0, 0.0]])
    found = collect_times(
        [answered(clicked=clicked, examined=examined, dwell_seconds=times), answered()]
    )
    assert found.clicked.tolist() == [7, 40, 90]
    assert found.observed == pytest.approx(1 / 6)
    assert found.glance == 3
    assert found.draw(np.array([0.0, 0.3, 0.34, 0.67, 0.999])).tolist() == [7, 7, 40, 90, 90]


def test_who_is_fitted_to_does_not_depend_on_the_list() -> None:
    ids = pd.Series([f"m{number}" for number in range(400)])
    chosen = choose_members(0.3, ids)
    assert chosen.mean() == pytest.approx(0.3, abs=0.07)
    assert np.array_equal(choose_members(0.3, ids[::-1])[::-1], chosen)
    assert (choose_members(0.6, ids) >= chosen).all()  # a larger share holds the smaller one
    assert np.flatnonzero(choose_members(["m7", "m3"], ids)).tolist() == [3, 7]
    assert choose_members(None, ids).all()


# Who leaves


def test_leaving_is_counted_by_what_the_last_mail_met() -> None:
    """Six issues to members 0 to 9, the fifth to some only.

    Member 3 unsubscribes, 4 bounces and is gone, 5 is just gone.
    """
    there = {
        0: range(10),
        1: range(10),
        2: range(10),
        3: [0, 1, 2, 5, 6, 7, 8, 9],
        4: [0, 1, 2],
        5: [0, 1, 2, 6, 7, 8, 9],
    }
    rounds, rows = [], []
    for issue, members in there.items():
        at = np.array(list(members))
        delivered = ~((at == 4) & (issue == 2))
        opened = delivered & (at % 2 == 1)
        clicked = np.zeros((len(at), 2), dtype=bool)
        unsubscribed = (at == 3) & (issue == 2)
        feedback = Feedback(
            delivered,
            opened,
            unsubscribed,
            -np.ones((len(at), 2), dtype=int),
            clicked,
            np.zeros((len(at), 2)),
        )
        rounds.append(Round(None, None, feedback))  # type: ignore[arg-type]  # both are unused
        rows.append(at)
    found = fit_leaving(rounds, rows, np.ones(10, dtype=bool))
    assert found.sent[[1, 2, 4, 5]] == pytest.approx([1, 1, 3 / 7, 1])
    assert found.last.tolist()[3:6] == [3, 3, 4]
    assert (np.delete(found.last, [3, 4, 5]) == STAYED).all()
    mails = np.array([1, 0, 0, 0]) + np.array([0, 24, 23, 0])
    assert mails.sum() == sum(map(len, rows))
    each = PRIOR_MAILS / mails.sum()
    assert found.unsubscribe == pytest.approx(
        (np.array([0, 0, 1, 0]) + each) / (mails + PRIOR_MAILS)
    )
    assert found.vanish == pytest.approx(
        (np.array([1, 0, 1, 0]) + 2 * each) / (mails + PRIOR_MAILS)
    )
