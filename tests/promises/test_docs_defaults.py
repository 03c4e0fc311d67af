"""docs/simulator.md says where every default of the simulator comes from.

Each parameter has a row in the page's tables, and the row shows the value that the code has.
"""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from experiments.checks import rates
from simulators.association.association import Association
from simulators.association.campaigns import Campaign, Campaigns
from simulators.association.drift import Drift, Membership
from simulators.association.opens import Opens
from simulators.association.press import Press
from simulators.association.reading import Reading
from simulators.examination import models as clicks
from simulators.noise.gateways import Gateway
from simulators.noise.noise import Noise

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
SECTIONS: dict[str, tuple[type, ...]] = {
    "The association": (Association,),
    "Opens": (Opens,),
    "Reading": (Reading,),
    "Drift": (Drift,),
    "Membership": (Membership,),
    "Press": (Press,),
    "Campaigns": (Campaigns, Campaign),
    "Examination models": (
        clicks.PositionBased,
        clicks.UserBrowsing,
        clicks.Cascade,
        clicks.DependentClick,
        clicks.DynamicBayesian,
        clicks.Newsletter,
    ),
    "Noise of real logs": (Noise, Gateway),
}
PARTS = {
    "Opens": "opens",
    "Reading": "reading",
    "Drift": "drift",
    "Membership": "membership",
    "Press": "press",
}


def section(title: str) -> str:
    """The page from the heading of the defaults that begins with `title` to the next heading."""
    _, _, defaults = PAGE.read_text(encoding="utf-8").partition("## Where every default comes from")
    found = re.search(rf"^### {title}.*?(?=^##|\Z)", defaults, re.MULTILINE | re.DOTALL)
    assert found, f"docs/simulator.md: no defaults of {title!r}"
    return found[0]


def rows(title: str) -> dict[str, tuple[str, str]]:
    """Of each parameter in the section's tables, the default and where that comes from, as text."""
    lines = [
        line.strip("| ").split(" | ")
        for line in section(title).splitlines()
        if line.startswith("|")
    ]
    return {
        name: (line[-2].strip(), line[-1])
        for line in lines
        for name in re.findall(r"`(\w+)`", " ".join(line[:-2]))
    }


def parameters(kind: type) -> set[str]:
    return set(inspect.signature(kind).parameters) - {"self"}


@pytest.mark.parametrize("title", SECTIONS)
def test_every_parameter_has_a_row_that_says_where_it_comes_from(title: str) -> None:
    told, text = rows(title), section(title)
    for kind in SECTIONS[title]:
        for name in parameters(kind) - {"seed"}:
            if kind is Campaign:
                assert f"`{name}`" in text, name
            else:
                assert name in told, f"{kind.__name__}: {name}"
                assert len(told[name][1]) > 3, f"{kind.__name__}: {name}"


def test_no_row_is_of_a_parameter_that_is_gone() -> None:
    for title, kinds in SECTIONS.items():
        assert set(rows(title)) <= set().union(*(parameters(kind) for kind in kinds)), title


def values() -> dict[str, dict[str, Any]]:
    """The default of each parameter in the code or its preset, under the title of its section."""
    simulator = rates.load_preset("informz")
    noise = {
        name: parameter.default for name, parameter in inspect.signature(Noise).parameters.items()
    }
    return {"The association": simulator, "Noise of real logs": noise} | {
        t: simulator[part] for t, part in PARTS.items()
    }


@pytest.mark.parametrize("title", values())
def test_defaults_are_what_the_page_says(title: str) -> None:
    told, checked = rows(title), 0
    for name, value in values()[title].items():
        if name in told and isinstance(value, int | float) and not isinstance(value, bool):
            assert float(told[name][0]) == value, f"{title}: {name}"
            checked += 1
    assert checked >= 4


def test_the_other_preset_is_told_in_full() -> None:
    """The page shows every number of `higher_logic` that differs from `informz`."""
    told, mine, usual = (
        rows("The preset `higher_logic`"),
        rates.load_preset("higher_logic"),
        rates.load_preset("informz"),
    )
    for name, value in mine.items():
        if isinstance(value, int | float) and value != usual[name]:
            assert float(told[name][0]) == value, name
    for name in ("weekdays", "weekday_clicks"):
        assert [float(cell) for cell in told[name][0].split()] == mine["opens"][name]
    assert float(told["prefetch_share"][0]) == rates.load_tracking()["prefetch_share"]
