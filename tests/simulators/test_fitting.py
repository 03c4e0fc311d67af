"""What is estimated from a log: by closed forms, and recovered from data of known parameters."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln, expit
from scipy.stats import beta

from bandit.core.types import Feedback, Round
from simulators.examination.models import PositionBased
from simulators.fitted.fading import fit_fading
from simulators.fitted.leaving import PRIOR_MAILS, STAYED, fit_leaving
from simulators.fitted.mails import OpenedMails
from simulators.fitted.matching import find_shift, match_moments, measure_moments
from simulators.fitted.members import choose_members
from simulators.fitted.opening import DeliveredMails, Opening, fit_opening
from simulators.fitted.rates import Rates, fit_rates
from simulators.fitted.reading import collect_times

# Rates


def test_a_and_b_are_recovered_from_hits_and_trials() -> None:
    a, b, n = 0.7, 1.9, 20_000
    rng = np.random.default_rng(1)
    trials = rng.integers(1, 30, n).astype(float)
    hits = rng.binomial(trials.astype(int), rng.beta(a, b, n)).astype(float)
    found = fit_rates(hits, trials, np.ones((n, 1)))
    mean = float(expit(found.pull[0]))
    assert mean * found.concentration == pytest.approx(a, rel=0.04)
    assert (1 - mean) * found.concentration == pytest.approx(b, rel=0.04)


def test_with_one_trial_each_the_mean_is_the_share_of_hits() -> None:
    """One trial tells nothing of the concentration, and the likelihood is Bernoulli's."""
    hits = (np.arange(1000) < 270).astype(float)
    found = fit_rates(hits, np.ones(1000), np.ones((1000, 1)))
    assert expit(found.pull[0]) == pytest.approx(0.27, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 4), st.floats(0.2, 4))
def test_no_neighbour_is_more_likely(seed: int, a: float, b: float) -> None:
    rng = np.random.default_rng(seed)
    trials = rng.integers(1, 20, 400).astype(float)
    hits = rng.binomial(trials.astype(int), rng.beta(a, b, 400)).astype(float)
    found = fit_rates(hits, trials, np.ones((400, 1)))

    def likelihood(pull: float, concentration: float) -> float:
        one, other = concentration * expit(pull), concentration * expit(-pull)
        return float((betaln(one + hits, other + trials - hits) - betaln(one, other)).sum())

    best = likelihood(found.pull[0], found.concentration)
    for pull, factor in ((0.05, 1), (-0.05, 1), (0, 1.1), (0, 0.9)):
        assert best >= likelihood(found.pull[0] + pull, found.concentration * factor) - 1e-6


def test_attributes_that_move_rates_are_found() -> None:
    rng, n = np.random.default_rng(2), 8000
    x = np.column_stack([np.ones(n), rng.random(n) < 0.3, rng.normal(size=n)])
    pull, concentration = np.array([-0.8, 0.9, 0.0]), 3.0
    mean = expit(x @ pull)
    hits = rng.binomial(13, rng.beta(concentration * mean, concentration * (1 - mean))).astype(
        float
    )
    found = fit_rates(hits, np.full(n, 13.0), x)
    assert found.pull == pytest.approx(pull, abs=0.08)
    assert found.concentration == pytest.approx(concentration, rel=0.08)


def test_draws_are_quantiles_of_the_posterior_and_spread_as_members_do() -> None:
    rng, n = np.random.default_rng(3), 5000
    rates = Rates(np.array([-0.5]), 2.2)
    x = np.ones((n, 1))
    a, b = 2.2 * expit(-0.5), 2.2 * expit(0.5)
    true = rng.beta(a, b, n)
    hits, trials, uniform = rng.binomial(9, true).astype(float), np.full(n, 9.0), rng.random(n)
    drawn = rates.draw(x, hits, trials, uniform)
    assert drawn == pytest.approx(beta.ppf(uniform, a + hits, b + 9 - hits), abs=1e-9)
    assert drawn.std() == pytest.approx(beta.std(a, b), rel=0.03)
    assert ((a + hits) / (a + b + 9)).std() < 0.95 * drawn.std()  # posterior means are too narrow


def test_no_hits_at_all_leave_no_rate_and_nothing_but_hits_no_doubt() -> None:
    x, many, none = np.ones((7, 1)), np.full(7, 5.0), np.zeros(7)
    uniform = np.linspace(0.01, 0.99, 7)
    assert fit_rates(none, many, x).draw(x, none, many, uniform).max() < 1e-6
    assert fit_rates(many, many, x).draw(x, many, many, uniform).min() > 1 - 1e-6


@pytest.mark.parametrize(("hits", "trials"), [(3.0, 2.0), (-1.0, 2.0), (float("nan"), 2.0)])
def test_hits_that_cannot_be_are_named(hits: float, trials: float) -> None:
    with pytest.raises(ValueError, match=rf"hits\[1\] = {hits} of trials\[1\] = {trials}"):
        fit_rates(np.array([1.0, hits]), np.array([2.0, trials]), np.ones((2, 1)))


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


# Clicks


def cells_of(article: list[list[int]], clicked: list[list[int]], member: list[int]) -> OpenedMails:
    features = np.array([[1, 0, 0, 1.0, 0.0], [1, 0, 0, 0.5, 2.0], [1, 1, 0, -1.0, 1.0]])
    return OpenedMails(
        np.array(["a", "b", "c"]),
        features,
        np.array(member),
        np.arange(len(member)),
        np.array(article),
        np.array(clicked, bool),
    )


