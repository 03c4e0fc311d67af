"""`profile`: its first issue, what it learns, what scores rest on, forgetting, and its size."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from bandit.core.types import Round
from bandit.models.profiles import Pool
from bandit.policies.profile import Profile
from bandit.slates.propensity import draw
from simulators.association.association import Association
from simulators.association.press import Press
from simulators.play import play
from tests.support.builders import association_of
from tests.support.profile_cases import EXAMINE, World


def test_the_first_issue_shows_everybody_something_else() -> None:
    """Where nothing is known, nothing can be exploited.

    From the second issue on, or with B given, the budget holds.
    """
    world = World(18, members=300, text=4)
    context = world.issue(1)
    everything = np.ones(context.eligible.shape, dtype=bool)
    told, learning = world.start_told(budget=0.1), world.start_learning(budget=0.1)
    assert (told.plan(context)(everything).max(axis=1) > 0.9).all()
    assert (learning.plan(context)(everything).max(axis=1) < 0.2).all()
    world.run(learning, 1)
    assert (learning.plan(context)(everything).max(axis=1) > 0.9).all()
    assert (
        world.start_learning(first_budget=0.0, budget=0.0).plan(context)(everything).max(axis=1)
        == 1
    ).all()


def test_hyperparameters_are_learned() -> None:
    world = World(13, members=1500, text=6)
    policy = world.start_learning()
    context, _ = world.run(policy, 16)
    start = Profile()
    start.start(world.features)
    truth, text = world.x @ world.B, slice(3, None)
    assert np.corrcoef((world.x @ policy.B)[:, text].ravel(), truth[:, text].ravel())[0, 1] > 0.7
    assert np.abs(policy.variance / world.S - 1).max() < 0.8
    np.testing.assert_allclose(policy.examination.curve[:6], EXAMINE, atol=0.12)
    before = start.infer_interests(context).variance
    assert (policy.infer_interests(context).variance <= before + 0.05).all()


def test_a_long_list_is_learned_in_parts_to_the_bits_of_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A million members must not be held at once; how many are is nobody's to see."""
    states = []
    for size in (10**6, 17):
        monkeypatch.setattr("bandit.models.profile.slots.PART", size)
        policy = Profile(keep=0.9)
        for _ in play(policy, association_of(seed=5, members=120, issues=3, pool=12, slots=4)):
            pass
        states.append(policy.state())
    assert all(np.array_equal(states[0][name], each) for name, each in states[1].items())


def test_rests_on_attributes_first_and_on_behaviour_with_every_look() -> None:
    world = World(14, members=300, text=4)
    policy = world.start_told()
    context, shares = world.issue(1), []
    assert (policy.rests_on(context) == 0).all()
    for issues in (3, 6):
        world.run(policy, issues)
        shares.append(policy.rests_on(context))
    never = world.open_rate < 1e-3
    assert ((shares[0] >= 0) & (shares[1] < 1)).all()
    assert (shares[1] >= shares[0] - 1e-6).all()
    assert shares[1][~never].mean() > shares[0][~never].mean() > 0.02


@pytest.mark.parametrize("keep", [1.0, 0.7])
def test_no_evidence_no_change(keep: float) -> None:
    """With evidence fading, a member who never opens goes back to what attributes say."""
    world = World(15, members=200, text=4)
    policy = world.start_told(keep=keep)
    context, _ = world.run(policy, 4)
    slates = draw(policy.plan(context), context, 0)
    nothing = np.zeros_like(slates.choice, dtype=bool)
    few = (
        np.arange(len(nothing)) >= len(nothing) - 10
    )  # others open; an issue that nobody opened changes nothing at all
    silent = replace(world.respond(context, slates), opened=few, clicked=nothing)
    before = policy.rests_on(context)[~few].mean()
    for _ in range(10):
        policy.learn(Round(context, slates, silent))
    after = policy.rests_on(context)[~few].mean()
    assert after == before if keep == 1 else after < 0.1 * before


def test_forgetting_follows_a_member_whose_taste_turns() -> None:
    """Half the members' text taste turns round after issue 12: keep < 1 follows it faster."""
    found = {}
    for keep in (1.0, 0.8):
        world = World(16, members=1200, text=4, scale=2.5)
        policy = world.start_told(keep=keep)
        world.run(policy, 12)
        world.w[:600, 3:] *= -1
        context, _ = world.run(policy, 24)
        mean = policy.infer_interests(context).mean
        often = world.open_rate[:600] > 0.3
        own, true = (
            (mean - world.x @ world.B)[:600, 3:][often],
            (world.w - world.x @ world.B)[:600, 3:][often],
        )
        found[keep] = np.corrcoef(own.ravel(), true.ravel())[0, 1]
    assert found[0.8] > found[1.0] + 0.05, found


def test_a_member_costs_at_most_300_bytes() -> None:
    """At 32 text dimensions, beyond the log: what the state grows by for each member met."""
    world = World(17, members=400)
    policy = world.start_told()
    world.run(policy, 8)
    profiles = policy.profiles
    assert len(profiles.roster) > 300
    assert (profiles.precision.nbytes + profiles.cross.nbytes + profiles.shift.nbytes) / len(
        profiles.roster
    ) == 280
    assert sum(
        array.nbytes for name, array in policy.state().items() if name.startswith("profiles.")
    ) < 300 * len(profiles.roster)


def test_clicks_that_are_common_from_the_first_issue_on_are_learned_from() -> None:
    """Four of five opens have a click, 27 times what the policy starts from."""
    world = Association(
        seed=1, members=400, issues=4, open_rate=0.5, click_to_open=0.8, slots=1, text_dims=8
    )
    policy, rates = Profile(), []
    for round in play(policy, world, issues=4):
        opened = round.feedback.opened
        rates.append(round.feedback.clicked[opened].mean())
    assert min(rates) > 0.5
    pool = Pool.of(round.context.article_features)
    expected, _ = policy.infer_interests(round.context).score(pool)
    assert 0.5 < expit(expected).mean() < 0.95


def test_ads_are_shown_less_once_they_are_known() -> None:
    """Ads, of which nobody knew, lose 2 logits: a new one is expected to lose some."""
    world = association_of(
        seed=2, members=600, issues=6, click_to_open=0.4, press=Press(ads=0.3, ad_appeal=-2.0)
    )
    policy = Profile()
    list(play(policy, world, issues=5))
    articles = world.issue(6).articles
    fresh = ~np.isin(articles["article"], list(policy.appeal.articles))
    mean, _ = policy.appeal.look_up(articles)
    ads = (articles["kind"] == "ad") & fresh
    assert ads.sum() > 2
    assert (mean[ads] < -0.7).all()
    assert (mean[fresh & ~ads] == 0).all()
