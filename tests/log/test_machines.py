"""Machines that the hygiene filter must not take for people, and people not for machines."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.log.doubt import People, count_people, draw_tags, find_chance
from bandit.log.events import estimate_open_rate
from bandit.log.hygiene import tag
from bandit.log.machines.echoes import find_echoes
from bandit.log.machines.visits import group_visits
from simulators.noise.gateways import Gateway
from simulators.noise.noise import Noise
from tests.support.event_cases import make_events
from tests.support.noise_cases import record_issues, send_issues

WALK = {"gap": 300, "declares": 0, "pixel": 0, "unsubscribe": False, "scans": 0.6}
QUIET = {"declares": 0, "pixel": 0, "unsubscribe": False, "scans": 0.6}
SETTINGS: dict[str, dict[str, Any]] = {
    "no machines": {"scanner_share": 0.0},
    "links 1-10 minutes apart, .8 of clicks": {
        "scanner_share": 0.8,
        "corporate": 0.7,
        "gateways": {"g": Gateway(first=(60, 600), **WALK)},
    },
    "one link, an hour later": {
        "corporate": 0.8,
        "gateways": {"g": Gateway(first=(600, 3600), most=1, **QUIET)},
    },
    "images, then a link an hour": {
        "scanner_share": 0.3,
        "corporate": 0.6,
        "gateways": {
            "g": Gateway(first=(60, 3600), lead=30, **(WALK | {"gap": 3600, "pixel": 1})),
        },
    },
    "what the reader clicked, once more": {
        "corporate": 0.6,
        "gateways": {"g": Gateway(first=(0.5, 5), gap=0.1, when="click", **QUIET)},
    },
}


@cache
def record(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tagged clicks of a setting, without repeats, and the truth about each."""
    table, truth = record_issues(Noise(seed=31, **SETTINGS[name]), send_issues(31))
    clicks = (table["kind"] == "click") & ~truth["duplicate"]
    return tag(table)[clicks], truth[clicks]


@pytest.mark.parametrize("name", SETTINGS)
def test_machines_are_found_and_people_kept(name: str) -> None:
    tagged, truth = record(name)
    scanner, person = truth["source"] == "scanner", truth["source"] == "human"
    said = tagged["tag"] == "scanner"
    assert said[person].mean() <= 0.01
    assert not scanner.any() or said[scanner].mean() >= 0.95
    found = count_people(tagged)
    true = int((person & (tagged["tag"] != "duplicate")).sum())
    assert found.low <= true <= found.high
    assert found.readable
    chance = find_chance(tagged)
    assert found.expected == pytest.approx(chance[tagged["tag"] != "duplicate"].sum(), rel=0.01)


def test_people_of_a_list_without_opens_are_no_machines() -> None:
    """Clicks alone were exported, and everybody is in a hurry: nothing speaks for machines."""
    hurried = Noise(seed=31, scanner_share=0.0, open_hours=0.35, tabs=0.4, click_seconds=15.0)
    table, truth = record_issues(hurried, send_issues(31))
    clicks = (table["kind"] == "click") & ~truth["duplicate"]
    tagged = tag(table[clicks].reset_index(drop=True))
    assert (tagged["tag"] == "scanner").mean() <= 0.01
    found = count_people(tagged)
    assert found.low <= (tagged["tag"] != "duplicate").sum() <= found.high


def test_the_echo_of_a_click_is_not_its_reader() -> None:
    """A gateway asks by HEAD and GET for what was clicked; the images say that it opened, too."""
    rows: list[dict[str, Any]] = [
        {"member": 1, "seconds": 4000, "network": "home"},
        {"member": 1, "seconds": 4002, "network": "cloud", "method": "HEAD"},
        {"member": 1, "seconds": 4003, "network": "cloud"},
        {"member": 2, "seconds": 9000, "network": "cloud"},
        {"member": 2, "seconds": 9002, "network": "home"},
        {"member": 3, "seconds": 50, "network": "home"},
    ]
    clicks = make_events([row | {"slot": 2} for row in rows])
    mail = np.array([1, 1, 1, 2, 2, 3])
    here = np.array([False, False, False, False, True, False])
    assert find_echoes(clicks, mail, here).tolist() == [False, True, True, True, False, False]


