"""The site leads to its pages, no link leads nowhere, and the API has every public name."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from experiments.runner.configs import ROOT

DOCS = ROOT / "docs"


def list_pages(nav: object) -> list[str]:
    """The pages of a navigation, however deep."""
    if isinstance(nav, str):
        return [nav]
    inner = nav.values() if isinstance(nav, dict) else nav
    assert not isinstance(inner, str)
    return [page for part in inner for page in list_pages(part)]


def test_the_navigation_leads_to_pages_that_are_there() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert config["strict"] is True
    pages = list_pages(config["nav"])
    assert len(set(pages)) == len(pages) > 20
    assert all((DOCS / page).exists() for page in pages)


@pytest.mark.parametrize("package", ["bandit", "simulators", "serving"])
def test_the_api_lists_all_that_a_package_exports(package: str) -> None:
    page = (DOCS / "api" / f"{package}.md").read_text(encoding="utf-8")
    names = [line.rpartition(".")[2] for line in page.splitlines() if line.startswith("::: ")]
    assert set(import_module(package).__all__) <= set(names)


@pytest.mark.slow
def test_the_site_builds_and_no_link_leads_nowhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    api = (tmp_path / "api" / "bandit.html").read_text(encoding="utf-8")
    for name in import_module("bandit").__all__:
        assert f">{name}<" in api or f"{name}</span>" in api
