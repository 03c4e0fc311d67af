"""Answers and the open rate of people, read from tagged events; and events that are refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Context
from bandit.log.events import COLUMNS, estimate_open_rate, read_feedback, validate
from bandit.log.hygiene import tag
from simulators.noise.noise import Noise
from tests.support.event_cases import make_events
from tests.support.noise_cases import record_issues, send_issues


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
        ({"sent": "yesterday"}, "events row 2: sent = yesterday; must be a time"),
        ({"sent": "now"}, "events row 2: sent = now; must be a time"),
        ({"sent": "2026-13-01"}, "events row 2: sent = 2026-13-01; must be a time"),
        (
            {"sent": pd.Timestamp("1970-01-21")},
            "events row 2: sent = 1970-01-21 .*; must be a time",
        ),
        ({"sent": 20260105}, "events row 2: sent = 20260105; must be a time"),
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


def test_times_of_sending_may_be_written_in_several_ways() -> None:
    text = ["2026-01-05", "2026-01-05T09:00:00Z", "2026-01-05 09:00:00.25+02:00"]
    for column in (text, pd.to_datetime(["2026-01-05"] * 3), pd.to_datetime(text[1:2] * 3)):
        validate(make_events([{}] * 3).assign(sent=column))


@pytest.mark.parametrize(("column", "value"), [("verdict", "machine"), ("place", "header")])
def test_columns_that_may_be_there_are_checked_too(column: str, value: str) -> None:
    table = make_events([{}, {}]).assign(verdict="bot", place="")
    validate(table)
    table.loc[1, column] = value
    with pytest.raises(ValueError, match=f"events row 1: {column} = {value}; must be one of"):
        validate(table)


def test_any_act_says_that_the_mail_came_and_other_links_that_it_was_opened() -> None:
    """One-click unsubscribing counts whatever the filter thinks of it, and opens nothing."""
    context, shown, _ = send_issues(31)[0]
    kinds = ["open", "click", "other", "unsubscribe", "unsubscribe"]
    rows = [
        {
            "campaign": context.campaign,
            "member": int(context.member_ids[place]),
            "kind": kind,
            "slot": int(kind == "click"),
            "method": "POST" if place == 4 else "GET",
        }
        for place, kind in enumerate(kinds)
    ]
    tagged = make_events(rows).assign(tag=["human"] * 4 + ["scanner"])
    got = read_feedback(tagged, context, shown, delivered=np.zeros(len(context.members), bool))
    assert np.flatnonzero(got.delivered).tolist() == [0, 1, 2, 3, 4]
    assert np.flatnonzero(got.opened).tolist() == [0, 1, 2]
    assert np.flatnonzero(got.unsubscribed).tolist() == [3, 4]


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
