"""The tutorial's notebooks run as they stand, each in its own folder, and say what they should."""

import os
from pathlib import Path

import pytest

from experiments.runner.configs import ROOT

TUTORIAL = ROOT / "docs" / "tutorial"
SAYS = {
    "1_first_comparison": ("report: ", "clicks_per_delivered"),
    "2_own_policy": ("all 19 kept", "own rate=0.3"),
    "3_own_log": ("6,000 rows, 6,000 kept", "estimator"),
}


def test_all_are_run_and_none_keeps_what_it_said() -> None:
    nbformat = pytest.importorskip("nbformat")
    assert {path.stem for path in TUTORIAL.glob("*.ipynb")} == set(SAYS)
    for name in SAYS:
        book = nbformat.read(TUTORIAL / f"{name}.ipynb", as_version=4)
        nbformat.validate(book)
        assert not any(cell.get("outputs") for cell in book.cells)
        assert book.cells[0].cell_type == "markdown"


@pytest.mark.slow
@pytest.mark.parametrize("name", SAYS)
def test_a_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    book = nbformat.read(TUTORIAL / f"{name}.ipynb", as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    client.NotebookClient(book, timeout=300, kernel_name="python3", resources=where).execute()
    outputs = [each for cell in book.cells for each in cell.get("outputs", ())]
    said = "".join(each.get("text", "") for each in outputs)
    said += "".join(str(each.get("data", {})) for each in outputs)
    for words in SAYS[name]:
        assert words in said
    assert "Traceback" not in said
    figures = [each for each in outputs if "image/png" in each.get("data", {})]
    assert len(figures) == said.count("<Figure size")
    assert figures
