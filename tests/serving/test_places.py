"""What is written never lies in what is read: a stray file in a bundle makes it useless."""

from pathlib import Path

import pytest

from serving.explain import __main__ as explain
from serving.profiles import __main__ as profiles
from serving.update import __main__ as update
from serving.verdict import __main__ as verdict

FILES = ["--members", "members.parquet", "--out"]
ISSUE = ["--pool", "p.csv", "--rules", "r.yaml", "--campaign", "c", "--seed", "7", "--member", "1"]
UPDATE = [update, "bundle", "log", "new", "--seen"]
EXPLAIN = [explain, "bundle", "log", *ISSUE, "--sent", "sent", *FILES]
PROFILES = [profiles, "bundle", "log", *FILES]
VERDICT = [verdict, "log", "--sent", "sent", "--out"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([update, "bundle", "log", "log/new"], "NEW_BUNDLE log/new is or lies in log"),
        ([*UPDATE, "bundle/seen.parquet"], "--seen bundle/seen.parquet is or lies in bundle"),
        ([*UPDATE, "new/seen.parquet"], "--seen new/seen.parquet is or lies in new"),
        ([*UPDATE, "log/seen.parquet"], "--seen log/seen.parquet is or lies in log"),
        ([*UPDATE, "link/seen.parquet"], "--seen link/seen.parquet is or lies in bundle"),
        ([*EXPLAIN, "bundle/page.html"], "--out bundle/page.html is or lies in bundle"),
        ([*EXPLAIN, "log/page.html"], "--out log/page.html is or lies in log"),
        ([*EXPLAIN, "sent/page.html"], "--out sent/page.html is or lies in sent"),
        ([*PROFILES, "bundle/all.parquet"], "--out bundle/all.parquet is or lies in bundle"),
        ([*PROFILES, "members.parquet"], "--out members.parquet is or lies in members.parquet"),
        ([*VERDICT, "log"], "--out log is or lies in log"),
        ([*VERDICT, "sent/verdict"], "--out sent/verdict is or lies in sent"),
    ],
)
def test_what_is_read_is_not_written_into(
    words: list[object],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("bundle", "log", "sent"):
        Path(name).mkdir()
    Path("link").symlink_to("bundle")
    program, *rest = words
    assert program.main(rest) == 2  # type: ignore[attr-defined]
    told = capsys.readouterr().err
    assert f"{said}, which is read and would be spoilt; choose another place" in told
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["bundle", "link", "log", "sent"]
