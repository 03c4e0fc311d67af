"""Profiles move forward by new issues alone, to the bits of learning the whole log at once."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit.core.types import Round
from bandit.log import archive
from bandit.log.issues import describe_issues, list_issues
from bandit.log.learning import learn_log
from bandit.policies.random import Random
from bandit.policy import Policy
from experiments.runner.configs import list_configs, make, read_policy
from serving import bundle
from serving.manifest import POLICY
from serving.update.__main__ import main
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of

LIMITS = ("bayes_limit", "oracle", "profile_true_topics")  # can never be exported
NAMES = [name for name in list_configs("policy") if name not in LIMITS]
LAST = 8


@pytest.fixture(scope="module")
def association() -> Association:
    """Members join and leave, and articles come again."""
    return association_of(
        seed=11,
        members=130,
        issues=LAST,
        pool=14,
        slots=4,
        text_dims=8,
        click_to_open=0.4,
        joiners=0.3,
        unsubscribe=0.03,
        carried=0.4,
        pin_every=3,
    )


@pytest.fixture(scope="module")
def rounds(association: Association) -> list[Round]:
    return list(play(Random(), association.twin(), seed=7))


@pytest.fixture(scope="module")
def logs(rounds: list[Round], tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The log as it was after so many issues."""
    folder = tmp_path_factory.mktemp("logs")
    for count in (4, 7, LAST):
        archive.write(folder / f"{count}", rounds[:count])
    return {count: folder / f"{count}" for count in (4, 7, LAST)}


def write(
    folder: Path, policy: Policy, name: str, association: Association, log: Path | None = None
) -> Path:
    """A bundle of a policy that has learned a log, or nothing."""
    parameters = dict(read_policy(name))
    target = str(parameters.pop("_target_"))
    named: dict[str, Any] = {"seed": 7}
    if log is not None:
        named["learned"] = describe_issues(list_issues(log))
    bundle.write(folder, policy, target, parameters, association.features, named)
    return folder


def teach(name: str, association: Association, log: Path) -> Policy:
    policy: Policy = make(read_policy(name))
    policy.start(association.features)
    learn_log(policy, log, association.features)
    return policy


