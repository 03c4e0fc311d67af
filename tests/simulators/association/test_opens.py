"""Who opens: rates, moods and subject lines.

Closed forms come first, then what they do in an association.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from bandit.core.types import Slates, SlotPmf
from bandit.policies.oracle import Oracle
from bandit.slates import propensity as slates
from bandit.slates.exploration import greedy
from simulators.association.opens import Mood, Opens
from simulators.association.reference import measure_interest
from simulators.calendar import Calendar
from simulators.logits import anchor_rates, raise_rate
from tests.support.dynamics_cases import HABITS, at_random, build, measure_opening, run
from tests.support.truth_cases import Worst

# Rates


def test_a_raised_rate_is_that_of_shifted_logits_and_zero_leaves_it() -> None:
    rate = np.random.default_rng(0).beta(0.6, 1.0, size=500)
    for shift in (-3.0, -0.1, 0.4, 5.0):
        moved = raise_rate(rate, np.full(500, shift))
        np.testing.assert_allclose(moved, expit(logit(rate) + shift), rtol=1e-9)
        assert ((moved >= 0) & (moved <= 1)).all()
    assert raise_rate(rate, np.zeros(500)).tobytes() == rate.tobytes()
    assert raise_rate(np.array([0.0, 1.0]), np.array([4.0, -4.0])).tolist() == [0.0, 1.0]


@given(st.floats(0, 1), st.floats(-2000, 2000), st.floats(0, 50))
def test_raised_rates_stay_rates_and_in_order(rate: float, shift: float, more: float) -> None:
    low, high = raise_rate(np.array([rate, rate]), np.array([shift, shift + more]))
    assert 0 <= low <= high + 1e-12 <= 1 + 2e-12


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.booleans(), st.booleans()), max_size=30),
    st.floats(0, 1),
)
def test_moods_stay_in_their_range(mails: list[tuple[float, bool, bool]], memory: float) -> None:
    opens, now = Opens(memory=memory), mood()
    for issue, (served, delivered, opened) in enumerate(mails, start=1):
        now = after(opens, now, issue, served, delivered, opened and delivered)
        assert (np.abs(now.satisfaction) <= 1 + 1e-12).all()
        assert ((now.habit >= -1e-12) & (now.habit <= 1 + 1e-12)).all()
        assert ((now.mails >= 0) & (now.mails <= opens.settled_mails + 1e-9)).all()


def test_anchoring_keeps_the_mean() -> None:
    rng = np.random.default_rng(1)
    rate, shift = rng.beta(0.6, 1.0, size=3000), rng.normal(1.0, 2.0, size=3000)
    assert raise_rate(rate, shift + anchor_rates(rate, shift)).mean() == pytest.approx(
        rate.mean(), abs=1e-9
    )
    assert anchor_rates(rate, np.zeros(3000)) == 0


@pytest.mark.slow
def test_the_newsletter_for_all_is_opened_at_the_base_rates() -> None:
    """Within sampling error, on pools that it was not calibrated on, whose best articles differ."""
    more, sizes = (
        [],
        {"members": 1000, "pool": 40, "joiners": 0.0, "pin_every": 0, "examine": (1.0,) * 5},
    )
    for seed in range(10, 14):
        moving = build(seed=seed, opens=Opens(subject=0.9, satisfaction=1.1, day_sd=0.8), **sizes)
        still = build(seed=seed, **sizes)
        for number in range(1, 6):
            context = moving.issue(number)
            everyone = np.tile(moving.truth(context).mean(axis=0), (len(context.members), 1))
            drawn = slates.draw(SlotPmf(everyone, greedy), context, 5)
            more.append(
                measure_opening(moving, context, drawn).mean()
                - measure_opening(still, context, drawn).mean()
            )
    assert abs(np.mean(more)) < 0.012
    assert np.std(more) > 0.005  # some subject lines are better than others


# Moods


def mood(n: int = 3, opens: Opens = HABITS) -> Mood:
    return Mood.begin(opens, np.linspace(0.2, 0.6, n), np.linspace(-0.3, 0.5, n), np.arange(n) != 1)


def after(
    opens: Opens, now: Mood, issue: int, served: float, delivered: bool = True, opened: bool = True
) -> Mood:
    new, n = now.copy(), len(now.day)
    now.advance(
        opens,
        issue,
        np.arange(n),
        np.full(n, delivered),
        np.full(n, opened),
        np.full(n, served),
        new,
    )
    return new


def test_founders_begin_as_the_reference_left_them_and_others_as_strangers() -> None:
    rate, served = np.array([0.2, 0.5, 0.9]), np.array([-0.4, 0.6, 0.1])
    now = Mood.begin(HABITS, rate, served, np.array([True, False, True]))
    assert now.satisfaction.tolist() == [-0.4, pytest.approx(0.1), 0.1]
    assert now.habit.tolist() == rate.tolist()
    assert now.mails.tolist() == [HABITS.settled_mails, 0.0, HABITS.settled_mails]
    assert not now.reminded.any()


def test_interest_in_an_issue_is_that_in_its_filled_slots() -> None:
    care, looked = np.array([[0.5, np.nan, -0.2], [np.nan] * 3]), np.array([0.9, 0.6, 0.3])
    np.testing.assert_allclose(measure_interest(care, looked), [(0.9 * 0.5 - 0.3 * 0.2) / 1.2, 0.0])


def test_an_empty_slot_moves_nobody() -> None:
    association = build(opens=HABITS, examine=(1.0,) * 5)
    context = association.issue(1)
    drawn = at_random(context)
    without = Slates(**(vars(drawn) | {"choice": np.where(np.arange(5) == 0, -1, drawn.choice)}))
    assert np.isnan(association.measure_care(context, without.choice)[:, 0]).all()
    expected = association.expected(context, without)
    assert (expected[:, 0] == 0).all()
    p = np.take_along_axis(association.truth(context), drawn.choice[:, 1:2], axis=1)[:, 0]
    moved = logit(measure_opening(association, context, drawn)) - logit(expected[:, 1] / p)
    np.testing.assert_allclose(
        moved,
        HABITS.subject * association.measure_care(context, drawn.choice[:, :1])[:, 0],
        atol=1e-6,
    )
    association.respond(context, without)
    association.issue(2)


def test_satisfaction_and_habit_are_exponential_averages() -> None:
    opens, c = Opens(memory=0.3), 0.8
    now = first = mood(opens=opens)
    for issue in range(1, 8):
        now = after(opens, now, issue, c)
        left = 0.7**issue
        np.testing.assert_allclose(now.satisfaction, c + (first.satisfaction - c) * left)
        np.testing.assert_allclose(now.habit, 1 + (first.habit - 1) * left)
    missed = after(opens, now, 8, -1.0, opened=False)
    np.testing.assert_allclose(missed.habit, 0.7 * now.habit)
    assert (
        missed.satisfaction.tobytes() == now.satisfaction.tobytes()
    )  # who does not open is not disappointed


def test_fatigue_has_its_steady_state_and_recovers() -> None:
    tau = 9.0
    weekly = Opens(fatigue=1.0, recovery=tau)
    r = np.exp(-7 / tau)
    assert weekly.weekly_mails == pytest.approx(r / (1 - r))
    now = mood(opens=weekly)
    for issue in range(1, 30):
        mails = weekly.count_mails(now, issue)
        assert mails[0] == pytest.approx(r / (1 - r))  # founders have long been there
        assert mails[1] == pytest.approx(
            r * (1 - r ** (issue - 1)) / (1 - r)
        )  # a newcomer gets there
        now = after(weekly, now, issue, 0.0)
    rested = after(weekly, now, 30, 0.0, delivered=False)
    assert weekly.count_mails(rested, 31)[0] == pytest.approx(r * r / (1 - r))
    # Monday, Tuesday, Friday: before each, the sum over all mails past
    often = Opens(fatigue=1.0, recovery=tau, send_days=(0, 1, 4))
    now = mood(opens=often)
    for issue in range(1, 10):
        gaps = np.array([(often.calendar.day(issue) - day - 1) % 7 + 1 for day in (0, 1, 4)])
        assert often.count_mails(now, issue)[0] == pytest.approx(
            np.exp(-gaps / tau).sum() / (1 - r)
        )
        now = after(often, now, issue, 0.0)


def test_the_calendar() -> None:
    assert [Calendar((3,)).day(issue) for issue in (1, 2, 3)] == [3, 10, 17]
    assert [Calendar((0, 2, 4)).day(issue) for issue in (1, 2, 3, 4, 5)] == [0, 2, 4, 7, 9]


def test_each_effect_on_opening_is_its_logits() -> None:
    opens, now = (
        Opens(satisfaction=1.3, habit=0.7, fatigue=0.2, weekdays=(0, 0.25, 0, 0, 0, 0, 0)),
        mood(),
    )
    rate, usual = np.array([0.3, 0.5, 0.1]), 0.15
    wanted = logit(rate) + 0.25 + 1.3 * (now.satisfaction - usual) + 0.7 * (now.habit - rate)
    wanted -= 0.2 * (opens.count_mails(now, 1) - opens.weekly_mails) - 0.4
    np.testing.assert_allclose(opens.chance(rate, now, 1, usual, 0.4), expit(wanted))
    leaves = Opens(irritation=0.6).chance_of_leaving(0.02, now, 1, usual)
    excess = Opens().count_mails(now, 1) - Opens().weekly_mails - (now.satisfaction - usual)
    np.testing.assert_allclose(leaves, expit(logit(0.02) + 0.6 * excess))


def test_more_mails_are_opened_less_and_left_more() -> None:
    rates = []
    for days in ((1,), (0, 1, 2, 3, 4)):
        opens = Opens(fatigue=0.06, irritation=0.3, send_days=days)
        rounds = run(build(members=3000, opens=opens, unsubscribe=0.01), issues=8)
        sent = sum(len(round.context.members) for round in rounds)
        opened = sum(round.feedback.opened.sum() for round in rounds)
        left = sum(round.feedback.unsubscribed.sum() for round in rounds)
        rates.append([opened / sent, left / sent])
    assert rates[1][0] < 0.93 * rates[0][0]
    assert rates[1][1] > 2 * rates[0][1]


def test_send_day_habits_stay_and_have_their_size() -> None:
    opens, member = Opens(day_sd=0.7), np.arange(5000, dtype=np.uint64)
    tuesday = opens.draw_day_habit(3, member, 1)
    assert tuesday.tobytes() == opens.draw_day_habit(3, member, 8).tobytes()
    friday = opens.draw_day_habit(3, member, 4)
    assert abs(np.corrcoef(tuesday, friday)[0, 1]) < 0.05
    assert tuesday.std() == pytest.approx(0.7, rel=0.05)
    assert not Opens().draw_day_habit(3, member, 1).any()


def test_a_subject_line_lifts_those_who_care_by_its_logits() -> None:
    association = build(members=1500, opens=Opens(subject=2.0), examine=(1.0,) * 5, pin_every=0)
    context = association.issue(1)
    one, two = at_random(context, 5), at_random(context, 6)
    care = [association.measure_care(context, drawn.choice[:, :1])[:, 0] for drawn in (one, two)]
    assert all(np.abs(each).max() <= 1 for each in care)
    moved = logit(measure_opening(association, context, one)) - logit(
        measure_opening(association, context, two)
    )
    np.testing.assert_allclose(moved, 2.0 * (care[0] - care[1]), atol=1e-6)
    opened = [association.respond(context, drawn).opened for drawn in (one, two)]
    more = care[0] > care[1]
    assert (opened[0] >= opened[1])[
        more
    ].all()  # the same luck: who cares more opens at least what they opened
    assert (opened[0] <= opened[1])[~more].all()


def test_a_featured_article_is_everybodys_subject_line() -> None:
    top, featured = (
        build(opens=Opens(subject=2.0, featured=f), pin_every=2, examine=(1.0,) * 5)
        for f in (False, True)
    )
    for association in (top, featured):
        association.respond(association.issue(1), at_random(association.issue(1)))
    context = featured.issue(2)
    assert context.rules.pins
    one, two = at_random(context, 5), at_random(context, 6)
    opened = [measure_opening(featured, context, drawn) for drawn in (one, two)]
    np.testing.assert_allclose(opened[0], opened[1])
    assert not np.allclose(
        measure_opening(top, top.issue(2), one), measure_opening(top, top.issue(2), two)
    )
    number = context.article_ids.tolist().index(context.rules.pins[3])
    care = featured.measure_care(context, np.full((len(context.members), 1), number))[:, 0]
    assert (
        np.corrcoef(
            logit(opened[0]) - logit(measure_opening(build(examine=(1.0,) * 5), context, one)), care
        )[0, 1]
        > 0.99
    )


def test_good_issues_raise_later_opens_and_irrelevant_ones_lower_them() -> None:
    opens, rates = Opens(satisfaction=1.5, memory=0.3), []
    for policy in (Oracle(), Worst()):
        association = build(members=1500, opens=opens, joiners=0.0)
        rounds = run(association, policy, issues=6)
        rates.append([round.feedback.opened.mean() for round in rounds])
    assert rates[0][0] == rates[1][0]  # the first issue knows nothing of itself
    assert rates[0][-1] > 1.15 * rates[1][-1]


def test_the_weekday_moves_opening_and_clicks() -> None:
    opens = Opens(
        send_days=(1, 4),
        weekdays=(0.0, 0.3, 0.0, 0.0, -0.2, 0.0, 0.0),
        weekday_clicks=(0.1, 0.4, 0.0, 0.2, -0.1, 0.0, 0.0),
    )
    association, still = build(opens=opens, examine=(1.0,) * 5), build(examine=(1.0,) * 5)
    for number, more, clicks in ((1, 0.3, 0.4), (2, -0.2, -0.1)):
        a, b = association.issue(number), still.issue(number)
        np.testing.assert_allclose(association.truth(a), expit(logit(still.truth(b)) + clicks))
        drawn = at_random(a)
        np.testing.assert_allclose(
            measure_opening(association, a, drawn),
            raise_rate(measure_opening(still, b, drawn), np.full(len(a.members), more)),
        )
