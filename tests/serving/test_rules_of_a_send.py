"""What an editor's rules mean in a send: nothing is void, and nothing beats another in silence."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from serving import send
from tests.support.desk_cases import K, list_arguments


def ask(desk: Path, unit: Path, rules: str, out: str = "out") -> int:
    (desk / "rules.yaml").write_text(rules)
    return send.main(list_arguments(desk, unit / "bundle", out=desk / out))


def change_pool(desk: Path, **columns: list[object]) -> pd.DataFrame:
    """The pool with some first cells of some columns changed."""
    pool = pd.read_parquet(desk / "pool.parquet")
    for name, values in columns.items():
        given = pool[name].tolist() if name in pool else [None] * len(pool)
        pool[name] = [*values, *given[len(values) :]]
    pool.to_parquet(desk / "pool.parquet")
    return pool


def test_spaces_and_capital_letters_do_not_tell_values_of_rules_apart(
    unit: Path, desk: Path
) -> None:
    """A cap, a minimum and a section hold for each spelling, and give the slates of one."""
    rules = "{{slots: {}, at_most: {{source: {{{}: 1}}}}, only: {{2: {{kind: [{}]}}}}}}"
    change_pool(desk, source=["Wire"] * 6, kind=["event"] * 3)
    assert ask(desk, unit, rules.format(K, "Wire", "event"), "plain") == 0
    spelt = ["Wire", "wire ", " WIRE", "wire\u200b", "\u200ewire", "Wire\u00a0"]
    pool = change_pool(desk, source=spelt, kind=["Event", " event", "EVENT\ufeff"])
    assert ask(desk, unit, rules.format(K, "' wire'", "EVENT"), "spelt") == 0
    slates = [
        pd.read_parquet(desk / name / "slates.parquet").drop(columns=["mail", "event"])
        for name in ("plain", "spelt")
    ]
    pd.testing.assert_frame_equal(*slates)
    wires = slates[1]["article"].isin(pool["article"][:6]).to_numpy().reshape(-1, K)
    assert wires.sum(axis=1).max() == 1


def test_each_value_is_counted_once_however_it_is_spelt(unit: Path, desk: Path) -> None:
    pool = change_pool(desk, source=["Wire", "wire", "WIRE "] * 2 + ["Gazette", "gazette"])
    assert ask(desk, unit, f"{{slots: {K}, at_most: {{source: {{'*': 1}}}}}}") == 0
    slates = pd.read_parquet(desk / "out" / "slates.parquet")
    source = pool.set_index("article")["source"].str.strip().str.casefold()
    counts = slates[slates["relaxed"] < 2].assign(source=lambda s: s["article"].map(source))
    assert counts.groupby(["member", "source"]).size().max() == 1


def test_an_article_without_a_source_is_counted_with_no_other(unit: Path, desk: Path) -> None:
    pool = change_pool(desk, source=["", " "] * K)
    assert ask(desk, unit, f"{{slots: {K}, at_most: {{source: {{'*': 1}}}}}}") == 0
    slates = pd.read_parquet(desk / "out" / "slates.parquet")
    without = slates["article"].isin(pool["article"][: 2 * K])
    assert not slates["relaxed"].any()
    assert without.groupby(slates["member"]).sum().max() > 1


def test_a_value_that_is_nearly_one_of_the_rules_is_told(
    unit: Path, desk: Path, capsys: Any
) -> None:
    change_pool(desk, source=["Newswire", "Newswires", "ACS News", "ACS-News"])
    rules = f"{{slots: {K}, at_most: {{source: {{Newswire: 1, '*': 2}}}}}}"
    assert ask(desk, unit, rules) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "source 'Newswires' is not 'Newswire' of the rules, and counts apart" in said
    assert "source 'ACS News' and 'ACS-News' count apart" in said


@pytest.mark.parametrize("pin", ["pins: {1: A}", "featured: A"])
def test_a_pin_in_a_section_of_others_is_refused(
    pin: str, unit: Path, desk: Path, capsys: Any
) -> None:
    pool = change_pool(desk, kind=["event", "resource"])
    event, resource = pool["article"][:2]
    rules = f"{{slots: {K}, {pin}, only: {{1: {{kind: [Resource]}}}}}}"
    assert ask(desk, unit, rules.replace("A", event)) == 2
    said = capsys.readouterr().err
    asked = "featured" if "featured" in pin else "pins: slot 1"
    assert f"rules.yaml: {asked} is '{event}', whose kind is 'event', but only: slot 1" in said
    assert "allows kind ['Resource']" in said
    assert ask(desk, unit, rules.replace("A", resource)) == 0


@pytest.mark.parametrize("by", ["story", "text"])
def test_two_pins_of_one_story_are_told(by: str, unit: Path, desk: Path, capsys: Any) -> None:
    if by == "story":
        pool = change_pool(desk, story=["visit", "visit"])
    else:
        pool = pd.read_parquet(desk / "pool.parquet")
        change_pool(desk, title=[pool["title"][0]] * 2, summary=[pool["summary"][0]] * 2)
    one, two = pool["article"][:2]
    assert ask(desk, unit, f"{{slots: {K}, pins: {{1: {one}, 3: {two}}}}}") == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"slots 1 and 3 are pinned to '{one}' and '{two}', which tell one story" in said
    assert "which tell one story" in (desk / "out" / "preview.html").read_text()


def test_a_minimum_that_is_met_is_not_told_as_given_up(unit: Path, desk: Path) -> None:
    """Three of a kind and three of a source look like six; three articles are both."""
    change_pool(desk, kind=["resource"] * 3, source=["board"] * 3)
    least = f"{{slots: {K}, at_least: {{kind: {{resource: 3}}, source: {{board: 3}}}}}}"
    pool = pd.read_parquet(desk / "pool.parquet").set_index("article")
    assert ask(desk, unit, least) == 0
    slates = pd.read_parquet(desk / "out" / "slates.parquet")
    shown = pool.loc[slates["article"]]
    counts = [
        (shown[name] == value).to_numpy().reshape(-1, K).sum(axis=1)
        for name, value in (("kind", "resource"), ("source", "board"))
    ]
    met = (counts[0] >= 3) & (counts[1] >= 3)
    said = (slates["relaxed"].to_numpy() == 1).reshape(-1, K).any(axis=1)
    assert met.any()
    assert not (met & said).any()
    assert (met | (slates["relaxed"].to_numpy() > 0).reshape(-1, K).any(axis=1)).all()
