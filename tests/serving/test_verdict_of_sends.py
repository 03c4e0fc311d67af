"""From sends and a log to a verdict, by the command line."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bandit.core.files import write_table
from serving.sending.record import write_send
from serving.verdict import __main__ as verdict
from simulators.association.association import Association
from tests.support.verdict_cases import SLOTS, hold_experiment, list_arms


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three issues with an experiment, after two without."""
    folder = tmp_path_factory.mktemp("experiment")
    association = Association(members=500, issues=5, pool=12, slots=SLOTS, text_dims=8)
    hold_experiment(folder, association, 2, 3, list_arms(0.6, 0.4))
    return folder


def ask(held: Path, out: Path, *more: str, sent: str = "*") -> int:
    folders = [f"{path}" for path in sorted((held / "sent").glob(sent))]
    return verdict.main([f"{held / 'log'}", "--sent", *folders, "--out", f"{out}", *more])


def test_a_verdict_counts_what_the_log_says(held: Path, tmp_path: Path, capsys: Any) -> None:
    assert ask(held, tmp_path) == 0
    told = json.loads((tmp_path / "verdict.json").read_text())
    sent = sorted((held / "sent").iterdir())
    assert told["campaigns"] == [path.name for path in sent]
    log = pd.concat(pd.read_parquet(path) for path in sorted((held / "log" / "log").iterdir()))
    slates = pd.concat(pd.read_parquet(path / "slates.parquet") for path in sent)
    both = log.merge(slates[["campaign", "member", "slot", "arm", "holdout"]])
    both["group"] = both["arm"].fillna("held out")
    for group, mine in both.groupby("group"):
        first = mine[mine["slot"] == 1]
        gone = first[first["unsubscribed"]]["member"].nunique()
        assert told["groups"][group] == {
            "members": first["member"].nunique(),
            "newsletters": int(first["delivered"].sum()),
            "clicks": int((mine["clicked"] & mine["delivered"]).sum()),
            "unsubscribed": gone,
        }
    before = log[(log["slot"] == 1) & ~log["campaign"].isin(told["campaigns"])]
    known = before["delivered"] & before["member"].isin(slates["member"])
    assert told["past"] == int(known.sum())
    assert told["shares"] == pytest.approx({"random": 0.54, "profile": 0.36, "held out": 0.1})
    assert told["split"]["sound"]
    printed = capsys.readouterr().out
    for pair in told["pairs"]:
        assert pair["advice"] in printed


def test_the_page_stands_by_itself(held: Path, tmp_path: Path) -> None:
    assert ask(held, tmp_path) == 0
    page = (tmp_path / "verdict.html").read_text()
    told = json.loads((tmp_path / "verdict.json").read_text())
    for pair in told["pairs"]:
        assert pair["advice"] in page
    assert "http" not in page.replace("http-equiv", "")
    again = tmp_path / "again"
    assert ask(held, again) == 0
    assert (again / "verdict.html").read_bytes() == (tmp_path / "verdict.html").read_bytes()


