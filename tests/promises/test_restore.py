"""What comes from a file may be anything.

A state that cannot have been learned is refused by the name of its array, and a changed bundle by
the name of its file. An issue that goes to nobody is planned, drawn and learned like any other.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from bandit.core import check
from bandit.policy import Policy
from experiments.check import learning
from experiments.check.planning import nobody_is_planned_for
from experiments.check.trial import Check, Trial
from experiments.runner.configs import list_configs, read_policy
from serving import bundle
from serving.manifest import MANIFEST, POLICY, seal
from simulators.association.association import Association
from tests.support.builders import association_of
from tests.support.bundle_cases import put_arrays

pytestmark = pytest.mark.usefixtures("walk")

NAMES = list_configs("policy")
LIMITS = ("bayes_limit", "oracle", "profile_true_topics")  # can never be exported
FORMS: dict[str, dict[str, Any]] = {
    f"{name} {model} {by}": {"model": model, "by": by}
    for name in ("lin_ts", "lin_ucb")
    for model in ("disjoint", "hybrid")
    for by in ("articles", "region")
}
Change = Callable[[Any], Any]


def world() -> Association:
    return association_of(issues=6, pool=12, slots=4, text_dims=8, click_to_open=0.4)


@cache
def trial(name: str) -> Trial:
    config = read_policy(name.split()[0]) | FORMS.get(name, {})
    return Trial(config, members=300, pool=12, click_to_open=0.4)


def made(name: str, **other: Any) -> Policy:
    policy: Policy = trial(name).make(world(), **other)
    return policy


@cache
def taught(name: str) -> Policy:
    """What two issues taught the policy."""
    return trial(name).teach(2)[0]


@pytest.fixture(scope="module", autouse=True)
def _let_go() -> Iterator[None]:
    """Vowpal Wabbit complains if it is still there when the interpreter goes."""
    yield
    trial.cache_clear()
    taught.cache_clear()


@pytest.mark.parametrize(
    "check", [nobody_is_planned_for, *learning.EVERY], ids=lambda c: c.__name__
)
@pytest.mark.parametrize("name", FORMS)
def test_every_form_keeps_what_every_policy_does(name: str, check: Check) -> None:
    check(trial(name))


def test_more_slots_than_neural_was_made_for_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="the issue has 4 slots; must be at most max_slots = 3"):
        made("neural", max_slots=3).plan(world().issue(1))


# states that cannot be


def first_of(value: float, at: tuple[int, ...]) -> Change:
    def change(array: Any) -> Any:
        array = array.copy()
        array[at] = value
        return array

    return change


def cut(array: Any) -> Any:
    return array[:-1]


LINEAR = [
    ("mean", cut, "mean has shape"),
    ("root", lambda a: a.astype(np.float64), "root has type float64; must be float32"),
    (
        "root",
        np.zeros_like,
        "root is no root of the precision's inverse: their product is off by 1",
    ),
    ("precision", lambda a: -a, "precision's diagonal = -.*; must be at least"),
    ("precision", first_of(0.0, (0, 1, 1)), "precision's diagonal = 0.0; must be at least"),
    ("precision", first_of(np.nan, (0, 1, 1)), "precision's diagonal = nan; must be at least"),
    (
        "precision",
        first_of(np.inf, (0, 0, 1)),
        "precision and its transpose are up to (inf|nan) apart",
    ),
    (
        "precision",
        first_of(1e6, (0, 0, 1)),
        "precision and its transpose are up to .* apart; must be symmetric",
    ),
    ("precision", lambda a: 100 * a, "root is no root of the precision's inverse"),
    ("examination", lambda a: a[:, :5], r"examination has shape \(2, 5\)"),
]
MOMENTS = [
    ("gram", cut, "gram{} has shape"),
    ("gram", lambda a: -a, "gram{}'s diagonal = -.*; must be at least 0"),
    (
        "gram",
        first_of(1e6, (0, 0, 1)),
        "gram{} and its transpose are up to .* apart; must be symmetric",
    ),
    ("gram", np.zeros_like, "moment{} is up to .*; must be clicks on the 0.0 looks of gram{}"),
    ("moment", cut, "moment{} has shape"),
    ("moment", lambda a: -a, "moment{} is up to .*; must be clicks on the .* looks"),
    ("moment", lambda a: 1e6 * a, "moment{} is up to .*; must be clicks on the .* looks"),
]
REFUSED = [
    *(
        (name, *case)
        for name in ("lin_ts", "lin_ucb", "lin_ucb disjoint articles")
        for case in LINEAR
    ),
    *(("blast", array, change, message.replace("{}", "")) for array, change, message in MOMENTS),
    *(
        ("segment_learned", f"{array}.1", change, message.replace("{}", ".1"))
        for array, change, message in MOMENTS
    ),
    ("blast", "examination", lambda a: a[:, :5], r"examination has shape \(2, 5\)"),
    ("segment_learned", "errors", lambda a: a[:, :3], "errors has shape"),
    (
        "segment_learned",
        "errors",
        lambda a: a.astype(np.float32),
        "errors has type float32; must be float64",
    ),
    ("popular", "counts", lambda a: -a, "counts of 'all': -.* clicks on -.* looks; must be"),
    (
        "popular",
        "counts",
        lambda a: a[:, ::-1],
        "counts of .* clicks on .* looks; must be 0 <= clicks <= looks",
    ),
    ("popular", "counts", cut, "counts has shape"),
    ("neural", "adam.steps", lambda a: -a, "adam.steps = -80.0; must be at least 0"),
    ("neural", "adam.second", lambda a: -a - 1, "adam.second = -1.*; must be at least 0"),
    (
        "neural",
        "adam.z",
        lambda a: a.astype(np.float64),
        "adam.z has type float64; must be float32",
    ),
    ("neural", "seen", lambda a: a.astype(np.float64), "seen has type float64; must be int64"),
    ("neural", "memory.newsletters.order", lambda a: a - 1, "newsletters' order = -.*; must be in"),
]


@pytest.mark.parametrize(("name", "array", "change", "message"), REFUSED)
def test_a_state_that_cannot_be_is_refused(
    name: str, array: str, change: Change, message: str
) -> None:
    state, other = taught(name).state(), made(name)
    other.restore(state)  # as it is, it is taken
    with pytest.raises(ValueError, match=message):
        other.restore(state | {array: change(state[array])})


@pytest.mark.parametrize("name", [*NAMES, *FORMS])
def test_a_state_that_lacks_an_array_is_refused_by_its_name(name: str) -> None:
    for array, said in learning.list_refusals(trial(name)).items():
        assert re.search(rf"the state lacks array '{re.escape(array)}'; it has ", said)


def test_check_gram_takes_what_rounding_leaves() -> None:
    a = np.random.default_rng(1).normal(size=(5, 40, 3)) * np.array([1e-9, 1.0, 1e9])
    grams = np.einsum("bni,bnj->bij", a, a)
    check.gram("it", grams + 1e-12 * np.triu(np.ones(3)) * grams)
    check.gram("it", np.zeros((2, 3, 3)))


# bundles


def written(name: str, folder: Path) -> Path:
    parameters = dict(read_policy(name))
    target = str(parameters.pop("_target_"))
    bundle.write(folder, taught(name), target, parameters, world().features, {})
    return folder


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LIMITS])
def test_a_bundle_keeps_no_array_of_another_type(name: str, tmp_path: Path) -> None:
    """Whatever the policy itself would make of it."""
    folder = written(name, tmp_path / "b")
    base, fresh = load_file(folder / POLICY), made(name).state()
    for key in fresh:
        own = base[key]
        for other in (own.astype(np.float32 if own.dtype == np.float64 else np.float64), own[None]):
            put_arrays(folder, base | {key: other})
            refused = rf"b: .* cannot be restored: ValueError: {re.escape(key)} is {other.dtype} in"
            with pytest.raises(ValueError, match=refused):
                bundle.read(folder)


DEEP = {
    "an open list": lambda text: "[" * 100_000,
    "lists": lambda text: text.replace(
        '"made_from": {}', '"made_from": ' + "[" * 3000 + "]" * 3000
    ),
    "waves": lambda text: text.replace(
        '"parameters": {', '"parameters": {"policy": ' + '{"p": ' * 3000 + "}" * 3000 + ", ", 1
    ),
}


@pytest.mark.parametrize("case", DEEP)
def test_a_manifest_nested_too_deep_is_refused(case: str, tmp_path: Path) -> None:
    folder = written("popular", tmp_path / "b")
    path = folder / MANIFEST
    text = DEEP[case](json.dumps(json.loads(path.read_text())))
    path.write_text(text)
    seal(folder)
    with pytest.raises(
        ValueError, match=r"b/manifest.json is not valid JSON: maximum recursion depth"
    ):
        bundle.read(folder)
