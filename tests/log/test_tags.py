"""Tags of small tables: hygiene never deletes, and neither row order nor names matter."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.log.events import COLUMNS, TAGS
from bandit.log.hygiene import NEAR, find_during, tag
from bandit.log.machines.visits import Visits
from tests.support.event_cases import make_events


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


def test_what_says_itself_that_it_is_no_person_is_believed() -> None:
    """One request of each kind, alone in the world: nothing else could give them away."""
    opens: dict[str, Any] = {"kind": "open", "slot": 0, "seconds": 4.0}
    rows = [
        opens | {"agent": "scanner"},
        opens | {"agent": "script"},
        opens | {"method": "HEAD"},
        {"agent": "script", "seconds": 7200.0},
        opens | {"agent": "mail", "verdict": "proxy", "seconds": 4000.0},
        opens | {"agent": "mail", "verdict": "bot", "seconds": 4000.0},
        {"verdict": "bot", "seconds": 7200.0},
        {"kind": "other", "slot": 0, "place": "honeypot", "seconds": 7200.0},
        {"verdict": "person", "seconds": 7200.0},
        {"kind": "other", "slot": 0, "place": "footer", "seconds": 7200.0},
    ]
    table = make_events([row | {"member": i} for i, row in enumerate(rows)])
    table["verdict"] = [row.get("verdict", "none") for row in rows]
    table["place"] = [row.get("place", "") for row in rows]
    tagged = tag(table)
    found = [*["scanner"] * 4, "prefetch", *["scanner"] * 3, "human", "human"]
    assert tagged["tag"].tolist() == found
    assert (tagged["confidence"][:8] >= 0.99).all()
    assert tagged["why"][5] == "a machine, as the e-mail platform says"


TIMES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=8)


@given(TIMES, TIMES, st.integers(0, 9))
def test_an_open_is_a_scanner_s_from_shortly_before_its_visit_to_shortly_after(
    visits: list[tuple[int, int]], opens: list[tuple[int, int]], long: int
) -> None:
    """As the comparison of each open with each visit of its mail has it."""
    count, none = len(visits), np.zeros(len(visits), dtype=np.int64)
    whose = np.array([mail for mail, _ in visits], dtype=np.int64)
    begins = np.array([at for _, at in visits], dtype=np.float64)
    made = Visits(none, whose, none, begins, begins + long, none, none)
    scanner = np.arange(count) % 3 < 2
    mail = np.array([mail for mail, _ in opens], dtype=np.int64)
    at = np.array([at for _, at in opens], dtype=np.float64)
    inside = (mail[:, None] == whose) & (at[:, None] >= begins - NEAR) & scanner
    inside &= at[:, None] <= begins + long + NEAR
    assert find_during(made, scanner, mail, at).tolist() == inside.any(axis=1).tolist()
