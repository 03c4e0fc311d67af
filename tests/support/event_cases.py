"""Small tables of events, written by hand."""

from typing import Any

import pandas as pd

from bandit.log.events import COLUMNS


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
