"""Anybody's log: read by a mapping, replayed, and made an archive to learn from and judge by."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.log import archive
from bandit.ope.estimators import ips
from experiments.archive import __main__ as archiving
from experiments.evaluate import __main__ as evaluate
from experiments.train import find_features
from simulators.replay.loaders.mapped import Mapped
from simulators.replay.replay import Replay
from simulators.replay.rounds import list_rounds
from tests.support.asking import ask_in

COLUMNS = {"action": "banner", "propensity": "p", "reward": "click"}
CHANCES = {"jobs": 0.5, "law": 0.3, "ward": 0.2}
RATES = {"jobs": 0.05, "law": 0.1, "ward": 0.3}


def write_log(path: Path, n: int = 3000, **changed: Any) -> pd.DataFrame:
    """A log whose click rates are RATES, whoever it is. `changed` puts a value in row 3."""
    rng = np.random.default_rng(4)
    banner = rng.choice(list(CHANCES), n, p=list(CHANCES.values()))
    table = pd.DataFrame(
        {
            "age": rng.integers(20, 70, n),
            "segment": rng.choice(["owner", "student"], n),
            "banner": banner,
            "p": [CHANCES[each] for each in banner],
            "click": (rng.random(n) < [RATES[each] for each in banner]).astype(int),
        }
    ).astype(object)
    for column, value in changed.items():
        table.loc[2, column] = value
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.infer_objects().to_parquet(path)
    return table


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_a_mapping_says_what_the_columns_are(name: str, tmp_path: Path) -> None:
    table = write_log(tmp_path / name)
    log = Mapped(str(tmp_path / name), **COLUMNS).read()
    assert log.articles["article"].tolist() == ["jobs", "law", "ward"]
    assert [log.articles["title"][j] for j in log.choice] == table["banner"].tolist()
    assert log.propensity.tolist() == table["p"].tolist()
    assert log.clicked.tolist() == table["click"].astype(bool).tolist()
    assert list(log.members.columns) == ["member", "age", "segment"]
    assert log.members["age"].tolist() == table["age"].tolist()
    titled = Mapped(
        str(tmp_path / name),
        **COLUMNS,
        context=["segment"],
        titles={"jobs": "Find a job", "law": "New law", "ward": "On the ward", "fair": "A fair"},
    ).read()
    assert titled.articles["title"].tolist() == ["A fair", "Find a job", "New law", "On the ward"]
    assert list(titled.members.columns) == ["member", "segment"]


@pytest.mark.parametrize(
    ("changed", "options", "message"),
    [
        ({"p": 0}, {}, r"log.csv row 3: p = '0'; must be a number in \[1e-09, 1\]"),
        ({"p": 1.5}, {}, r"log.csv row 3: p = '1.5'"),
        ({"click": 2}, {}, r"log.csv row 3: click = '2'; must be a whole number in \[0, 1\]"),
        ({"banner": None}, {}, r"log.csv row 3: banner = ''; must be text"),
        ({"age": None}, {}, r"log.csv row 3: age = ''; must not be empty"),
        ({}, {"context": ["click"]}, "click is context too"),
        ({}, {"context": ["wage"]}, "wage"),
        ({}, {"propensity": "click"}, "action, propensity and reward are columns .*; must differ"),
        ({}, {"action": "segmnt"}, "segmnt"),
        ({}, {"titles": {"jobs": "a", "law": "b"}}, r"row \d+: banner = 'ward'; has no title"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    changed: dict[str, Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    write_log(tmp_path / "log.csv", 50, **changed)
    with pytest.raises(ValueError, match=message):
        Mapped(**({"path": str(tmp_path / "log.csv")} | COLUMNS | options)).read()


def test_an_archive_holds_the_log(tmp_path: Path) -> None:
    table = write_log(tmp_path / "log.csv", 400)
    replay = Replay(Mapped(str(tmp_path / "log.csv"), **COLUMNS), seed=5, issues=4)
    archive.write(tmp_path / "out", list_rounds(replay))
    rounds = list(archive.read(tmp_path / "out", find_features(tmp_path / "out", None)))
    rows = np.concatenate([round.context.member_ids for round in rounds]) - 1
    assert sorted(rows.tolist()) == list(range(400))
    shown = [r.context.article_ids[r.slates.choice[:, 0]] for r in rounds]
    assert np.concatenate(shown).tolist() == table["banner"].to_numpy()[rows].tolist()
    logged = np.concatenate([round.slates.propensity for round in rounds])
    assert logged[:, 0].tolist() == table["p"].to_numpy()[rows].tolist()
    clicked = np.concatenate([round.feedback.clicked for round in rounds])
    assert clicked.sum() == table["click"].sum()
    always = {"jobs": 0.0, "law": 0.0, "ward": 1.0}  # what showing one to all would have earned
    target = np.array([always[each] for each in np.concatenate(shown)])[:, None]
    weighed = (table["click"] * table["banner"].map(always) / table["p"]).mean()
    assert ips(logged, target, clicked).mean() == pytest.approx(weighed, abs=1e-12)


def test_the_commands_make_an_archive_and_judge_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(tmp_path / "log.csv", 12_000)
    (tmp_path / "configs" / "simulator").mkdir(parents=True)
    lines = [f"  {ours}: {theirs}" for ours, theirs in COLUMNS.items()]
    yaml = "_target_: simulators.replay.replay.Replay\nlog:\n"
    yaml += "  _target_: simulators.replay.loaders.mapped.Mapped\n  path: log.csv\n"
    path = tmp_path / "configs" / "simulator" / "mine.yaml"
    path.write_text(yaml + "\n".join(lines) + "\n", encoding="utf-8")
    ask = ask_in(tmp_path, monkeypatch)
    own = ("--config-dir", "configs", "simulator=mine", "issues=4", "out=logs/mine")
    assert not ask(archiving.main, *own)
    assert "log.csv: 12,000 rows, 12,000 kept" in capsys.readouterr().out
    assert "logs/mine is there already" in ask(archiving.main, *own)
    assert "must replay a log" in ask(archiving.main, "out=other", "simulator=newsletter")
    assert not ask(evaluate.main, "log=logs/mine", "policy=random", "name=judged")
    judged = pd.read_parquet(tmp_path / "runs" / "judged" / "estimates.parquet")
    truth = np.mean(list(RATES.values()))
    row = judged[judged["estimator"] == "snips"].iloc[0]
    assert row["low"] < truth < row["high"]
