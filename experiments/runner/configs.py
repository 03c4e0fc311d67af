"""From the YAML files of configs/ to objects: which there are, what they say, what they make.

Open this file when a command needs a policy or a simulator, or checks a number that a user gave.
"""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from bandit.core import check
from bandit.core.make import make as make_from

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = (Path(__file__).parents[1] / "configs").resolve()  # a link, but in a wheel files
Settings = dict[str, Any]  # a configuration as plain values: whatever YAML can say


def list_configs(group: str, folders: Iterable[Path] = (CONFIGS,)) -> list[str]:
    """The names of a group's configs, sorted: of "policy", the files in configs/policy.

    folders: of configs, such as those of --config-dir; each name is listed once
    """
    return sorted({path.stem for each in folders for path in (each / group).glob("*.yaml")})


def read_config(group: str, name: str) -> Settings:
    """One config of a group. Raises FileNotFoundError where there is none of that name."""
    return resolve(OmegaConf.load(CONFIGS / group / f"{name}.yaml"))


def read_policy(name: str) -> Settings:
    """The config of a policy by name; in a command, of the folder of --config-dir as well.

    Raises ValueError listing the valid names.
    """
    from hydra import compose  # workers have no need of it
    from hydra.core.global_hydra import GlobalHydra

    hydra, valid = GlobalHydra.instance(), list_configs("policy")
    if hydra.is_initialized():
        valid = sorted({*valid, *hydra.config_loader().get_group_options("policy")})
    if name not in valid:
        raise ValueError(f"policies: there is no policy {name!r}; choose from {', '.join(valid)}")
    if hydra.is_initialized():
        return dict(resolve(compose(f"policy/{name}"))["policy"])
    return read_config("policy", name)


def resolve(config: object, references: bool = True) -> Settings:
    """A Hydra node as plain dictionaries and lists.

    references: are replaced by what they refer to, and nothing may be missing; False leaves both as
        they are written
    """
    resolved: Settings = OmegaConf.to_container(  # type: ignore[assignment]  # a mapping
        config, resolve=references, throw_on_missing=references
    )
    return resolved


def check_whole(what: str, value: object, least: int) -> None:
    """Raise ValueError naming `what` unless the value is a whole number of at least `least`."""
    if not check.is_whole(value) or value < least:
        raise ValueError(f"{what} = {value!r}; must be a whole number of at least {least}")


def make(config: Settings, **more: object) -> Any:
    """What the class `_target_` of a config makes of the config's other keys, and of `more`.

    A key that holds such a config is made first. Raises ValueError for a class that cannot be had,
    and for keys that it does not take.
    """
    return make_from(config, find_class, **more)


def read_named(what: str, told: object) -> Settings:
    """The config of what is given as MODULE.NAME, or as a mapping with a `_target_`.

    what: the setting

    Raises ValueError naming it where that is neither.
    """
    config = {"_target_": told} if isinstance(told, str) else told
    if not isinstance(config, dict) or "_target_" not in config:
        text = check.shorten(config)
        raise ValueError(f"{what} = {text}; must be MODULE.NAME, or have a _target_")
    return config


def make_encoder(told: object) -> Any:
    """The encoder of texts that a setting names; None where it names none.

    Raises ValueError as `read_named` and `make` do.
    """
    return None if told is None else make(read_named("encoder", told))


def find_class(target: str) -> Any:
    """The class of a dotted name. Raises ValueError where it cannot be imported, or is no class."""
    found = find_named("_target_", target)
    if not isinstance(found, type):
        raise ValueError(f"_target_ = {target!r} cannot be had: it is no class")
    return found


def find_named(what: str, name: str) -> Any:
    """What MODULE.NAME stands for. Raises ValueError, naming `what`, where it cannot be had."""
    module, _, last = name.rpartition(".")
    try:
        return getattr(import_module(module), last)
    except Exception as error:  # whatever importing it may raise
        raise ValueError(f"{what} = {name!r} cannot be had: {error}") from error
