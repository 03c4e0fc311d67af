"""The page of benchmarks: what is bold, what is left empty, and which scripts there are."""

from dataclasses import asdict

import pytest

from tests.benchmarks.rows import Beside, Row, write_page, write_row

MACHINE = {"machine": "x86_64", "python_version": "3.11.7"}


def test_what_misses_its_aim_is_bold() -> None:
    peer, limit = Beside("peer", 30.0, 10), Beside("product", 0.5, 6)
    missed = write_row(asdict(Row("draw", 4.0, "us", peer, limit, why="calls")))
    assert missed == "| draw | 4 us | peer 30 | **7.5** (10) | product 0.5 | **8** (6) | calls |"
    met = write_row(asdict(Row("draw", 2.5, "us", peer, limit, why="calls")))
    assert met == "| draw | 2.5 us | peer 30 | 12 (10) | product 0.5 | 5 (6) |  |"
    assert write_row(asdict(Row("start", 0.4, "s", most=0.3, why="imports"))) == (
        "| start | **0.4 s** (aim 0.3) |  |  |  |  | imports |"
    )


@pytest.mark.parametrize(("ours", "told"), [(3.5, ""), (2.9, ""), (5.5, "walls"), (2.0, "")])
def test_one_missed_aim_is_enough_for_a_reason(ours: float, told: str) -> None:
    """7 times the peer are asked, and no aim is missed before that; the limit has none."""
    row = Row("draw", ours, "us", Beside("peer", 30.0, 7), Beside("product", 0.5), why="walls")
    assert write_row(asdict(row)).endswith(f"| {told} |")


def test_the_page_has_the_rows_that_were_noted() -> None:
    noted = {"extra_info": {"row": asdict(Row("draw", 1234.0, "us a member"))}}
    results = {"benchmarks": [noted, {"extra_info": {}}], "machine_info": MACHINE}
    page = write_page(results | {"datetime": "2026-05-04T10:00:00"})
    assert "x86_64, Python 3.11.7, 2026-05-04." in page
    assert page.endswith("| draw | 1,234 us a member |  |  |  |  |  |\n")
    with pytest.raises(ValueError, match="no benchmark has noted a row"):
        write_page({"benchmarks": [{"extra_info": {}}]})
