"""The contract: what every policy found in configs/policy must keep.

The checks are those of `python -m experiments.check policy=NAME`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from experiments.check import learning, planning
from experiments.check.trial import Check, Trial, copy_state, silence
from experiments.check.words import same_arrays
from experiments.runner.configs import list_configs, make, read_policy
from simulators.play import play

pytestmark = pytest.mark.usefixtures("walk")

NAMES = list_configs("policy")
CEILINGS = {"bayes_limit", "oracle", "profile_true_topics"}
DEAF = {"random", "recency", "segment_rules"}  # choose without asking what was clicked
Ready = Callable[[str], Trial]


def test_discovery_found_the_family() -> None:
    known = (
        "random recency popular blast segment_rules segment_learned lin_ucb lin_ts vw vw_ccb "
        "profile neural offpolicy wave"
    )
    assert set(known.split()) | CEILINGS <= set(NAMES)


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    """A trial of each policy, made once."""
    once = cache(lambda name: Trial(read_policy(name)))
    yield once
    once.cache_clear()  # Vowpal Wabbit complains if it is still there when the interpreter goes


@pytest.mark.parametrize("check", [*planning.EVERY, *learning.EVERY], ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_every_policy(name: str, check: Check, ready: Ready) -> None:
    check(ready(name))


@pytest.mark.parametrize("check", learning.UNINFORMED, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_every_policy_that_is_not_told_the_truth(name: str, check: Check, ready: Ready) -> None:
    assert not ready(name).is_informed
    check(ready(name))


@pytest.mark.parametrize("name", ["profile", "popular", "segment_learned"])
def test_what_forgets_does_not_when_nobody_opened(name: str, ready: Ready) -> None:
    association = ready(name).build()
    policy = ready(name).make(association, keep=0.7)
    *_, last = play(policy, association, seed=5, issues=2, started=True)
    before = copy_state(policy)
    policy.learn(replace(last, feedback=silence(last.context)))
    same_arrays("learn that nobody opened -> state", before, policy.state())


@pytest.mark.parametrize("name", NAMES)
def test_all_learn_but_those_known_not_to(name: str, ready: Ready) -> None:
    before, after = (copy_state(ready(name).teach(issues)[0]) for issues in (0, 1))
    if name not in DEAF | {"oracle"}:
        with pytest.raises(AssertionError, match="array"):
            same_arrays("learn -> state", before, after)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CEILINGS])
def test_all_hear_clicks_but_those_known_not_to(name: str, ready: Ready) -> None:
    assert learning.find_echo(ready(name)).any() == (name not in DEAF)


@pytest.mark.parametrize("name", NAMES)
def test_nan_is_refused_with_its_place(name: str, ready: Ready) -> None:
    association = ready(name).build()
    context = association.issue(4)
    bad = context.article_features.copy()
    bad[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"article_features\[2, 1\] = nan"):
        replace(context, article_features=bad)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("profile", {"budget": 1.5}, r"budget = 1.5; must be in \[0, 1\]"),
        ("lin_ts", {"draws": 0}, "draws = 0; must be at least 1"),
        ("lin_ucb", {"alpha": -1}, "alpha = -1; must be at least 0"),
        (
            "lin_ucb",
            {"by": "shoe_size", "model": "disjoint"},
            "by = 'shoe_size'; must be 'articles' or an attribute",
        ),
        ("vw", {"cb_type": "magic"}, "cb_type = 'magic'"),
        ("neural", {"device": "tpu"}, "device = 'tpu'; choose from auto, cpu, cuda"),
        ("offpolicy", {"objective": "magic"}, "objective = 'magic'; choose from ips, snips, dr"),
        ("segment_rules", {"by": "shoe_size"}, "'shoe_size' is not a member attribute"),
        ("segment_rules", {"rules": {"wizard": "spells"}}, "'wizard'"),
        ("segment_learned", {"attributes": ["shoe_size"]}, "'shoe_size'"),
        ("segment_learned", {"shrinkage": []}, "shrinkage is empty"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    name: str, parameters: dict[str, Any], message: str, ready: Ready
) -> None:
    with pytest.raises(ValueError, match=message):
        make(read_policy(name) | parameters).start(ready(name).build().features)
