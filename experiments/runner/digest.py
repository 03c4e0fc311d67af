"""What results were made from: digests of files and of the code, versions, and the git commit.

A unit that is finished is kept as long as the code that made it stays. That code is read from the
imports: the modules of its policy, of its simulator and of the unit itself, and all they import of
this project. So an edit of linear arithmetic lets only the linear policies run anew.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from experiments.runner.configs import ROOT, Settings, find_class

PROJECT = ("bandit", "simulators", "serving", "experiments")
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "torch",
    "vowpalwabbit",
    "safetensors",
    "tokenizers",
    "wordllama",
)


def digest_file(path: Path) -> str:
    """SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def digest_folder(folder: Path) -> str:
    """SHA-256 of an archive's files, or of one file."""
    files = sorted(folder.glob("*/*.parquet")) + sorted(folder.glob("*.*"))
    digest = sha256()
    for path in [folder] if folder.is_file() else files:
        digest.update(f"{path.name}\0{digest_file(path)}".encode())
    return digest.hexdigest()


def digest_code(modules: Iterable[str], configs: Iterable[Settings], root: Path = ROOT) -> str:
    """SHA-256 of all source files that the modules and the configs' classes need.

    modules: dotted names
    configs: of policies and simulators; each `_target_` in them, at any depth, names a class
    root: folder that holds the project's packages

    Raises ValueError for a `_target_` that cannot be imported.
    """
    targets = {target for config in configs for target in find_targets(config)}
    classes = {find_class(target).__module__ for target in targets}
    digest = sha256()
    for name, path in sorted(find_sources({*modules, *classes}, root).items()):
        digest.update(f"{name}\0{digest_file(path)}".encode())
    return digest.hexdigest()


def find_sources(modules: Iterable[str], root: Path = ROOT) -> dict[str, Path]:
    """The files that modules need, by name: their own, and those of all that they import.

    Imports of imports count, and those inside functions. Only the project's own modules are
    followed, and those that lie beside a module from elsewhere, or in its package. Of a package,
    the `__init__.py` counts where a name is imported from it. A YAML file counts where a module
    beside it does: it is that module's data.
    """
    found: dict[str, Path] = {}
    waiting, seen = list(modules), set[str]()
    places = dict.fromkeys(PROJECT, root) | _find_places(waiting)
    while waiting:
        name = waiting.pop()
        if name in seen:  # most names are imported by many: looking for a file takes longest
            continue
        seen.add(name)
        path = _locate(name, places)
        if path is None:  # `from module import function`
            name = name.rpartition(".")[0]
            path = _locate(name, places)
        if path is None or name in found:
            continue
        found[name] = path
        found |= {
            f"{name.rpartition('.')[0]}/{data.name}": data for data in path.parent.glob("*.yaml")
        }
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        waiting += _read_imports(path.read_text(encoding="utf-8"), package)
    return found


def _find_places(modules: Iterable[str]) -> dict[str, Path]:
    """Where packages lie that are not the project's: those of the modules, which are loaded by now.

    What lies beside a module that is no package is a person's own as well.
    """
    places: dict[str, Path] = {}
    for name in modules:
        file = getattr(sys.modules.get(name), "__file__", None)
        top = name.partition(".")[0]
        if not file or top in PROJECT:
            continue
        path = Path(file)
        depth = len(name.split(".")) - (path.name != "__init__.py")
        place = path.parents[depth]
        beside = place.glob("*") if path.parent == place else ()
        places |= {each.stem: place for each in beside if each.suffix == ".py" or each.is_dir()}
        places[top] = place
    return {name: place for name, place in places.items() if name not in PROJECT}


def _locate(name: str, places: Mapping[str, Path]) -> Path | None:
    """The file of a module below one of the places; None where there is no such module."""
    place = places.get(name.partition(".")[0])
    if place is None:
        return None
    path = os.path.join(place, *name.split("."))
    files = (f"{path}.py", os.path.join(path, "__init__.py"))
    return next((Path(file) for file in files if os.path.isfile(file)), None)


@cache
def _read_imports(source: str, package: str) -> tuple[str, ...]:
    """What a source file imports: `a.b`, or `a.b.c` for `from a.b import c`.

    package: that holds the file, for imports such as `from . import c`
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            parts = [*(above if node.level else []), *([node.module] if node.module else [])]
            found += [".".join([*parts, alias.name]) for alias in node.names]
    return tuple(found)


def find_targets(value: object) -> Iterator[str]:
    """The classes that a configuration names, at any depth."""
    if isinstance(value, dict):
        if "_target_" in value:
            yield str(value["_target_"])
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from find_targets(part)


def describe_origin(modules: Iterable[str], configs: Iterable[Settings]) -> Settings:
    """Versions of what computes, the git commit (None outside a checkout), and `digest_code`."""
    return {
        "versions": dict(_find_versions()),
        "git": _find_commit(),
        "code": digest_code(modules, configs),
    }


@cache
def _find_versions() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES}


@cache
def _find_commit() -> str | None:
    if not (ROOT / ".git").exists():  # installed, perhaps inside another repository
        return None
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607  (whichever git the user has)
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):  # no git, no commit to name
        return None
    return asked.stdout.strip() or None
