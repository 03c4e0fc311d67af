"""Off-policy objectives: identities, closed forms and gradients."""

from itertools import permutations, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bandit.models.offpolicy import objectives
from bandit.ope import estimators
from tests.support.ope_cases import LOGGER, list_slates

E, M = 7, 5  # exposures, articles


def draw_scores(seed: int = 1, e: int = E, m: int = M) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((e, m)))


def draw_log(e: int = E, m: int = M) -> tuple[torch.Tensor, ...]:
    """open, shown, logged, reward, count: one article in each row is closed."""
    rng = np.random.default_rng(2)
    open = np.ones((e, m), dtype=bool)
    open[np.arange(e), rng.integers(1, m, e)] = False
    reward = (rng.random(e) < 0.5).astype(float)
    shown = np.zeros(e, dtype=np.int64)
    made = (open, shown, rng.uniform(0.1, 0.6, e), reward, rng.integers(1, 5, e).astype(float))
    return tuple(torch.from_numpy(array) for array in made)


def take_shown(s: torch.Tensor, open: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    return objectives.log_policy(s, open)[torch.arange(len(s)), shown]


def test_plackett_luce_sums_to_one_over_all_slates_of_a_small_pool() -> None:
    k, weight = 3, draw_scores(e=1)
    total = 0.0
    for slate in permutations(range(M), k):
        open, p = torch.ones((1, M), dtype=torch.bool), 1.0
        for article in slate:
            p *= float(objectives.log_policy(weight, open)[0, article].exp())
            open[0, article] = False
        total += p
    assert total == pytest.approx(1, abs=1e-12)


def test_plackett_luce_is_what_the_slates_are_drawn_from() -> None:
    from bandit.core.rules import Rules

    values = [0.3, -1.0, 0.7, 0.1]
    choice, propensity = list_slates(4, Rules(slots=2), LOGGER, values)
    for slate, p in zip(choice, propensity, strict=True):
        open = torch.ones((1, 4), dtype=torch.bool)
        for slot, article in enumerate(slate):
            pi = objectives.log_policy(
                torch.tensor([values], dtype=torch.float64) / 1.3, open
            ).exp()
            assert float(pi[0, article]) == pytest.approx(p[slot], rel=1e-12)
            open[0, article] = False


def test_what_is_not_open_has_no_probability_and_no_gradient() -> None:
    s = draw_scores().requires_grad_()
    open, shown, *_ = draw_log()
    take_shown(s, open, shown).sum().backward()
    assert (objectives.log_policy(s, open).exp()[~open] == 0).all()
    assert (s.grad[~open] == 0).all()  # type: ignore[index]  # set by backward


def test_on_policy_weights_are_one_and_ips_is_the_mean_reward() -> None:
    open, shown, _, reward, count = draw_log()
    pi = take_shown(draw_scores(), open, shown).exp()
    w = objectives.weights(pi, pi)
    assert (w == 1).all()
    assert float(objectives.mean(objectives.ips(w, reward), count)) == pytest.approx(
        float((count * reward).sum() / count.sum())
    )


def test_on_policy_the_gradient_of_ips_is_that_of_the_weighted_log_likelihood() -> None:
    """grad pi / p = grad log pi where pi = p: with one slot, IPS climbs sum r log pi."""
    open, shown, _, reward, _ = draw_log()
    s = draw_scores().requires_grad_()
    log_pi = take_shown(s, open, shown)
    (one,) = torch.autograd.grad(
        objectives.ips(log_pi.exp() / log_pi.detach().exp(), reward).sum(), s, retain_graph=True
    )
    (two,) = torch.autograd.grad((reward * log_pi).sum(), s)
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)


def test_off_policy_the_gradient_of_ips_weighs_the_log_likelihood_by_pi_over_p() -> None:
    open, shown, logged, reward, _ = draw_log()
    s = draw_scores().requires_grad_()
    log_pi = take_shown(s, open, shown)
    w = objectives.weights(log_pi.exp(), logged)
    (one,) = torch.autograd.grad(objectives.ips(w, reward).sum(), s, retain_graph=True)
    (two,) = torch.autograd.grad((w.detach() * reward * log_pi).sum(), s)
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("objective", ["ips", "snips", "dr"])
@pytest.mark.parametrize("penalty", [0.0, 1.7])
def test_gradients_are_those_of_finite_differences(objective: str, penalty: float) -> None:
    open, shown, logged, reward, count = draw_log()
    model = torch.from_numpy(np.random.default_rng(5).uniform(0.1, 0.9, (E, M)))

    def value(s: torch.Tensor) -> torch.Tensor:
        pi = objectives.log_policy(s, open).exp()
        rows = torch.arange(E)
        w = objectives.weights(pi[rows, shown], logged, 1.2)
        if objective == "ips":
            terms = objectives.ips(w, reward)
        elif objective == "snips":
            terms = objectives.snips(w, reward, count)
        else:
            terms = objectives.doubly_robust(w, reward, model[rows, shown], (pi * model).sum(dim=1))
        return objectives.penalise(terms, count, penalty)  # type: ignore[no-any-return]  # a tensor

    assert torch.autograd.gradcheck(value, draw_scores().requires_grad_(), eps=1e-6, atol=1e-7)


