"""Which settings are read by anything: a setting that nothing reads is refused, not ignored.

Open this file to see why a command says that there is no such setting, and which it names as the
nearest. Whether a value is right is not asked here; the class that takes it says so.
"""

import inspect
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from omegaconf import OmegaConf

from bandit.core.check import shorten
from experiments.runner.configs import CONFIGS, Settings, find_class, resolve

SET_ELSEWHERE = {  # by what it is set, where a command has a setting of that name
    "simulator.issues": "issues",
    "simulator.seed": "seed",
    "simulator.members": "members",
}
CHECKED_BY_READER = ("rules",)  # settings that hold a mapping, whose reader checks what is in it


def check_known(config: Settings, command: str) -> None:
    """Raise ValueError naming the first setting that nothing reads, and the nearest that is read.

    config: what a command is asked to do
    command: its name; its own settings are those of configs/COMMAND.yaml

    Inside a mapping with a `_target_`, settings are options of that class; inside any other that
    configs/COMMAND.yaml holds, they are those that stand there. What an option itself holds is
    checked by the class that takes it, and what an editor's rules hold by `bandit.core.rules`.
    """
    own, groups = read_own(command), _list_groups(_read_yaml(command))
    for name in own:
        chosen = groups.get(name, name)  # a group that is a list, or null, may hold nothing
        if name not in config and isinstance(chosen, str):
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


def read_own(command: str) -> dict[str, object]:
    """The settings of a command: those of its yaml, and the groups that it is composed from.

    A group stands for what it is given; its own settings are options of a class.
    """
    found = _read_yaml(command)
    found |= {group: None for group in _list_groups(found) if group not in found}
    return {name: found[name] for name in found if name not in ("defaults", "hydra")}


def _read_yaml(command: str) -> Settings:
    return resolve(OmegaConf.load(CONFIGS / f"{command}.yaml"), references=False)


def _list_groups(config: Settings) -> dict[str, object]:
    """The groups that a command is composed from, and the choice of each that stands there."""
    entries = [entry for entry in config.get("defaults", []) if isinstance(entry, Mapping)]
    return {
        str(group): choice
        for entry in entries
        for group, choice in entry.items()
        if not str(group).startswith("override ")
    }


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
            yield f"{prefix}{name}{_list_only(value)}"
        elif isinstance(value, Mapping) and f"{prefix}{name}" not in CHECKED_BY_READER:
            inner, place = own[name], f"{prefix}{name}."
            if "_target_" in value:
                yield from _list_strange(value, place)
            elif isinstance(inner, Mapping):
                yield from _list_unknown(value, inner, place)
            else:
                for each, content in value.items():  # a group of several, such as policies
                    if isinstance(content, Mapping) and "_target_" in content:
                        yield from _list_strange(content, f"{place}{each}.")
                    else:
                        yield f"{place}{each}"


def _list_only(value: object) -> str:
    """What follows a name that nothing reads, where it holds one setting alone: ".epsilon"."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return ""
    ((name, inner),) = value.items()
    return f".{name}{_list_only(inner)}"


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
