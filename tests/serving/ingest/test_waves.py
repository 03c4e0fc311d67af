"""A campaign in waves: one issue where all waves are of one making, else an issue each."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bandit.log import archive
from serving import send
from serving.ingest.__main__ import main
from simulators.association.association import Association
from tests.support.desk_cases import N, list_arguments
from tests.support.ingest_cases import Happened, Post, list_days, write_rows


@pytest.fixture(scope="module")
def waves(sent: Path) -> Path:
    """A third of the members first, then the others."""
    desk = sent.parent
    out = desk / "waves"
    for more in ({"wave": 1, "share": 0.3}, {"wave": 2}):
        words = list_arguments(desk, desk / "bundle", campaign="2026-28", out=out, **more)
        assert send.main(words) == 0
    return out


def write(folder: Path, name: str, post: Post, happened: list[Happened]) -> str:
    path = folder / f"{name}.jsonl"
    text = write_rows("mailgun", post, happened)
    path.write_text(text.replace('"id": "', f'"id": "{name}-'))  # of each wave its own
    return str(path)


def test_waves_of_one_making_are_one_issue(
    waves: Path, tmp_path: Path, association: Association
) -> None:
    first, second = Post(waves / "wave-1"), Post(waves / "wave-2")
    assert len(first) + len(second) == N
    files = [write(tmp_path, "1", first, list_days(first))]
    files.append(write(tmp_path, "2", second, list_days(second)))
    assert main([str(waves), *files, "--log", str(tmp_path / "log")]) == 0
    (round,) = archive.read(tmp_path / "log", association.features)
    assert len(round.context.members) == N
    opened = set(round.context.member_ids[round.feedback.opened].tolist())
    wanted = [
        post.mails[row]["member"] for post in (first, second) for row in range(0, len(post), 3)
    ]
    assert opened == set(wanted)


def test_each_wave_may_be_an_issue_and_rows_of_the_other_are_set_aside(
    waves: Path,
    tmp_path: Path,
    association: Association,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """So that the second may be chosen by what the first has taught."""
    first, second = Post(waves / "wave-1"), Post(waves / "wave-2")
    files = [write(tmp_path, "1", first, list_days(first))]
    files.append(write(tmp_path, "2", second, list_days(second)))
    for wave in ("wave-1", "wave-2"):
        assert main([str(waves / wave), *files, "--log", str(tmp_path / "log")]) == 0
    rounds = list(archive.read(tmp_path / "log", association.features))
    assert [len(round.context.members) for round in rounds] == [len(first), len(second)]
    assert all(round.context.campaign == "2026-28" for round in rounds)
    clicks = [int(round.feedback.clicked.sum()) for round in rounds]
    assert clicks == [sum(row % 2 == 0 for row in range(0, len(p), 3)) for p in (first, second)]
    for number, other in ((1, second), (2, first)):
        aside = pd.read_parquet(tmp_path / "log" / "aside" / f"00{number}.parquet")
        assert set(aside["why"]) == {
            "its event id is of no mail of this send",
            "its member was not mailed",
        }
        assert aside["count"].sum() == len(list_days(other))
    for round in rounds:
        assert np.isfinite(round.slates.propensity).all()
    assert main([str(waves), *files, "--log", str(tmp_path / "log")]) == 2
    assert "has a part of this send as issue 1 already" in capsys.readouterr().err


def test_waves_of_several_pools_are_several_issues(
    waves: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = waves.parent
    pool = pd.read_parquet(desk / "pool.parquet")
    pool.iloc[1:].to_parquet(tmp_path / "pool.parquet")
    out = tmp_path / "waves"
    for more in ({"wave": 1, "share": 0.3}, {"wave": 2, "pool": tmp_path / "pool.parquet"}):
        words = list_arguments(desk, desk / "bundle", campaign="2026-29", out=out, **more)
        assert send.main(words) == 0
    file = write(tmp_path, "1", Post(out / "wave-1"), [Happened(0, "delivered", 0)])
    assert main([str(out), file, "--log", str(tmp_path / "log")]) == 2
    assert "had another pool or other rules than" in capsys.readouterr().err
