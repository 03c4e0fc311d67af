"""A log that stands alone: what is written is read back the same."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.columns import Columns
from bandit.core.rules import Rules
from bandit.core.types import Context, Round
from bandit.log import archive
from bandit.policies.random import Random
from bandit.slates.editorial import find_eligible
from bandit.slates.propensity import draw
from simulators.association.association import Association
from simulators.play import play_back

ISSUES = 5


def read_contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_same(one: Round, other: Round) -> None:
    for name, table in (
        ("slates", one.slates),
        ("feedback", one.feedback),
        ("context", one.context),
    ):
        for field, value in vars(table).items():
            back = getattr(getattr(other, name), field)
            if isinstance(value, Columns):
                pd.testing.assert_frame_equal(value.to_pandas(), back.to_pandas())
            elif isinstance(value, np.ndarray):
                assert np.array_equal(value, back), field
                assert value.dtype == back.dtype, field
            else:
                assert value == back, field


def test_what_was_written_is_read_back_the_same(
    rounds: list[Round], folder: Path, association: Association
) -> None:
    back = list(archive.read(folder, association.features))
    assert len(back) == ISSUES
    for one, other in zip(rounds, back, strict=True):
        assert_same(one, other)
    assert any(one.context.seen.any() for one in rounds)  # so that it has been tried
    assert any(not one.context.eligible.all() for one in rounds)
    assert any(one.context.rules.pins for one in rounds)
    assert any((~one.feedback.delivered).any() for one in rounds)
    assert len(rounds[0].context.members) < 120  # some join under way


def test_an_archive_of_an_archive_has_the_same_bytes(
    folder: Path, association: Association, tmp_path: Path
) -> None:
    archive.write(tmp_path / "again", archive.read(folder, association.features))
    assert read_contents(tmp_path / "again") == read_contents(folder)


def test_everybody_who_got_mail_is_listed_once(rounds: list[Round], folder: Path) -> None:
    listed = archive.read_members(folder)["member"].tolist()
    assert sorted(listed) == sorted(
        {member for round in rounds for member in round.context.member_ids}
    )
    assert set(listed[: len(rounds[0].context.members)]) == set(rounds[0].context.member_ids)


def test_features_are_fitted_to_the_archive_alone(folder: Path) -> None:
    features = archive.fit_features(folder, text_dims=7)
    assert len([name for name in features.article_names if name.startswith("text")]) == 7
    first = next(archive.read(folder, features))
    texts = first.context.article_features[:, 3:]
    assert np.isfinite(texts).all()
    assert texts.std() == pytest.approx(1, abs=0.5)


def test_ids_may_be_text_and_rules_may_say_everything(
    rounds: list[Round], association: Association, tmp_path: Path
) -> None:
    soft: dict[str, Any] = {
        "at_most": {"kind": {"event": 3}},
        "at_least": {"source": {"gazette": 0}},
        "only": {2: {"kind": ["article", "event", "resource"]}},
    }

    def rename(context: Context) -> Context:
        members = context.members.assign(member=[f"m-{number}" for number in context.member_ids])
        rules = replace(context.rules, **soft)
        return replace(context, members=members, rules=rules)

    written = [replace(round, context=rename(round.context)) for round in rounds]
    archive.write(tmp_path / "log", written)
    for one, other in zip(
        written, archive.read(tmp_path / "log", association.features), strict=True
    ):
        assert_same(one, other)


def test_a_log_that_was_not_finished_is_no_archive(
    rounds: list[Round], association: Association, tmp_path: Path
) -> None:
    def stop_early() -> Iterator[Round]:
        yield from rounds[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive.write(tmp_path / "log", stop_early())
    with pytest.raises(
        ValueError, match=r"holds no members\.parquet: it is not an archive, or not a finished one"
    ):
        next(archive.read(tmp_path / "log", association.features))


def test_writing_again_that_fails_leaves_no_archive(
    rounds: list[Round], folder: Path, association: Association
) -> None:
    """Half an old and half a new log would pass for one."""
    barred = np.zeros_like(rounds[1].context.eligible)
    odd = replace(rounds[1], context=replace(rounds[1].context, eligible=barred))
    with pytest.raises(ValueError, match="issue 2: eligible does not follow"):
        archive.write(folder, [rounds[0], odd])
    with pytest.raises(ValueError, match=r"holds no members\.parquet"):
        next(archive.read(folder, association.features))


def test_issues_are_in_the_order_of_their_numbers(
    rounds: list[Round], association: Association, tmp_path: Path
) -> None:
    """1000 comes after 999, though not as text."""
    numbered = [replace(r, context=replace(r.context, issue=997 + t)) for t, r in enumerate(rounds)]
    archive.write(tmp_path / "log", numbered)
    assert [
        round.context.issue for round in archive.read(tmp_path / "log", association.features)
    ] == [
        997,
        998,
        999,
        1000,
        1001,
    ]


def test_what_could_not_be_read_back_is_not_written(rounds: list[Round], tmp_path: Path) -> None:
    first, second = rounds[0].context, rounds[1].context
    odd = replace(second, members=second.members.assign(member_since="long ago"))
    with pytest.raises(ValueError, match="issue 2: an attribute was numbers in one issue"):
        archive.write(tmp_path / "changed", [rounds[0], replace(rounds[1], context=odd)])
    barred = replace(first, eligible=np.zeros_like(first.eligible))
    with pytest.raises(ValueError, match="issue 1: eligible does not follow from the pool"):
        archive.write(tmp_path / "barred", [replace(rounds[0], context=barred)])
    with pytest.raises(ValueError, match="there is no round"):
        archive.write(tmp_path / "empty", [])


def test_no_repeats_within_issues_are_read_back(
    rounds: list[Round], association: Association, tmp_path: Path
) -> None:
    """What was sent in the issue before counts as seen, whether or not it was opened."""
    first, second = rounds[0], rounds[1]
    again = replace(
        second.context,
        articles=first.context.articles,
        eligible=find_eligible(second.context.members, first.context.articles),
        rules=Rules(slots=5, no_repeat=1),
    )
    shown = draw(Random().plan(again), again, 3)
    nothing = replace(second.feedback, clicked=np.zeros_like(second.feedback.clicked))
    pair = [first, Round(again, shown, nothing)]
    archive.write(tmp_path / "log", pair)
    told = list(archive.read(tmp_path / "log", association.features))[1].context
    ids = second.context.member_ids.tolist()
    for row, member in enumerate(first.context.member_ids.tolist()):
        if member in ids:
            shown = first.slates.choice[row]
            assert told.seen[ids.index(member), shown[shown >= 0]].all()


def test_a_finished_unit_is_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.runner.configs import make, read_policy
    from experiments.runner.unit import run_unit

    small = {
        "_target_": "simulators.association.association.Association",
        "members": 90,
        "issues": 3,
        "pool": 12,
        "slots": 4,
    }
    run_unit(tmp_path / "unit", read_policy("random"), small, 5)
    association = make(small, seed=5)
    told = list(play_back(tmp_path / "unit" / "log", association.twin()))
    for one, other in zip(told, archive.read(tmp_path / "unit", association.features), strict=True):
        assert_same(one, other)
