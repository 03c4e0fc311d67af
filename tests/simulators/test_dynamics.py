"""What moves in the association: drift, renewal, reading, and all parts at once.

Identities and closed forms come first.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit

from bandit.core.types import Feedback, Round, Slates
from bandit.log import issue as log
from bandit.policies.oracle import Oracle
from bandit.policies.random import Random
from simulators.association.campaigns import Campaigns
from simulators.association.drift import Drift, InterestPath, Membership
from simulators.association.memory import Memory
from simulators.association.opens import Mood, Opens
from simulators.association.press import Press
from simulators.association.reading import Reading, count_funnel
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


# Drift


def test_interests_walk_and_keep_their_distribution() -> None:
    n, walk, shift = 40_000, 0.04, 0.03
    sd = np.array([0.9, 0.4, 1.7])
    first = np.random.default_rng(0).normal(size=(n, 3)) * sd
    path = InterestPath(
        Drift(walk, shift),
        first,
        sd,
        lambda *purpose: np.random.default_rng(list(map(hash, purpose))[-1]),
    )
    for issue in (2, 5, 11):
        now, t = path.interests(issue), issue - 1
        kept = (np.sqrt(1 - walk) * (1 - shift)) ** t
        np.testing.assert_allclose(now.std(axis=0), sd, rtol=0.02)
        for j in (1, 2):
            assert np.corrcoef(first[:, j], now[:, j])[0, 1] == pytest.approx(kept, abs=0.02)
            assert (now[:, j] - first[:, j]).var() == pytest.approx(
                2 * sd[j] ** 2 * (1 - kept), rel=0.1
            )
        assert now[:, 0].tobytes() == first[:, 0].tobytes()  # readiness to click stays
    assert path.interests(5).tobytes() != path.interests(11).tobytes()
    assert path.interests(1) is first


def test_a_break_changes_its_share_at_its_issue() -> None:
    association, still = (
        build(drift=Drift(break_at=4, broken=0.3), members=3000),
        build(members=3000),
    )
    for number, share in ((3, 0.0), (4, 0.3), (5, 0.3)):
        changed = association.truth(association.issue(number)) != still.truth(still.issue(number))
        assert changed.any(axis=1).mean() == pytest.approx(share, abs=0.03)


def test_going_back_finds_the_same_interests() -> None:
    association = build(drift=Drift(walk=0.1))
    first, late = association.truth(association.issue(2)), association.truth(association.issue(6))
    assert association.truth(association.twin().issue(2)).tobytes() == first.tobytes()
    assert association.truth(association.issue(6)).tobytes() == late.tobytes()


# Renewal


def test_renewal_is_logistic_in_how_well_a_member_was_served() -> None:
    membership = Membership(renewal=0.8, served=1.5, reminder=0.7)
    satisfaction, reminded = np.array([0.1, 0.6, -0.5, 0.1]), np.array([False, False, True, True])
    wanted = expit(logit(0.8) + 1.5 * (satisfaction - 0.1) + 0.7 * reminded)
    np.testing.assert_allclose(membership.chance(satisfaction, 0.1, reminded), wanted)


def test_terms_end_once_a_term_and_founders_are_spread() -> None:
    membership = Membership(term=5)
    ends = membership.find_first_end(np.array([1, 1, 1, 4]), np.array([0.0, 0.5, 0.99, 0.3]))
    assert ends.tolist() == [1, 3, 5, 8]
    assert [membership.count_left(ends, issue).tolist() for issue in (1, 3, 8)] == [
        [0, 2, 4, 2],
        [3, 0, 2, 0],
        [3, 0, 2, 0],
    ]


def test_a_reminder_counts_until_the_term_ends() -> None:
    opens, n = Opens(), 3
    first = Mood.begin(opens, np.full(n, 0.4), np.zeros(n), np.ones(n, dtype=bool))
    ends = np.array([2, 3, 3])
    memory = Memory(
        opens,
        Membership(term=5),
        np.ones(n, dtype=np.int64),
        first,
        0.0,
        ends,
        lambda *_: np.zeros(n)[:1],
    )
    choice = np.zeros((n, 1), dtype=np.int64)
    drawn = Slates(choice, np.ones((n, 1)), choice, choice, np.ones(n, dtype=bool))
    yes, clicked = np.ones(n, dtype=bool), np.array([[True], [True], [False]])
    feedback = Feedback(yes, yes, ~yes, clicked.astype(np.int8), clicked, 1.0 * clicked)
    memory.remember(1, np.arange(n), ["a"], drawn, feedback, yes, ~yes, np.zeros(n), True)
    told = [memory.advance_to(issue).reminded.tolist() for issue in (1, 2, 3, 4)]
    assert told == [[False] * 3, [True, True, False], [False, True, False], [False] * 3]


def test_lapses_come_at_their_rate() -> None:
    association = build(
        members=4000, membership=Membership(term=4, renewal=0.7), joiners=0.0, unsubscribe=0.0
    )
    sizes = [len(round.context.members) for round in run(association, issues=9)]
    # a quarter of a term's first members comes up at each issue, and seven in ten of them stay
    wanted = [4000 * 0.7**term * (1 - 0.3 * part / 4) for term in (0, 1) for part in range(4)]
    stay = np.array([*wanted, 4000 * 0.7**2])
    assert (np.abs(sizes - stay) <= 3.5 * np.sqrt(stay * (1 - stay / 4000))).all()


def test_members_who_were_served_renew_more() -> None:
    membership, left = Membership(term=6, renewal=0.7, served=3.0), []
    for policy in (Oracle(), Worst()):
        association = build(
            members=1500,
            membership=membership,
            opens=Opens(memory=0.3),
            joiners=0.0,
            unsubscribe=0.0,
        )
        rounds = run(association, policy)
        left.append(len(rounds[-1].context.members))
    assert left[0] > 1.2 * left[1]


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
        assert context.members.equals(again.members)
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


# The funnel


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
