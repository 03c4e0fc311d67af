"""The neural policy: numpy and torch agree, closed forms, gradients.

Also its memory, the last layer's posterior, and devices.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from bandit.core import exact
from bandit.core.ids import pack, unpack
from bandit.core.types import Feedback, Round, Slates
from bandit.models.neural import network as net
from bandit.models.neural.replay import ReplayMemory
from bandit.policies.neural import Neural
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of

ROOT = Path(__file__).parents[2]
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


SMALL: dict[str, Any] = {"members": 300, "issues": 6, "pool": 14, "slots": 4, "text_dims": 8}


def teach(issues: int = 3, **parameters: Any) -> tuple[Neural, Association]:
    association = association_of(**SMALL)
    policy = Neural(**parameters)
    list(play(policy, association, seed=5, issues=issues))
    return policy, association


def test_it_begins_as_one_newsletter_for_all() -> None:
    policy, association = teach(0, rate=0.04)
    np.testing.assert_allclose(policy.plan(association.issue(1)).scores, np.log(0.04), atol=1e-5)


def test_two_that_learn_the_same_are_the_same_and_leave_torch_alone() -> None:
    torch.manual_seed(4)
    before = torch.get_rng_state()
    one = teach()[0].state()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert {name: a.tobytes() for name, a in one.items()} == {
        name: a.tobytes() for name, a in teach()[0].state().items()
    }


def test_a_click_enters_the_members_own_history_and_nobody_elses(make_context: Any) -> None:
    context = make_context(n=4, m=6)
    memory = ReplayMemory(3, 2, history=3, size=100, slots=5)
    choice = np.array([[0, 1, 2], [3, 4, 5], [2, 1, -1], [0, 1, 2]], dtype=np.int32)
    clicked = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=bool)
    opened = np.array([True, True, True, False])
    feedback = Feedback(
        np.ones(4, dtype=bool), opened, ~opened, 0 * choice, clicked, np.zeros((4, 3))
    )
    slates = Slates(choice, np.ones((4, 3)), 0 * choice, 0 * choice, np.ones((4, 3), dtype=bool))
    assert memory.add(Round(context, slates, feedback)) == 3
    memory.trim()
    text = memory.table[memory.look_up(context.member_ids)][:, :, 1]
    shown = context.article_features[:, 1].astype(np.float32)
    assert (memory.look_up(context.member_ids) >= 0).sum(axis=1).tolist() == [2, 0, 1, 0]
    assert text[0, :2].tolist() == shown[[1, 2]].tolist()
    assert text[2, 0] == shown[2]
    assert (memory.newsletters["history"] == -1).all()  # as it was when the newsletter went out

    second = replace(
        feedback, clicked=np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]], dtype=bool)
    )
    memory.add(Round(replace(context, campaign="issue-008"), slates, second))
    memory.trim()
    assert (
        memory.table[memory.look_up(context.member_ids)[0]][:, 1].tolist()
        == shown[[0, 1, 1]].tolist()
    )
    assert (memory.newsletters["history"][3:] >= 0).sum(axis=1).tolist() == [2, 0, 1]
    assert len(memory.table) == 6  # the same six articles came twice
    assert memory.look_up(np.array([999])).tolist() == [[-1, -1, -1]]
    with pytest.raises(
        ValueError, match=r"member ids are text, e.g. m1; this was learned under numbers"
    ):
        memory.look_up(np.array(["m1"], dtype=object))


def test_memory_is_bounded_and_keeps_a_sample_that_does_not_depend_on_when() -> None:
    whole, part = teach(4)[0].memory, teach(4, replay=90)[0].memory
    assert len(part.newsletters["order"]) == 90 < len(whole.newsletters["order"])
    np.testing.assert_array_equal(
        np.sort(part.newsletters["order"]), np.sort(whole.newsletters["order"])[:90]
    )
    for memory in (whole, part):
        pointing = np.concatenate(
            [memory.history.ravel(), *(memory.newsletters[n].ravel() for n in ("items", "history"))]
        )
        assert np.array_equal(
            np.unique(pointing[pointing >= 0]), np.arange(len(memory.table))
        )  # nothing kept in vain


def test_bytes_a_member() -> None:
    policy, _ = teach(history=16)
    assert policy.memory.history.nbytes == 64 * len(policy.memory.ids)
    assert policy.memory.table.nbytes <= 4 * 14 * 3 * policy.memory.table.shape[1]


def test_clicks_in_the_history_teach_what_others_do_not() -> None:
    """Two members with the same attributes differ once one has clicked."""
    policy, association = teach()
    context = association.issue(4)
    clicked = (policy.memory.look_up(context.member_ids) >= 0).any(axis=1)
    known, new = (
        context.take(np.flatnonzero(clicked)[:1]),
        context.take(np.flatnonzero(~clicked)[:1]),
    )
    same = replace(new, member_features=known.member_features)
    assert not np.allclose(policy.plan(known).scores, policy.plan(same).scores, atol=1e-3)


def test_planning_from_a_restored_state_needs_no_torch(tmp_path: Path) -> None:
    policy, association = teach(2)
    np.savez(tmp_path / "state.npz", **policy.state())
    np.save(tmp_path / "scores.npy", policy.plan(association.issue(1)).scores)
    script = f"""
