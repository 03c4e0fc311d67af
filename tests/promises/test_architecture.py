"""The arrows between folders: read from the imports, and from what a fresh interpreter loads."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("bandit", "simulators", "serving", "experiments")
MAY_USE = {
    "bandit": {"bandit"},
    "simulators": {"bandit", "simulators"},
    "serving": {"bandit", "serving"},
}
FILES = {folder: sorted((ROOT / folder).rglob("*.py")) for folder in OURS}
EVERY = [path for files in FILES.values() for path in files]
HEAVY = {"torch", "vowpalwabbit"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parse(path: Path) -> ast.Module:
    """A file's tree, which many tests ask for."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, top_level: bool = False) -> Iterator[str]:
    """The modules a file imports: all, or only those it imports when it is itself loaded."""
    waiting: list[ast.AST] = [parse(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield path.relative_to(ROOT).parts[0]
            else:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called(node).endswith(("__import__", "import_module")):
            yield from (str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant))
        if not (
            top_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        ):
            waiting += ast.iter_child_nodes(node)


def called(node: ast.Call) -> str:
    """The last name of what is called: `c` of `a.b.c()`; nothing where it has none."""
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


@cache
def packages(path: Path, top_level: bool = False) -> set[str]:
    return {module.split(".")[0] for module in imports(path, top_level)}


@pytest.mark.parametrize(
    ("folder", "least"), [("bandit", 15), ("simulators", 3), ("experiments", 3), ("serving", 3)]
)
def test_discovery_found_the_files(folder: str, least: int) -> None:
    assert len(FILES[folder]) >= least
    assert any(packages(path) & {"bandit"} for path in FILES[folder])


def test_the_reader_of_imports_sees_every_form(tmp_path: Path) -> None:
    source = "import a.b\nfrom c.d import e as f\nif x:\n    import g\nclass K:\n    import l\n"
    source += "def h():\n    import i\n    __import__('j')\n"
    path = tmp_path / "sample.py"
    path.write_text(source)
    assert {m.split(".")[0] for m in imports(path)} == {"a", "c", "g", "i", "j", "l"}
    assert {m.split(".")[0] for m in imports(path, top_level=True)} == {"a", "c", "g", "l"}


@pytest.mark.parametrize("path", [p for folder in MAY_USE for p in FILES[folder]], ids=name)
def test_arrows_between_folders(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    assert packages(path) & {*OURS, "tests"} <= MAY_USE[folder]


@pytest.mark.parametrize("path", [p for p in EVERY if p not in FILES["experiments"]], ids=name)
def test_only_experiments_read_config(path: Path) -> None:
    assert not packages(path) & {"hydra", "omegaconf"}


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_no_pickle(path: Path) -> None:
    pickles = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    assert not packages(path) & (pickles if path not in FILES["experiments"] else set())
    assert "allow_pickle=True" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [*FILES["bandit"], *FILES["serving"]], ids=name)
def test_torch_and_vw_are_imported_where_they_are_used(path: Path) -> None:
    assert not packages(path, top_level=True) & HEAVY


def test_a_fresh_interpreter_loads_no_torch_vw_or_hydra() -> None:
    """The sender imports modules of bandit and serving; planning needs no heavy package."""
    files = [
        path
        for folder in ("bandit", "serving")
        for path in FILES[folder]
        if path.name != "__main__.py"
    ]
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in files
    ]
    script = f"import importlib, sys\nfor m in {modules}: importlib.import_module(m)\n"
    unwanted = HEAVY | {"hydra", "omegaconf", "simulators", "experiments"}
    script += f"print(sorted({unwanted} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_no_long_files(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_no_crowded_folders() -> None:
    """Policies are many by nature, one file each; any other folder can be taken in at a look."""
    count = Counter(path.parent for path in EVERY if path.name != "__init__.py")
    crowded = {name(folder): files for folder, files in count.items() if files > 12}
    assert set(crowded) <= {"bandit/policies"}


def test_types_say_what_things_are() -> None:
    """`Any` hides what a value is. What is left are torch tensors, JSON and the like."""
    found = {name(path): len(re.findall(r"\bAny\b", path.read_text("utf-8"))) for path in EVERY}
    assert sum(found.values()) <= 200, sorted(found.items(), key=lambda pair: -pair[1])[:10]