def test_a_walk_lasts_as_long_as_its_reader_takes() -> None:
    """A gateway's six links lie hours apart; a click from elsewhere between them is not its own."""
    hour, walk = 3600.0, [{"slot": j + 1, "seconds": 900 + 3 * 3600.0 * j} for j in range(6)]
    rows: list[dict[str, Any]] = [{"kind": "open", "slot": 0, "seconds": 870.0}, *walk]
    rows = [row | {"network": "cloud"} for row in rows]
    rows.append({"slot": 5, "seconds": 2 * hour, "network": "home"})
    table = make_events([row | {"links": 6} for row in rows]).sort_values("seconds")
    one, none = np.zeros(len(table), dtype=int), np.zeros(len(table), dtype=bool)
    clicks = (table["kind"] == "click").to_numpy()
    visits = group_visits(table, one, clicks, ~clicks, none, none)
    said = [words.split("; ")[1] for words in visits.describe()[visits.row[clicks]]]
    where = table["network"][clicks].tolist()
    shown = {"cloud": "all links, minutes to days apart", "home": "one link"}
    assert said == [shown[network] for network in where]


@pytest.mark.parametrize("walks", [0, 100])
def test_readers_who_come_back_are_people(walks: int) -> None:
    """A fifth of 600 take a second link hours later; gateways walk through none or 100 mails."""
    rng, people = np.random.default_rng(4), 600
    rows: list[dict[str, Any]] = []
    for member in range(people + walks):
        machine = member >= people
        begin = rng.uniform(60, 3600) if machine else np.exp(rng.normal(9.3, 1.8))
        network, domain = f"home {member}", f"office {member % 20}"
        if machine or rng.random() < 0.5:
            network = "cloud" if machine else network
        else:
            domain = f"public {member % 3}"
        of = {"member": member, "links": 6, "network": network, "domain": domain}
        rows.append(of | {"kind": "open", "slot": 0, "seconds": begin})
        back = rng.random() < 0.2
        for j in range(6) if machine else range(1 + back):
            rows.append(of | {"slot": j + 1, "seconds": begin + 30 + 5400 * j})
    table = tag(make_events(rows))
    clicks, said = table[table["kind"] == "click"], table["tag"] == "scanner"
    mine = clicks["member"] < people
    assert said[clicks.index][mine].mean() <= 0.01
    assert not walks or said[clicks.index][~mine].mean() >= 0.95


def test_all_links_in_order_hours_later() -> None:
    """Forty mails of one network, six links each, 1.5 s apart three hours after delivery."""
    rows = [
        {"member": m, "slot": j + 1, "links": 6, "seconds": 10800 + 7.0 * m + 1.5 * j}
        for m in range(40)
        for j in range(6)
    ]
    tagged = tag(make_events([row | {"network": "cloud"} for row in rows]))
    assert (tagged["tag"] == "scanner").all()
    assert count_people(tagged).high <= 5


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_images_loaded_during_a_scanner_s_visit_are_as_surely_its_own(method: str) -> None:
    """An open that looks like a person's has not that confidence; a POST hides no click."""
    links = [
        {"member": m, "slot": j + 1, "links": 6, "seconds": 10800 + 7.0 * m + 1.5 * j}
        for m in range(40)
        for j in range(6)
    ]
    opens = [
        {"member": m, "kind": "open", "slot": 0, "seconds": 10799.5 + 7.0 * m} for m in range(40)
    ]
    clicks = [row | {"method": method} for row in links]
    tagged = tag(make_events([row | {"network": "cloud"} for row in [*opens, *clicks]]))
    assert (tagged["tag"] == "scanner").all()
    assert (tagged["confidence"][:40] == 0.9).all()


@pytest.mark.parametrize("begin", [300, 7000])
def test_colleagues_who_click_one_article_within_minutes_are_people(begin: float) -> None:
    rows: list[dict[str, Any]] = []
    at = begin + np.random.default_rng(1).uniform(0, 400, size=20)
    for member, seconds in enumerate(at):
        if member % 2:
            rows.append({"member": member, "kind": "open", "slot": 0, "seconds": seconds - 30})
        rows.append({"member": member, "slot": 2, "seconds": seconds})
    tagged = tag(make_events([row | {"network": "office", "domain": "office"} for row in rows]))
    assert (tagged["tag"] == "human").all()


