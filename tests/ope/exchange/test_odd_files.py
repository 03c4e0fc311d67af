"""Files that are odd rather than damaged: nothing of them is dropped, renamed or spoilt unsaid."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bandit.ope.exchange import dsjson, feedback
from bandit.ope.exchange.decisions import Decision
from serving.exchange.__main__ import main, read
from simulators.replay.loaders.mapped import Mapped
from tests.ope.exchange.test_damaged import CSV, damage, lines
from tests.ope.exchange.test_exchange import EVENTS


def know(**told: object) -> str:
    return damage(c=told | {"_multi": [{"_tag": "x"}, {"_tag": "y"}]})


REFUSED = {
    "multi": (".dsjson", damage(c={"_multi": 5}), "line 1: _multi = 5; must be a list"),
    "null": (".dsjson", damage(c={"_multi": None}), "line 1: _multi = None; must be a list"),
    "tag": (
        ".dsjson",
        damage(c={"_multi": [{"_tag": None}, {"_tag": "y"}]}),
        "line 1: _tag = None; must be text",
    ),
    "place": (".dsjson", damage(a=[2.0, 1.0]), r"line 1: a = \[2\.0, 1\.0\]; must be the numbers"),
    "half": (".dsjson", know(city="\ud800"), r"line 1: '\\ud800' is half a letter"),
    "ranked": (
        ".jsonl",
        lines(ranking=[{"id": "y", "probability": 0.4}, {"id": "y", "probability": 0.6}]),
        "line 1: ranking names 'y' twice",
    ),
    "too sure": (
        ".jsonl",
        lines(
            actions=[{"id": "x"}, {"id": "y"}, {"id": "z"}],
            ranking=[{"id": "x", "probability": 0.75}, {"id": "y", "probability": 0.5}],
        ),
        r"line 1: the chances that are known add up to 1\.25",
    ),
    "column twice": (".csv", "click," + CSV + "1,t,a,1,0,1\n", "column 'click' is there twice"),
    "column": (".csv", "age," + CSV + "1,t,a,1,0,1\n", "column 'age' is none of the dataset's"),
    "fewer": (".csv", CSV + "t,a\n", "line 2: has fewer values than the head, which has 5"),
    "lines": (
        ".csv",
        CSV + 't,"a\nb",1,0,0.5\nt,c,1,0,9\n',
        "line 4: chance 9 of 'c'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_taken_for_something_else_is_refused(name: str, tmp_path: Path) -> None:
    end, text, words = REFUSED[name]
    path = tmp_path / f"log{end}"
    path.write_text(text)
    with pytest.raises(ValueError, match=words) as refused:
        read(path)
    assert str(refused.value).startswith(str(path))


def test_a_letter_of_two_halves_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.dsjson").write_text(know(city="🍵"))
    assert "\\ud83c" in (tmp_path / "a.dsjson").read_text()
    assert read(tmp_path / "a.dsjson")[0].known == {"city": "🍵"}


def test_a_table_that_excel_wrote_is_read(tmp_path: Path) -> None:
    head = CSV.strip() + ",user_feature_city,user-item_affinity_0\n"
    (tmp_path / "a.csv").write_text(
        head + "t,a,1,0,.5,Köln,3\nt,b,1,1,.5,🍵,4\n", encoding="utf-8-sig"
    )
    found = feedback.read_csv(tmp_path / "a.csv")
    assert [each.known for each in found] == [{"city": "Köln"}, {"city": "🍵"}]


@pytest.mark.parametrize("key", ["_multi", "_tag"])
def test_dsjson_keeps_its_own_names_for_itself(key: str, tmp_path: Path) -> None:
    """An article's feature called _tag would take the place of the article's name."""
    told = {key: "other"}
    event = vars(EVENTS[0]) | ({"known": told} if key == "_multi" else {"about": (told,) * 4})
    with pytest.raises(ValueError, match=f"event 'e0': {key} is dsjson's own name"):
        dsjson.write(tmp_path / "a.dsjson", [Decision(**event)])
    assert not (tmp_path / "a.dsjson").exists()


def test_what_a_table_cannot_hold_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, made = tmp_path / "a.dsjson", tmp_path / "a.parquet"
    source.write_text(know(reward=7, user={"age": 3}, age=40))
    assert main([str(source), str(made)]) == 0
    assert "left out, as it has no place in such a file: user (a list" in capsys.readouterr().out
    table = pq.read_table(made)
    assert table.select(["reward", "reward_", "age"]).to_pylist() == [
        {"reward": 1.0, "reward_": 7, "age": 40}
    ]
    assert "user" not in table.column_names
    assert main([str(source), str(tmp_path / "a.csv")]) == 0
    assert "user_feature_user" not in (tmp_path / "a.csv").read_text()
    big, half = know(phone=2**53 + 1), damage(EventId="f", c={"phone": 0.5, "_multi": [{}, {}]})
    for text, words in ((know(phone=2**63), f"= {2**63}; a"), (f"{big}\n{half}", f"= {2**53 + 1}")):
        source.write_text(text)
        assert main([str(source), str(made)]) == 2
        assert f"event 'e': 'phone' {words}" in capsys.readouterr().err
        assert pq.read_table(made).equals(table)


def test_what_is_read_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "a.dsjson"
    source.write_text(damage(mine="kept"))
    assert main([str(source), str(source)]) == 2
    assert "a.dsjson" in capsys.readouterr().err
    assert json.loads(source.read_text())["mine"] == "kept"


def test_a_mapping_reads_what_is_written_and_takes_no_id_for_knowledge(tmp_path: Path) -> None:
    """Chances may miss 1 by a rounding, and every choice has an id of its own."""
    sure = {"p": [1.00005, 0], "_label_probability": 1.00005, "EventId": "f"}
    other = {"_label_Action": 1, "_label_probability": 0.75, "EventId": "g"}
    articles = [{"_tag": "x"}, {"_tag": "y"}]
    texts = [
        damage(c={"age": age, "_multi": articles}, **changes)
        for age, changes in ((40, {}), (3, sure), (30, other))
    ]
    (tmp_path / "a.dsjson").write_text("\n".join(texts))
    assert main([str(tmp_path / "a.dsjson"), str(tmp_path / "a.parquet")]) == 0
    log = Mapped(str(tmp_path / "a.parquet")).read()
    assert list(log.members.columns) == ["member", "age"]
    assert log.members["age"].tolist() == [40, 3, 30]
    assert log.propensity.tolist() == [0.25, 1.0, 0.75]