def test_moments_are_clicks_pairs_and_alike_pairs() -> None:
    """Member 0 clicks on a; on b and c. Member 1 clicks on b twice.

    Member 2 clicks on two in one newsletter, which makes no pair.
    """
    cells = cells_of(
        [[0, 1], [1, 2], [1, 0], [1, 2], [0, 2], [2, -1]],
        [[1, 0], [1, 1], [1, 0], [1, 0], [1, 1], [0, 0]],
        [0, 0, 1, 1, 2, 2],
    )
    text = cells.features[:, 3:]
    found = measure_moments(cells, cells.clicked.astype(float), 4)
    ab, ac, bb = text[0] @ text[1], text[0] @ text[2], text[1] @ text[1]
    assert found[:, 0].tolist() == [3, 2, 2, 0]
    assert found[:, 1].tolist() == [2 * 2, 2, 0, 0]
    assert found[:, 2] == pytest.approx([2 * (ab + ac), 2 * bb, 0, 0])


def test_the_shift_gives_as_many_clicks_as_there_are() -> None:
    rng = np.random.default_rng(6)
    article = rng.integers(0, 3, (500, 2))
    cells = cells_of(
        article.tolist(), (rng.random((500, 2)) < 0.2).tolist(), rng.integers(0, 40, 500).tolist()
    )
    logits, model = rng.normal(size=(500, 2)), PositionBased((0.9, 0.6))
    shift = find_shift(cells, logits, model)
    assert (expit(logits + shift) * [0.9, 0.6]).sum() == pytest.approx(
        cells.clicked.sum(), abs=1e-6
    )


def test_fading_is_read_from_articles_shown_new_and_later() -> None:
    """Sixty articles of unknown worth, half of them shown again in the two issues after."""
    rng, slope, m, n = np.random.default_rng(9), 0.4, 60, 60_000
    first = rng.integers(1, 4, m)
    again = np.arange(m) < 30
    issue = rng.integers(1, 6, n)
    article = rng.integers(0, m, (n, 2))
    age = issue[:, None] - first[article]
    article[(age < 0) | (age > 2) | ((age > 0) & ~again[article])] = -1
    worth, shown = rng.normal(scale=0.5, size=m), article >= 0
    chances = np.where(shown, 0.1, 0.0)  # what the article is worth is not foreseen
    clicked = rng.random((n, 2)) < np.where(shown, expit(-2.2 + worth[article] - slope * age), 0.0)
    cells = OpenedMails(
        np.arange(m), np.ones((m, 1)), np.zeros(n, dtype=int), issue - 1, article, clicked
    )
    found = fit_fading(cells, first, chances)
    assert found.slope == pytest.approx(slope, abs=0.1)
    assert found.mean[59] == 0.0  # shown once
    assert found.mean[0] == pytest.approx(1, abs=0.1)
    faded = found.shift(np.array([59, 0, 77]), int(first[0]) + 2)
    assert faded[1:] == pytest.approx(
        -found.slope * (np.array([2, 0]) - [found.mean[0], found.usual])
    )
    later = found.note(np.array([77, 0]), 6)
    assert later.shift(np.array([77]), 7) == pytest.approx(-found.slope * (1 - found.usual))
    assert later.first[0] == first[0]


def test_where_nothing_is_shown_again_nothing_fades() -> None:
    cells = cells_of([[0, 1], [1, 0], [2, -1]], [[1, 0], [0, 1], [0, 0]], [0, 1, 0])
    found = fit_fading(
        replace(cells, issue=np.array([0, 0, 1])), np.array([1, 1, 2]), np.full((3, 2), 0.2)
    )
    assert found.slope == 0


@pytest.mark.slow
def test_members_who_differ_more_than_thought_are_found_to() -> None:
    """Readiness and taste each off by a factor of its own."""
    rng, n, q, m = np.random.default_rng(8), 3000, 9, 60
    features = np.hstack([np.ones((m, 1)), np.zeros((m, 2)), rng.normal(size=(m, q - 3))])
    interests = rng.normal(size=(n, q)) * np.r_[1.2, 0, 0, np.full(q - 3, 0.6)]
    interests[:, 0] -= 2.0
    member, article = np.repeat(np.arange(n), 9), rng.integers(0, m, (9 * n, 3))
    blank = OpenedMails(
        np.arange(m), features, member, member, article, np.zeros((9 * n, 3), dtype=bool)
    )
    model = PositionBased((0.95, 0.7, 0.5))
    p = blank.chances(blank.logits(interests, np.zeros(m))) * model.examine
    cells = replace(blank, clicked=rng.random(p.shape) < p)
    thought = np.r_[0.8, 0.1, 0.1, np.full(q - 3, 0.5)] ** 2
    prior = np.zeros((n, q))
    prior[:, 0] = -1.6
    found = match_moments(cells, prior, thought, np.zeros(m), model, seed=1)
    assert found.shift == pytest.approx(-0.4, abs=0.1)
    assert found.readiness == pytest.approx(1.5, rel=0.08)
    assert found.taste == pytest.approx(1.2, rel=0.08)
    assert found.fitted == pytest.approx(found.log, rel=0.05)
