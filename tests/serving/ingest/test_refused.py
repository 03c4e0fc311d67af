"""What an ingest refuses: rows of another send, damaged books and logs; nothing changes then."""

import json
import shutil
from collections.abc import Callable
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.core.files import read_json
from serving.ingest.__main__ import main
from serving.ingest.reading.links import Places
from tests.support.ingest_cases import Post, list_days, write_rows


@pytest.fixture
def rows(post: Post, tmp_path: Path) -> Path:
    file = tmp_path / "rows.json"
    file.write_text(write_rows("sendgrid", post, list_days(post)))
    return file


def digest(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest() for file in files}


def run(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a run that is refused says."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("words", [[], ["--delivered-at", "2026-07-07T14:00Z"]])
def test_rows_of_another_send_are_no_issue_where_nobody_clicked(
    words: list[str], sent: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An issue that is in a log stays what it is, so a wrong folder could not be put right."""
    told = json.loads(rows.read_text())
    other = [each | {"unique_args": {"campaign": "2026-26"}} for each in told]
    rows.write_text(json.dumps(other))
    said = run(capsys, sent, rows, *words, "--log", tmp_path / "log")
    assert f"none of the {len(told)} rows is of use for the send {sent}, campaign '2026-27'" in said
    assert f"nothing is added; {len(told)}: it is of another campaign" in said
    assert [path.name for path in tmp_path.iterdir()] == [rows.name]


@pytest.mark.parametrize("text", ["", "[]", "a,b\n"])
def test_files_without_rows_are_said_to_have_none(
    text: str, sent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows"
    file.write_text(text)
    assert "the files hold no rows" in run(capsys, sent, file, "--log", tmp_path / "log")


def test_a_file_of_which_nothing_can_be_read_is_no_unknown_provider_s(
    sent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.json"
    file.write_text('{"email": "ann')
    said = run(capsys, sent, file, "--log", tmp_path / "log")
    assert f'{file}: it holds no row that can be read: \'{{"email": "ann\' is cut off' in said
    assert f"{tmp_path} is a folder; must be a file" in run(capsys, sent, tmp_path, "--log", "log")


@pytest.mark.parametrize(
    ("headings", "words"),
    [
        ("Name", "has no column of addresses, which must be called 'email', 'Email Address' or"),
        (
            "Name;E-mail Address (Primary)",
            "beside ids it has ['Name', 'E-mail Address (Primary)']; the nearest is 'E-mail "
            "Address (Primary)': rename it",
        ),
        ("E-mail;Address", "has 2 columns of addresses, ['E-mail', 'Address']; leave the one"),
    ],
)
def test_which_columns_may_hold_addresses_is_said(
    headings: str,
    words: str,
    sent: Path,
    rows: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = tmp_path / "addresses.csv"
    table.write_text(f"Member ID;{headings}\n7{';x' * len(headings.split(';'))}\n")
    said = run(capsys, sent, rows, "--addresses", table, "--log", tmp_path / "log")
    assert str(table) in said
    assert words in said


@pytest.mark.parametrize("setting", ["--delivered-at", "--addresses"])
def test_a_setting_that_is_empty_does_not_pass_in_silence(
    setting: str, sent: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, sent, rows, setting, "", "--log", tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_a_log_that_lost_its_rules_is_not_begun_anew(
    sent: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it held would be gone."""
    log = tmp_path / "log"
    assert main([str(sent), str(rows), "--log", str(log)]) == 0
    (log / "rules.json").unlink()
    (log / "ingest.json").unlink()
    before = digest(log)
    assert f"{log} holds no rules.json" in run(capsys, sent, rows, "--log", log)
    assert digest(log) == before


def test_a_damaged_log_is_named_and_not_a_copy_of_it(
    sent: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, other = tmp_path / "log", tmp_path / "other"
    assert main([str(sent), str(rows), "--log", str(log)]) == 0
    (log / "members.parquet").write_bytes(b"junk")
    shutil.copytree(sent, other)
    send = read_json(other / "send.json") | {"campaign": "2026-28"}
    (other / "send.json").write_text(json.dumps(send))
    said = run(capsys, other, rows, "--log", log)
    assert f"{log}/members.parquet is not a sound parquet file" in said
    assert ".part" not in said


@pytest.mark.parametrize("part", ["events", "aside"])
def test_damage_to_what_nothing_else_reads_is_noticed(
    part: str, sent: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next ingest names the file, and leaves the log as it is; aside may be thrown away."""
    log = tmp_path / "log"
    assert main([str(sent), str(rows), "--log", str(log)]) == 0
    file = log / part / "001.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    before = digest(log)
    assert f"{file} is damaged" in run(capsys, sent, rows, "--log", log)
    assert digest(log) == before
    file.unlink()
    if part == "events":
        assert f"{file} is missing" in run(capsys, sent, rows, "--log", log)
    else:
        assert main([str(sent), str(rows), "--log", str(log)]) == 0


@pytest.fixture
def other(sent: Path, tmp_path: Path) -> Path:
    """A copy of the send, which a test may change."""
    return shutil.copytree(sent, tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "longer"), [("slates.parquet", False), ("members.parquet", False), ("merge.csv", True)]
)
def test_a_send_that_was_changed_is_refused(
    name: str,
    longer: bool,
    other: Path,
    rows: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By a byte where the file is read, by its size where it is not."""
    data = bytearray((other / name).read_bytes())
    data[len(data) // 2] ^= 1
    (other / name).write_bytes(data + b"x" * longer)
    said = run(capsys, other, rows, "--log", tmp_path / "log")
    assert f"{other}/{name} is not the file that send.json names: it was changed" in said
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda rules: [], "send.json: rules = []; must be settings by name"),
        (lambda rules: rules | {"slots": "x"}, "send.json: rules: slots = 'x': must be a valid"),
        (
            lambda rules: rules | {"slots": rules["slots"] - 1},
            "does not hold slots 1 to 3 of each member, in order, which the rules in send.json ask",
        ),
    ],
)
def test_rules_that_are_not_those_of_the_slates_are_refused(
    edit: Callable[[Any], Any],
    said: str,
    other: Path,
    rows: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    send = read_json(other / "send.json")
    send["rules"] = edit(send["rules"])
    (other / "send.json").write_text(json.dumps(send))
    assert said in run(capsys, other, rows, "--log", tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_a_log_does_not_lie_in_the_send(
    sent: Path, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = run(capsys, sent, rows, "--log", sent / "log")
    assert f"--log {sent}/log is or lies in {sent}, which is read and would be spoilt" in said
    assert not (sent / "log").exists()


@pytest.mark.parametrize("pattern", ["https://news.example.org/*", "*"])
def test_places_of_other_links_hold_no_article_s(
    pattern: str, sent: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every click would count as one on the footer, and the articles as shown for nothing."""
    places = tmp_path / "links.yaml"
    places.write_text(f"footer: ['https://example.org/privacy', '{pattern}']\n")
    said = run(capsys, sent, rows, "--links", places, "--log", tmp_path / "log")
    assert f"{places}: footer = ['https://example.org/privacy', '{pattern}'] holds 'news." in said
    assert "which is an article's link: its clicks would be lost" in said
    assert not (tmp_path / "log").exists()


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.text("ab/", max_size=3), min_size=1, max_size=5).map("*".join),
    st.text("ab/", max_size=12),
)
def test_a_star_stands_for_anything(pattern: str, path: str) -> None:
    places = Places({"footer": [f"https://e.org/x{pattern}z"]})
    assert bool(places.find(f"e.org/x{path}z")) == fnmatchcase(path, pattern)


def test_many_stars_take_no_longer_than_one() -> None:
    """Read as an ordinary expression this one would go on for years."""
    places = Places({"footer": ["https://e.org/" + "*a" * 60 + "*z"]})
    assert places.find("e.org/" + "a" * 3000) == ""
    assert places.find("e.org/" + "a" * 3000 + "z") == "footer"


def test_a_mapping_that_read_nothing_is_told(
    sent: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping = tmp_path / "mine.yaml"
    words = [str(sent), str(rows), "--mapping", str(mapping), "--log", str(tmp_path / "log")]
    mapping.write_text("provider: mine\nkind: event\nkinds: {open: open}\n")
    assert f"{mapping}: time: it is missing" in run(capsys, *words)
    mapping.write_text("provider: mine\nkind: event\nkinds: {open: open}\ntime: timestamp\n")
    assert main(words) == 0
    assert f"warning: --mapping {mapping}: no file was read by it" in capsys.readouterr().out


def test_deliveries_at_impossible_times_are_told_where_no_other_has_one(
    sent: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(rows.read_text())
    count = sum(each["event"] == "delivered" for each in told)
    late = [each | {"timestamp": 7e9} for each in told if each["event"] == "delivered"]
    mail = {"unique_args": late[0]["unique_args"]}
    opens = [each | mail for each in told if each["event"] == "open"]
    rows.write_text(json.dumps(late + opens))
    said = run(capsys, sent, rows, "--log", tmp_path / "log")
    assert "no file says when mails were delivered: give one that does" in said
    assert f"set aside: {count}: an impossible time" in said
