"""Names that a package exports without importing their modules until somebody asks for them.

`import bandit` then costs next to nothing, and the sender loads only what it uses.
"""

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_exports(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """A package's module-level `__getattr__` (PEP 562).

    homes: exported name -> module that defines it under the same name
    The function returned raises AttributeError for every other name.
    """

    def __getattr__(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return __getattr__