@pytest.mark.parametrize(
    "noise",
    [
        {"noticed": 0.5},
        {
            "scanner_share": 0.0,
            "gateways": {"g": Gateway(first=(1, 120), links=0, **(QUIET | {"pixel": 1}))},
        },
    ],
    ids=["a webmail's cache at notification", "silent pixels"],
)
def test_images_loaded_soon_after_delivery_are_no_readers(noise: dict[str, Any]) -> None:
    issues = send_issues(31)
    table, truth = record_issues(Noise(seed=31, **noise), issues)
    tagged = tag(table)
    opens = (table["kind"] == "open") & ~truth["duplicate"] & (table["agent"] != "bare")
    machines = opens & (truth["source"] != "human")
    people = opens & (truth["source"] == "human")
    assert machines.sum() > 1000
    said = ~tagged["tag"].isin(["human", "late"])
    assert said[machines].mean() >= 0.95
    assert said[people].mean() <= 0.02
    mails = [pd.DataFrame({"campaign": c.campaign, "member": c.member_ids}) for c, _, _ in issues]
    true = np.concatenate([f.opened for _, _, f in issues]).mean()
    assert estimate_open_rate(tagged, pd.concat(mails)).human == pytest.approx(true, abs=0.03)


def test_people_and_a_machine_that_waits_for_them_are_not_exchanged() -> None:
    """A gateway loads the images when the reader does and takes half of the links, of .65 of all.

    Where images are blocked, its walks looked more like readers' than readers' own clicks did: .28
    of people's clicks were taken for its own, and .62 of its own found.
    """
    walk = WALK | {"gap": 400, "steady": True, "scans": 0.85, "networks": 50}
    waits = Gateway(first=(4, 12), links=0.5, when="open", **(walk | {"pixel": 1}))
    machines = {"scanner_share": 0.65, "corporate": 0.63, "gateways": {"g": waits}}
    noise = Noise(seed=20, blocked=0.43, **machines)
    table, truth = record_issues(noise, send_issues(20))
    clicks = (table["kind"] == "click") & ~truth["duplicate"]
    tagged, person = tag(table)[clicks], truth["source"][clicks] == "human"
    said = tagged["tag"] == "scanner"
    assert said[person].mean() <= 0.1
    assert said[~person].mean() >= 0.9


def test_the_statement_of_doubt_by_hand() -> None:
    tags = ["human"] * 3 + ["scanner"] * 2 + ["duplicate"]
    table = make_events([{"member": m} for m in range(6)]).assign(tag=tags, why="")
    sure = count_people(table.assign(confidence=1.0))
    assert (sure.recorded, sure.expected, sure.low, sure.high) == (5, 3.0, 3, 3)
    unsure = table.assign(confidence=[1.0, 0.9, 0.7, 0.8, 1.0, 0.9])
    assert find_chance(unsure) == pytest.approx([1.0, 0.9, 0.7, 0.2, 0.0, 0.0])
    found = count_people(unsure)
    assert found.expected == pytest.approx(2.8)
    assert (found.low, found.high) == (1, 4)
    assert found.describe() == "people's clicks: 1 to 4 of 5; too few to find slow machines"
    assert People(500, 480.0, 470, 490).describe() == "people's clicks: 470 to 490 of 500"
    assert People(500, 250.0, 100, 300).describe().endswith("cannot be told apart here")


def test_unsure_tags_are_drawn_by_their_chance_and_sure_ones_stay() -> None:
    """Of 400 mails with two clicks each, of which people made .3, .7 in another campaign."""
    sure = {"tag": "scanner", "confidence": 0.999, "why": ""}
    low = {"tag": "scanner", "confidence": 0.7, "why": ""}
    high = {"campaign": "d", "tag": "late", "confidence": 0.7, "why": ""}
    rows = [
        kind | {"member": m, "slot": j}
        for kind in (low, high, sure)
        for m in range(400)
        for j in (1, 2)
    ]
    table = make_events([{k: v for k, v in row.items() if k not in sure} for row in rows])
    tagged = table.assign(**{name: [row[name] for row in rows] for name in sure})
    drawn = draw_tags(tagged, seed=3)
    said = drawn["tag"].to_numpy().reshape(3, 400, 2)
    assert (said[:, :, 0] == said[:, :, 1]).all()
    assert (said[0] == "human").mean() == pytest.approx(0.3, abs=0.07)
    assert (said[1] == "late").mean() == pytest.approx(0.7, abs=0.07)
    assert (said[2] == "scanner").all()
    certain = tagged.assign(confidence=1.0)
    pd.testing.assert_frame_equal(draw_tags(certain), certain)
    other = draw_tags(tagged, seed=4)["tag"]
    assert 0.2 < (other != drawn["tag"])[: 4 * 400].mean() < 0.6
