"""CSV and XLSX as membership systems export them: read cell by cell, or refused by row."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.features.attributes import Attributes
from serving import send
from serving.checks.lines import refuse_other_lines
from serving.checks.names import find_columns
from serving.inputs import check_members
from serving.tables.table import Table
from tests.support.desk_cases import list_arguments

MEMBERS = '''Member ID,Last Name,Member Type,Interests,Since,Dues
00003,O\u2019Brien-Ñuñez,Student ,career;vaccines,2012,"1,250"
10004,"Smith, ""Jr.""",NULL,,2010.0,$250.00
 10005,李,student,"a
b",,n/a
'''


def write(folder: Path, text: str | bytes, name: str = "members.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read_all(path: Path, **options: str) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = Table.read(path, [], True, **options).columns.to_pydict()
    return columns


def test_a_cell_is_the_text_that_it_is(tmp_path: Path) -> None:
    found = read_all(write(tmp_path, MEMBERS))
    assert found["Member ID"] == ["00003", "10004", " 10005"]
    assert found["Last Name"] == ["O\u2019Brien-Ñuñez", 'Smith, "Jr."', "李"]
    assert found["Member Type"] == ["Student ", "NULL", "student"]
    assert found["Interests"] == ["career;vaccines", "", "a\nb"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"sep=;\n", b'\xef\xbb\xbf"SEP=\t"\r\n'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_marks_separators_and_line_ends_make_no_difference(
    tmp_path: Path, separator: str, mark: bytes, end: str
) -> None:
    rows = [["a", "b c"], ["00003", "x|y"], ["é", ""], ["", "z"]]
    lines = ["", *(separator.join(row) for row in rows), separator, separator, ""]
    data = end.join(lines).encode() if not mark else mark + end.join(lines[1:]).encode()
    found = read_all(write(tmp_path, data))
    assert found == {"a": ["00003", "é", ""], "b c": ["x|y", "", "z"]}


@pytest.mark.parametrize("word", ["NULL", " n/a ", "-", "#N/A", "nan", "  "])
def test_an_id_that_stands_for_a_missing_one_is_refused(tmp_path: Path, word: str) -> None:
    table = Table.read(write(tmp_path, f"member,b\n00003,x\n{word},y\n"), ["member"])
    with pytest.raises(ValueError, match=r"members\.csv row 1: member .*(missing one|is empty)"):
        table.check_ids("member", unique=True)


LIST = "member,type,fees\n00003,student,12\n10004,,\n"


@pytest.mark.parametrize(
    ("own", "what"),
    [
        *[
            (own, "totals")
            for own in ("Total: 2", "2 records", "TOTAL", "Total24", "Count", "Summe")
        ],
        *[(own, "totals") for own in ("Grand total", "Sub-total = 1", "Total members: 40")],
        *[
            (own, "totals")
            for own in ("Total\uff1a24", "1,204 in total", "Average:", "Number of members")
        ],
        *[(own, "headings") for own in ("Member ID", "member", "ID")],
    ],
)
@pytest.mark.parametrize("below", ["", "A 17,x,\n"])
def test_a_line_that_is_no_member_is_refused_by_row(
    tmp_path: Path, own: str, what: str, below: str
) -> None:
    """Wherever it stands, whatever other ids look like, and whatever stands beside it."""
    path = write(tmp_path, LIST + f'"{own}",some words,24\n' + below)
    columns = Table.read(path, ["member"], True).columns
    said = rf"members\.csv row 2: '{re.escape(own)}' is a line of {what}, not a member"
    with pytest.raises(ValueError, match=said):
        refuse_other_lines(Path("members.csv"), columns)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            LIST + ",Grand Total,1200\n",
            "row 2: member is empty, and 'Grand Total' says that it is a",
        ),
        (LIST + ",x,Total: 24\n", "row 2: member is empty, and 'Total: 24' says that it is a line"),
        (LIST + ",x,1200\n", "row 2: member is empty"),
    ],
)
def test_a_line_of_totals_without_an_id_is_told_as_one(
    tmp_path: Path, text: str, said: str
) -> None:
    """Whether the cell that says so is in a column that a send reads, or in another."""
    path = write(tmp_path, text)
    features = SimpleNamespace(attributes=Attributes({}, {}, {}))
    with pytest.raises(ValueError, match=re.escape(said)):
        list(check_members(path, [features], []))  # type: ignore[list-item]  # has attributes


@pytest.mark.parametrize(
    "own",
    [
        *("10005", "A 17", "x:9", "ann@x.org", "00999/2 b", "Total Wine", "count7", "sum 41"),
        *("totally@x.org", "members@x.org", "24", "Member 7", "ID 7", "1204-total"),
    ],
)
def test_whoever_may_be_a_member_is_one(tmp_path: Path, own: str) -> None:
    columns = Table.read(write(tmp_path, LIST + f"{own},,\n"), ["member"], True).columns
    refuse_other_lines(Path("members.csv"), columns)


def test_an_old_encoding_is_read_when_told_and_refused_when_not(tmp_path: Path) -> None:
    told = MEMBERS.replace("李", "Zoë")
    path = write(tmp_path, told.encode("cp1252"))
    with pytest.raises(
        ValueError,
        match=r"members\.csv row 0: byte b'\\x92' is not valid UTF-8; .* --encoding cp1252",
    ):
        read_all(path)
    assert read_all(path, encoding="cp1252") == read_all(write(tmp_path, told, "utf.csv"))
    # what is UTF-8 stays so, though something else was told: one send may mix the two
    assert read_all(tmp_path / "utf.csv", encoding="cp1252") == read_all(tmp_path / "utf.csv")
    path = write(tmp_path, b"a,b\nx,y\nx,\x81\n")
    with pytest.raises(ValueError, match=r"row 1: byte b'\\x81' is not valid CP1252"):
        read_all(path, encoding="cp1252")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a,b\n1,2\n\n3\n", "row 1 has 1 cells: '3'; the first line has 2 columns"),
        ('"a\nA",b\n1,"x\ny"\n2,3,4\n', "row 1 has 3 cells: '2,3,4'"),
        ('a,b\n1,2\n3,"x\n4,5\n', "row 1: a quote is opened and never closed"),
        ("a,a\n1,2\n", "has two columns 'a'"),
        ("a,\n1,2\n", "column 2 has no name in the first line; if the first line is a title"),
        ("a,b,\n1,2,3\n", "column 3 has no name in the first line$"),
        ("Our members\na,b\n1,2\n", r"row 0 has 2 cells: 'a,b'; .* 1 columns; if the first line"),
        ("a,b\n", "has no rows"),
        ("a,b", "has no rows"),
        ("a,b\n,\n,,\n".replace(",,\n", ",\n"), "has no rows"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        (b"a\n1\n\xe9", "row 1: byte"),
        (b"\xe9,b\n1,2\n", "first line: byte"),
        (b"a,b\r1,2\r3,4\r5,\xe9\r", "row 2: byte"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (b"PAR1...", "is a parquet file by its first bytes"),
        (b"PK\x03\x04...", "is an XLSX file by its first bytes"),
    ],
)
def test_what_is_no_table_is_refused_by_row(
    tmp_path: Path, data: str | bytes, message: str
) -> None:
    with pytest.raises(ValueError, match=rf"members\.csv.* ?{message}"):
        read_all(write(tmp_path, data))


def test_columns_are_found_by_their_plain_names(tmp_path: Path) -> None:
    names = ["Member ID", "Member-Type ", "dues", "DUES", "Story"]
    found = find_columns(tmp_path, names, ["member", "member_type", "dues", "story"])
    assert found == {
        "member": "Member ID",
        "member_type": "Member-Type ",
        "dues": "dues",
        "story": "Story",
    }
    with pytest.raises(ValueError, match=r"several columns for 'Dues': \['dues', 'DUES'\]"):
        find_columns(tmp_path, names, ["Dues"])
    with pytest.raises(ValueError, match="lacks column 'article'"):
        find_columns(tmp_path, names, ["article"])
    table = Table.read(write(tmp_path, MEMBERS), ["member", "since", "dues", "member_type"])
    assert table.columns["member"].to_pylist() == ["00003", "10004", "10005"]
    numbers = table.read_numbers("since").read_numbers("dues")
    assert numbers.columns["since"].to_pylist() == [2012.0, 2010.0, None]
    assert numbers.columns["dues"].to_pylist() == [1250.0, 250.0, None]
    huge = write(tmp_path, f"member,since\n1,{'9' * 400}\n", "huge.csv")
    with pytest.raises(ValueError, match=r"huge\.csv row 0: since = '999.*'; must be a number"):
        Table.read(huge, ["since"]).read_numbers("since")
    with pytest.raises(
        ValueError, match=r"members\.csv row 0: member_type = 'Student '; must be a number"
    ):
        table.read_numbers("member_type")


def test_a_workbook_is_read_as_the_same_text(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    rows = [["00003", 10004, "x"], ["Student ", None, "é"], [2012, 2010.5, None]]
    frame = pd.DataFrame(dict(zip(["Member ID", "Kind", "Since"], rows, strict=True)))
    frame.to_excel(tmp_path / "members.xlsx", index=False)
    assert read_all(tmp_path / "members.xlsx") == {
        "Member ID": ["00003", "10004", "x"],
        "Kind": ["Student ", "", "é"],
        "Since": ["2012", "2010.5", ""],
    }
    with pd.ExcelWriter(tmp_path / "two.xlsx") as both:
        for name in ("a", "b"):
            frame.to_excel(both, sheet_name=name)
    with pytest.raises(ValueError, match=r"two\.xlsx has 2 sheets that are filled; must be one"):
        read_all(tmp_path / "two.xlsx")
    (tmp_path / "text.xlsx").write_text("member,kind\n1,x\n")
    with pytest.raises(ValueError, match=r"text\.xlsx is no workbook by its first bytes, though"):
        read_all(tmp_path / "text.xlsx")
    (tmp_path / "none.xlsx").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"none\.xlsx is not a sound XLSX file"):
        read_all(tmp_path / "none.xlsx")


def test_a_large_file_is_read_in_order(tmp_path: Path) -> None:
    ids = np.arange(200_000)
    text = "member,note\n" + "".join(f'{i:07d},"line {i}\nnext"\n' for i in ids)
    columns = read_all(write(tmp_path, text))
    assert np.array(columns["member"], dtype=np.int64).tolist() == ids.tolist()


def test_a_send_of_sheets_is_the_send_of_the_same_parquet(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Members, pool, earlier pool and seen, in three formats, under names as people write them."""
    frames = {
        name: pd.read_parquet(desk / f"{name}.parquet") for name in ("members", "pool", "seen")
    }
    for frame in frames.values():
        if "member" in frame:
            frame["member"] = frame["member"].map("{:07d}".format)
    frames["members"]["member_since"] = frames["members"]["member_since"].where(lambda s: s > 2000)
    frames["pool"].loc[:3, "only_region"] = frames["members"]["region"][0]
    frames["seen"]["article"] = "old"
    frames["earlier"] = frames["pool"].iloc[[2]].assign(article="old")
    named = {"member": "Member ID", "region": "REGION", "only_region": "Only Region"}
    slates = []
    for form in ("parquet", "csv", "xlsx"):
        paths = {name: desk / f"again-{name}.{form}" for name in frames}
        for name, frame in frames.items():
            if form == "parquet":
                frame.to_parquet(paths[name])
            elif form == "csv":
                frame.rename(columns=named).to_csv(
                    paths[name], sep=";", index=False, encoding="cp1252"
                )
            else:
                pytest.importorskip("openpyxl")
                frame.rename(columns=named).to_excel(paths[name], index=False)
        earlier = paths.pop("earlier")
        asked = list_arguments(desk, unit / "bundle", out=desk / form, **paths)
        asked += ["--earlier", str(earlier), "--encoding", "cp1252"]
        assert send.main(asked) == 0, capsys.readouterr().err
        table = pd.read_parquet(desk / form / "slates.parquet")
        assert table["member"].iloc[0] == frames["members"]["member"][0]
        slates.append((desk / form / "slates.parquet").read_bytes())
        assert json.loads((desk / form / "send.json").read_text())["unknown"] == {}
    assert slates[0] == slates[1] == slates[2]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("Unsubscribed members\nMember ID\n00003\n", 0),
        ("Members,June\n,\nMember ID,type\n00003,student\n", 1),
    ],
)
def test_a_title_with_as_many_cells_as_the_names_is_told(
    tmp_path: Path, text: str, row: int
) -> None:
    said = rf"lacks column 'member'.*; row {row} holds the names: delete what stands above it$"
    with pytest.raises(ValueError, match=said):
        Table.read(write(tmp_path, text), ["member"])