@given(st.floats(-3, 3), st.integers(0, 50))
def test_self_normalised_moves_with_a_constant_added_to_the_rewards_and_its_gradient_does_not(
    c: float, seed: int
) -> None:
    open, shown, logged, reward, count = draw_log()
    found = []
    for added in (0.0, c):
        s = draw_scores(seed).requires_grad_()
        w = objectives.weights(take_shown(s, open, shown).exp(), logged)
        value = objectives.mean(objectives.snips(w, reward + added, count), count)
        found.append((float(value.detach()), torch.autograd.grad(value, s)[0]))
    assert found[1][0] - found[0][0] == pytest.approx(c, abs=1e-10)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=0, atol=1e-10)


def test_doubly_robust_with_a_perfect_model_corrects_nothing() -> None:
    """Rewards that are their expectation leave r - guess = 0.

    Then the estimate is the direct one, whatever the weights.
    """
    open, shown, logged, _, count = draw_log()
    pi = objectives.log_policy(draw_scores(), open).exp()
    model = torch.from_numpy(np.random.default_rng(6).random((E, M)))
    rows, direct = torch.arange(E), (pi * model).sum(dim=1)
    w = objectives.weights(pi[rows, shown], logged)
    terms = objectives.doubly_robust(w, model[rows, shown], model[rows, shown], direct)
    assert (terms == direct).all()
    assert (
        objectives.doubly_robust(w, model[rows, shown], model[rows, shown], direct) - direct
    ).var() == 0
    assert float(objectives.mean(terms, count)) == pytest.approx(
        float((count * direct).sum() / count.sum())
    )


def test_doubly_robust_is_exact_for_any_model_when_every_action_is_averaged_over() -> None:
    """sum_a p(a) [direct + pi(a) / p(a) (q(a) - guess(a))] = sum_a pi(a) q(a)."""
    rng = np.random.default_rng(8)
    p, q, guess = (torch.from_numpy(rng.random(M)) for _ in range(3))
    p = p / p.sum()
    pi = objectives.log_policy(draw_scores(e=1), torch.ones((1, M), dtype=torch.bool)).exp()[0]
    terms = objectives.doubly_robust(objectives.weights(pi, p), q, guess, (pi * guess).sum())
    assert float((p * terms).sum()) == pytest.approx(float((pi * q).sum()), rel=1e-12)


def test_a_model_of_nothing_makes_doubly_robust_ips() -> None:
    open, shown, logged, reward, _ = draw_log()
    w = objectives.weights(take_shown(draw_scores(), open, shown).exp(), logged)
    nothing = torch.zeros_like(w)
    assert (
        objectives.doubly_robust(w, reward, nothing, nothing) == objectives.ips(w, reward)
    ).all()


def test_clipping_is_monotone_and_never_raises_a_weight() -> None:
    open, shown, logged, reward, _ = draw_log()
    pi = take_shown(draw_scores(), open, shown).exp()
    plain = objectives.weights(pi, logged)
    before = torch.zeros_like(plain)
    for most in (0.1, 0.5, 1.0, 3.0, 1e9):
        w = objectives.weights(pi, logged, most)
        assert (w <= plain).all()
        assert (w <= most).all()
        assert (w >= before).all()
        assert (objectives.ips(w, reward) >= objectives.ips(before, reward)).all()
        before = w
    assert (before == plain).all()


def test_the_penalty_is_so_many_standard_errors() -> None:
    terms, count = torch.tensor([3.0, 1.0, 0.0]).double(), torch.tensor([1.0, 2.0, 5.0]).double()
    repeated = np.repeat([3.0, 1.0, 0.0], [1, 2, 5])
    expected = repeated.mean() - 2.5 * repeated.std() / np.sqrt(8)
    assert float(objectives.penalise(terms, count, 2.5)) == pytest.approx(expected, rel=1e-9)
    assert float(objectives.penalise(terms, count, 0.0)) == pytest.approx(
        repeated.mean(), rel=1e-12
    )


def test_the_same_numbers_as_the_estimators_that_evaluate() -> None:
    open, shown, logged, reward, _ = draw_log()
    pi = take_shown(draw_scores(), open, shown).exp()
    w, one = objectives.weights(pi, logged), torch.ones_like(pi)
    columns = [array.numpy()[:, None] for array in (logged, pi, reward)]
    np.testing.assert_allclose(objectives.ips(w, reward), estimators.ips(*columns), rtol=1e-12)
    np.testing.assert_allclose(
        objectives.snips(w, reward, one), estimators.snips(*columns), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("p", "pi"), [(p, pi) for p, pi in product((0.2, 0.5), (0.1, 0.9)) if p != pi]
)
def test_ips_is_unbiased_over_all_that_could_have_happened(p: float, pi: float) -> None:
    """Two articles, chances of a click .3 and .7.

    The expectation over choice and click is the policy's own value.
    """
    logged, policy, rate = (
        torch.tensor([p, 1 - p]),
        torch.tensor([pi, 1 - pi]),
        torch.tensor([0.3, 0.7]),
    )
    w = objectives.weights(policy, logged)
    expected = sum(
        logged[a] * (rate[a] if r else 1 - rate[a]) * objectives.ips(w[a], torch.tensor(float(r)))
        for a, r in product(range(2), range(2))
    )
    assert float(expected) == pytest.approx(float((policy * rate).sum()), rel=1e-6)
