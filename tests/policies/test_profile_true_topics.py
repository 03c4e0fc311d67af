"""The limit of reading: the profile itself, on true topics."""

import numpy as np

from bandit.policies.profile import Profile
from bandit.policies.profile_true_topics import ProfileTrueTopics
from bandit.slates.propensity import draw
from simulators.play import begin, play
from tests.support.dynamics_cases import build


def test_it_is_the_profile_where_text_is_the_topics() -> None:
    """Told topics as if they were text, a profile that reads no attribute values does the same."""
    world = build(issues=5)
    policy = ProfileTrueTopics()
    begin(policy, world)
    rounds = list(play(policy, world.twin(), seed=5, issues=4))
    told = [policy._reveal_topics(round.context) for round in rounds]
    twin = Profile(name_pull=0.0)
    names = ["constant", "kind=event", "kind=resource", *(f"text{t}" for t in range(20))]
    # of features, `Profile.start` asks the names of the columns alone
    twin.start(Columns(world.features.member_names, names))  # type: ignore[arg-type]
    for round, context in zip(rounds, told, strict=True):
        assert np.array_equal(context.article_features, world.pool(context.issue).interests())
        twin.learn(type(round)(context, round.slates, round.feedback))
    state, other = policy.state(), twin.state()
    assert set(state) == set(other)
    for name in state:
        np.testing.assert_array_equal(state[name], other[name], err_msg=name)


def test_it_is_told_nothing_but_topics() -> None:
    """Members, what they saw, the rules and the texts stay as they are; B is learned from 0."""
    world = build(issues=5)
    policy = ProfileTrueTopics()
    begin(policy, world)
    context = world.issue(1)
    told = policy._reveal_topics(context)
    for name in vars(context):
        assert name == "article_features" or getattr(told, name) is getattr(context, name)
    assert not policy.state()["B"][:, 1:].any()
    assert draw(policy.plan(context), context, 1).choice.shape == (len(context.members), 5)


class Columns:
    """Names of columns, and values that nobody can read."""

    def __init__(self, members: list[str], articles: list[str]) -> None:
        self.member_names, self.article_names = members, articles

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        raise AssertionError("a profile without name_pull reads no values")
