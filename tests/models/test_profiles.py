"""Members' profiles: evidence in natural form, against matrices inverted whole."""

import numpy as np
import pytest

from bandit.core.ids import Roster, pack, unpack
from bandit.core.keys import member_keys
from bandit.models.profile.slots import cut
from bandit.models.profiles import Belief, Pool, Profiles

LAMBDA = 3.0


@pytest.mark.parametrize("ids", [[105, 101, 109, 2**40], ["m5", "m1", "zoë", "105"]])
def test_profiles_keep_each_members_row(ids: list) -> None:
    """A row goes where its key belongs, and takes the rows below with it."""
    profiles, known = Profiles(3), np.array(ids)
    assert profiles.find_rows(known).tolist() == [-1] * 4
    rows = profiles.add(known[:2])
    assert sorted(rows.tolist()) == [0, 1]
    profiles.shift[rows] = [[1, 2, 3], [4, 5, 6]]
    new = profiles.add(known[[3, 1, 2]])
    rows = profiles.find_rows(known)
    assert sorted(rows.tolist()) == [0, 1, 2, 3]
    assert new.tolist() == rows[[3, 1, 2]].tolist()
    assert profiles.shift[rows].tolist() == [[1, 2, 3], [4, 5, 6], [0, 0, 0], [0, 0, 0]]
    assert (profiles.roster.keys == np.sort(member_keys(known))).all()
    again = Profiles(3)
    again.restore(profiles.state())
    twice = np.array([*ids, ids[0]], dtype=known.dtype)
    assert again.find_rows(twice).tolist() == [*rows, rows[0]]
    assert again.find_rows(np.array(ids, dtype=object)).tolist() == rows.tolist()
    assert again.shift.tobytes() == profiles.shift.tobytes()
    assert unpack(pack(ids)) == ids
    empty = Profiles(3)
    empty.restore(Profiles(3).state())
    assert empty.add(known).tolist() == rows.tolist()


def test_what_is_learned_leaves_an_earlier_state_alone() -> None:
    """A state may lie in a file that is mapped into memory, and is never written to."""
    profiles = Profiles(2)
    rows, prior, variance = profiles.add(np.array([7, 9])), np.zeros((2, 2)), np.full((2, 2), 3.0)
    state = profiles.state()
    for array in state.values():
        array.flags.writeable = False
    kept = {name: array.copy() for name, array in state.items()}
    before = profiles.posterior(rows, prior, variance)
    after = Belief.project(prior + 0.7, variance / 2, np.array([[1.5, 0.2], [1.5, -0.4]]))
    profiles.absorb(rows, before, after)
    profiles.forget(0.5)
    profiles.add(np.array([8]))
    assert all((state[name] == array).all() for name, array in kept.items())
    assert (profiles.precision != 0).any()


def test_a_roster_out_of_order_is_refused() -> None:
    state = Roster.of(np.array([7, 9, 11])).state()
    again = Roster.restore(state)
    assert again.find(np.array([11, 8, 7])).tolist() == [2, -1, 0]
    for wrong in ({"keys": state["keys"][::-1]}, {"keys": state["keys"][[0, 0, 1]]}):
        with pytest.raises(ValueError, match="the keys of 3 members do not ascend"):
            Roster.restore(state | wrong)
    with pytest.raises(ValueError, match=r"met has shape \(1,\)"):
        Roster.restore(state | {"met": state["met"][:1]})
    for met in ([0, 0], [2, 0]):
        with pytest.raises(ValueError, match="met = "):
            Roster.restore(state | {"met": np.array(met, dtype=np.uint8)})


def _draw_arrow(rng: np.random.Generator, q: int) -> np.ndarray:
    """A covariance whose inverse has off the diagonal only its first row and column."""
    precision = np.diag(rng.uniform(1, 5, q))
    precision[0, 1:] = precision[1:, 0] = rng.normal(scale=0.3, size=q - 1)
    return np.linalg.inv(precision)


