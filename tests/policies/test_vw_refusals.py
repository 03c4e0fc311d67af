"""Nothing harmful reaches Vowpal Wabbit: neither options, nor labels, text or models."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit.core.types import Round
from bandit.models.vowpal import text, workspace
from bandit.policies.vw import VW
from bandit.policies.vw_ccb import VWSlates
from bandit.slates.propensity import draw
from tests.support.builders import association_of
from tests.support.vw_cases import SIZES, make_policy, train


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"explore": "magic"}, "explore = 'magic'; choose from epsilon, first"),
        ({"cb_type": "ips"}, "cb_type = 'ips'; with explore = 'squarecb' choose from mtr"),
        ({"explore": "cover", "cb_type": "magic"}, "choose from mtr, ips, dr"),
        (
            {"explore": "epsilon", "cb_type": "dm"},
            "cb_type = 'dm'; it learns how often an article is both shown and clicked, .1 where "
            "the click rate is .9: choose from mtr, ips, dr",
        ),
        (
            {"explore": "softmax", "cb_type": "ips"},
            "cb_type = 'ips' with clip = 1; without weights it learns how often an article is both",
        ),
        (
            {"explore": "softmax", "cb_type": "ips", "clip": 0.1},
            "unclicked = 0.15 with explore = 'softmax' and cb_type = 'ips'; there VW cannot weight",
        ),
        ({"explore": "regcb"}, "unclicked = 0.15 with explore = 'regcb' .* must be 1"),
        ({"explore": "regcbopt", "unclicked": 0.9}, "unclicked = 0.9 with explore = 'regcbopt'"),
        ({"explore": "cover"}, "unclicked = 0.15 with explore = 'cover'"),
        ({"interactions": "ma"}, r"must be a list such as \['ma'\]"),
        ({"interactions": ["mz"]}, "'mz'; must be two to four of the namespaces m"),
        ({"interactions": ["ma --audit"]}, "must be two to four"),
        ({"interactions": ["m"]}, "must be two to four"),
        ({"epsilon": 1.5}, r"epsilon = 1.5; must be in \[0, 1\]"),
        ({"clip": -0.1}, r"clip = -0.1; must be in \[0, 1\]"),
        ({"learning_rate": float("nan")}, "learning_rate = nan"),
        ({"gamma_scale": float("inf")}, r"gamma_scale = inf; must be in \[1e-06, 1e\+12\]"),
        (
            {"gamma_exponent": "0.5 -f stolen"},
            "gamma_exponent = '0.5 -f stolen'; must be a finite number",
        ),
        ({"bits": 40}, "bits = 40; must be a whole number from 1 to 26"),
        ({"explore": "bag", "policies": 2.5}, "policies = 2.5; must be a whole number"),
        ({"explore": "first", "first": 0}, "first = 0; must be a whole number"),
    ],
)
def test_what_vw_would_not_take_is_refused_by_name(
    parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        VW(**parameters)


def test_slates_are_filled_by_functions_of_costs_only() -> None:
    with pytest.raises(
        ValueError, match="explore = 'bag'; choose from epsilon, first, softmax, squarecb"
    ):
        VWSlates(explore="bag")


@pytest.mark.parametrize("p", [0.0, 1.5, -0.1, float("nan"), float("inf")])
def test_impossible_propensities_do_not_reach_vw(p: float) -> None:
    policy, association = train(make_policy(VW, "squarecb"), issues=1)
    context = association.issue(2)
    slates = draw(policy.plan(context), context, 5)
    feedback = association.respond(context, slates)
    row = int(feedback.opened.argmax())
    wrong = slates.propensity.copy()
    wrong[row, 1] = p
    with pytest.raises(ValueError, match=rf"propensity\[{row}, 1\] = .*must be in \(0, 1\]"):
        policy.learn(Round(context, replace(slates, propensity=wrong), feedback))


def test_labels_are_checked() -> None:
    assert text.write_label(0, -0.5, 0.25) == "0:-0.500000:0.250000000"
    assert text.write_label(3, 0, 1e-30) == "3:0.000000:0.000000001"
    for cost, p, message in (
        (np.inf, 0.5, "cost = inf"),
        (np.nan, 0.5, "cost = nan"),
        (-1, 1.5, "propensity = 1.5"),
    ):
        with pytest.raises(ValueError, match=message):
            text.write_label(0, cost, p)


def test_text_of_the_pool_is_never_vws_syntax() -> None:
    policy, association = train(make_policy(VW, "squarecb"), issues=1)
    context = association.issue(2)
    articles = context.articles.assign(title="0:-9:0.1 |a 3:99\n\nshared |m 1")
    members = context.members.assign(region="| :\n")
    hostile = replace(context, articles=articles, members=members)
    assert policy.plan(hostile).scores.tobytes() == policy.plan(context).scores.tobytes()


def add_options(model: bytes, options: str) -> bytes:
    """The model as if it had been made with more options: these come last in the header's text."""
    at = model.index(b" --cb_adf")
    length = int.from_bytes(model[at - 4 : at], "little")
    text = model[at : at + length].rstrip(b"\0") + f" {options}\0".encode()
    return model[: at - 4] + len(text).to_bytes(4, "little") + text + model[at + length :]


def test_a_damaged_or_foreign_model_is_refused(tmp_path: Path) -> None:
    policy, association = train(make_policy(VW, "squarecb"), issues=2)
    other, state = make_policy(VW, "squarecb"), policy.state()
    other.start(association.features)
    model = state["model"].tobytes()
    for damaged in (model[:-5], model[: len(model) // 2], b"", model[:-1] + b"\x07"):
        with pytest.raises(ValueError, match="is damaged: its digest is another"):
            other.restore(state | {"model": np.frombuffer(damaged, dtype=np.uint8)})
    smuggled = add_options(model, f"-f {tmp_path / 'stolen'}")
    with pytest.raises(ValueError, match=r"vw model was made with .*stolen.*; must be"):
        other.restore(workspace.pack_state(smuggled, 3, other._inputs))
    with pytest.raises(ValueError, match="is none"):
        other.restore(workspace.pack_state(model[:30], 3, other._inputs))
    with pytest.raises(ValueError, match="decisions = -3; must be at least 0"):
        other.restore(workspace.pack_state(model, -3, other._inputs))
    bag = make_policy(VW, "bag")
    bag.start(association.features)
    with pytest.raises(ValueError, match="vw model was made with"):
        bag.restore(state)
    assert not (tmp_path / "stolen").exists()


@pytest.mark.parametrize("kind", [VW, VWSlates])
def test_a_model_of_other_features_is_refused_and_says_which(kind: Any) -> None:
    policy, _ = train(make_policy(kind, "squarecb"), issues=1)
    wider, fewer = make_policy(kind, "squarecb"), make_policy(kind, "squarecb")
    features = association_of(**(SIZES | {"text_dims": 9})).features
    wider.start(features)
    with pytest.raises(
        ValueError, match=r"vw model was made with (\d+) article features; must be (?!\1)\d+"
    ):
        wider.restore(policy.state())
    features = association_of(**SIZES).features
    levels = features.attributes.levels
    shorter = {name: values[1:] for name, values in levels.items()}
    fewer.start(replace(features, attributes=replace(features.attributes, levels=shorter)))
    with pytest.raises(
        ValueError, match=r"vw model was made with (\d+) member switches; must be (?!\1)\d+"
    ):
        fewer.restore(policy.state())
