"""From sends and a log to a verdict, by the command line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

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
    assert "was sent with another experiment or holdout than" in capsys.readouterr().err
    assert ask(other, tmp_path / "policy", sent=first.name) == 0  # only a holdout
    named = json.loads((tmp_path / "policy" / "verdict.json").read_text())["pairs"]
    assert [(pair["first"], pair["second"]) for pair in named] == [("held out", "policy")]
    (other / "log" / "members.parquet").unlink()
    assert ask(other, tmp_path) == 2
    assert not (tmp_path / "verdict.json").exists()
