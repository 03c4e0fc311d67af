"""The neural network: numpy and torch agree, the loss and its gradient by hand.

Also training, the last layer's posterior, and devices.
"""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from bandit.core import exact
from bandit.models.neural import network as net

P, Q, DIM, SLOTS = 7, 5, 3, 4
SHAPES = net.list_shapes(P, Q, DIM, SLOTS)
SIZE = sum(int(np.prod(shape)) for shape in SHAPES.values())


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def make_case(
    b: int = 6, t: int = 9, h: int = 5
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Weights [SIZE], a table [t, Q] and b newsletters.

    Some newsletters have empty slots, and some have no history.
    """
    g = rng(1)
    items, history = g.integers(0, t, (b, SLOTS)), g.integers(0, t, (b, h))
    items[1, 2:], history[0], history[2, 1:], history[3, [0, 2]] = -1, -1, -1, -1
    clicks = (g.random((b, SLOTS)) < 0.4) & (items >= 0)
    batch = {
        "x": g.normal(size=(b, P)),
        "items": items,
        "history": history,
        "clicks": clicks.astype(float),
    }
    return 0.4 * g.normal(size=SIZE), g.normal(size=(t, Q)), batch


def to_tensors(batch: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: torch.tensor(array) for name, array in batch.items()}


def score_in_numpy(
    flat: np.ndarray, table: np.ndarray, batch: dict[str, np.ndarray], dot: Any
) -> np.ndarray:
    w = net.split(flat, SHAPES)
    u = net.embed_members(w, batch["x"], table, batch["history"], dot)
    return np.einsum("bkq,bq->bk", net.article_tower(w, table, dot)[batch["items"]], u * w["last"])


def find_loss_by_hand(scores: np.ndarray, offset: np.ndarray, clicks: np.ndarray) -> float:
    """One newsletter: each click a choice among the slots and stopping, then the stop itself."""
    everything = logsumexp(np.append(scores + offset, 0.0))
    return float((clicks.sum() + 1) * everything - ((scores + offset)[clicks > 0]).sum())


def test_numpy_and_torch_are_the_same_network() -> None:
    flat, table, batch = make_case()
    scores = score_in_numpy(flat, table, batch, net.multiply)
    slots = net.split(flat, SHAPES)["slots"]
    filled = batch["items"] >= 0
    by_hand = [
        find_loss_by_hand(s[f], slots[f], c[f])
        for s, f, c in zip(scores, filled, batch["clicks"], strict=True)
    ]
    found = net.mean_loss(
        net.split(torch.tensor(flat), SHAPES), torch.tensor(table), to_tensors(batch)
    )
    assert float(found) == pytest.approx(np.mean(by_hand), abs=1e-9)
    np.testing.assert_allclose(
        score_in_numpy(flat, table, batch, exact.dot), scores, atol=1e-4
    )  # what the grid does


def test_pools_agree_in_numpy_and_torch() -> None:
    g, history = rng(2), make_case()[2]["history"]
    values, relevance = g.normal(size=(9, Q)), g.random(9) + 0.1
    pooled = net.pool_in_torch(
        torch.tensor(values), torch.tensor(relevance), torch.tensor(history)
    ).numpy()
    np.testing.assert_allclose(pooled, net.pool(values, relevance, history), atol=1e-12)


def test_attention_over_one_item_is_that_item_and_over_none_is_nothing() -> None:
    g = rng(3)
    values, relevance = g.normal(size=(4, Q)), np.array([0.2, 3.0, 0.7, 1.1])
    history = np.array([[2, -1, -1], [-1, 1, -1], [-1, -1, -1], [3, 3, 3]])
    np.testing.assert_allclose(
        net.pool(values, relevance, history), np.vstack([values[[2, 1]], 0 * values[0], values[3]])
    )
    two = net.pool(values, relevance, np.array([[0, 1]]))
    np.testing.assert_allclose(two[0], (0.2 * values[0] + 3.0 * values[1]) / 3.2)
    assert (
        net.pool(values[:0], relevance[:0], np.full((2, 3), -1)).tolist()
        == np.zeros((2, Q)).tolist()
    )


def test_the_order_of_a_history_does_not_matter() -> None:
    g = rng(4)
    values, relevance = g.normal(size=(20, Q)), g.random(20) + 0.1
    history = g.integers(-1, 20, (30, 6))
    shuffled = g.permuted(history, axis=1)
    np.testing.assert_allclose(
        net.pool(values, relevance, shuffled), net.pool(values, relevance, history), atol=1e-12
    )


def test_the_history_moves_a_member_towards_what_was_clicked_more_with_more_clicks() -> None:
    w = net.split(np.zeros(SIZE), SHAPES)
    w["gain"][:], w["kappa"][:], w["last"][:] = 0.5, np.log(3.0), 1.0
    table = np.eye(Q)
    u = net.embed_members(w, np.zeros((2, P)), table, np.array([[1, -1], [1, 1]]), net.multiply)
    np.testing.assert_allclose(u[:, 1], [0.5 * 1 / 4, 0.5 * 2 / 5])
    assert (np.delete(u, 1, axis=1) == 0).all()


def test_listwise_loss_by_hand() -> None:
    """Rates e exp(s) of 1 and 2 beside the stop's 1; the second clicked.

    P(second) = 2/4, then P(stop) = 1/4.
    """
    scores = torch.tensor([[0.0, np.log(4.0), 5.0], [0.0, np.log(4.0), 5.0]])
    offset = torch.tensor([[0.0, np.log(0.5), -np.inf]]).expand(2, 3)
    clicks = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(
        net.listwise_loss(scores, offset, clicks), [np.log(8.0), np.log(4.0)]
    )


def test_rates_are_expected_clicks() -> None:
    """Until one stops, a slot is picked e exp(s) times on average, whatever else is shown."""
    rates, g = np.array([0.3, 0.1, 0.6]), rng(5)
    picks = g.choice(4, p=np.append(rates, 1.0) / 2.0, size=(20_000, 40))
    going = np.cumprod(picks < 3, axis=1).astype(bool)
    counts = np.array([((picks == j) & going).sum(axis=1) for j in range(3)])
    z = (counts.mean(axis=1) - rates) / (counts.std(axis=1) / np.sqrt(20_000))
    assert np.abs(z).max() < 4


def test_gradient_against_finite_differences() -> None:
    flat, table, batch = make_case()
    z = torch.tensor(flat, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        net.mean_loss(net.split(z, SHAPES), torch.tensor(table), to_tensors(batch)), z
    )
    for at in rng(6).choice(SIZE, 60, replace=False):
        step = np.zeros(SIZE)
        step[at] = 1e-5
        ends = [
            float(
                net.mean_loss(
                    net.split(torch.tensor(flat + s * step), SHAPES),
                    torch.tensor(table),
                    to_tensors(batch),
                )
            )
            for s in (1, -1)
        ]
        assert float(gradient[at]) == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7)


def test_training_finds_the_posterior_mode_of_a_bilinear_toy() -> None:
    """Only B may move, and every newsletter is in every batch.

    Adam must end where the gradient of the posterior is zero.
    """
    g, (_, table, batch) = rng(7), make_case(b=40)
    batch["items"], batch["history"] = g.integers(0, 9, (40, SLOTS)), np.full((40, 2), -1)
    batch["clicks"] = (g.random((40, SLOTS)) < 0.3).astype(float)
    mean, sd = np.zeros(SIZE), np.zeros(SIZE)
    net.split(mean, SHAPES)["last"][:], net.split(sd, SHAPES)["B"][:] = 1.0, 0.6
    adam = {
        "z": np.zeros(SIZE),
        "first": np.zeros(SIZE),
        "second": np.zeros(SIZE),
        "steps": np.zeros(1),
    }
    before = torch.get_num_threads()
    for rate in (0.03, 0.003):
        adam = net.train(
            adam, (mean, sd), SHAPES, table, batch, [np.arange(40)] * 300, 40.0, rate, "cpu"
        )
    assert torch.get_num_threads() == before
    assert adam["steps"] == [600]
    z = torch.tensor(adam["z"].astype(float), requires_grad=True)
    w = net.split(torch.tensor(mean) + torch.tensor(sd) * z, SHAPES)
    posterior = 40 * net.mean_loss(w, torch.tensor(table), to_tensors(batch)) + 0.5 * (z**2).sum()
    (gradient,) = torch.autograd.grad(posterior, z)
    assert float(gradient.abs().max()) < 0.02
    assert np.abs(adam["z"]).max() > 0.5


def test_last_layer_precision_is_the_hessian_of_the_loss() -> None:
    g = rng(8)
    features, last = g.normal(size=(6, SLOTS, Q)), g.normal(size=Q)
    offset, clicks = -g.random((6, SLOTS)), (g.random((6, SLOTS)) < 0.4).astype(float)

    def gradient(w: np.ndarray) -> np.ndarray:
        at = torch.tensor(w, requires_grad=True)
        total = net.listwise_loss(
            torch.tensor(features) @ at, torch.tensor(offset), torch.tensor(clicks)
        ).sum()
        return np.asarray(torch.autograd.grad(total, at)[0])

    hessian = np.stack(
        [(gradient(last + step) - gradient(last - step)) / 2e-5 for step in 1e-5 * np.eye(Q)]
    )
    np.testing.assert_allclose(
        net.last_layer_precision(features, features @ last, offset, clicks), hessian, atol=1e-7
    )


def test_last_layer_posterior_covers() -> None:
    """Weights drawn from the prior, clicks from the model: 90 % intervals hold 90 % of them."""
    g, inside, total, sd = rng(9), 0, 0, 0.5
    for _ in range(40):
        truth = sd * g.normal(size=Q)
        features = np.concatenate(
            [g.normal(size=(300, 3, Q)), np.zeros((300, 1, Q))], axis=1
        )  # the last is the stop
        p = np.exp(features @ truth) / np.exp(features @ truth).sum(axis=1, keepdims=True)
        clicks = np.zeros((300, 3))
        going = np.ones(300, dtype=bool)
        while going.any():
            pick = (g.random((300, 1)) > p.cumsum(axis=1)).sum(axis=1)
            going &= pick < 3
            np.add.at(clicks, (np.flatnonzero(going), pick[going]), 1)
        w = np.zeros(Q)
        for _ in range(12):  # Newton
            scores = features[:, :3] @ w
            precision = (
                net.last_layer_precision(features[:, :3], scores, np.zeros((300, 3)), clicks)
                + np.eye(Q) / sd**2
            )
            share = np.exp(scores) / (1 + np.exp(scores).sum(axis=1, keepdims=True))
            residual = clicks - (clicks.sum(axis=1, keepdims=True) + 1) * share
            w = w + np.linalg.solve(
                precision, np.einsum("bk,bkq->q", residual, features[:, :3]) - w / sd**2
            )
        width = 1.645 * np.sqrt(np.diagonal(np.linalg.inv(precision)))
        inside, total = inside + int((np.abs(w - truth) < width).sum()), total + Q
    assert abs(inside / total - 0.9) < 4 * np.sqrt(0.9 * 0.1 / total)


def test_auto_is_cpu_where_there_is_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert net.pick_device("auto") == net.pick_device("cpu") == "cpu"
    with pytest.raises(ValueError, match="device = 'cuda', but torch finds none here"):
        net.pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert net.pick_device("auto") == net.pick_device("cuda") == "cuda"
    assert net.pick_device("cpu") == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_learns_what_the_cpu_learns() -> None:
    flat, table, batch = make_case(b=50)
    zero = np.zeros(SIZE)
    adam = {"z": flat, "first": zero, "second": zero, "steps": np.zeros(1)}
    prior = zero, np.full(SIZE, 0.5)
    one, two = (
        net.train(adam, prior, SHAPES, table, batch, [np.arange(50)] * 30, 50.0, 0.01, device)
        for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(one["z"], two["z"], atol=1e-3)
