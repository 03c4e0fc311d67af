"""Hygiene finds scanners on noise that it was not tuned on."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.log.events import TAGS
from bandit.log.hygiene import tag
from simulators.noise.gateways import Gateway
from simulators.noise.noise import Noise
from tests.support.noise_cases import record_issues, send_issues

# Bins, priors and weights were chosen on associations 10-17 with: the default noise; gateways that
# are quick or slow (30-120 s, 2-10 min, 10-60 min), take half of the links or one or two, rotate,
# sit on site, scan every mail or few; shares of 0, .05, .2, .4, .63; fast people; 3,000 small
# domains; half of the images blocked; logs without networks, domains or agents. The settings below
# were written down afterwards, and first run on association 31 as they stand here.
HELD_OUT: dict[str, dict[str, Any]] = {
    "at once": {"gateways": {"g": Gateway(first=(0.05, 0.5), gap=0.05)}},
    "after 45-240 s, half": {
        "gateways": {"g": Gateway(first=(45, 240), gap=8, links=0.5, declares=0, unsubscribe=False)}
    },
    "a third of the links": {
        "gateways": {"g": Gateway(first=(2, 30), gap=2, links=1 / 3, declares=0, unsubscribe=False)}
    },
    "after 2-8 min, rotating": {
        "gateways": {"g": Gateway(first=(120, 480), gap=15, declares=0, rotates=True, networks=500)}
    },
    "5 %, slow": {
        "scanner_share": 0.05,
        "gateways": {"g": Gateway(first=(30, 150), gap=3, declares=0, pixel=0)},
    },
    "40 %, half": {
        "scanner_share": 0.4,
        "gateways": {"g": Gateway(links=0.5, declares=0, rotates=True, networks=50)},
    },
    "63 %": {"scanner_share": 0.63, "corporate": 0.8},
    "fast people": {"open_hours": 0.3, "click_seconds": 5.0, "tabs": 0.5},
    "fast people, slow half": {
        "open_hours": 0.3,
        "click_seconds": 5.0,
        "tabs": 0.5,
        "gateways": {"g": Gateway(first=(20, 90), gap=3, links=0.5, declares=0)},
    },
    "tiny domains": {
        "domains": 6000,
        "gateways": {"g": Gateway(links=0.6, gap=1, declares=0, onsite=True)},
    },
    "HEAD first": {"gateways": {"g": Gateway(head=1.0, gap=0.2, declares=0)}},
    "images loaded on site": {
        "gateways": {"g": Gateway(scans=0.9, onsite=True, pixel=1.0, declares=0, gap=0.5)}
    },
    "people in the same clouds": {
        "tunnel": 0.5,
        "relay": 0.8,
        "gateways": {"g": Gateway(first=(10, 60), gap=2, declares=0)},
    },
    "hardly an open seen": {"blocked": 0.6, "prefetch_share": 0.6},
    "a third of the list behind gateways": {
        "scanner_share": 0.3,
        "corporate": 0.6,
        "gateways": {"g": Gateway(scans=0.03, links=0.5, first=(5, 60), gap=2, declares=0)},
    },
    "a third behind gateways on site": {
        "scanner_share": 0.3,
        "corporate": 0.6,
        "gateways": {
            "g": Gateway(scans=0.03, links=0.5, first=(20, 120), gap=3, declares=0, onsite=True)
        },
    },
    "many repeats": {"duplicates": 0.2, "late": 0.1},
}
RECALL, LOST = 0.95, 0.01


def measure(table: pd.DataFrame, truth: pd.DataFrame) -> tuple[float, float, float]:
    """The shares of scanner clicks that were tagged, of people's clicks tagged scanner, and
    of scanners in all clicks."""
    click = (table["kind"] == "click") & ~truth["duplicate"]
    scanner, person = click & (truth["source"] == "scanner"), click & (truth["source"] == "human")
    tagged = tag(table)["tag"] == "scanner"
    return (
        float(tagged[scanner].mean()),
        float(tagged[person].mean()),
        float(scanner.sum() / click.sum()),
    )


def assert_within(recall: float, lost: float, _: float) -> None:
    assert recall >= RECALL
    assert lost <= LOST


@pytest.mark.parametrize("name", HELD_OUT)
def test_scanners_on_settings_it_was_not_tuned_on(name: str) -> None:
    table, truth = record_issues(Noise(seed=31, **HELD_OUT[name]), send_issues(31))
    recall, lost, share = measure(table, truth)
    print(
        f"| {name} | {share:.2f} | {recall:.4f} | {lost:.4f} |"
    )  # pytest -k not_tuned -s prints the table
    assert_within(recall, lost, share)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [32, 33, 34])
@pytest.mark.parametrize("name", HELD_OUT)
def test_and_on_other_associations(name: str, seed: int) -> None:
    assert_within(*measure(*record_issues(Noise(seed=seed, **HELD_OUT[name]), send_issues(seed))))


@pytest.mark.parametrize(("members", "slots"), [(400, 6), (3000, 3)])
def test_short_lists_and_short_mails(members: int, slots: int) -> None:
    assert_within(
        *measure(*record_issues(Noise(seed=31), send_issues(31, members=members, slots=slots)))
    )


@pytest.mark.parametrize("seed", [31, 35])
def test_where_there_are_no_scanners_people_keep_their_clicks(seed: int) -> None:
    table, truth = record_issues(Noise(seed=seed, scanner_share=0.0), send_issues(seed))
    clicks = (table["kind"] == "click") & ~truth["duplicate"]
    assert (tag(table)["tag"][clicks] == "scanner").mean() <= LOST


def test_a_poor_log_is_enough() -> None:
    """No agents, no networks, whole seconds."""
    table, truth = record_issues(Noise(seed=31), send_issues(31))
    poor = table.assign(
        agent=np.where(table["agent"] == "bare", "bare", "none"),
        network="",
        seconds=table["seconds"].round(),
    )
    assert_within(*measure(poor, truth))


def test_the_other_tags() -> None:
    table, truth = record_issues(Noise(seed=31), send_issues(31))
    tagged = tag(table)
    once = ~truth["duplicate"]
    assert (tagged["tag"][once & (truth["source"] == "prefetch")] == "prefetch").all()
    repeats = tagged["tag"][truth["duplicate"] & (truth["source"] != "scanner")]
    assert (repeats == "duplicate").mean() >= 0.99
    people = once & (truth["source"] == "human")
    assert (tagged["tag"][people] == "duplicate").mean() <= 0.001
    late = people & (table["arrived"] > 7 * 86400) & (table["kind"] == "click")
    assert (tagged["tag"][late] == "late").mean() >= 0.98
    assert (
        tagged["why"][tagged["tag"] == "late"].str.endswith("; received after the next issue").all()
    )
    assert (
        tagged["tag"][(truth["source"] == "scanner") & (table["kind"] == "unsubscribe")]
        == "scanner"
    ).all()
    assert tagged["confidence"].between(0, 1).all()
    assert set(tagged["tag"]) == set(TAGS)
    clicks = tagged[
        (tagged["kind"] == "click")
        & tagged["tag"].isin(["human", "scanner"])
        & (tagged["confidence"] < 1)
    ]
    right = (clicks["tag"] == "scanner") == (truth["source"][clicks.index] == "scanner")
    assert right[clicks["confidence"] > 0.99].mean() >= 0.99


def test_a_real_log_in_another_order_and_under_other_names() -> None:
    table, _ = record_issues(Noise(seed=31), send_issues(31))
    columns = ["tag", "why", "confidence"]
    rows = np.random.default_rng(5).permutation(len(table))
    other = table.iloc[rows].assign(member=-table["member"].iloc[rows])
    pd.testing.assert_frame_equal(tag(other)[columns], tag(table)[columns].iloc[rows])
