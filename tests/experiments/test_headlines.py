"""The command that judges titles: both ways of judging, and what it refuses."""

from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from experiments.headlines import main, make_table, measure
from tests.support.asking import ask_in
from tests.support.loader_cases import upworthy

QUIET = Console(quiet=True)
OPTIONS = {"judge": None, "words": 10, "folds": 3, "seed": 0}


def make_file(folder: Path, tests: range) -> str:
    """An archive in which questions get twice the clicks."""
    folder.mkdir()
    rows = [
        (f"t{test}", headline, "p", 1000 + test, clicks + test % 3, 201440)
        for test in tests
        for headline, clicks in ((f"Is it {test}?", 40), (f"It is {test}", 20))
    ]
    upworthy(folder, rows)
    return str(folder / "arms.csv")


def test_titles_are_judged_by_other_tests_and_by_another_file(tmp_path: Path) -> None:
    first, second = make_file(tmp_path / "a", range(40)), make_file(tmp_path / "b", range(50, 62))
    found, ceiling = measure(OPTIONS | {"data": first}, QUIET)
    assert (found.pairs, found.accuracy.estimate) == (40, 1.0)
    assert 0.7 < ceiling[0] <= ceiling[1] <= 1  # a normal spread has near pairs too
    other, _ = measure(OPTIONS | {"data": first, "judge": second}, QUIET)
    assert (other.pairs, other.accuracy.estimate) == (12, 1.0)
    table = make_table(other, ceiling)
    assert table.row_count == 3
    assert next(iter(table.columns[1].cells)) == "1.000"
    assert list(table.columns[4].cells) == ["12", str(other.clear), ""]


def test_refusals(tmp_path: Path) -> None:
    data = make_file(tmp_path / "a", range(12))
    with pytest.raises(ValueError, match="data = None; must be a file of headline experiments"):
        measure(OPTIONS | {"data": None}, QUIET)
    with pytest.raises(ValueError, match=r"judge = 'nowhere\.csv'; must be a file"):
        measure(OPTIONS | {"data": data, "judge": "nowhere.csv"}, QUIET)
    with pytest.raises(ValueError, match="test 't0' is in both files"):
        measure(OPTIONS | {"data": data, "judge": data}, QUIET)


def test_the_command_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "arms.csv"
    pd.DataFrame({"headline": ["a"]}).to_csv(path, index=False)
    said = ask_in(tmp_path, monkeypatch)(main, f"data={path}")
    assert said.startswith("headlines: ")
    assert "arms.csv" in said
    assert "\n" not in said
