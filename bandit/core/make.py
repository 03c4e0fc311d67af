"""From names to what they name: an object from a configuration, and what a package exports.

A configuration is a mapping whose `_target_` names a class; the other keys are its options. Open
this file to see how the yaml files of an experiment and the parameters of a bundle become objects.
Which names are allowed is the caller's decision: an experiment finds any class that can be
imported, the sender only known policies.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TypeVar

Made = TypeVar("Made")


def make(
    config: Mapping[str, object], find: Callable[[str], Callable[..., Made]], **more: object
) -> Made:
    """What the class `_target_` makes of the other keys of `config`, and of `more`.

    An option that is itself such a mapping is made first. `find` gives the class of a name. Raises
    ValueError where there is no `_target_`, and for options that the class does not take.
    """
    target = read_target(config)
    kind = find(target)
    options = {
        name: make(value, find) if isinstance(value, Mapping) and "_target_" in value else value
        for name, value in config.items()
        if name != "_target_"
    }
    try:
        return kind(**options, **more)
    except TypeError as error:  # a key it does not have, a word where it wants a number
        raise ValueError(f"{target}: {error}") from error


def read_target(config: Mapping[str, object]) -> str:
    """The name of the class that a configuration asks for.

    Raises ValueError where it names none.
    """
    if "_target_" not in config:
        raise ValueError(f"a config must say its _target_; this one has {sorted(config)}")
    return str(config["_target_"])


def lazy_exports(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """A package's module-level `__getattr__` (PEP 562): a module is imported when it is asked for.

    `import bandit` then costs next to nothing, and the sender loads only what it uses.

    homes: exported name -> module that defines it under the same name
    The function returned raises AttributeError for every other name.
    """

    def __getattr__(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return __getattr__
