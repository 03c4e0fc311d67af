"""Hygiene finds scanners on noise that it was not tuned on.

It tags and never deletes, and says what it cannot read.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.core.types import Context
from bandit.log.events import COLUMNS, TAGS, estimate_open_rate, read_feedback, validate
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
    """The shares of scanner clicks that were tagged, of people's clicks that were tagged scanner, and
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


def test_answers_are_what_people_did() -> None:
    table, _ = record_issues(Noise(seed=31), send_issues(31))
    tagged = tag(table)
    for context, shown, feedback in send_issues(31):
        got = read_feedback(tagged, context, shown)
        missed, made_up = feedback.clicked & ~got.clicked, got.clicked & ~feedback.clicked
        assert missed.sum() <= 0.01 * feedback.clicked.sum()
        assert made_up.sum() <= 0.02 * feedback.clicked.sum()
        assert (got.unsubscribed == feedback.unsubscribed).mean() > 0.999
        assert (got.opened & ~feedback.opened).mean() < 0.005
        assert got.opened[got.clicked.any(axis=1)].all()


@pytest.mark.parametrize(
    "noise", [{}, {"prefetch_share": 0.6}, {"blocked": 0.4}, {"scanner_share": 0.5}]
)
def test_the_open_rate_of_people(noise: dict[str, float]) -> None:
    table, _ = record_issues(Noise(seed=31, **noise), send_issues(31))
    deliveries = pd.concat(
        [
            pd.DataFrame({"campaign": c.campaign, "member": c.member_ids})
            for c, _, _ in send_issues(31)
        ]
    )
    truth = np.concatenate([f.opened for _, _, f in send_issues(31)])
    found = estimate_open_rate(tag(table), deliveries)
    # hidden opens are known from some 300 member-issues with a click: two standard errors are
    # about .03 at blocked = .4
    assert found.human == pytest.approx(truth.mean(), abs=0.03)
    assert abs(found.recorded - truth.mean()) > abs(found.human - truth.mean())
    sure = found.chance == 1
    assert truth[sure].mean() >= 0.99
    assert truth[~sure].mean() == pytest.approx(found.chance[~sure].mean(), abs=0.03)


def test_opens_drawn_by_their_chance_give_clicks_an_honest_denominator() -> None:
    """Of the members who opened, which share clicked?

    Hidden opens make it too high; drawn ones set it right.
    """
    table, _ = record_issues(Noise(seed=31), send_issues(31))
    tagged = tag(table)
    rates = []
    for context, shown, feedback in send_issues(31):
        found = estimate_open_rate(
            tagged, pd.DataFrame({"campaign": context.campaign, "member": context.member_ids})
        )
        drawn = np.random.default_rng(context.issue).random(len(context.members)) < found.chance
        seen, filled = (
            read_feedback(tagged, context, shown),
            read_feedback(tagged, context, shown, opened=drawn),
        )
        assert not (seen.opened & ~filled.opened).any()
        rates.append(
            [f.clicked.any(axis=1).sum() / f.opened.sum() for f in (feedback, seen, filled)]
        )
    true, seen_rate, filled_rate = np.mean(rates, axis=0)
    assert seen_rate > 1.2 * true
    assert filled_rate == pytest.approx(true, rel=0.05)


def test_opens_by_hand() -> None:
    """5 members without a proxy: 3 opens recorded, 2 clicks, 1 of them without its open.

    Chapman says 4 * 3 / 2 - 1 = 5.
    """
    rows = [
        ("a", "open"),
        ("b", "open"),
        ("c", "open"),
        ("c", "click"),
        ("d", "click"),
        ("f", "open"),
    ]
    table = make_events(
        [{"member": m, "kind": kind, "slot": int(kind == "click")} for m, kind in rows]
    )
    table["tag"] = ["human"] * 5 + ["prefetch"]
    found = estimate_open_rate(table, pd.DataFrame({"campaign": "c", "member": list("abcdegf")}))
    assert (found.recorded, found.human, found.prefetched) == (4 / 7, 5 / 6, 1 / 7)
    assert found.hidden == pytest.approx(1 - 3 / 5)
    blocked, proxied = (
        5 / 6 * 0.4 * 0.6,
        5 / 6 * 0.6,
    )  # opened, unseen, and not clicked (2 of 5 click)
    assert found.chance[:4] == pytest.approx(1.0)
    assert found.chance[4] == pytest.approx(blocked / (blocked + 1 / 6))
    assert found.chance[6] == pytest.approx(proxied / (proxied + 1 / 6))


