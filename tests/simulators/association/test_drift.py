"""Interests drift, and members renew or lapse: closed forms first, then whole associations."""

import numpy as np
import pytest
from scipy.special import expit, logit

from bandit.core.types import Feedback, Slates
from bandit.policies.oracle import Oracle
from simulators.association.drift import Drift, InterestPath, Membership
from simulators.association.memory import Memory
from simulators.association.opens import Mood, Opens
from tests.support.dynamics_cases import build, run
from tests.support.truth_cases import Worst

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
