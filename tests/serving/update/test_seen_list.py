"""Ids that changed and the list of what was seen follow an update."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Round
from bandit.log import archive
from bandit.log.learning import learn_log, learn_rounds
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from serving import bundle
from serving.manifest import POLICY
from serving.update.__main__ import main
from simulators.association.association import Association
from simulators.play import play

OLD, NEW = 3, 5


@pytest.fixture(scope="module")
def association() -> Association:
    return Association(seed=5, members=130, issues=NEW, pool=12, slots=3, text_dims=8, joiners=0.2)


@pytest.fixture(scope="module")
def rounds(association: Association) -> list[Round]:
    return list(play(Random(), association.twin(), seed=7))


@pytest.fixture(scope="module")
def logs(rounds: list[Round], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("logs")
    archive.write(folder / "old", rounds[:OLD])
    archive.write(folder / "new", rounds)
    return folder / "old", folder / "new"


@pytest.fixture
def given(association: Association, logs: tuple[Path, Path], tmp_path: Path) -> Path:
    """A bundle that has learned the old log, as `serving.update` writes one."""
    policy = Profile()
    policy.start(association.features)
    target = "bandit.policies.profile.Profile"
    bundle.write(tmp_path / "fresh", policy, target, {}, association.features, {})
    assert main([str(tmp_path / "fresh"), str(logs[0]), str(tmp_path / "given")]) == 0
    return tmp_path / "given"


def list_pairs(rounds: list[Round]) -> set[tuple[object, object]]:
    """Who saw what, counted slot by slot."""
    pairs = set()
    for round in rounds:
        ids, articles = round.context.member_ids.tolist(), round.context.article_ids.tolist()
        for i, j in np.argwhere(round.slates.choice >= 0):
            if round.feedback.opened[i]:
                pairs.add((ids[i], articles[round.slates.choice[i, j]]))
    return pairs


def test_the_list_of_what_was_seen_is_that_of_the_log(
    given: Path, logs: tuple[Path, Path], rounds: list[Round], tmp_path: Path
) -> None:
    path = tmp_path / "seen.parquet"
    words = [str(given), str(logs[1]), str(tmp_path / "next"), "--seen", str(path)]
    assert main(words) == 0  # there is no list yet: it is that of all issues
    whole = pd.read_parquet(path)
    assert set(whole.itertuples(index=False, name=None)) == list_pairs(rounds)
    assert len(whole) == len(list_pairs(rounds))
    before = path.read_bytes()
    assert main(words) == 0  # done again, nothing is new
    assert path.read_bytes() == before
    old = pd.DataFrame(sorted(list_pairs(rounds[:OLD])), columns=["member", "article"])
    old.to_parquet(path)
    assert main(words) == 0
    assert path.read_bytes() == before


def test_an_empty_list_may_have_ids_of_any_type(
    given: Path, logs: tuple[Path, Path], rounds: list[Round], tmp_path: Path
) -> None:
    path = tmp_path / "seen.parquet"
    kinds = {"member": str, "article": int}  # the log has numbers, and text
    pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()}).to_parquet(path)
    words = [str(given), str(logs[1]), str(tmp_path / "next"), "--seen", str(path)]
    assert main(words) == 0
    pairs = set(pd.read_parquet(path).itertuples(index=False, name=None))
    assert pairs == list_pairs(rounds[OLD:])


def test_a_list_of_other_ids_is_refused_and_nothing_is_written(
    given: Path,
    logs: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "seen.parquet"
    pd.DataFrame({"Member ID": ["M-7"], "Article ID": ["A-1"]}).to_parquet(path)
    words = [str(given), str(logs[1]), str(tmp_path / "next"), "--seen"]
    assert main([*words, str(path)]) == 2
    assert "ids of member are of another kind than in" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "seen.xlsx")]) == 2
    assert "must end in .parquet" in capsys.readouterr().err
    assert not (tmp_path / "next").exists()


def test_members_who_merged_are_followed_through_profile_log_and_seen_list(
    given: Path,
    logs: tuple[Path, Path],
    association: Association,
    rounds: list[Round],
    tmp_path: Path,
) -> None:
    """Two ids become one, and one gets a new id: as if the ids of the past were the present."""
    one, two, three = rounds[0].context.member_ids[[3, 8, 11]].tolist()
    aliases = {one: two, three: 999_000_111}
    seen = tmp_path / "seen.parquet"
    pd.DataFrame({"old": list(aliases), "member": list(aliases.values())}).to_parquet(
        tmp_path / "ids.parquet"
    )
    words = [str(given), str(logs[1]), str(tmp_path / "next")]
    words += ["--aliases", str(tmp_path / "ids.parquet"), "--seen", str(seen)]
    assert main(words) == 0
    policy = Profile()
    policy.start(association.features)
    learn_log(policy, logs[0], association.features)
    policy.follow(aliases)
    learn_rounds(policy, archive.read(logs[1], association.features, aliases, after=OLD))
    got = bundle.read(tmp_path / "next").policy.state()
    for name, array in policy.state().items():
        assert array.tobytes() == got[name].tobytes(), name
    pairs = {(aliases.get(m, m), a) for m, a in list_pairs(rounds)}
    assert set(pd.read_parquet(seen).itertuples(index=False, name=None)) == pairs


def test_a_new_id_alone_changes_no_bit_of_what_was_learned(
    given: Path, logs: tuple[Path, Path], association: Association, tmp_path: Path
) -> None:
    """Renamed on the way, or known under the new id from the first issue: the same profile."""
    who = archive.read_members(logs[0])["member"].tolist()[5]
    pd.DataFrame({"old": [who], "member": [999_000_111]}).to_parquet(tmp_path / "ids.parquet")
    ids = ["--aliases", str(tmp_path / "ids.parquet")]
    assert main([str(given), str(logs[1]), str(tmp_path / "late"), *ids]) == 0
    assert main([str(tmp_path / "fresh"), str(logs[1]), str(tmp_path / "early"), *ids]) == 0
    late, early = ((tmp_path / name / POLICY).read_bytes() for name in ("late", "early"))
    assert late == early