def test_a_belief_is_the_nearest_arrow() -> None:
    """Of a covariance it keeps the variances and the covariances with the constant.

    An arrow's it keeps whole, and inverts.
    """
    rng = np.random.default_rng(4)
    A = rng.normal(size=(4, 4))
    for covariance, whole in ((_draw_arrow(rng, 4), True), (A @ A.T + np.eye(4), False)):
        mean, articles = rng.normal(size=(1, 4)), rng.normal(size=(5, 4))
        belief = Belief.project(mean, covariance.diagonal()[None], covariance[:1])
        found = np.diag(belief.spread[0]) + np.outer(belief.root, belief.root)
        np.testing.assert_allclose(found[0], covariance[0], rtol=1e-12)
        np.testing.assert_allclose(found.diagonal(), covariance.diagonal(), rtol=1e-12)
        np.testing.assert_allclose(belief.variance[0], covariance.diagonal(), rtol=1e-12)
        assert np.allclose(found, covariance) == whole
        precision, cross, shift = belief.to_natural()
        arrow = np.diag(precision[0])
        arrow[0, 1:] = arrow[1:, 0] = cross[0, 1:]
        np.testing.assert_allclose(arrow, np.linalg.inv(found), atol=1e-10)
        np.testing.assert_allclose(shift[0], arrow @ mean[0], rtol=1e-10)
        scores, variance = belief.score(Pool.of(articles))
        np.testing.assert_allclose(scores[0], articles @ mean[0], atol=1e-4)
        np.testing.assert_allclose(
            variance[0], np.einsum("mq,qr,mr->m", articles, found, articles), rtol=1e-4
        )


def test_absorb_and_posterior_are_inverse_and_strangers_keep_the_prior() -> None:
    rng = np.random.default_rng(0)
    one, prior = np.array([0.7, 0.02, 3.0]), rng.normal(size=(6, 3))
    variance = np.tile(one, (6, 1))
    profiles = Profiles(3)
    before = profiles.posterior(np.array([-1, -1]), prior[:2], variance[:2])
    assert before.mean == pytest.approx(prior[:2])
    assert before.variance == pytest.approx(variance[:2])
    rows = profiles.add(np.array([11, 12, 13, 14, 15]))[1:]
    mean, spread = rng.normal(size=(4, 3)), one * rng.uniform(0.05, 1, (4, 3))
    covariance = spread[:, :1] ** 0.5 * rng.uniform(-0.5, 0.5, (4, 3)) * spread**0.5
    covariance[:, 0] = spread[:, 0]
    after = Belief.project(mean, spread, covariance)
    profiles.absorb(rows, profiles.posterior(rows, prior[:4], variance[:4]), after)
    found = profiles.posterior(np.append(rows, [-1, 0]), prior, variance)
    half = 2.0**-10  # float16
    np.testing.assert_allclose(found.mean, np.vstack([mean, prior[4:]]), atol=20 * half)
    np.testing.assert_allclose(found.variance, np.vstack([spread, [one] * 2]), rtol=5 * half)
    np.testing.assert_allclose(found.root[:4] * found.root[:4, :1], covariance, atol=5 * half)


