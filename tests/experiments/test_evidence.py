"""docs/evidence.md is what its figures say, and its published figures are those the tests know."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bandit.core.keys import member_keys
from experiments import delayed
from experiments.checks.published import PUBLISHED
from experiments.evidence import __main__ as evidence
from experiments.runner.configs import make, read_config
from experiments.showdown import PUBLISHED as SHOWDOWN
from simulators.noise.draws import Draws
from simulators.noise.pace import draw_opens
from tests.simulators.test_lin_ucb_errors import LINUCB
from tests.support.asking import ask_in

WHEEL = SHOWDOWN["NeuralLinear"]


def find(start: str) -> dict[str, float]:
    """The published figures of the group whose name starts so."""
    (group,) = (g for g in evidence.read_groups() if g["name"].startswith(start))
    return {f["what"]: f["published"] for f in group["figures"]}


def test_the_page_is_what_the_figures_say() -> None:
    page = evidence.PAGE.read_text(encoding="utf-8")
    assert page == evidence.write_page(evidence.read_groups())


def test_published_figures_stand_in_one_place_as_in_another() -> None:
    for preset in ("informz", "higher_logic"):
        known = {p.what: p.low for p in PUBLISHED if p.preset == preset and p.low == p.high}
        found = find(f"Association e-mail, the preset {preset}")
        assert {what: found[what] for what in known} == known
    late = find("Thompson sampling with delayed")
    assert list(late.values()) == [delayed.PUBLISHED[1], delayed.PUBLISHED[100]]
    wheel = find("The wheel bandit")
    assert wheel == {f"delta {d:g}".replace("0.", "."): r for d, r in WHEEL.items()}
    for name, error in LINUCB.items():
        assert find("LinUCB")[f"{name.replace('_', ' ')}, disjoint, tuned"] == error


def test_opening_times_are_those_that_are_entered() -> None:
    """Of the default noise, for a mail delivered at the hour at which one goes out."""
    noise = make(read_config("noise", "default"), seed=11)
    start, draws = pd.Timestamp(noise.first_week), Draws(11, "it", member_keys(np.arange(100_000)))
    hour = np.full(100_000, start.hour + start.minute / 60)
    hours = draw_opens(draws, hour, noise.open_hours, noise.open_spread) / 3600
    (group,) = (g for g in evidence.read_groups() if g["name"].startswith("Opening times"))
    entered = {figure["what"]: figure["ours"] for figure in group["figures"]}
    assert np.median(hours) == pytest.approx(entered["median"], rel=0.02)
    assert hours.mean() == pytest.approx(entered["mean"], rel=0.05)


@pytest.mark.parametrize(
    ("aim", "figure", "off"),
    [
        ("near", {"published": 2.0, "ours": 2.19}, False),
        ("near", {"published": 2.0, "ours": 1.75}, True),
        ("most", {"published": 2.0, "ours": 0.3}, False),
        ("most", {"published": 2.0, "ours": 2.1}, True),
        ("least", {"published": 2.0, "ours": 2.1}, False),
        ("least", {"published": 2.0, "ours": 1.9}, True),
        ("in", {"low": 1.0, "high": 3.0, "ours": 3.1}, True),
        ("in", {"low": 1.0, "high": 3.0, "ours": 1.0}, False),
        ("near", {"published": 2.0, "ours": None}, False),
    ],
)
def test_a_figure_that_misses_its_aim_is_marked(
    aim: str, figure: dict[str, float], off: bool
) -> None:
    group = {"name": "x", "source": "y", "command": None, "date": "2026-11-29", "within": 0.1}
    group |= {"aim": aim, "figures": [{"what": "it", **figure}]}
    assert evidence.drifts(group, group["figures"][0]) is off
    assert ("**drifts**" in evidence.write_page([group]).partition("## ")[2]) is off


def test_the_command_writes_the_page_where_there_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ask_in(tmp_path, monkeypatch)
    assert not ask(evidence.main, "--out", "page.md")
    assert (tmp_path / "page.md").read_bytes() == evidence.PAGE.read_bytes()
    assert "there is no folder nowhere" in ask(evidence.main, "--out", "nowhere/page.md")
    assert not (tmp_path / "nowhere").exists()


def test_what_a_group_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "figures.yaml"
    path.write_text("- {name: x, source: y, command: z, date: null, aim: near}\n")
    with pytest.raises(ValueError, match="x: figures is missing"):
        evidence.read_groups(path)
