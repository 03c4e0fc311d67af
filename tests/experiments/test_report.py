"""The report page is whole, self-contained, escaped, and the same bytes each time."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from experiments.report import report
from experiments.report.policy_looks import assign_looks
from tests.support.report_cases import RATES, make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of that run; nothing else is left in its folder."""
    run = make_run(tmp_path_factory.mktemp("report") / "run")
    before = set(os.listdir(run))
    assert report.write(run) == run / "report.html"
    assert set(os.listdir(run)) - before == {"report.html"}
    return (run / "report.html").read_text(encoding="utf-8")


def test_page_has_every_section_and_fetches_nothing(page: str) -> None:
    assert len(re.findall(r"<h2>", page)) == 9
    assert page.count('<div class="broad"><svg role=') == 3
    assert page.count('<div class="slim"><svg role=') == 3  # the same figures, for a phone
    assert not re.search(r"https?:|url\((?!#)|@import|<script|<link|<img|<iframe", page)
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) > 20
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', page)) <= set(ids)


def test_what_the_tables_say_is_escaped(run: Path) -> None:
    told = json.loads((run / "two_members.json").read_text())
    told["members"][0]["profile_slate"][0]["title"] = "<script>alert(1)</script> & more"
    (run / "two_members.json").write_text(json.dumps(told))
    for name in ("summary", "results"):  # a policy's name reaches the figures as well
        frame = pd.read_parquet(run / f"{name}.parquet")
        frame["policy"] = frame["policy"].replace("vw", "<script>$x$")
        frame.to_parquet(run / f"{name}.parquet")
    page = report.write(run).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "&lt;script&gt;$x$" in page


def test_same_tables_same_bytes_in_any_process_and_row_order(run: Path, page: str) -> None:
    for name in ("results", "summary", "coldstart", "people", "off_policy"):
        pd.read_parquet(run / f"{name}.parquet").iloc[::-1].to_parquet(run / f"{name}.parquet")
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONHASHSEED": "5", "PYTHONPATH": str(root)}
    subprocess.run(
        [sys.executable, "-m", "experiments.report", str(run)],
        cwd=root,
        env=environment,
        check=True,
        capture_output=True,
    )
    assert (run / "report.html").read_text(encoding="utf-8") == page


def test_absent_or_incomplete_tables_are_named(run: Path) -> None:
    pd.read_parquet(run / "summary.parquet").drop(columns="lift_low").to_parquet(
        run / "summary.parquet"
    )
    with pytest.raises(ValueError, match=r"summary\.parquet: no column lift_low; got policy, "):
        report.write(run)
    (run / "summary.parquet").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"summary\.parquet: not there; a report needs run\.json"
    ):
        report.write(run)
    assert not (run / "report.html").exists()


def test_a_policy_keeps_its_look_whatever_else_runs() -> None:
    alone, among = (
        assign_looks(["profile"], "segment_learned"),
        assign_looks(RATES, "segment_learned"),
    )
    assert alone["profile"] == among["profile"]
    assert [p for p, look in among.items() if look.role == "baseline"] == ["segment_learned"]
