"""Models of clicks for slates: no bias whatever they say, folds without a click, the profile's."""

import numpy as np
import pytest

from bandit.core.types import Floats
from bandit.ope.rewards.slates import Fit, describe, fit_boosted, fit_logistic, model_clicks
from bandit.ope.whole.doubly_robust import item_position_dr
from bandit.ope.whole.item_position import item_position
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from bandit.slates.propensity import draw
from simulators.play import play
from tests.support.builders import association_of

M, K, DRAWS = 4, 2, 3
LOGGED, TARGET = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.2, 0.5])
APPEAL = np.array([0.15, 0.25, 0.05, 0.4])


def make_log(seed: int, n: int) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Slots drawn apart: logged, target [n, k, k], reward, what is known of shown and of drawn."""
    rng = np.random.default_rng(seed)
    choice = rng.choice(M, (n, K), p=LOGGED)
    wanted = rng.choice(M, (DRAWS, n, K), p=TARGET)
    level = rng.uniform(0.5, 1.5, n)
    reward = (rng.random((n, K)) < APPEAL[choice] * level[:, None] * [1.0, 0.6]).astype(float)

    def know(shown: Floats) -> Floats:
        own = np.broadcast_to(level[:, None], shown.shape)[..., None]
        slot = np.broadcast_to(np.eye(K), (*shown.shape, K))
        return np.concatenate([np.eye(M)[shown], own, slot], axis=-1)

    chances = [np.repeat(p[choice][:, :, None], K, axis=2) for p in (LOGGED, TARGET)]
    return (*chances, reward, know(choice), know(wanted), np.arange(n))


TRUTH = float(TARGET @ APPEAL * 1.6)


@pytest.mark.parametrize("fit", [fit_boosted, fit_logistic])
def test_no_bias_and_less_noise_than_weights_alone(fit: Fit) -> None:
    plain, robust = [], []
    for seed in range(6):
        logged, target, reward, shown, drawn, members = make_log(seed, 1500)
        model = model_clicks(shown, drawn, reward, members, fit)
        terms = item_position_dr(logged, target, reward, *model)
        robust.append((terms.mean() - TRUTH, terms.std()))
        other = item_position(logged, target, reward)
        plain.append((other.mean() - TRUTH, other.std()))
    off, spread = np.transpose(robust)
    assert abs(off.mean()) < 3.5 * spread.mean() / np.sqrt(1500 * 6)
    assert spread.mean() < 0.92 * np.transpose(plain)[1].mean()


def test_a_fold_without_a_click_is_modelled_by_its_rate() -> None:
    logged, target, reward, shown, drawn, members = make_log(3, 300)
    silent = np.zeros_like(reward)
    for fit in (fit_boosted, fit_logistic):
        told = model_clicks(shown, drawn, silent, members, fit, folds=3)
        assert not np.any(told)
        silent[7, 1] = 1.0  # one click: the fold that holds it learns from none
        some = model_clicks(shown, drawn, silent, members, fit, folds=3)
        terms = item_position_dr(logged, target, silent, *some)
        assert np.isfinite(terms).all()
        silent[7, 1] = 0.0
        assert fit(shown[:0, 0], reward[:0, 0], shown[:5, 0]).tolist() == [0.0] * 5
        assert fit(shown[:5, 0], np.ones(5), shown[:2, 0]).tolist() == [1.0] * 2
    assert reward.any()


def test_a_right_model_is_all_that_speaks() -> None:
    """No model error: what weights repair is nothing, and DR is the direct method."""
    logged, target, _, shown, drawn, members = make_log(4, 400)
    first = (shown[..., M + 1] > 0).astype(float)  # clicked in slot 1, always and nowhere else

    def know(x: Floats, clicks: Floats, asked: Floats) -> Floats:
        return asked[:, M + 1]

    told = model_clicks(shown, drawn, first, members, know)
    terms = item_position_dr(logged, target, first, *told)
    np.testing.assert_allclose(terms, told[1].sum(axis=1), atol=1e-12)


def test_the_profile_s_scores_tell_more_than_attributes_and_leave_no_bias() -> None:
    world = association_of(members=300, issues=6, pool=10, slots=3, click_to_open=0.5)
    policy = Profile()
    policy.start(world.features)
    known: dict[bool, list[Floats]] = {True: [], False: []}
    drawn, clicks, members = [], [], []
    for round in play(Random(), world):
        context, plan = round.context, policy.plan(round.context)
        if context.issue > 3:
            for scored in known:
                known[scored].append(
                    describe(context, round.slates.choice, plan if scored else None)
                )
            again = draw(Random().plan(context), context, 77).choice
            drawn.append(describe(context, again, plan))
            clicks.append(round.feedback.clicked.astype(float))
            members.append(context.member_ids)
        policy.learn(round)
    reward, who = np.concatenate(clicks), np.concatenate(members)
    loss = {}
    for scored, parts in known.items():
        x = np.concatenate(parts)
        told, _ = model_clicks(x, x[None], reward, who, fit_logistic)
        chance = np.clip(told, 1e-4, 1 - 1e-4)
        loss[scored] = -(reward * np.log(chance) + (1 - reward) * np.log(1 - chance)).mean()
    assert loss[True] < loss[False]
    model = model_clicks(
        np.concatenate(known[True]), np.concatenate(drawn)[None], reward, who, fit_logistic
    )
    ones = np.ones((len(reward), 3, 3))
    terms = item_position_dr(ones, ones, reward, *model)  # the target is the logger
    own = reward.sum(axis=1)
    assert abs(terms.mean() - own.mean()) < 4 * (terms - own).std() / np.sqrt(len(own))


def test_what_cannot_be_is_refused() -> None:
    _, _, reward, shown, drawn, members = make_log(5, 60)
    with pytest.raises(ValueError, match=r"reward\[0, 1\] = 2.0; must be a click: 0 or 1"):
        model_clicks(shown, drawn, np.where(np.arange(K) == 1, 2.0, reward), members)
    with pytest.raises(ValueError, match="drawn has shape"):
        model_clicks(shown, drawn[:, :3], reward, members)
