"""The neural policy: what it starts from, its memory, its states, and what it refuses."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bandit.core.types import Feedback, Round, Slates
from bandit.models.neural.replay_memory import ReplayMemory
from bandit.policies.neural import Neural
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of

ROOT = Path(__file__).parents[2]


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


def test_histories_of_one_member_are_put_together() -> None:
    """What was clicked under the present id counts as newer; the table keeps what is pointed to."""
    memory = ReplayMemory(3, 2, history=3, size=100, slots=5)
    memory.ids = type(memory.ids)([7, 8, 9, 5])
    memory.history = np.array([[1, 2, -1], [3, 4, 5], [6, -1, -1], [0, -1, -1]], dtype=np.int32)
    memory.follow({7: 9, 8: 11})
    found = memory.look_up(np.array([9, 11, 5, 7, 8])).tolist()
    assert found == [[6, 1, 2], [3, 4, 5], [0, -1, -1], [-1] * 3, [-1] * 3]
    assert len(memory.history) == 3
    memory.follow({7: 9})
    assert memory.look_up(np.array([9])).tolist() == [[6, 1, 2]]


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
    assert policy.memory.history.nbytes == 64 * len(policy.memory.roster)
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


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"device": "tpu"}, "device = 'tpu'; choose from auto, cpu, cuda"),
        ({"dim": 0}, "dim = 0; must be at least 1"),
        ({"history": 2.5}, "history = 2.5; must be a whole number"),
        ({"replay": 0}, "replay = 0"),
        ({"steps": -1}, "steps = -1"),
        ({"batch": 0}, "batch = 0"),
        ({"draws": 0}, "draws = 0"),
        ({"learning_rate": 0.0}, r"learning_rate = 0.0; must be in \[1e-06, 1\]"),
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
        ("memory.roster.keys", lambda a: np.repeat(a[:1], len(a)), "do not ascend"),
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
