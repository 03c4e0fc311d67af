"""What `serving.prepare` says of an association's files: misspelt values, consent, no summaries."""

from pathlib import Path

import pandas as pd
import pytest

from serving.prepare.__main__ import main

ARTICLES = Path(__file__).parents[2] / "docs" / "first_issue" / "articles.csv"
MEMBERS = ["Community Pharmacist"] * 12 + ["Student"] * 6 + ["Level 1"] * 5 + ["Level 2"]


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A member list with one misspelt value and a column of consent, and titles alone."""
    kinds = [*MEMBERS, "Comunity Pharmacist"]
    rows = [f"{i:05},{kind},{'no' if i % 3 else 'yes'}" for i, kind in enumerate(kinds)]
    (tmp_path / "members.csv").write_text("\n".join(["Member ID,Kind,Newsletter?", *rows]) + "\n")
    past = pd.read_csv(ARTICLES, dtype=str)
    past.rename(columns={"Summary": "Summry"}).to_csv(tmp_path / "articles.csv", index=False)
    return tmp_path


def test_a_dry_run_names_what_is_nearly_another_value(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--members", str(office / "members.csv"), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "'Comunity Pharmacist' (1) is perhaps 'Community Pharmacist'" in said
    assert "'Level 2' (1) is perhaps" not in said  # numbers tell values apart
    assert "warning: Newsletter?: it seems to say who wants mail, and keeps nobody from" in said


def test_preparing_says_what_past_articles_and_members_do_not_say(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--members", str(office / "members.csv"), "--out", str(office / "bundle")]
    assert main([*words, "--articles", str(office / "articles.csv")]) == 0
    said = capsys.readouterr().err
    assert "articles.csv has no column 'summary' ('Summry' would be, if it were called so)" in said
    assert "titles alone are read" in said
    assert "members.csv: Newsletter?: it seems to say who wants mail" in said
    capsys.readouterr()
    more = [str(office / "members.csv"), "--dry-run", "--against", str(office / "bundle")]
    (office / "members.csv").write_text("Member ID,Kind,Newsletter?\n7,Studnt,yes\n")
    assert main(["--members", *more]) == 0
    assert "'Studnt' (1, perhaps 'Student')" in capsys.readouterr().out


@pytest.mark.parametrize("where", ["members", "articles"])
def test_preparing_refuses_what_is_no_member_or_article_by_row(
    office: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a send does, and in its words: an id like a formula, and lines of totals."""
    words = ["--members", str(office / "members.csv"), "--out", str(office / "bundle")]
    path, row = office / f"{where}.csv", {"members": 25, "articles": len(pd.read_csv(ARTICLES))}
    told, what = path.read_text().rstrip(), {"members": "a member", "articles": "an article"}
    path.write_text(f"{told}\nTotal: 24{',' * told.splitlines()[0].count(',')}\n")
    assert main([*words, "--articles", str(office / "articles.csv")]) == 2
    said = f"{where}.csv row {row[where]}: 'Total: 24' is a line of totals, not {what[where]}"
    assert said in capsys.readouterr().err
    if where == "members":
        path.write_text(f"{told}\n=A1,Student,no\n")
        assert main([*words, "--articles", str(office / "articles.csv")]) == 2
        said = "members.csv row 25: member '=A1': the id begins like a spreadsheet's formula"
        assert said in capsys.readouterr().err
    assert not (office / "bundle").exists()
