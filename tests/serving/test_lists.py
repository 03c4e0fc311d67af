"""Lists longer than memory: read, checked and kept in pieces, to the same bytes as short ones."""

import csv
import os
import time
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path
from threading import Thread

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.core import files
from serving import send
from serving.shards import divide
from serving.tables import distinct, opening, sheets, text
from serving.tables.distinct import refuse_twice
from serving.tables.rows import Rows, keep_lists
from serving.tables.table import Table
from tests.support.desk_cases import N, list_arguments

BLOCK = 90  # bytes of a CSV file at a time; longer than any row here
CELLS = st.text(st.sampled_from('ab é€",;\n'), max_size=9)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of a few rows, so that lists of sixty members are long."""
    monkeypatch.setattr(opening, "PIECE", 7)
    monkeypatch.setattr(sheets, "BLOCK", BLOCK)
    monkeypatch.setattr(text, "BLOCK", 11)
    monkeypatch.setattr(distinct, "MOST", 9)


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "members.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path, *names: str, encoding: str = "utf-8") -> Iterator[Table]:
    return Table.read_pieces(path, ["member", *names], encoding=encoding)


def check(path: Path) -> None:
    for piece in read(path):
        piece.check_ids("member", unique=False)


@settings(deadline=None, max_examples=60)
@given(
    cells=st.lists(st.tuples(CELLS, CELLS), min_size=12, max_size=40),
    separator=st.sampled_from([",", ";"]),
    encoding=st.sampled_from(["utf-8", "cp1252"]),
)
def test_a_csv_read_in_blocks_is_what_python_reads_of_it(
    tmp_path_factory: pytest.TempPathFactory,
    cells: list[tuple[str, str]],
    separator: str,
    encoding: str,
) -> None:
    rows = [(f"{i:05d}", one.strip("\n"), other) for i, (one, other) in enumerate(cells)]
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerows([("member", "one", "other"), *rows])
    path = write(tmp_path_factory.mktemp("csv"), out.getvalue().encode(encoding))
    pieces = list(read(path, "one", "other", encoding=encoding))
    assert len(pieces) > 2
    told = (
        out.getvalue() if encoding == "utf-8" else out.getvalue().encode(encoding).decode(encoding)
    )
    _, *expected = csv.reader(StringIO(told, newline=""), delimiter=separator)
    table = Table.join(pieces).columns
    assert list(map(list, zip(*table.to_pydict().values(), strict=True))) == expected
    assert [piece.first for piece in pieces] == [
        0,
        *np.cumsum([len(p.columns) for p in pieces])[:-1],
    ]


LINES = [f"{i:05d},x{i}" for i in range(60)]


@pytest.mark.parametrize(
    ("row", "line", "said"),
    [
        (51, "00051,x,y", r"row 51 has 3 cells: '00051,x,y'; the first line has 2 columns$"),
        (44, "NULL,x", r"row 44: member 'NULL' is no id"),
        (59, '00059,"x', r"row 59: a quote is opened and never closed"),
        (33, '00033,"x', r"row 33: a quote is opened and never closed"),
        (57, b"00057,\xff", r"row 57: byte b'\\xff' is not valid UTF-8"),
        (
            38,
            "00038," + "x" * 2 * BLOCK,
            r"row 38 has 187 bytes, more than the 90 that a row may",
        ),
    ],
)
def test_what_is_wrong_late_in_a_list_is_named_by_its_row(
    tmp_path: Path, row: int, line: str | bytes, said: str
) -> None:
    lines = [each.encode() for each in ("member,note", *LINES)]
    lines[row + 1] = line if isinstance(line, bytes) else line.encode()
    with pytest.raises(ValueError, match=rf"members\.csv {said}"):
        check(write(tmp_path, b"\n".join(lines)))


def test_rows_of_nothing_at_the_end_of_a_list_are_left_and_those_within_are_not(
    tmp_path: Path,
) -> None:
    nothing = [","] * 70
    path = write(tmp_path, "\n".join(["member,note", *LINES, *nothing, "00060,z", *nothing]))
    ids = [each for piece in read(path) for each in piece.columns["member"].to_pylist()]
    assert ids == [*(line[:5] for line in LINES), *[""] * 70, "00060"]


@settings(deadline=None, max_examples=80)
@given(
    ids=st.lists(st.integers(0, 60) | st.integers(2**62, 2**62 + 9), max_size=40),
    cut=st.integers(1, 9),
)
def test_the_first_id_that_comes_twice_is_named_with_both_its_rows(
    ids: list[int], cut: int
) -> None:
    for values in (ids, list(map(str, ids))):
        table = pa.table(
            {"member": pa.array(values, pa.string() if values is not ids else pa.int64())}
        )

        def pieces(table: pa.Table = table) -> Iterable[pa.Table]:
            return (table.slice(row, cut) for row in range(0, max(len(table), 1), cut))

        first: dict[object, int] = {}
        twice = [row for row, one in enumerate(values) if first.setdefault(one, row) < row]
        if twice:
            row, one = twice[0], values[twice[0]]
            where = f"row {row}: member {one!r} is in row {first[one]} already"
            with pytest.raises(ValueError, match=where):
                refuse_twice(Path("m.csv"), "member", pieces)
        else:
            refuse_twice(Path("m.csv"), "member", pieces)


def test_kept_rows_are_those_of_the_file_with_the_types_of_the_whole_list(tmp_path: Path) -> None:
    """A number that is missing in the third piece makes floats of all; NaN is a missing one."""
    ids = [f"{i:03d}" for i in range(23)]
    years = [2000 + i if i != 17 else None for i in range(23)]
    fees = [float("nan") if i == 4 else i / 3 for i in range(23)]
    kinds = pa.array(["a", None, "b"] * 7 + ["c", None], pa.large_string())
    table = pa.table(
        {"member": ids, "years": years, "fees": fees, "kinds": kinds, "count": range(23)}
    )
    pq.write_table(table, tmp_path / "members.parquet", row_group_size=10)
    with keep_lists(tmp_path) as (at, _):
        rows = Rows(at, read(tmp_path / "members.parquet", "years", "fees", "kinds", "count"))
        assert [len(piece) for piece in rows] == [7, 7, 7, 2] or sum(map(len, rows)) == 23
        assert len(rows) == 23
        for piece in rows:
            kept = ["string", "double", "double", "string", "int64"]
            assert [str(kind) for kind in piece.schema.types] == kept
        whole = rows.gather()
        assert whole["member"].tolist() == ids
        np.testing.assert_array_equal(whole["years"], [np.nan if y is None else y for y in years])
        np.testing.assert_array_equal(whole["fees"], fees)
        assert whole["kinds"].tolist() == kinds.to_pylist()
        (some,) = [
            piece for piece in rows.read("count", "member") if piece["count"][0].as_py() == 7
        ]
        assert some.column_names == ["count", "member"]
        assert rows.find("member", "017")["count"].tolist() == [17]
        with pytest.raises(ValueError, match=r"members\.parquet: no row has member '023'"):
            rows.find("member", "023")
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_is_written_to_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "\n".join(["member,note", *LINES]))
    pieces = read(path)
    next(pieces)
    with path.open("a") as file:
        file.write("\n00060,z")
    os.utime(path, ns=(1, 1))
    with pytest.raises(
        ValueError, match=r"members\.csv was written to while it was read; try again"
    ):
        list(pieces)


@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_a_list_may_come_through_a_pipe(tmp_path: Path, pause: float) -> None:
    path = tmp_path / "members.csv"
    os.mkfifo(path)

    def fill() -> None:
        with path.open("w") as pipe:
            pipe.write("\n".join(["member,note", *LINES[:9], ""]))
            pipe.flush()
            time.sleep(pause)
            pipe.write("\n".join(LINES[9:]))

    writer = Thread(target=fill)
    writer.start()
    ids = [each for piece in read(path) for each in piece.columns["member"].to_pylist()]
    writer.join()
    assert ids == [line[:5] for line in LINES]


@pytest.mark.parametrize("block", range(13, 40))
def test_where_blocks_end_changes_no_cell(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "BLOCK", block)
    path = write(tmp_path, b'member,note\r\n1,"a\r\nb"\r\n2,c\r\n\r\n3,"d\r\r\n"\r\n')
    found = Table.join(list(read(path, "note"))).columns.to_pydict()
    assert found == {"member": ["1", "2", "3"], "note": ["a\r\nb", "c", "d\r\r\n"]}


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("blank", [0, 2])
def test_rows_are_counted_alike_whatever_ends_them(tmp_path: Path, end: str, blank: int) -> None:
    """Lines of nothing are no rows."""
    lines = ["", "member,note", "1,x", *[""] * blank, '2,"y', 'y"', "3,z"]
    for last, said in (('4,"w', "row 3: a quote is opened"), ("4,\xff", r"row 3: byte b'\\xff'")):
        content = end.join([*lines, last]).encode("latin-1")
        with pytest.raises(ValueError, match=rf"members\.csv {said}"):
            list(read(write(tmp_path, content)))


def test_a_quote_is_found_open_though_earlier_cells_hold_quotes(tmp_path: Path) -> None:
    for content in ('member,note\n1,"a"b\n2,"c\n3,d\n4,e\n', 'member,note\n1,"' + "x" * 70_000):
        with pytest.raises(ValueError, match="a quote is opened and never closed"):
            list(read(write(tmp_path, content), "note"))


@pytest.mark.parametrize(
    ("names", "asked"),
    [("member", "member"), ("member note", "member note"), ("member note", "note")],
)
def test_a_flipped_bit_takes_no_row_away(tmp_path: Path, names: str, asked: str) -> None:
    """Headers of pages, and what stands at the file's end, bear no checksum."""
    count = 7 + 4  # a piece and a bit
    table = pa.table({"member": range(count), "note": ["a", "b", "c", "d", "e"] * 2 + ["f"]})
    path = tmp_path / "m.parquet"
    pq.write_table(
        table.select(names.split()), path, write_page_checksum=True, use_dictionary=False
    )
    sound, silent = path.read_bytes(), []
    for place in range(4, len(sound)):
        for bit in (0, 2):
            bad = bytearray(sound)
            bad[place] ^= 1 << bit
            path.write_bytes(bad)
            try:
                rows = sum(len(piece.columns) for piece in Table.read_pieces(path, asked.split()))
            except (ValueError, MemoryError):
                continue
            if rows != count:
                silent.append((place, bit, rows))
    assert not silent


