"""All members' tastes as a table: what the columns say, and what is left out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from bandit.log import archive
from bandit.log.learning import learn_rounds
from bandit.log.words import name_articles
from bandit.policies.profile import Profile
from serving import bundle
from serving.profiles import tastes
from serving.profiles.__main__ import main
from serving.profiles.work import COLUMNS
from tests.support.member_cases import Desk, read_members, set_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return set_desk(tmp_path_factory.mktemp("desk"))


def run(desk: Desk, out: Path, *more: object) -> int:
    words = [desk.folder / "bundle", desk.folder / "log", "--members"]
    words += [desk.folder / "members.parquet", "--out", out, *more]
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def table(desk: Desk) -> pd.DataFrame:
    assert run(desk, desk.folder / "profiles.parquet", "--ago", 3) == 0
    return pd.read_parquet(desk.folder / "profiles.parquet")


def test_there_is_a_row_for_each_member_and_topic(desk: Desk, table: pd.DataFrame) -> None:
    names = desk.association.features.names
    members = read_members(desk)["member"].tolist()
    assert table["member"].tolist() == np.repeat(members, len(names)).tolist()
    assert table["topic"].tolist() == list(names) * len(members)
    assert list(table) == list(COLUMNS)
    assert np.isfinite(table.drop(columns=["member", "topic"]).to_numpy(float)).all()


def test_interests_are_beyond_the_average_and_drift_is_what_they_moved(
    desk: Desk, table: pd.DataFrame
) -> None:
    means = table.groupby("topic")[["interest", "before", "drift"]].mean()
    np.testing.assert_allclose(means, 0, atol=1e-9)
    np.testing.assert_allclose(table["drift"], table["interest"] - table["before"], atol=1e-12)
    assert table["sure"].between(0, 1).all()
    assert ((table["sure"] > 0.5) == (table["interest"] > 0)).mean() > 0.999
    assert (table["doubt"] > 0).all()


def test_before_is_what_was_known_before_the_issue(desk: Desk, table: pd.DataFrame) -> None:
    """Three issues ago the policy had learned three: their order of tastes is the same."""
    features = desk.association.features
    policy = Profile()
    policy.start(features)
    rounds = list(archive.read(desk.folder / "log", features))
    learn_rounds(policy, rounds[:3])
    context = desk.association.issue(7)
    mean = policy.infer_interests(context).mean
    column = len(features.article_names) - features.text_dims
    first = table[table["topic"] == features.names[0]].set_index("member")["before"]
    mine = pd.Series(mean[:, column] - mean[:, column].mean(), index=context.member_ids)
    assert np.corrcoef(first.loc[mine.index], mine)[0, 1] == pytest.approx(1)


def test_shown_and_clicked_are_counted_from_the_log(desk: Desk, table: pd.DataFrame) -> None:
    features, counts = desk.association.features, {}
    for round in desk.rounds:
        topics = name_articles(features, round.context.article_features)
        for row, slot in np.argwhere(round.slates.choice >= 0):
            topic = topics[round.slates.choice[row, slot]]
            if round.feedback.opened[row] and topic:
                key = (round.context.member_ids.tolist()[row], topic)
                shown, clicked = counts.get(key, (0, 0))
                counts[key] = (shown + 1, clicked + int(round.feedback.clicked[row, slot]))
    rows = zip(table["member"], table["topic"], table["shown"], table["clicked"], strict=True)
    found = {(member, topic): (shown, clicked) for member, topic, shown, clicked in rows if shown}
    there = set(table["member"])
    assert found == {key: value for key, value in counts.items() if key[0] in there}
    assert sum(clicked for _, clicked in found.values()) > 20


def test_where_no_topic_has_a_name_no_article_is_on_one(desk: Desk) -> None:
    features = desk.association.features
    text = desk.rounds[0].context.article_features
    named = [features.names[at] if at >= 0 else "" for at in tastes.find_topics(features, text)]
    assert named == name_articles(features, text)
    bare = replace(features, names=())
    assert tastes.find_topics(bare, text).tolist() == [-1] * len(text)
    policy = Profile()
    policy.start(bare)
    context, topics = desk.association.issue(7), np.zeros(0, dtype=np.int64)
    told = tastes.set_scale(policy, bare, context, topics, [text]).measure(policy, bare, context)
    assert told.sure.shape == (len(context.members), 0)


def test_members_in_pieces_give_the_same_rows(
    desk: Desk, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tastes, "AT_A_TIME", 17)
    assert run(desk, tmp_path / "again.parquet", "--ago", 3) == 0
    again = pd.read_parquet(tmp_path / "again.parquet")
    pd.testing.assert_frame_equal(again, table, rtol=1e-9, atol=1e-9)


def test_a_denied_topic_is_left_out_and_the_note_is_there(
    desk: Desk, table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = desk.association.features.names[1]
    assert run(desk, tmp_path / "p.parquet", "--deny", name.split(" / ")[1]) == 0
    told = pd.read_parquet(tmp_path / "p.parquet")
    assert set(table["topic"]) - set(told["topic"]) == {name}
    note = pq.read_schema(tmp_path / "p.parquet").metadata[b"note"].decode()
    words = (tmp_path / "p.txt").read_text()
    for text in (note, words):
        assert "health, faith, politics" in text
        assert name not in text
    assert all(f"{column}: " in words for column in COLUMNS)
    capsys.readouterr()
    assert run(desk, tmp_path / "q.parquet", "--deny", "vaccinees") == 2
    assert "'vaccinees' is no topic and no attribute" in capsys.readouterr().err
    deny = tmp_path / "deny.yaml"
    deny.write_text("topics: [Region]\n")
    assert run(desk, tmp_path / "q.parquet", "--deny-list", deny) == 2
    assert "deny.yaml: topics: 'Region' is no topic" in (said := capsys.readouterr().err)
    assert "attribute" not in said  # it is one
    deny.write_text("topic: [vaccines]\n")
    assert run(desk, tmp_path / "q.parquet", "--deny-list", deny) == 2
    said = capsys.readouterr().err
    assert "topic = ['vaccines']: there is no such setting; the nearest is 'topics'" in said
    assert not (tmp_path / "q.parquet").exists()


def test_what_has_no_profiles_is_refused_by_name(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bandit.policies.random import Random

    target = "bandit.policies.random.Random"
    bundle.write(tmp_path / "random", Random(), target, {}, desk.association.features, {})
    words = [tmp_path / "random", desk.folder / "log", "--members"]
    words += [desk.folder / "members.parquet", "--out", tmp_path / "p.parquet"]
    assert main([str(word) for word in words]) == 2
    assert "tastes are told of bandit.policies.profile alone" in capsys.readouterr().err


def test_a_bundle_whose_members_merged_asks_for_the_aliases(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = bundle.read(desk.folder / "bundle")
    one, two = list(desk.count_clicks())[:2]
    given.policy.follow({one: two})
    told = given.manifest
    words = (told.policy, told.parameters, given.features, told.made_from)
    bundle.write(tmp_path / "merged", given.policy, *words)
    asked = [tmp_path / "merged", desk.folder / "log", "--members"]
    asked += [desk.folder / "members.parquet", "--out", tmp_path / "p.parquet"]
    assert main([str(word) for word in asked]) == 2
    said = capsys.readouterr().err
    assert "does not give what" in said
    assert "or members merged: then give the --aliases of the update" in said
