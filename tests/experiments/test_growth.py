"""How cost grows: slopes by hand, what is measured and left out, and the run's folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.policies.random import Random
from experiments.growth import __main__ as growth
from experiments.growth.measure import ISSUES, measure_world
from experiments.growth.slopes import AXES, WORLD, find_slopes, write_tables
from experiments.runner.configs import read_policy

SMALL: dict[str, Any] = {
    "_target_": "simulators.association.association.Association",
    "examine": [0.9, 0.8, 0.7],
    "members": 100,
    "pool": 12,
    "slots": 3,
    "text_dims": 6,
}
CONFIG: dict[str, Any] = {
    "members": [80, 160],
    "pool": [],
    "slots": [],
    "text_dims": [],
    "usual": {"members": 80, "pool": 12, "slots": 3, "text_dims": 6},
    "longest": 10,
    "seed": 0,
    "name": None,
    "simulator": {key: SMALL[key] for key in ("_target_", "examine")},
    "policies": {"random": read_policy("random")},
}


def tabulate(costs: dict[int, tuple[float, float, float]]) -> pd.DataFrame:
    """A table of one policy along `members`: choose, learn and memory by value."""
    return pd.DataFrame(
        [
            {"policy": "p", "axis": "members", "value": value}
            | dict(zip(("choose", "learn", "memory"), cost, strict=True))
            for value, cost in costs.items()
        ]
    )


def test_a_slope_is_the_power_at_the_upper_end() -> None:
    """Choosing is quadratic there, learning linear but too short to tell, memory flat."""
    table = tabulate({100: (0.9, 5e-7, 9e6), 1000: (0.02, 5e-6, 3e6), 10_000: (2.0, 5e-5, 3e6)})
    found = find_slopes(table.iloc[::-1]).iloc[0]
    assert found["choose"] == pytest.approx(2)
    assert np.isnan(found["learn"])
    assert found["memory"] == pytest.approx(0)
    assert np.isnan(find_slopes(table.iloc[:1])["choose"][0])


def test_what_is_worse_than_linear_is_bold() -> None:
    table = tabulate({1000: (0.02, 0.003, 3e6), 10_000: (2.0, 0.03, 3e6)})
    lines = write_tables(table).splitlines()
    assert lines[2].startswith("| `p` | **2.00** | 1.00 | 0.00 | - |")
    assert lines[-1] == "| `p` | 10,000 | 200.00 | 3.00 | 300 |"


def test_every_policy_is_measured_in_the_same_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """160 MB that a policy takes to learn and gives back are its own, and nobody else's."""

    def learn(self: Random, round: Any) -> None:
        np.ones(20_000_000)

    monkeypatch.setattr(Random, "learn", learn)
    ticks: list[None] = []
    policies = {name: read_policy(name) for name in ("blast", "random", "oracle")}
    found = dict(measure_world(policies, SMALL, 0, lambda: ticks.append(None)))
    assert list(found) == [WORLD, *policies]
    assert len(ticks) == 4
    assert found["blast"]["learn"] > found["oracle"]["learn"] >= 0
    assert all(cost["choose"] > 0 for cost in found.values())
    for name in ("blast", "oracle"):
        taken = found["random"]["memory"] - found[name]["memory"]
        assert taken == pytest.approx(160e6, rel=0.1)
    assert ISSUES == 4  # offpolicy begins to act after three


def test_a_policy_that_took_too_long_is_asked_for_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(policies: dict[str, Any], simulator: Any, seed: int, tick: Any) -> Any:
        yield WORLD, {"choose": 99.0, "memory": 1e6}
        for name in policies:
            slow = name == "slow" and simulator["members"] == 160
            yield name, {"choose": 6.0 if slow else 1.0, "learn": 5.0, "memory": 2e6}

    monkeypatch.setattr(growth, "measure_world", measure)
    config = CONFIG | {"members": [320, 80, 160], "policies": {"slow": {}, "quick": {}}}
    rows = [(row["value"], row["policy"]) for row in growth.measure_growth(config, lambda _: None)]
    every = [(value, name) for value in (80, 160) for name in (WORLD, "slow", "quick")]
    assert rows == [*every, (320, WORLD), (320, "quick")]


@pytest.mark.slow
def test_a_run_leaves_its_table_its_page_and_its_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = growth.grow(CONFIG)
    table = pd.read_parquet(run / "table.parquet")
    assert table["value"].tolist() == [80, 80, 160, 160]
    assert (run / "growth.md").read_text() == write_tables(table)
    assert (run / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in run.iterdir()} == {
        *("table.parquet", "run.json", "growth.md", "growth.png")
    }


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"members": 80}, "members = 80; must be a list of values to measure"),
        ({"pool": [12, 0]}, "pool = 0; must be a whole number of at least 1"),
        ({"members": []}, "members, pool, slots, text_dims are empty; name values of at least one"),
        ({"longest": 0}, "longest = 0; must be a whole number of at least 1"),
        ({"policies": {}}, "policies is empty"),
        ({"simulator": {"pool": 20}}, r"simulator\.pool is set by pool; say pool=\[20\]"),
        ({"simulator": {"issues": 20}}, r"simulator\.issues is 4 in growth, and cannot be set"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        growth.check_growth(CONFIG | changed)


def test_each_axis_is_an_option_of_the_association() -> None:
    assert set(AXES) == {"members", "pool", "slots", "text_dims"} == set(CONFIG["usual"])
