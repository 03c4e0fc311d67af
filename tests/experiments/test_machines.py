"""The command that measures the hygiene filter: its settings, its table and its figure."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Floats
from bandit.log.hygiene import tag
from bandit.log.machines.summary import summarise
from experiments.machines import learning
from experiments.machines.__main__ import Found, count_kept, main, name_worst, write_row
from experiments.machines.figure import draw_delays
from experiments.machines.signatures import SIGNATURES, draw_setting
from simulators.noise.noise import Noise
from tests.support.event_cases import make_events

ROOT = Path(__file__).parents[2]
FOUND = Found(0.25, 0.96, 0.004, 0.003, True, 0.02, True, 0.37, 0.38)


def test_every_setting_is_one_that_noise_takes() -> None:
    for setting in (*SIGNATURES.values(), *(draw_setting(seed) for seed in range(1000, 1100))):
        Noise(**setting)
    assert draw_setting(1003) == draw_setting(1003)
    assert draw_setting(1003) != draw_setting(1004)


def test_rows_of_the_table() -> None:
    none = replace(FOUND, recall=float("nan"), lost=0.02, inside=False)
    row = write_row("odd ones", [FOUND, none])
    assert row == "| odd ones | 0.25 | 0.960 | 0.0120 | 0.0030 | 1 of 2 | 0.020 | -0.010 |"
    assert "0.50 lose at most 1 %" in count_kept([FOUND, replace(FOUND, lost=0.02)])
    many = {1000 + each: replace(FOUND, lost=0.01 * each) for each in (2, 47, 1, 5)}
    assert name_worst(many).endswith("settings: 0.470 on 1047, 0.050 on 1005, 0.020 on 1002.")


def test_the_page_has_a_row_of_each_signature() -> None:
    page = (ROOT / "docs/hygiene.md").read_text(encoding="utf-8")
    missing = [name for name in SIGNATURES if f"| {name} |" not in page]
    assert not missing


def test_what_was_found_is_counted_and_drawn() -> None:
    rows = [{"slot": j, "seconds": 2 + 0.3 * j, "member": 3} for j in range(1, 6)]
    rows += [{"kind": "open", "slot": 0, "seconds": 4000.0}, {"seconds": 4030.0}]
    tagged = tag(make_events(rows))
    table = summarise(tagged)
    assert table.loc["scanner", ["opens", "clicks", "mails"]].tolist() == [0, 5, 1]
    assert table.loc["human", ["opens", "clicks", "delay"]].tolist() == [1, 1, 4015.0]
    figure = draw_delays(tagged, "people's clicks: 1 of 6")
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said == ["people 1", "people 1", "scanners 5"]
    with pytest.raises(ValueError, match="events lacks column 'why'"):
        summarise(pd.DataFrame(tagged.drop(columns="why")))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "0"], "--seeds = 0; must be a whole number of at least 1"),
        (["--drawn", "-1"], "--drawn = -1; must be a whole number of at least 0"),
        (["--members", "3"], "--members = 3; must be a whole number of at least 20"),
        (["--events", "none.csv"], "none.csv"),
        (["--events", "void.csv"], "void.csv is no csv file: No columns to parse"),
        (["--events", "other.csv"], "events lacks column 'event'; it has ['a']"),
        (["--events", "other.parquet"], "other.parquet is not a sound parquet file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_leaves_nothing(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("void.csv", ""), ("other.csv", "a\n1\n"), ("other.parquet", "a\n1\n")):
        (tmp_path / name).write_text(text)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--out", "out"])
    assert str(ended.value.code).startswith("machines: ")
    assert message in str(ended.value.code)
    assert not (tmp_path / "out").exists()


def test_ones_own_events_leave_a_figure(tmp_path: Path) -> None:
    make_events([{"kind": "open", "slot": 0, "seconds": 4000.0}, {"seconds": 4030.0}]).to_csv(
        tmp_path / "events.csv", index=False
    )
    main(["--events", str(tmp_path / "events.csv"), "--out", str(tmp_path / "out")])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["delays.png"]


@pytest.mark.slow
def test_events_without_noise_teach_what_people_did() -> None:
    quiet = dict.fromkeys(("prefetch_share", "scanner_share", "duplicates", "late", "blocked"), 0.0)
    truth, ingested, recorded = learning.measure(3, quiet, 80, 3)
    assert recorded == truth > 0
    assert ingested == pytest.approx(truth, rel=0.05)  # hasty readers may pass for programs


def test_the_table_of_learning_has_a_row_for_each_seed_and_their_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is measured is tested above, at length."""

    def measure(seed: int, setting: dict[str, Any], members: int, issues: int) -> Floats:
        assert (setting, members, issues) == (draw_setting(seed), 40, 2)
        return np.array([200.0, 10.0 * seed, 20.0 * seed])

    monkeypatch.setattr(learning, "measure", measure)
    rows = list(learning.write_rows({4: np.array([0.9, 0.7]), 7: np.array([1.0, 0.8])}))
    assert rows[2:] == [
        "| 4 | 0.900 | 0.700 |",
        "| 7 | 1.000 | 0.800 |",
        "| mean | 0.950 | 0.750 |",
    ]
    asked = ["--seeds", "2", "--first", "5", "--members", "40", "--issues", "2", "--drawn"]
    learning.main([*asked, "--out", str(tmp_path)])
    table = (tmp_path / "learning.md").read_text().splitlines()
    assert table[2:] == [
        "| 5 | 0.250 | 0.500 |",
        "| 6 | 0.300 | 0.600 |",
        "| mean | 0.275 | 0.550 |",
    ]