def make_events(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows with what is not given filled in."""
    usual = {
        "campaign": "c",
        "member": 1,
        "kind": "click",
        "slot": 1,
        "links": 5,
        "seconds": 5000.0,
        "domain": "org",
    }
    usual |= {
        "sent": pd.Timestamp("2026-01-06"),
        "agent": "browser",
        "method": "GET",
        "network": "home",
    }
    made = [{"event": i, **usual, **row} for i, row in enumerate(rows)]
    return pd.DataFrame(
        [{"arrived": float(row["seconds"]) + 1, **row} for row in made], columns=list(COLUMNS)
    )


def test_one_burst_by_hand() -> None:
    burst = [{"slot": j, "seconds": 2 + 0.3 * j, "member": 3} for j in range(1, 6)]
    person = [
        {"kind": "open", "slot": 0, "seconds": 4000.0},
        {"seconds": 4030.0},
        {"seconds": 4030.4},
        {"event": 6, "seconds": 4030.0},
    ]
    tagged = tag(make_events(burst + person))
    assert tagged["tag"].tolist() == ["scanner"] * 5 + ["human", "human", "duplicate", "duplicate"]
    assert tagged["why"][0].startswith(
        "within 5 s of delivery; all links, under 1 s apart; no open recorded; a browser"
    )
    assert tagged["why"][7:].tolist() == [
        "the same request again within 10 s",
        "the same record again",
    ]


ROW = st.fixed_dictionaries(
    {
        "campaign": st.sampled_from(["c", "d"]),
        "member": st.integers(1, 4),
        "kind": st.sampled_from(["open", "click", "click", "unsubscribe"]),
        "slot": st.integers(1, 5),
        "seconds": st.one_of(st.floats(-5, 30), st.floats(0, 2e6), st.sampled_from([1.0, 60.0])),
        "arrived": st.floats(0, 2e6),
        "agent": st.sampled_from(["mail", "browser", "bare", "scanner", "none"]),
        "method": st.sampled_from(["GET", "HEAD"]),
        "network": st.sampled_from(["home", "apple", "cloud"]),
        "domain": st.sampled_from(["org", "shop"]),
    }
)


@st.composite
def tables(draw: Any) -> pd.DataFrame:
    """Any events, some of them twice, in a frame with a strange index."""
    rows = [
        row | {"slot": row["slot"] * (row["kind"] == "click")}
        for row in draw(st.lists(ROW, max_size=25))
    ]
    table = make_events(rows)
    again = draw(st.lists(st.integers(0, max(len(rows) - 1, 0)), max_size=4)) if rows else []
    table = pd.concat([table, table.iloc[again]], ignore_index=True) if again else table
    return table.set_axis(np.arange(len(table))[::-1] * 3 + 7)


@settings(max_examples=20)
@given(tables())
def test_it_never_deletes_and_is_idempotent(table: pd.DataFrame) -> None:
    before = table.copy()
    tagged = tag(table)
    pd.testing.assert_frame_equal(tagged[list(COLUMNS)], before)
    pd.testing.assert_frame_equal(table, before)
    assert tagged["tag"].isin(TAGS).all()
    assert tagged["confidence"].between(0, 1).all()
    pd.testing.assert_frame_equal(tag(tagged), tagged)


@settings(max_examples=20)
@given(tables(), st.randoms(use_true_random=False))
def test_row_order_does_not_matter(table: pd.DataFrame, random: Any) -> None:
    rows = random.sample(range(len(table)), len(table))
    by = [*COLUMNS, "tag"]  # rows that are alike in every column may change places
    first, second = (tag(t).sort_values(by, ignore_index=True) for t in (table, table.iloc[rows]))
    pd.testing.assert_frame_equal(first, second)


@settings(max_examples=20)
@given(tables())
def test_member_ids_are_only_names(table: pd.DataFrame) -> None:
    renamed = table.assign(member=table["member"].map(lambda member: f"{7 - member}-x"))
    columns = ["tag", "why", "confidence"]
    pd.testing.assert_frame_equal(tag(renamed)[columns], tag(table)[columns])


def test_a_real_log_in_another_order_and_under_other_names() -> None:
    table, _ = record_issues(Noise(seed=31), send_issues(31))
    columns = ["tag", "why", "confidence"]
    rows = np.random.default_rng(5).permutation(len(table))
    other = table.iloc[rows].assign(member=-table["member"].iloc[rows])
    pd.testing.assert_frame_equal(tag(other)[columns], tag(table)[columns].iloc[rows])


def test_an_empty_table_works(make_context: Callable[..., Context]) -> None:
    tagged = tag(make_events([]))
    assert len(tagged) == 0
    assert list(tagged.columns) == [*COLUMNS, "tag", "why", "confidence"]
    context, shown, _ = send_issues(31)[0]
    assert not read_feedback(tagged, context, shown).opened.any()
    assert (
        estimate_open_rate(tagged, pd.DataFrame({"campaign": ["c"] * 3, "member": [1, 2, 3]})).human
        == 0
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seconds": float("nan")}, "events row 2: seconds = nan; must be a finite number"),
        ({"arrived": float("inf")}, "events row 2: arrived = inf"),
        ({"kind": "tap"}, "events row 2: kind = tap; must be one of open, click, unsubscribe"),
        ({"agent": "Mozilla"}, "events row 2: agent = Mozilla"),
        ({"slot": 0}, "events row 2: slot = 0; a click's slot counts from 1"),
        ({"slot": 6}, "events row 2: slot = 6; this member's mail has fewer links"),
        ({"seconds": "12"}, "events row 2: seconds = 12; must be a number, not text"),
        ({"slot": 1.5}, "events row 2: slot = 1.5; must be a whole number"),
        ({"kind": "open"}, "events row 2: slot = 1; must be 0 unless it is a click"),
        ({"member": None}, "events row 2: member = nan; must be given"),
        (
            {"event": 0, "slot": 2},
            "events row 2: event = 0; this id was already used for another event",
        ),
    ],
)
def test_rows_that_no_event_can_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    table = make_events([{}, {"seconds": 7000.0}, wrong])
    with pytest.raises(ValueError, match=said):
        tag(table)


def test_a_missing_column_and_a_stranger_are_refused() -> None:
    table = make_events([{}])
    with pytest.raises(ValueError, match="events lacks column 'links'"):
        validate(table.drop(columns="links"))
    context, shown, _ = send_issues(31)[0]
    with pytest.raises(ValueError, match="opened has shape"):
        read_feedback(tag(make_events([])), context, shown, opened=np.zeros(2, dtype=bool))
    here = tag(make_events([{}, {"campaign": context.campaign}]))
    with pytest.raises(ValueError, match=f"events row 1: member = 1; is not in {context.campaign}"):
        read_feedback(here, context, shown)
    ours = {"campaign": context.campaign, "member": int(context.member_ids[3])}
    beyond = tag(make_events([{}, ours, ours | {"slot": 9, "links": 9}]))
    with pytest.raises(ValueError, match="events row 2: slot = 9; the slates have 6"):
        read_feedback(beyond, context, shown)
