"""Examples in docstrings and on pages are run, and give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("bandit", "simulators", "serving", "experiments")
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
LONG = ("off_policy.md", "reading.md")  # they make an association and learn from it
PAGES = sorted(
    path.name for path in (ROOT / "docs").glob("*.md") if ">>> " in path.read_text(encoding="utf-8")
)


def test_there_are_examples() -> None:
    assert MODULES
    assert PAGES


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page in LONG else ()) for page in PAGES],
)
def test_pages_give_what_they_say(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = ROOT / "docs" / page
    failed, tried = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
    assert tried
    assert not failed, capsys.readouterr().out


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = import_module(name.removesuffix(".__init__"))
    failed, tried = doctest.testmod(module)
    assert tried, f"{name}: no docstring holds its example"
    assert not failed, capsys.readouterr().out