def test_a_campaign_of_long_lists_has_the_bytes_of_one_of_short_lists(
    unit: Path, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two waves, with limits on an article's audience, what was seen, and no repeats."""
    pool = pq.read_table(desk / "pool.parquet")
    limits = [9.0 if i == 2 else None for i in range(len(pool))]
    pq.write_table(pool.append_column("audience", pa.array(limits)), desk / "pool.parquet")
    seen = pq.read_table(desk / "seen.parquet", columns=["member", "article"])
    narrow = pa.schema([("member", pa.int32()), ("article", pa.string())])  # slates have 64 bits
    pq.write_table(seen.cast(narrow), desk / "seen.parquet")
    earlier = list_arguments(desk, unit / "bundle", out=desk / "past", campaign="week-29")
    assert send.main(earlier) == 0
    rules = desk / "rules.yaml"
    rules.write_text(rules.read_text() + "no_repeat: 1\n")
    monkeypatch.undo()
    found = []
    for name in ("short", "long"):
        if name == "long":
            monkeypatch.setattr(opening, "PIECE", 7)
            monkeypatch.setattr(files, "ROWS", 11)
            monkeypatch.setattr(divide, "SHARD", 13)
            monkeypatch.setattr(divide, "TOGETHER", 2)
        asked = list_arguments(desk, unit / "bundle", out=desk / name)
        asked += ["--sent", str(desk / "past"), "--allow-unmatched"]
        assert send.main([*asked, "--wave", "1", "--share", ".4"]) == 0
        assert send.main([*asked, "--wave", "2"]) == 0
        paths = sorted(path for path in (desk / name).rglob("*") if path.is_file())
        found.append({str(path.relative_to(desk / name)): path.read_bytes() for path in paths})
    assert found[0] == found[1]
    mailed = [pq.read_table(desk / "long" / f"wave-{i}" / "members.parquet") for i in (1, 2)]
    assert sum(map(len, mailed)) == N