def test_what_cannot_be_is_refused(held: Path, tmp_path: Path, capsys: Any) -> None:
    other = tmp_path / "held"
    shutil.copytree(held, other)
    first, *_ = sorted((other / "sent").iterdir())
    cases = (
        (("--level", "1.5"), "--level = 1.5; must be in [0.5, 0.9999]"),
        (("--worth", "-1"), "--worth = -1.0; must be at least 0.0"),
    )
    for more, message in cases:
        assert ask(other, tmp_path, *more) == 2
        assert message in capsys.readouterr().err
    told = json.loads((first / "send.json").read_text())
    for change, message in (
        ({"experiment": None, "holdout": None}, "has neither arms nor a holdout to compare"),
        ({"experiment": {"name": "x"}}, "does not say its arms: 'arms'"),
    ):
        (first / "send.json").write_text(json.dumps(told | change))
        assert ask(other, tmp_path) == 2
        assert message in capsys.readouterr().err
    held_out = {"experiment": None}
    (first / "send.json").write_text(json.dumps(told | held_out))
    assert ask(other, tmp_path) == 2
    said = capsys.readouterr().err
    assert "was sent with another experiment or holdout than" in said
    assert "experiment spring of random 0.6, profile 0.4, held out 0.1, there no experiment" in said
    assert "give --sent the sends of one" in said
    assert ask(other, tmp_path / "policy", sent=first.name) == 0  # only a holdout
    named = json.loads((tmp_path / "policy" / "verdict.json").read_text())["pairs"]
    assert [(pair["first"], pair["second"]) for pair in named] == [("held out", "policy")]
    (other / "log" / "members.parquet").unlink()
    assert ask(other, tmp_path) == 2
    assert not (tmp_path / "verdict.json").exists()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda t: pa.concat_tables([t, t]), "has two mails of one issue"),
        (lambda t: t.slice(0, 0), "holds no mails"),
        (
            lambda t: t.drop_columns(["campaign"]).append_column(
                "campaign", pa.array(["another"] * len(t))
            ),
            "is of campaign 'another'; must be ",
        ),
        (
            lambda t: t.drop_columns(["delivered"]).append_column(
                "delivered", pa.array([False] * len(t))
            ),
            "clicked is true, of a mail that was not delivered",
        ),
    ],
)
def test_a_log_that_cannot_be_is_refused(
    edit: Callable[[pa.Table], pa.Table], said: str, held: Path, tmp_path: Path, capsys: Any
) -> None:
    """As serving.update refuses it: counts of two issues in one, or of a mail twice, are wrong."""
    other = tmp_path / "held"
    shutil.copytree(held, other)
    last = sorted((other / "log" / "log").iterdir())[-1]
    table = pq.read_table(last)
    assert pc.any(table["clicked"]).as_py()
    pq.write_table(edit(table), last)
    assert ask(other, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert str(last) in error
    assert said in error
    assert not (tmp_path / "out").exists()


def test_one_issue_is_called_so_and_a_file_is_no_folder(
    held: Path, tmp_path: Path, capsys: Any
) -> None:
    first, *_ = sorted((held / "sent").iterdir())
    assert ask(held, tmp_path, sent=first.name) == 0
    title = capsys.readouterr().out.splitlines()[0]
    assert title.strip() == "clicks per 1,000 newsletters, after 1 issue"
    page = (tmp_path / "verdict.html").read_text()
    assert f"1 issue, {first.name}" in page
    assert "1 issues" not in page
    table = page[page.index("<tbody>", page.index("What the arms came to")) :].split("</table>")[0]
    # on a telephone each number stands beside its name, where a table would be cut off
    assert table.count("<td") == table.count("<td data-of=") + table.count('<td class="what"')
    assert table.count('data-of="Clicks per 1,000"') == 3
    (tmp_path / "file").touch()
    assert ask(held, tmp_path / "file") == 2
    assert "file is a file; must be a folder" in capsys.readouterr().err


def rename(path: Path, ids: dict[int, int]) -> None:
    """Give members of one file of a send, or of a log, other ids."""
    table = pq.read_table(path)
    at = table.schema.get_field_index("member")
    members = [ids.get(each, each) for each in table["member"].to_pylist()]
    kind = table.schema.field("member").type
    write_table(path, table.set_column(at, "member", pa.array(members, kind)))


def test_members_who_changed_ids_are_one_member(
    held: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids that change after the experiment's first issue; told of them, the verdict is the same."""
    desk = Path(shutil.copytree(held, tmp_path / "held"))
    first, *_ = sorted((desk / "sent").iterdir())
    slates = pd.read_parquet(first / "slates.parquet")
    was = {each: 900_000 + each for each in slates["member"].unique()[::3].tolist()}
    rename(first / "slates.parquet", was)
    record = json.loads((first / "send.json").read_text())
    write_send(first, record, record.pop("files"))
    rename(desk / "log" / "log" / "003.parquet", was)
    lines = [f"{old},{now}" for now, old in was.items()]
    (tmp_path / "ids.csv").write_text("\n".join(["Old ID,Member ID", *lines]))
    pd.DataFrame({"old": list(was.values()), "member": list(was)}).to_parquet(
        tmp_path / "ids.parquet"
    )
    assert ask(held, tmp_path / "one") == 0
    assert ask(desk, tmp_path / "two", "--aliases", f"{tmp_path / 'ids.parquet'}") == 0
    assert ask(desk, tmp_path / "three") == 0
    one, two, three = (
        json.loads((tmp_path / name / "verdict.json").read_text())
        for name in ("one", "two", "three")
    )
    digest = two["settings"].pop("aliases")
    assert digest == sha256((tmp_path / "ids.parquet").read_bytes()).hexdigest()
    assert one["settings"].pop("aliases") is None
    assert one == two
    assert three["groups"]["random"]["members"] > one["groups"]["random"]["members"]
    capsys.readouterr()
    assert ask(desk, tmp_path / "four", "--aliases", f"{tmp_path / 'ids.csv'}") == 2
    assert "slates.parquet: member ids are numbers" in capsys.readouterr().err


def test_a_member_whose_new_id_came_into_another_arm_is_left_out_and_counted(
    held: Path, tmp_path: Path
) -> None:
    first, *_ = sorted((held / "sent").iterdir())
    slates = pd.read_parquet(first / "slates.parquet").drop_duplicates("member")
    slates = slates[~slates["holdout"]]
    old, new = (slates.loc[slates["arm"] == arm, "member"].iloc[0] for arm in ("random", "profile"))
    pd.DataFrame({"old": [old], "member": [new]}).to_parquet(tmp_path / "ids.parquet")
    assert ask(held, tmp_path / "apart") == 0
    assert ask(held, tmp_path / "one", "--aliases", f"{tmp_path / 'ids.parquet'}") == 0
    apart, one = (
        json.loads((tmp_path / name / "verdict.json").read_text()) for name in ("apart", "one")
    )
    for arm in ("random", "profile"):
        assert one["groups"][arm]["members"] == apart["groups"][arm]["members"] - 1
    assert "1 members were in two groups: not counted" in one["notes"]
    assert one["past"] == apart["past"]
