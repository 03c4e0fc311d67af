"""Two processes at one place, and what a killed one has left there."""

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from bandit.core.files import hold, replacing, sweep, write_json
from serving import bundle, export, send
from serving.folder import claim, replace_folder
from serving.letters import files
from serving.manifest import FILES, MANIFEST
from tests.support.desk_cases import list_arguments


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_of_two_sends_into_one_folder_one_is_refused_by_name(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    begun, go_on, status = threading.Event(), threading.Event(), []
    write = files.write_slates

    def write_late(*given: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return write(*given)

    monkeypatch.setattr(files, "write_slates", write_late)
    first = threading.Thread(
        target=lambda: status.append(send.main(list_arguments(desk, unit / "bundle")))
    )
    first.start()
    assert begun.wait(60)
    linked = desk / "link"
    linked.symlink_to(desk / "out")
    for out in (desk / "out", desk / "x" / ".." / "out", linked):
        assert send.main(list_arguments(desk, unit / "bundle", out=out, seed=8)) == 2
        assert f"{out}: another process is writing there" in capsys.readouterr().err
    go_on.set()
    first.join()
    assert status == [0]
    assert list_names(desk / "out") == [
        "members.parquet",
        "merge.csv",
        "merge.jsonl",
        "pool.parquet",
        "preview.html",
        "send.json",
        "slates.parquet",
    ]
    assert not [path for path in desk.iterdir() if path.name.startswith(".")]


def test_of_two_exports_to_one_place_one_is_refused_by_name(
    unit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with replace_folder(tmp_path / "b", FILES) as part:
        shutil.copytree(unit / "bundle", part, dirs_exist_ok=True)
        assert export.main([str(unit), str(tmp_path / "b")]) == 2
    assert "b: another process is writing there" in capsys.readouterr().err
    assert export.main([str(unit), str(tmp_path / "b")]) == 0
    assert list_names(tmp_path) == ["b"]


def test_a_lock_of_a_killed_process_is_nobodys(tmp_path: Path) -> None:
    child = os.fork()
    if not child:
        hold(tmp_path / ".lock")
        os._exit(9)
    os.waitpid(child, 0)
    assert list_names(tmp_path) == [".lock"]
    with claim(tmp_path):
        pass
    assert list_names(tmp_path) == []
    with claim(tmp_path / "new" / "er"):  # nothing came into it
        pass
    assert list_names(tmp_path) == []


def test_what_killed_processes_left_is_swept_and_what_others_write_is_not(tmp_path: Path) -> None:
    left = [tmp_path / ".b.1234abcd.part", tmp_path / ".b.zz_9.old"]
    others = [tmp_path / ".b.v2.1234abcd.part", tmp_path / ".c.x.part", tmp_path / "b.part"]
    for folder in (*left, *others):
        folder.mkdir()
        (folder / "file").write_text("x")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".slates.parquet.77.part").write_text("x")
    held = hold(tmp_path / "b" / ".slates.parquet.78.part")
    assert held is not None
    with claim(tmp_path / "b"):
        pass
    with pytest.raises(RuntimeError), replace_folder(tmp_path / "b", [".slates.parquet.78.part"]):
        raise RuntimeError
    assert list_names(tmp_path) == sorted(["b", *(path.name for path in others)])
    assert list_names(tmp_path / "b") == [".slates.parquet.78.part"]
    os.close(held)
    sweep(tmp_path / "b", "other.parquet")
    assert list_names(tmp_path / "b") == [".slates.parquet.78.part"]
    write_json(tmp_path / "b" / "slates.parquet", 1)
    assert list_names(tmp_path / "b") == ["slates.parquet"]


def test_a_folder_that_was_being_exchanged_is_put_back(folder: Path, tmp_path: Path) -> None:
    """Where the system cannot exchange two names at once, a kill may fall between two renames."""
    shutil.copytree(folder, tmp_path / ".b.1234abcd.old")
    with pytest.raises(RuntimeError), replace_folder(tmp_path / "b", FILES):
        raise RuntimeError
    assert list_names(tmp_path) == ["b"]
    bundle.read(tmp_path / "b")


@pytest.mark.parametrize("atomic", [True, False])
def test_an_earlier_folder_is_exchanged(atomic: bool, tmp_path: Path, monkeypatch: Any) -> None:
    if not atomic:
        monkeypatch.setattr("serving.folder.EXCHANGE", 1 << 20)  # which no system knows
    for text in ("one", "two", "three"):
        with replace_folder(tmp_path / "b", (MANIFEST,)) as part:
            (part / MANIFEST).write_text(text)
        assert (tmp_path / "b" / MANIFEST).read_text() == text
        assert list_names(tmp_path) == ["b"]


def test_one_process_does_not_write_a_file_twice_at_once(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as part:
        part.write_text("first")
        with pytest.raises(ValueError, match="a is being written"), replacing(tmp_path / "a"):
            pass
    assert (tmp_path / "a").read_text() == "first"
    assert list_names(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("b", "lies in the bundle, which it would spoil"),
        ("b/deep/er", "lies in the bundle, which it would spoil"),
        ("x/../b", "lies in the bundle, which it would spoil"),
        ("link", "lies in the bundle, which it would spoil"),
        (".", "holds b, which is read"),
    ],
)
def test_a_send_does_not_write_where_it_reads(
    out: str, why: str, unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(unit / "bundle", desk / "b")
    (desk / "link").symlink_to(desk / "b")
    before = list_names(desk / "b"), list_names(desk)
    assert send.main(list_arguments(desk, desk / "b", out=desk / out)) == 2
    assert why in capsys.readouterr().err
    assert (list_names(desk / "b"), list_names(desk)) == before
    (desk / "inputs").mkdir()
    (desk / "seen.parquet").rename(desk / "inputs" / "seen.parquet")
    there = {"seen": desk / "inputs" / "seen.parquet", "out": desk / "inputs"}
    assert send.main(list_arguments(desk, desk / "b", **there)) == 2
    assert "holds seen.parquet, which is read" in capsys.readouterr().err


def test_an_export_does_not_write_into_what_it_copies(
    unit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(unit, tmp_path / "run")
    for inside in (run / "bundle", run / "bundle" / "deep"):
        assert export.main([str(run), str(inside)]) == 2
        assert "lies in" in capsys.readouterr().err
    bundle.read(run / "bundle")
