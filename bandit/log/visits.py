"""Visits: runs of clicks in one mail, and what each says about who made it.

Whether a scanner or a person clicked shows in four things: how long after delivery the visit began,
how many of the links it took and how fast, whether the mail had been opened by then, and what the
agent said. Open this file to change what is looked at, or how people and scanners are expected to
behave; `bandit.log.scanners` decides from it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bandit.core.types import Bools, Floats, Ints

PAUSE = 60.0  # seconds without a click that end a visit

# Where the bins of "start" end, in seconds from delivery.
STARTS = (5.0, 15.0, 60.0, 180.0, 600.0, 3600.0, 21600.0)
# How people and scanners behave, before any data: the bin in words, its chance for a person, and
# for a scanner. Most scanners click within 10 minutes of delivery (Upsales), every link (Live
# Direct Marketing), people one or two; half of the opens come within 3 to 6 hours (Inntopia;
# MailerMailer 2013). The rest is a rough guess that EM moves.
BINS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "start": (
        ("within 5 s of delivery", 0.001, 0.40),
        ("5-15 s after delivery", 0.002, 0.20),
        ("15-60 s after delivery", 0.005, 0.20),
        ("1-3 min after delivery", 0.012, 0.12),
        ("3-10 min after delivery", 0.05, 0.05),
        ("10-60 min after delivery", 0.20, 0.015),
        ("1-6 h after delivery", 0.35, 0.01),
        ("over 6 h after delivery", 0.38, 0.005),
    ),
    "shape": (
        ("one link", 0.80, 0.10),
        ("some links, unhurried", 0.12, 0.05),
        ("some links, 1-5 s apart", 0.03, 0.08),
        ("some links, under 1 s apart", 0.002, 0.10),
        ("most links, unhurried", 0.015, 0.10),
        ("most links, 1-5 s apart", 0.005, 0.10),
        ("most links, under 1 s apart", 0.0005, 0.12),
        ("all links, unhurried", 0.01, 0.10),
        ("all links, 1-5 s apart", 0.005, 0.10),
        ("all links, under 1 s apart", 0.0005, 0.15),
    ),
    "opened": (
        ("opened before", 0.60, 0.05),
        ("opened before from elsewhere", 0.10, 0.05),
        ("opened only afterwards", 0.01, 0.20),
        ("no open recorded", 0.29, 0.70),
    ),
    "agent": (
        ("a browser", 0.98, 0.70),
        ("no agent", 0.019, 0.10),
        ("a scanner by its own account", 0.001, 0.20),
    ),
}


@dataclass(frozen=True)
class Visits:
    """v visits, runs of clicks in one mail.

    row: [rows], the visit of each row of the events, -1 for none
    mail: [v], number of the mail
    begins, ends: [v], seconds from delivery
    bins: [v, 4], which bin of each of BINS
    groups: [v, 2], domain and network of the first click, as numbers
    """

    row: Ints
    mail: Ints
    begins: Floats
    ends: Floats
    bins: Ints
    groups: Ints


def group_visits(table: pd.DataFrame, mail: Ints, clicks: Bools, opens: Bools) -> Visits:
    """Group the clicks of each mail into visits.

    table: events by mail and time
    mail: [rows], number of the mail
    clicks: [rows], the rows that belong to visits
    opens: [rows], the opens that may have been a person's
    """
    rows = np.flatnonzero(clicks)
    seconds = table["seconds"].to_numpy(dtype=np.float64)
    t, whose = seconds[rows], mail[rows]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(whose) != 0) | (np.diff(t) > PAUSE)
    visit = np.cumsum(new) - 1
    row = np.full(len(table), -1)
    row[rows] = visit
    head = rows[new]  # each visit's first click
    begins, ends = t[new], t[np.append(new[1:], True)] if len(head) else t
    bins = [
        np.searchsorted(STARTS, begins, side="right"),
        _find_shape(table.iloc[rows], t, visit, head=new),
        _find_opened(table, mail, seconds, head, opens),
        _find_agent(table.iloc[rows], visit, len(head)),
    ]
    groups = [
        pd.factorize(table[name].astype(str).to_numpy()[head], sort=True)[0]
        for name in ("domain", "network")
    ]
    return Visits(
        row,
        mail[head],
        begins,
        ends,
        np.column_stack(bins).astype(np.int64),
        np.column_stack(groups),
    )


def _find_shape(clicks: pd.DataFrame, t: Floats, visit: Ints, head: Bools) -> Ints:
    """How many of the mail's links each visit took, and how fast: a bin of "shape", [v].

    head: [clicks], the first click of each visit
    """
    v = int(head.sum())
    slot = clicks["slot"].to_numpy(dtype=np.int64)
    links = clicks["links"].to_numpy(dtype=np.int64)[head]
    each = ~pd.DataFrame({"visit": visit, "slot": slot}).duplicated().to_numpy()
    requests = np.bincount(visit[each], minlength=v)
    articles = np.bincount(visit[each & (slot > 0)], minlength=v)
    gaps = pd.Series(np.diff(t[each]))[np.diff(visit[each]) == 0]
    medians = gaps.groupby(visit[each][1:][gaps.index]).median()
    gap = medians.reindex(range(v)).to_numpy(dtype=np.float64)
    share = (articles >= 2) * ((2 * articles >= links).astype(np.int64) + (articles >= links))
    return np.where(requests < 2, 0, 1 + 3 * share + (gap < 5) + (gap < 1))


def _find_opened(
    table: pd.DataFrame, mail: Ints, seconds: Floats, head: Ints, opens: Bools
) -> Ints:
    """Whether the mail had been opened when each visit began: a bin of "opened", [v].

    head: [v], the row of each visit's first click
    """
    looks = pd.DataFrame({"mail": mail, "network": table["network"].to_numpy(), "at": seconds})
    before = looks[opens].groupby("mail", sort=False)["at"].min().reindex(mail[head]).to_numpy()
    here = looks[opens].groupby(["mail", "network"], sort=False, observed=True)["at"].min()
    near = here.reindex(pd.MultiIndex.from_frame(looks.iloc[head][["mail", "network"]])).to_numpy()
    early = seconds[head] - 1  # nobody reads and clicks within a second
    return np.where(near < early, 0, np.where(before < early, 1, np.where(before >= early, 2, 3)))


def _find_agent(clicks: pd.DataFrame, visit: Ints, v: int) -> Ints:
    """What the most suspicious click of each visit said of itself: a bin of "agent", [v]."""
    agent = clicks["agent"].to_numpy()
    odd = np.isin(agent, ("scanner", "script")) | (clicks["method"].to_numpy() == "HEAD")
    found = np.zeros(v, dtype=np.int64)
    np.maximum.at(found, visit, np.where(odd, 2, np.where(np.isin(agent, ("none", "bare")), 1, 0)))
    return found