def module(path: Path) -> str:
    """The dotted name of a file's module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def needs() -> dict[str, set[str]]:
    """For each of our modules, those of ours that it imports when it is loaded.

    Imports under TYPE_CHECKING are for the reader only, and do not count.
    """
    modules = {module(path): path for path in EVERY}

    def imported(path: Path) -> set[str]:
        blocks = [n for n in ast.walk(parse(path)) if isinstance(n, ast.If)]
        typing = [n for n in blocks if "TYPE_CHECKING" in ast.unparse(n.test)]
        skipped = {m for block in typing for n in block.body for m in _from(n)}
        named = set(imports(path, top_level=True)) - skipped
        return {m if m in modules else m.rpartition(".")[0] for m in named} & set(modules)

    return {name: imported(path) - {name} for name, path in modules.items()}


def test_imports_make_no_circle() -> None:
    graph = needs()
    while graph:
        leaves = {module for module, needed in graph.items() if not needed}
        assert leaves, f"a circle among {sorted(graph)}"
        graph = {
            module: needed - leaves for module, needed in graph.items() if module not in leaves
        }


ROOMS = (
    *("bandit/core", "bandit/features", "bandit/policy.py", "bandit/compiling.py"),
    *("bandit/slates", "bandit/log"),
    *("bandit/ope", "bandit/models", "bandit/policies"),
    *(
        "simulators/base.py",
        "simulators/calendar.py",
        "simulators/crossing.py",
        "simulators/logits.py",
    ),
    *("simulators/luck.py", "simulators/normal.py", "simulators/play.py"),
    *("simulators/examination", "simulators/noise", "simulators/association", "simulators/fitted"),
    *("simulators/replay", "simulators/examples.py", "simulators/classification.py"),
    *("simulators/wheel.py", "simulators/retiring.py"),
    *("serving/checks", "serving/tables", "serving", "serving/prepare", "serving/arms"),
    "serving/sending",
    *("serving/shards", "serving/letters", "serving/verdict", "serving/ingest", "serving/update"),
    *("serving/profiles", "serving/explain", "serving/exchange", "serving/send.py"),
    *("experiments/runner", "experiments/tables", "experiments/checks", "experiments/report"),
    *("experiments/asked", "experiments/tune", "experiments/coldstart", "experiments/evaluate"),
    "experiments/ope_benchmark",
    *("experiments/study", "experiments/studies", "experiments/machines"),
    *("experiments/check", "experiments/archive", "experiments/evidence", "experiments"),
)


def room(module: str) -> int:
    """The place of a module's folder (or of the file, if it stands alone) in `ROOMS`."""
    path = module.replace(".", "/")
    found = [r for r in ROOMS if f"{path}/".startswith(r.removesuffix(".py") + "/")]
    return ROOMS.index(max(found, key=len)) if found else -1  # a package's own exports


def test_every_file_stands_in_a_room() -> None:
    assert all((ROOT / room).exists() for room in ROOMS)
    homeless = {name for name in needs() if room(name) < 0} - {"bandit", "simulators"}
    assert not homeless, f"{homeless}: add the file to ROOMS and to the tree in architecture.md"


def test_rooms_use_only_those_before_them() -> None:
    """So the folder says what a file may touch, as the tree in docs/architecture.md does."""
    upward = [(m, n) for m, found in needs().items() for n in found if room(n) > room(m) >= 0]
    assert not upward


def test_no_long_chain_of_imports() -> None:
    """Whoever reads a module has at most seven others to go through, one below the other."""
    graph = needs()

    @cache
    def chain(module: str) -> tuple[str, ...]:
        below = [chain(needed) for needed in sorted(graph[module])]
        return (module, *max(below, key=len, default=()))

    longest = max(map(chain, graph), key=len)
    assert len(longest) <= 8, " > ".join(longest)


@pytest.mark.parametrize("package", ["bandit", "simulators", "serving"])
def test_exports_exist_and_the_docs_list_them(package: str) -> None:
    """docs/architecture.md has a row `| package | names |` for each package that exports names."""
    exported = import_module(package)
    assert exported.__all__ == sorted(exported.__all__)
    assert all(getattr(exported, name) is not None for name in exported.__all__)
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{package}` \|(.*)\|$", page, flags=re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == exported.__all__


def test_an_export_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'bandit' has no attribute 'Pollicy'"):
        _ = import_module("bandit").Pollicy


def _from(node: ast.AST) -> list[str]:
    return (
        [f"{node.module}.{alias.name}" for alias in node.names]
        if isinstance(node, ast.ImportFrom)
        else []
    )