import sys, numpy as np
from bandit.policies.neural import Neural
from simulators.association.association import Association
association, policy = Association(seed=3, **{SMALL}), Neural()
policy.start(association.features)
policy.restore(dict(np.load({str(tmp_path / "state.npz")!r})))
scores = np.load({str(tmp_path / "scores.npy")!r})
assert policy.plan(association.issue(1)).scores.tobytes() == scores.tobytes()
assert "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_scale_zero_is_greedy_but_for_the_floor() -> None:
    policy, association = teach(scale=0.0, floor=0.07)
    context = association.issue(4)
    pmf = policy.plan(context)(np.ones(context.eligible.shape, dtype=bool))
    m = len(context.articles)
    np.testing.assert_allclose(np.sort(pmf, axis=1)[:, -1], 0.93 + 0.07 / m)
    assert pmf.min() == pytest.approx(0.07 / m)


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


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"device": "tpu"}, "device = 'tpu'; choose from auto, cpu, cuda"),
        ({"dim": 0}, "dim = 0; must be a whole number, at least 1"),
        ({"history": 2.5}, "history = 2.5; must be a whole number"),
        ({"replay": 0}, "replay = 0"),
        ({"steps": -1}, "steps = -1"),
        ({"batch": 0}, "batch = 0"),
        ({"draws": 0}, "draws = 0"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0; must be at least"),
        ({"text_sd": -0.1}, "text_sd = -0.1"),
        ({"kappa": float("nan")}, "kappa = nan"),
        ({"scale": -1.0}, "scale = -1.0"),
        ({"gain": float("nan")}, "gain = nan"),
        ({"floor": 1.5}, r"floor = 1.5; must be in \[0, 1\]"),
    ],
)
def test_bad_parameters_are_refused_by_name(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Neural(**parameters)


def test_a_layout_longer_than_foreseen_is_refused() -> None:
    with pytest.raises(ValueError, match="the issue has 4 slots; must be at most max_slots = 3"):
        teach(1, max_slots=3)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("adam.z", lambda a: a[:-1], r"adam.z has shape"),
        ("adam.z", lambda a: np.where(np.arange(len(a)) == 3, np.nan, a), r"adam.z\[0, 3\] = nan"),
        ("adam.steps", lambda a: a[:0], "adam.steps has shape"),
        ("factor", lambda a: a[:2], "factor has shape"),
        ("factor", lambda a: -a, "factor has a diagonal"),
        ("seen", lambda a: a[:0], "seen has shape"),
        ("memory.table", lambda a: a[:, :2], "articles' table has shape"),
        ("memory.table", lambda a: a[:3], r"histories hold \d+; must be in \[-1, 2\]"),
        ("memory.history", lambda a: a[:, :5], "histories has shape"),
        ("memory.history", lambda a: a - 1, r"histories hold -2; must be in \[-1, "),
        (
            "memory.newsletters.items",
            lambda a: np.pad(a, ((0, 0), (0, 40))),
            "newsletters' items has shape",
        ),
        ("memory.newsletters.x", lambda a: a[1:], "newsletters' x has shape"),
        ("memory.newsletters.clicks", lambda a: a - 1, "newsletters' clicks hold -1"),
        ("memory.newsletters.order", lambda a: a * np.nan, "newsletters' order"),
        ("memory.ids", lambda a: pack([unpack(a)[0]] * len(unpack(a))), "appears twice"),
        (
            "memory.newsletters.items",
            lambda a: a.astype(float),
            "items have type float64; must be whole",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    name: str, change: Any, message: str, ready: Any
) -> None:
    policy, association = ready
    state = policy.state()
    other = Neural()
    other.start(association.features)
    with pytest.raises(ValueError, match=message):
        other.restore(state | {name: change(state[name])})


@pytest.fixture(scope="module")
def ready() -> tuple[Neural, Association]:
    return teach()
