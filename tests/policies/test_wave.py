"""Waves: who is in which, and that the first wave's clicks reach the rest."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core import keys
from bandit.core.types import Round
from bandit.policies.oracle import Oracle
from bandit.policies.popular import Popular
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from bandit.policies.wave import Wave
from bandit.slates.propensity import draw
from experiments.runner.configs import make, read_policy
from experiments.runner.unit import run_unit
from serving import bundle
from simulators.association.association import Association
from simulators.play import send
from tests.support.builders import association_of

SIZES: dict[str, Any] = {"members": 300, "issues": 4, "pool": 14, "slots": 4, "text_dims": 8}


@pytest.fixture(scope="module")
def association() -> Association:
    return association_of(**SIZES)


@given(first=st.floats(0, 0.5), second=st.floats(0, 0.5))
def test_waves_part_the_members(association: Association, first: float, second: float) -> None:
    context = association.issue(1)
    waves = Wave(Random(), [first, second]).waves(context)
    assert len(waves) == 3
    np.testing.assert_array_equal(np.sort(np.concatenate(waves)), np.arange(len(context.members)))


def test_waves_have_their_shares_and_everybody_takes_turns(association: Association) -> None:
    wave, context = Wave(Random(), [0.2, 0.3]), association.issue(1)
    n = len(context.members)
    sizes = np.array([len(rows) for rows in wave.waves(context)])
    spread = np.sqrt(n * np.array([0.2 * 0.8, 0.3 * 0.7, 0.5 * 0.5]))
    assert (np.abs(sizes - n * np.array([0.2, 0.3, 0.5])) < 4 * spread).all()
    first, again = wave.waves(context)[0], wave.waves(association.issue(2))[0]
    assert 0 < len(set(first) & set(again)) < len(first)


def test_a_members_wave_does_not_depend_on_the_others(association: Association) -> None:
    wave, context = Wave(Random(), [0.4]), association.issue(1)
    rows = np.array([7, 200, 31])
    first = set(wave.waves(context)[0])
    assert set(wave.waves(context.take(rows))[0]) == {
        i for i, row in enumerate(rows) if row in first
    }


def test_the_rest_profit_from_the_first_wave(association: Association) -> None:
    """The second wave's plan is what the policy plans after learning from the first."""
    context = association.issue(1)
    wave, alone = Wave(Popular(), [0.3]), Popular()
    first, rest = wave.waves(context)
    part = context.take(first)
    slates = draw(wave.plan(part), part, 5)
    round = Round(part, slates, association.twin().respond(part, slates))
    before = wave.plan(context.take(rest)).scores
    wave.learn(round)
    alone.learn(round)
    after = wave.plan(context.take(rest)).scores
    assert (after != before).any()
    assert after.tobytes() == alone.plan(context.take(rest)).scores.tobytes()


def test_the_first_wave_explores_as_asked(association: Association) -> None:
    """With explore = .3 every open article of the m gets .3 / m there, and .7 of the inner pmf.

    Later waves have the inner pmf.
    """
    context = association.issue(1)
    wave, alone = Wave(Popular(epsilon=0.0), [0.4], explore=0.3), Popular(epsilon=0.0)
    first, rest = wave.waves(context)
    open = np.ones(context.eligible.shape, dtype=bool)
    pmf, inner = wave.plan(context)(open), alone.plan(context)(open)
    np.testing.assert_allclose(pmf[first], 0.7 * inner[first] + 0.3 / open.shape[1], atol=1e-15)
    np.testing.assert_array_equal(pmf[rest], inner[rest])


def test_a_whole_issue_is_joined_from_its_waves(association: Association) -> None:
    context = association.issue(1)
    round = send(Random(), association.twin(), context, 5)
    rows = Wave(Random(), [0.2, 0.3]).waves(context)
    joined = Round.join(context, rows, [round.take(part) for part in rows])
    for whole, parts in ((round.slates, joined.slates), (round.feedback, joined.feedback)):
        for name, values in vars(whole).items():
            assert getattr(parts, name).tobytes() == values.tobytes()


def test_the_loop_sends_in_waves(tmp_path: Any) -> None:
    """One issue by hand, wave after wave, gives the slates that the unit logged."""
    config, simulator = (
        read_policy("wave"),
        {"_target_": "simulators.association.association.Association"} | SIZES | {"issues": 1},
    )
    run_unit(tmp_path / "unit", config, simulator, seed=3)
    association, policy = make(simulator, seed=3), make(config)
    policy.start(association.features)
    context, propensities = association.issue(1), np.zeros((0, 4))
    for rows in policy.waves(context):
        part = context.take(rows)
        slates = draw(policy.plan(part), part, 3)
        policy.learn(Round(part, slates, association.respond(part, slates)))
        propensities = np.vstack([propensities, slates.propensity])
    from bandit.log import issue as log

    sent = log.read(tmp_path / "unit" / "log" / "001.parquet", make(simulator, seed=3).issue(1))
    order = np.argsort(np.concatenate(policy.waves(context)))
    assert sent.slates.propensity.tobytes() == propensities[order].tobytes()


def test_a_wave_is_exported_with_the_policy_it_wraps(
    tmp_path: Any, association: Association
) -> None:
    config = read_policy("wave")
    policy = make(config)
    policy.start(association.features)
    parameters = {name: value for name, value in config.items() if name != "_target_"}
    bundle.write(
        tmp_path / "bundle", policy, config["_target_"], parameters, association.features, {}
    )
    sent = bundle.read(tmp_path / "bundle").policy
    context = association.issue(1)
    assert sent.plan(context).scores.tobytes() == policy.plan(context).scores.tobytes()


def test_a_bundle_cannot_wrap_what_is_no_policy(tmp_path: Any, association: Association) -> None:
    policy = Wave(Profile())
    policy.start(association.features)
    parameters = {"policy": {"_target_": "subprocess.Popen", "args": "true"}}
    with pytest.raises(ValueError, match=r"must be bandit\.policies"):
        bundle.write(
            tmp_path / "bundle",
            policy,
            "bandit.policies.wave.Wave",
            parameters,
            association.features,
            {},
        )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shares": []}, "shares is empty"),
        ({"shares": [0.2, 1.4]}, r"shares\[1\] = 1.4; must be in \[0, 1\]"),
        ({"shares": [0.7, 0.6]}, "sum of shares = 1.29"),
        ({"explore": -0.1}, "explore = -0.1"),
        ({"policy": {"epsilon": 0.1}}, "must be a policy"),
        ({"policy": Oracle()}, "policy = Oracle; it exists only in simulation"),
        ({"policy": Wave(Random())}, "policy = Wave; it is sent in waves already"),
    ],
)
def test_bad_parameters_are_refused_by_name(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Wave(**({"policy": Random()} | parameters))


@pytest.mark.parametrize("name", ["vw", "lin_ucb", "popular"])
def test_any_policy_is_sent_in_waves_even_if_one_is_empty(name: str, tmp_path: Any) -> None:
    config = {
        "_target_": "bandit.policies.wave.Wave",
        "shares": [0.0, 0.5],
        "policy": read_policy(name),
    }
    simulator = (
        {"_target_": "simulators.association.association.Association"}
        | SIZES
        | {"members": 3, "issues": 2}
    )
    run_unit(tmp_path / "unit", config, simulator, seed=3)
    assert (tmp_path / "unit" / "done.json").exists()


def test_waves_are_drawn_by_the_campaign() -> None:
    ids = keys.member_keys(np.arange(5))
    assert (keys.uniforms(0, "a", "wave", ids, 1) != keys.uniforms(0, "b", "wave", ids, 1)).any()
