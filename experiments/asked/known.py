"""Which settings are read by anything: a setting that nothing reads is refused, not ignored.

Open this file to see why a command says that there is no such setting, and which it names as the
nearest. Whether a value is right is not asked here; the class that takes it says so.
"""

import inspect
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from omegaconf import OmegaConf

from bandit.core.check import shorten
from experiments.runner.configs import CONFIGS, Settings, find_class

SET_ELSEWHERE = {  # by what it is set, where a command has a setting of that name
    "simulator.issues": "issues",
    "simulator.seed": "seed",
    "simulator.members": "members",
}


def check_known(config: Settings, command: str) -> None:
    """Raise ValueError naming the first setting that nothing reads, and the nearest that is read.

    config: what a command is asked to do
    command: its name; its own settings are those of configs/COMMAND.yaml

    Inside a mapping with a `_target_`, settings are options of that class; inside any other that
    configs/COMMAND.yaml holds, they are those that stand there. What an option itself holds is
    checked by the class that takes it.
    """
    own = read_own(command)
    for name in own:
        if name not in config and name != "policies":  # there may be none, as Hydra sees it
            raise ValueError(f"{name} is not there; it is a setting that {command} needs")
    unknown = next(_list_unknown(config, own, ""), None)
    if unknown is not None:
        known = [n for n in list_names(config) if not f"{n}.".startswith(f"{unknown}.")]
        raise ValueError(say_unknown(unknown, known + list(own)))
    for inner, outer in SET_ELSEWHERE.items():
        group, _, name = inner.partition(".")
        given = (config.get(group) or {}).get(name)
        if outer in own and given is not None:
            raise ValueError(f"{inner} is set by {outer}; say {outer}={given}")
    for name, policy in config.get("policies", {}).items():
        if not isinstance(policy, Mapping) or "_target_" not in policy:
            known = [f"policies.{other}" for other in config["policies"] if other != name]
            raise ValueError(say_unknown(f"policies.{name}", known))


def read_own(command: str) -> dict[str, object]:
    """The settings of a command: those of its yaml, and the groups that it is composed from.

    A group stands for what it is given; its own settings are options of a class.
    """
    found: Settings = OmegaConf.to_container(  # type: ignore[assignment]  # a mapping
        OmegaConf.load(CONFIGS / f"{command}.yaml"), resolve=False
    )
    for entry in found.pop("defaults", []):
        if isinstance(entry, Mapping):
            groups = [str(key) for key in entry if not str(key).startswith("override ")]
            found |= {group: None for group in groups if group not in found}
    found.pop("hydra", None)
    return found


def say_unknown(name: str, known: Collection[str]) -> str:
    """That there is no such setting, in one line, with the nearest of those that there are.

    known: dotted names; those that stand beside `name` are preferred

    >>> say_unknown("policy.bugdet", ["policy.budget", "policy.keep", "seed"])
    "there is no setting 'policy.bugdet'; nearest: policy.budget; policy has budget, keep"
    """
    place, _, last = name.rpartition(".")
    beside = {each.rpartition(".")[2]: each for each in known if each.rpartition(".")[0] == place}
    near = [beside[each] for each in get_close_matches(last, beside, n=1, cutoff=0.6)]
    near = near or get_close_matches(name, sorted(set(known)), n=1, cutoff=0.6)
    near = near or [beside[each] for each in get_close_matches(last, beside, n=1, cutoff=0.0)]
    near = near or get_close_matches(name, sorted(set(known)), n=1, cutoff=0.0)
    text = f"there is no setting {shorten(name)}; nearest: {near[0]}"
    return f"{text}; {place} has {', '.join(sorted(beside))}" if place and beside else text


def list_names(config: Settings, prefix: str = "") -> list[str]:
    """The dotted names of everything that may be set, options that a yaml leaves out included."""
    names = []
    for name, value in config.items():
        names.append(f"{prefix}{name}")
        if isinstance(value, Mapping):
            inner = f"{prefix}{name}."
            names += list_names(dict(value), inner)
            names += [f"{inner}{option}" for option in _list_options(value) or ()]
    return [name for name in names if not name.endswith("_target_")]


def _list_unknown(
    config: Mapping[str, object], own: Mapping[str, object], prefix: str
) -> Iterator[str]:
    """Names of what stands in `config` and is not among `own`, nor an option of its class."""
    for name, value in config.items():
        if name not in own:
            yield f"{prefix}{name}"
        elif isinstance(value, Mapping):
            inner, place = own[name], f"{prefix}{name}."
            if "_target_" in value:
                yield from _list_strange(value, place)
            elif isinstance(inner, Mapping):
                yield from _list_unknown(value, inner, place)
            else:
                for each, content in value.items():
                    if isinstance(content, Mapping):
                        yield from _list_strange(content, f"{place}{each}.")


def _list_strange(config: Mapping[str, object], prefix: str) -> Iterator[str]:
    """Names that the class of a config does not take, at any depth."""
    options = _list_options(config)
    for name, value in config.items():
        if name != "_target_" and options is not None and name not in options:
            yield f"{prefix}{name}"
        elif isinstance(value, Mapping):
            yield from _list_strange(value, f"{prefix}{name}.")


def _list_options(config: Mapping[str, object]) -> list[str] | None:
    """The options of the class that a config asks for; None where it takes any, or asks for none.

    Raises ValueError for a class that cannot be had.
    """
    if "_target_" not in config:
        return None
    try:
        options = inspect.signature(find_class(str(config["_target_"]))).parameters
    except (TypeError, ValueError) as error:
        if "cannot be had" in str(error):
            raise
        return None
    if any(option.kind is option.VAR_KEYWORD for option in options.values()):
        return None
    return list(options)
