"""What a policy does unless told otherwise is said once: its yaml and its constructor agree.

The yaml is what was measured. Each of its keys is an option of the class and has the class's
default; each option of the class stands in the yaml, or is excused here by name with a reason.
"""

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.utils import get_class

from bandit.models.linear.forms import Form
from bandit.models.vowpal.options import VowpalOptions
from bandit.policies.lin_ts import LinTS
from bandit.policies.lin_ucb import LinUCB
from bandit.policies.vw import VW
from bandit.policies.vw_ccb import VWSlates

CONFIGS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[2] / "configs/policy").glob("*.yaml"))
}
PASSED_ON: dict[type, type] = {  # whose options a class takes by name beside its own
    LinTS: Form,
    LinUCB: Form,
    VW: VowpalOptions,
    VWSlates: VowpalOptions,
}
NOT_IN_YAML = {
    "max_slots": "how many slots are set aside for the longest layout; not a matter of taste",
    "vw_ccb.l2": "0, which is what VW itself does; never varied for slates",
}
NO_DEFAULT = {
    "segment_rules.by": "an editor's choice, which depends on the association",
    "segment_rules.rules": "the same",
    "segment_rules.otherwise": "the same",
    "wave.policy": "what is wrapped",
}


def defaults(kind: type) -> dict[str, Any]:
    """Options of a class with their defaults; `inspect.Parameter.empty` where there is none."""
    if "__init__" not in vars(kind):  # what typing's Protocol puts there takes no options
        return {}
    passed_on = PASSED_ON.get(kind)
    found = defaults(passed_on) if passed_on else {}
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            assert passed_on, f"{kind.__name__} takes **{name}: say in PASSED_ON whose options"
        else:
            found[name] = parameter.default
    return found


def plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def options(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != "_target_"}


@pytest.mark.parametrize("name", CONFIGS)
def test_yaml_and_constructor_agree(name: str) -> None:
    own = defaults(get_class(CONFIGS[name]["_target_"]))
    for option, value in options(CONFIGS[name]).items():
        assert option in own, f"{name}.yaml: {option} is no option"
        if f"{name}.{option}" in NO_DEFAULT:
            assert own[option] is inspect.Parameter.empty, f"{name}: {option} has a default"
        else:
            assert plain(own[option]) == value, f"{name}: {option}"
            assert type(plain(own[option])) is type(value), f"{name}: {option}"


@pytest.mark.parametrize("name", CONFIGS)
def test_every_option_stands_in_the_yaml_or_is_excused(name: str) -> None:
    missing = set(defaults(get_class(CONFIGS[name]["_target_"]))) - set(options(CONFIGS[name]))
    excused = {option for option in missing if {option, f"{name}.{option}"} & set(NOT_IN_YAML)}
    assert missing == excused


def test_no_excuse_is_left_over() -> None:
    own = {name: defaults(get_class(config["_target_"])) for name, config in CONFIGS.items()}
    for excuse in (*NOT_IN_YAML, *NO_DEFAULT):
        name, _, option = excuse.rpartition(".")
        where = [name] if name else list(own)
        assert any(option in own[each] for each in where), excuse
        for each in where:
            stands = option in CONFIGS[each]
            assert stands == (excuse in NO_DEFAULT), f"{each}: {excuse}"
