"""A member's profile, learned again beside everybody's."""

import numpy as np
import pytest

from bandit.core.types import Round
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from serving.explain.tale import Retold, Tale
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of


@pytest.fixture(scope="module")
def association() -> Association:
    return association_of(seed=9, members=90, issues=5, pool=12, slots=4, text_dims=8)


@pytest.fixture(scope="module")
def rounds(association: Association) -> list[Round]:
    return list(play(Random(), association, seed=7))


@pytest.mark.parametrize("keep", [1.0, 0.9])
def test_a_tale_of_all_clicks_is_the_profile_to_the_bit(
    keep: float, association: Association, rounds: list[Round]
) -> None:
    policy, retold = Profile(keep=keep), Retold(keep=keep)
    for each in (policy, retold):
        each.start(association.features)
    retold.tales = [Tale(member) for member in rounds[0].context.member_ids.tolist()]
    for round in rounds:
        policy.learn(round)
        retold.learn(round)
    for name, array in policy.state().items():
        assert array.tobytes() == retold.state()[name].tobytes(), name
    assert all(tale.fits(policy) for tale in retold.tales)
    assert any(len(tale.profiles.roster) for tale in retold.tales)


def test_a_tale_without_a_click_differs_from_that_issue_on(
    association: Association, rounds: list[Round]
) -> None:
    row, slot = np.argwhere(rounds[1].feedback.clicked)[0]
    member = rounds[1].context.member_ids.tolist()[row]
    article = rounds[1].context.article_ids[rounds[1].slates.choice[row, slot]]
    retold = Retold()
    retold.start(association.features)
    true, other = Tale(member), Tale(member, {(rounds[1].context.issue, article)})
    never = Tale(member, {(99, article), (rounds[1].context.issue, "nothing")})
    retold.tales = [true, other, never]
    same = []
    for round in rounds:
        retold.learn(round)
        same.append(np.array_equal(true.profiles.shift, other.profiles.shift))
        assert np.array_equal(true.profiles.shift, never.profiles.shift)
    assert same == [True, False, False, False, False]
    assert true.fits(retold)
    assert not other.fits(retold)


def test_a_fork_goes_its_own_way(association: Association, rounds: list[Round]) -> None:
    member = rounds[0].context.member_ids.tolist()[int(rounds[0].feedback.opened.argmax())]
    retold = Retold()
    retold.start(association.features)
    true = Tale(member)
    retold.tales = [true]
    retold.learn(rounds[0])
    fork = true.fork()
    before = fork.profiles.shift.copy()
    for round in rounds[1:]:
        retold.learn(round)
    assert np.array_equal(fork.profiles.shift, before)
    assert not np.array_equal(true.profiles.shift, before)
