"""Noise has the configured shares of recorded events and published delays, and keeps the truth."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from bandit.core.types import Context, Feedback, Slates
from bandit.log import events
from experiments.runner.configs import ROOT, make
from simulators.calendar import Calendar
from simulators.noise.gateways import Gateway
from simulators.noise.noise import USUAL, Noise
from tests.support.noise_cases import record_issues, send_issues

CONFIGS = sorted((ROOT / "configs/noise").glob("*.yaml"))
SILENT: dict[str, Any] = {
    "prefetch_share": 0.0,
    "scanner_share": 0.0,
    "blocked": 0.0,
    "duplicates": 0.0,
    "late": 0.0,
}


def share(
    table: pd.DataFrame, truth: pd.DataFrame, kind: str, source: str, of: tuple[str, ...]
) -> float:
    rows = (table["kind"] == kind) & ~truth["duplicate"] & truth["source"].isin(of)
    return float((truth["source"][rows] == source).mean())


@pytest.mark.parametrize("wanted", [0.3, 0.5, 0.6])
def test_prefetch_has_its_share_of_recorded_opens(wanted: float) -> None:
    table, truth = record_issues(Noise(seed=5, prefetch_share=wanted), send_issues())
    assert share(table, truth, "open", "prefetch", ("human", "prefetch")) == pytest.approx(
        wanted, abs=0.02
    )


@pytest.mark.parametrize("wanted", [0.1, 0.2, 0.3, 0.6])
def test_scanners_have_their_share_of_recorded_clicks(wanted: float) -> None:
    table, truth = record_issues(Noise(seed=5, scanner_share=wanted), send_issues())
    # Scans come in handfuls of clicks: a share w of 1,500 clicks rests on some 60 w / (1 - w) scans
    # an issue.
    assert share(table, truth, "click", "scanner", ("human", "scanner")) == pytest.approx(
        wanted, abs=0.05
    )


def test_opens_come_as_published() -> None:
    """21-33 % within 1 h, 52-61 % within 6 h, 77-79 % within a day, 95 % within a week.

    configs/noise/default.yaml has the sources.
    """
    table, truth = record_issues(Noise(seed=5, **SILENT), send_issues())
    hours = table["seconds"][table["kind"] == "open"] / 3600
    assert (truth["source"] == "human").all()
    for within, low, high in (
        (1, 0.20, 0.34),
        (6, 0.50, 0.63),
        (24, 0.75, 0.82),
        (168, 0.93, 0.97),
    ):
        assert low <= (hours < within).mean() <= high, within


def test_mails_go_out_on_the_days_that_the_calendar_says() -> None:
    """One on each send day of a week, from the week of Monday 5 January 2026 on."""
    for days in ((1,), (0, 3, 4)):
        table, _ = record_issues(Noise(seed=5, send_days=days), send_issues())
        first = table.groupby("campaign")["sent"].min().dt.normalize()
        calendar = Calendar(days)
        wanted = [
            pd.Timestamp("2026-01-05") + pd.Timedelta(days=calendar.day(issue))
            for issue in range(1, 7)
        ]
        assert first.tolist() == wanted


def test_few_read_at_night() -> None:
    table, _ = record_issues(Noise(seed=5, **SILENT), send_issues())
    opened = table[table["kind"] == "open"]
    hour = (opened["sent"] + pd.to_timedelta(opened["seconds"], unit="s")).dt.hour
    assert (hour < 5).mean() < 0.06


@pytest.mark.parametrize(
    "noise", [Noise(seed=5), Noise(seed=6, blocked=0.5, duplicates=0.3, late=0.3)]
)
def test_the_truth_is_in_there(noise: Noise) -> None:
    """Read with the true sources, the events give every click back, and no click that was not."""
    for context, shown, feedback in send_issues():
        table, truth = noise.record_events(context, shown, feedback)
        events.validate(table)
        got = events.read_feedback(table.assign(tag=truth["source"]), context, shown)
        assert got.clicked.tobytes() == feedback.clicked.tobytes()
        assert got.unsubscribed.tobytes() == feedback.unsubscribed.tobytes()
        assert not (
            got.opened & ~feedback.opened
        ).any()  # images hide opens, and nothing invents them


def test_without_noise_the_events_are_the_feedback() -> None:
    for context, shown, feedback in send_issues():
        table, truth = Noise(seed=5, **SILENT).record_events(context, shown, feedback)
        got = events.read_feedback(table.assign(tag=truth["source"]), context, shown)
        assert got.opened.tobytes() == feedback.opened.tobytes()
        assert (
            len(table)
            == feedback.opened.sum() + feedback.clicked.sum() + feedback.unsubscribed.sum()
        )


def test_a_click_follows_its_open_and_rows_come_as_received() -> None:
    table, _ = record_issues(Noise(seed=5, **SILENT), send_issues()[:1])
    first = table[table["kind"] == "open"].set_index("member")["seconds"]
    clicks = table[table["kind"] == "click"]
    assert (clicks["seconds"].to_numpy() > first[clicks["member"]].to_numpy()).all()
    assert table["arrived"].is_monotonic_increasing
    assert not table["seconds"].is_monotonic_increasing


def test_asked_twice_and_in_another_order_the_events_are_the_same() -> None:
    context, shown, feedback = send_issues()[0]
    rows = np.random.default_rng(3).permutation(len(context.members))
    mixed = context.take(rows)
    shown2 = Slates(**{name: value[rows] for name, value in vars(shown).items()})
    feedback2 = Feedback(**{name: value[rows] for name, value in vars(feedback).items()})
    first, _ = Noise(seed=5).record_events(context, shown, feedback)
    again, _ = Noise(seed=5).record_events(mixed, shown2, feedback2)
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(Noise(seed=6).record_events(context, shown, feedback)[0])


def test_the_same_members_use_apple_mail_in_every_issue() -> None:
    table, truth = record_issues(Noise(seed=5, prefetched=1.0), send_issues())
    fetched = table[truth["source"] == "prefetch"]
    first, last = (
        set(fetched.loc[fetched["campaign"] == f"issue-00{i}", "member"]) for i in (1, 6)
    )
    joined = set(send_issues()[0][0].member_ids) & set(send_issues()[-1][0].member_ids)
    assert len(first & last) > 0.9 * len(first & joined)


def test_a_gateway_that_scans_everything_clicks_every_link() -> None:
    gateway = Gateway(scans=1.0, pixel=1.0, declares=1.0, head=1.0)
    context, shown, feedback = send_issues()[0]
    table, truth = Noise(seed=5, gateways={"all": gateway}, duplicates=0.0).record_events(
        context, shown, feedback
    )
    scans = table[truth["source"] == "scanner"]
    rows = scans.groupby("member")["kind"].value_counts().unstack()
    assert (rows == {"click": 12, "open": 1, "unsubscribe": 1}).all(
        axis=None
    )  # HEAD and GET, six links
    assert (scans["agent"] == "scanner").all()
    assert scans["seconds"].between(0.9, 8 + 7 * 0.4 * 8).all()


def test_a_gateway_that_waits_for_a_click_loads_no_images_before_it() -> None:
    click = Gateway(first=(2, 9), gap=0.3, pixel=1, when="click", unsubscribe=False)
    table, truth = record_issues(
        Noise(seed=21, scanner_share=0.1, corporate=0.8, gateways={"g": click}), send_issues()
    )
    table, mail = table[~truth["duplicate"]], ["campaign", "member"]
    source = truth["source"][~truth["duplicate"]]
    clicks = table[(source == "human") & (table["kind"] == "click")]
    opens = table[(source == "scanner") & (table["kind"] == "open")]
    first = clicks.groupby(mail)["seconds"].min().reindex(pd.MultiIndex.from_frame(opens[mail]))
    assert len(opens) > 50
    assert (opens["seconds"].to_numpy() >= first.to_numpy() + 2).all()


def test_duplicates_repeat_and_late_events_are_late() -> None:
    table, truth = record_issues(Noise(seed=5, duplicates=0.3, late=0.2), send_issues()[:1])
    repeat = truth["duplicate"].to_numpy()
    assert repeat.mean() == pytest.approx(0.3 / 1.3, abs=0.02)
    what = ["member", "kind", "slot", "network"]
    originals = pd.MultiIndex.from_frame(table.loc[~repeat, what])
    assert pd.MultiIndex.from_frame(table.loc[repeat, what]).isin(originals).all()
    assert truth["late"].mean() == pytest.approx(0.2, abs=0.02)
    assert ((table["arrived"] - table["seconds"])[truth["late"]] > 86400).all()


def test_nobody_answers(make_context: Callable[..., Context]) -> None:
    context = make_context(n=4, m=7)
    nothing = np.zeros((4, 3), dtype=bool)
    shown = Slates(
        np.tile(np.arange(3), (4, 1)),
        np.ones((4, 3)),
        *(np.zeros((4, 3), dtype=np.int8) for _ in range(3)),
    )
    feedback = Feedback(
        ~nothing[:, 0], nothing[:, 0], nothing[:, 0], nothing - 1, nothing, np.zeros((4, 3))
    )
    table, truth = Noise().record_events(context, shown, feedback)
    assert len(table) == len(truth) == 0
    events.validate(table)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_makes_noise(path: Path) -> None:
    noise = make(yaml.safe_load(path.read_text(encoding="utf-8")), seed=5)
    table, truth = record_issues(noise, send_issues()[:2])
    events.validate(table)
    assert set(truth["source"]) == {"human", "prefetch", "scanner"}


def test_the_default_config_is_the_default() -> None:
    assert "default" in {path.stem for path in CONFIGS}
    default = make(yaml.safe_load((CONFIGS[0].parent / "default.yaml").read_text(encoding="utf-8")))
    plain = Noise()
    assert {**vars(default), "gateways": 0} == {**vars(plain), "gateways": 0}
    for name, gateway in USUAL.items():
        made = default.gateways[name]
        assert {**vars(made), "first": list(made.first)} == {
            **vars(gateway),
            "first": list(gateway.first),
        }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prefetch_share": 1.2}, "prefetch_share = 1.2; must be in"),
        ({"prefetch_share": 1.0}, "prefetch_share = 1; must be below 1"),
        ({"scanner_share": -0.1}, "scanner_share = -0.1"),
        ({"blocked": float("nan")}, "blocked = nan"),
        ({"open_hours": 0.0}, "open_hours = 0.0"),
        ({"domains": 0}, "domains = 0"),
        ({"send_days": (4, 1)}, "send_days"),
        ({"gateways": {}}, "gateways"),
        ({"gateways": {"slow": {"links": 2.0}}}, "gateways.slow: gateway links = 2.0"),
        ({"gateways": {"slow": {"hurry": 2.0}}}, "gateways.slow: .*hurry"),
        (
            {"gateways": {"slow": {"first": [5.0, 1.0]}}},
            r"gateways.slow: gateway first = \[5.0, 1.0\]",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Noise(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"scanner_share": 0.9, "corporate": 0.01},
            "scanner_share = 0.9; gateways at every corporate domain reach 0",
        ),
        ({"prefetch_share": 0.95, "prefetched": 0.3}, "prefetch_share = 0.95; not reached where 0"),
    ],
)
def test_a_share_that_the_list_cannot_reach_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Noise(**given).record_events(*send_issues()[0])