def test_profiles_add_evidence_take_a_new_prior_and_forget() -> None:
    """Evidence in natural form, precision L (an arrow) and shift h.

    It is the same whatever the prior was when it came.
    """
    start, variance, keep = np.array([[0.3, -1.0]]), np.array([[0.5, 2.0]]), 0.8
    profiles = Profiles(2)
    row = profiles.add(np.array([7]))
    L, h = np.zeros((2, 2)), np.zeros(2)

    def expected(prior: np.ndarray, S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        covariance = np.linalg.inv(np.diag(1 / S[0]) + L)
        return covariance @ (prior[0] / S[0] + h), covariance

    for evidence, shift in (
        ([[LAMBDA, 0.7], [0.7, 0.4]], [1.2, 0.0]),
        ([[0.4, -1.1], [-1.1, 5.0]], [-0.3, 2.0]),
    ):
        before = profiles.posterior(row, start, variance)
        L, h = L + evidence, h + shift
        mean, covariance = expected(start, variance)
        profiles.absorb(
            row, before, Belief.project(mean[None], covariance.diagonal()[None], covariance[:1])
        )
    for prior, S, faded in (
        (start, variance, 0),
        (np.array([[-2.0, 0.1]]), np.array([[0.9, 0.3]]), 0),
        (start, variance, 3),
    ):
        for _ in range(faded):
            profiles.forget(keep)
        L, h = keep**faded * L, keep**faded * h
        mean, covariance = expected(prior, S)
        found = profiles.posterior(row, prior, S)
        np.testing.assert_allclose(found.mean[0], mean, atol=2e-3)
        np.testing.assert_allclose(found.variance[0], covariance.diagonal(), rtol=2e-3)
        np.testing.assert_allclose((found.root * found.root[:, :1])[0], covariance[0], atol=1e-3)


@pytest.mark.parametrize("size", [1, 7, 50])
def test_members_in_parts_teach_what_all_at_once_do_to_the_bit(size: int) -> None:
    rng, n, q = np.random.default_rng(4), 50, 5
    ids = np.arange(n) * 3 + 100
    prior, doubt = rng.normal(size=(n, q)), rng.uniform(0.01, 0.2, (n, q))
    variance, start = rng.uniform(0.2, 2, q), rng.uniform(0.2, 2, q)
    wide = np.broadcast_to(variance, (n, q))
    covariance = rng.uniform(-0.3, 0.3, (n, q)) * wide[:, :1] ** 0.5 * wide**0.5
    covariance[:, 0] = wide[:, 0] / 2
    after = Belief.project(prior + rng.normal(size=(n, q)), wide / 2, covariance)
    found = []
    for width in (None, size):
        profiles = Profiles(q)
        rows = profiles.add(ids[::2])
        before = profiles.posterior(rows, prior[::2], wide[::2])
        parts = cut(len(rows), width)
        steps = ((before.take(part), _every(after, part)) for part in parts)
        profiles.absorb_parts(rows, steps)
        told = ((ids[part], prior[part], doubt[part]) for part in cut(n, width))
        found.append((profiles.learn_spread(told, variance, start), *profiles.state().values()))
    assert all(np.array_equal(one, two) for one, two in zip(*found, strict=True))


def _every(belief: Belief, part: slice) -> Belief:
    """The belief about every second member, and of these a part."""
    return Belief(*(each[::2][part] for each in (belief.mean, belief.spread, belief.root)))


def test_evidence_never_takes_certainty_away() -> None:
    """An arrow learned under a small S need not stay positive definite under a large one."""
    profiles = Profiles(2)
    row = profiles.add(np.array([7]))
    profiles.precision[:], profiles.cross[:] = [1.0, 0.1], [0.0, 3.0]
    found = profiles.posterior(row, np.zeros((1, 2)), np.array([[0.5, 4.0]]))
    assert found.root[0, 0] ** 2 == pytest.approx(0.5)
    assert np.isfinite(found.variance).all()


def test_text_ids_never_pass_for_new_members() -> None:
    profiles = Profiles(2)
    profiles.add(np.array([7, 9]))
    with pytest.raises(ValueError, match=r"ids are text, e.g. 7; .* under numbers"):
        profiles.find_rows(np.array(["7", "9"], dtype=object))


def test_ids_may_be_mixed_but_not_of_another_kind() -> None:
    """A column of text and numbers works in any order.

    Numbers where all were text would make every member new, and are refused.
    """
    mixed = np.array(["a", np.int64(7), "b", 8], dtype=object)
    profiles = Profiles(3)
    rows = profiles.add(mixed)
    assert sorted(rows.tolist()) == [0, 1, 2, 3]
    assert profiles.find_rows(mixed[::-1]).tolist() == rows[::-1].tolist()
    again = Profiles(3)
    again.restore(profiles.state())
    assert again.find_rows(mixed).tolist() == rows.tolist()
    text = Profiles(3)
    text.add(np.array(["a", "b"], dtype=object))
    with pytest.raises(
        ValueError, match=r"member ids are numbers, e.g. 5; this was learned under text"
    ):
        text.find_rows(np.array([5, 6]))
