"""A disk that is full, or not to be written: one line, nothing torn, and the next run goes on."""

from pathlib import Path
from typing import Any

import pytest

from serving import export, send
from tests.support.desk_cases import list_arguments
from tests.support.kill_cases import files_of_at_most


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != "."}


def test_a_full_disk_stops_a_send_and_the_next_one_goes_on(
    unit: Path, desk: Path, capsys: Any
) -> None:
    assert send.main(list_arguments(desk, unit / "bundle", out=desk / "whole")) == 0
    whole, words = read_files(desk / "whole"), list_arguments(desk, unit / "bundle")
    largest = max(map(len, whole.values()))
    for size in (100, largest // 20, largest // 4, largest - 1):
        capsys.readouterr()
        with files_of_at_most(size):
            assert send.main(words) == 2
        said = [line for line in capsys.readouterr().err.splitlines() if line[:8] != "warning:"]
        assert len(said) == 1, said
        assert "File too large" in said[0]
        assert str(desk / "out") in said[0]
        left = read_files(desk / "out") if (desk / "out").exists() else {}
        assert not left, "files of an unfinished send"
    assert send.main(words) == 0
    assert read_files(desk / "out") == whole
    assert not [path for path in desk.rglob(".*") if path.name != ".lock"]


def test_a_full_disk_leaves_the_earlier_bundle(unit: Path, tmp_path: Path, capsys: Any) -> None:
    words = [str(unit), str(tmp_path / "bundle")]
    assert export.main(words) == 0
    before = read_files(tmp_path / "bundle")
    for size in (10, 2_000):
        with files_of_at_most(size):
            assert export.main(words) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        assert read_files(tmp_path / "bundle") == before
        assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("place", ["/proc/nothing/here", "/dev/null/sent"])
def test_a_place_that_cannot_be_written_is_told_in_one_line(
    place: str, unit: Path, desk: Path, capsys: Any
) -> None:
    assert send.main(list_arguments(desk, unit / "bundle", out=place)) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line[:8] != "warning:"]
    assert len(said) == 1
    assert place.split("/")[2] in said[0]