@pytest.fixture(scope="module")
def first(
    association: Association, logs: dict[int, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A profile that has learned four issues. No test changes it."""
    folder = tmp_path_factory.mktemp("bundles") / "first"
    policy = teach("profile", association, logs[4])
    return write(folder, policy, "profile", association, logs[4])


@pytest.fixture(scope="module", autouse=True)
def _collect() -> Iterator[None]:
    """Vowpal Wabbit complains if it is still there when the interpreter goes."""
    import gc

    yield
    gc.collect()


def run(*words: object) -> int:
    return main([str(word) for word in words])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_issue_by_issue_is_the_whole_log_at_once_to_the_bit(
    name: str, association: Association, logs: dict[int, Path], tmp_path: Path
) -> None:
    """From four issues to seven to eight: members join and leave, articles come again."""
    start = write(tmp_path / "4", teach(name, association, logs[4]), name, association, logs[4])
    before = {path.name: path.read_bytes() for path in start.iterdir()}
    assert run(start, logs[7], tmp_path / "7") == 0
    assert run(tmp_path / "7", logs[LAST], tmp_path / "8") == 0
    whole = write(tmp_path / "whole", teach(name, association, logs[LAST]), name, association)
    assert (tmp_path / "8" / POLICY).read_bytes() == (whole / POLICY).read_bytes()
    assert {path.name: path.read_bytes() for path in start.iterdir()} == before
    told = bundle.read(tmp_path / "8").manifest.made_from
    assert told["learned"] == describe_issues(list_issues(logs[LAST]))
    assert told["updated_from"] == bundle.read(tmp_path / "7").digest
    assert told["seed"] == 7


def test_the_log_has_what_makes_it_hard(rounds: list[Round]) -> None:
    ids = [set(round.context.member_ids) for round in rounds]
    assert ids[-1] - ids[3]
    assert ids[3] - ids[-1]
    assert rounds[-1].context.seen.any()


def test_issues_after_one_are_read_as_they_are_in_the_whole_log(
    association: Association, logs: dict[int, Path]
) -> None:
    whole = list(archive.read(logs[LAST], association.features))
    for after in (0, 4, 7):
        some = list(archive.read(logs[LAST], association.features, after=after))
        assert len(some) == LAST - after
        for one, two in zip(whole[after:], some, strict=True):
            for field in ("seen", "eligible", "member_features", "article_features"):
                assert np.array_equal(getattr(one.context, field), getattr(two.context, field))
            assert np.array_equal(one.slates.choice, two.slates.choice)


def test_what_has_learned_nothing_learns_the_whole_log(
    association: Association,
    logs: dict[int, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At a terminal it says which issue it is at."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    policy = make(read_policy("popular"))
    policy.start(association.features)
    write(tmp_path / "new", policy, "popular", association)
    assert run(tmp_path / "new", logs[7], tmp_path / "next") == 0
    told = [f"learning issue {each.issue} ..." for each in list_issues(logs[7])]
    assert capsys.readouterr().err.split("\r") == [*told, ""]
    whole = write(
        tmp_path / "whole", teach("popular", association, logs[7]), "popular", association
    )
    assert (tmp_path / "next" / POLICY).read_bytes() == (whole / POLICY).read_bytes()


def copied(log: Path, folder: Path) -> Path:
    return Path(shutil.copytree(log, folder))


def forget(log: Path, *issues: int) -> None:
    """Take issues out of a log, as if they had never been."""
    import json

    rules = json.loads((log / "rules.json").read_text())
    for issue in issues:
        del rules[f"{issue:03d}"]
        for part in ("log", "pools", "changes"):
            (log / part / f"{issue:03d}.parquet").unlink(missing_ok=True)
    (log / "rules.json").write_text(json.dumps(rules))


def test_a_log_that_is_not_the_one_it_knows_is_refused_by_name(
    first: Path, logs: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    again = copied(logs[7], tmp_path / "again")
    (again / "log" / "002.parquet").write_bytes((again / "log" / "003.parquet").read_bytes())
    assert run(first, again, new) == 2
    assert "issue 002" in (words := said(capsys))
    assert "was rewritten since it was learned (SHA-256 is" in words
    assert run(first, logs[4], new) == 2
    assert "has no new issue: issue 004" in said(capsys)
    gap = copied(logs[7], tmp_path / "gap")
    forget(gap, 5)
    assert run(first, gap, new) == 2
    assert "issue 005 is missing: issue 004" in said(capsys)
    lost = copied(logs[7], tmp_path / "lost")
    forget(lost, 3)
    assert run(first, lost, new) == 2
    assert "issue 003 (" in (words := said(capsys))
    assert "is missing, which was learned" in words
    assert not new.exists()


def test_a_campaign_that_was_learned_under_another_number_is_refused(
    first: Path, logs: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    log = copied(logs[7], tmp_path / "log")
    rules = json.loads((log / "rules.json").read_text())
    rules["005"] = rules["002"]
    (log / "rules.json").write_text(json.dumps(rules))
    for part in ("log", "pools"):
        shutil.copyfile(log / part / "002.parquet", log / part / "005.parquet")
    assert run(first, log, tmp_path / "new") == 2
    assert "was learned already, as issue 002" in said(capsys)


def test_a_damaged_new_issue_leaves_everything_as_it_was(
    first: Path, logs: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new, seen = tmp_path / "new", tmp_path / "seen.parquet"
    assert run(first, logs[7], new, "--seen", seen) == 0
    live = {path.name: path.read_bytes() for path in [*new.iterdir(), seen]}
    log = copied(logs[LAST], tmp_path / "log")
    data = bytearray((log / "log" / "008.parquet").read_bytes())
    data[len(data) // 3] ^= 255
    (log / "log" / "008.parquet").write_bytes(data)
    assert run(new, log, tmp_path / "other", "--seen", seen) == 2
    assert "008.parquet is not a sound parquet file" in said(capsys)
    assert run(first, log, new, "--seen", seen) == 2
    assert {path.name: path.read_bytes() for path in [*new.iterdir(), seen]} == live
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "new", "seen.parquet"]


def test_the_bundle_itself_is_never_the_place_to_write_to(
    first: Path, logs: dict[int, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (first, first / "new", first.parent):
        assert run(first, logs[7], place) == 2
        assert "which stays as it was" in said(capsys)


def test_what_an_earlier_version_made_needs_a_word_on_what_it_learned(
    association: Association,
    first: Path,
    logs: dict[int, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    policy = bundle.read(first).policy
    old = write(tmp_path / "old", policy, "profile", association)
    assert run(old, logs[7], tmp_path / "new") == 2
    assert "does not name the issues" in said(capsys)
    assert run(old, logs[7], tmp_path / "new", "--learned", 9) == 2
    assert "has no such issue" in said(capsys)
    assert run(first, logs[7], tmp_path / "new", "--learned", 4) == 2
    assert "names the issues that it has learned" in said(capsys)
    assert run(old, logs[7], tmp_path / "new", "--learned", 4) == 0
    assert run(first, logs[7], tmp_path / "named") == 0
    one, two = ((tmp_path / name / POLICY).read_bytes() for name in ("new", "named"))
    assert one == two


def test_a_library_that_is_missing_is_named_with_the_extra(
    first: Path,
    logs: dict[int, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "scipy.linalg", None)
    assert run(first, logs[7], tmp_path / "new") == 2
    words = said(capsys)
    assert "Profile learns with scipy, which is missing: pip install letterbandit[update]" in words
    assert words.count("\n") == 1
    assert not (tmp_path / "new").exists()
