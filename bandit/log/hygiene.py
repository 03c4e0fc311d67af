"""Hygiene: who made each recorded open and click. Tags rows, with a reason and a confidence; never deletes one.

Opens fetched by a privacy proxy say so (Apple's has the bare agent "Mozilla/5.0" and comes from Apple's relay: SocketLabs;
Word to the Wise 2021). Repeats are the same record twice, or the same request again within seconds. Scanners are harder:
they use browsers' names and rotating networks. So clicks are grouped into visits, and a visit is a scanner's or a person's
by a naive Bayes mixture of four things: how long after delivery it began, how many of the links it took and how fast,
whether the mail had been opened by then, and what the agent said. EM (Dempster, Laird & Rubin 1977) learns how people and
scanners behave on this list, from priors that say what senders report. The odds are pooled over the visits of a domain and
of a network, leaving out the visit itself: who sits behind a gateway has colleagues who do, and this finds slow scanners
that no single visit gives away. What stays hidden: a scanner that takes hours, a link at a time, is a person to all of this.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from bandit.core.types import Bools, Floats, Ints
from bandit.log.events import validate

REPEAT = 10.0  # seconds within which the same request again is a repeat
PAUSE = 60.0  # seconds without a click that end a visit
NEAR = 5.0  # an open this many seconds from a scanner's visit is the scanner's
SWEEPS = 30  # of EM
POOLED = 2.0  # visits that the list's own share weighs within a domain or a network
KNOWN = 0.9  # confidence where a rule decides (assumption)
SCANNER = 0.5  # a visit is tagged from this probability on

# How people and scanners behave, before any data: chances of each bin, worth WEIGHT visits against what the list says.
# Most scanners click within 10 minutes of delivery (Upsales), every link (Live Direct Marketing), people one or two; half of
# the opens come within 3 to 6 hours (Inntopia; MailerMailer 2013). The rest is a rough guess that EM moves.
WEIGHT = np.array([20.0, 100.0])
STARTS = (5.0, 15.0, 60.0, 180.0, 600.0, 3600.0, 21600.0)
BINS: dict[
    str, tuple[tuple[str, float, float], ...]
] = {  # what, in words: chance for a person, for a scanner
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


def tag(
    events: pd.DataFrame, proxies: tuple[str, ...] = ("apple",), closes: float = 7 * 86400.0
) -> pd.DataFrame:
    """The same rows with three columns more (replaced if they are there).

    tag: scanner; else duplicate (a repeat of another row), prefetch (an open by a privacy proxy), late (a person's, but
    received after the next issue was planned), human. why: in words. confidence: that the tag is right, in [0, 1]; of
    scanners and people who click the mixture's, of the rest a constant. proxies: networks of privacy proxies. closes:
    seconds from delivery to the next issue's planning. Pass several issues at once where there are: domains are then known
    better. Raises ValueError at a row that no event can be.
    """
    validate(events)
    order = _order(events)
    table = events.iloc[order]
    mail = table.groupby(["campaign", "member"], sort=False, observed=True).ngroup().to_numpy()
    is_open = (table["kind"] == "open").to_numpy()
    proxied = is_open & ((table["agent"] == "bare") | table["network"].isin(proxies)).to_numpy()
    tags = np.where(
        proxied, "prefetch", np.where(table["arrived"] > closes, "late", "human")
    ).astype(object)
    why = np.full(len(table), "nothing speaks against a person", dtype=object)
    why[proxied] = "a privacy proxy loaded the images, read or not"
    sure = np.full(len(table), KNOWN)

    first, same = _find_first(table, mail)
    once = first == np.arange(len(table))
    visits = _group_visits(table, mail, once & ~is_open, is_open & ~proxied)
    chance, words = _learn_chance(visits)
    rows = np.flatnonzero(visits.of >= 0)
    visit = visits.of[rows]
    scanner = chance[visit] >= SCANNER
    tags[rows[scanner]] = "scanner"
    why[rows] = words[visit]
    sure[rows] = np.maximum(chance[visit], 1 - chance[visit])
    why[tags == "late"] += "; received after the next issue"
    beside = np.flatnonzero(is_open & ~proxied)
    beside = beside[
        _find_during(visits, chance >= SCANNER, mail[beside], table["seconds"].to_numpy()[beside])
    ]
    tags[beside], why[beside] = "scanner", "opened during a scanner's visit"

    again = np.flatnonzero(~once)
    tags[again] = np.where(tags[first[again]] == "scanner", "scanner", "duplicate")
    why[again] = np.where(
        same[again], "the same record again", f"the same request again within {REPEAT:.0f} s"
    )
    sure[again] = np.where(same[again], 1.0, KNOWN)
    back = np.empty(len(table), dtype=np.int64)
    back[order] = np.arange(len(table))
    return events.assign(tag=tags[back], why=why[back], confidence=np.round(sure[back], 6))


def _order(events: pd.DataFrame) -> Ints:
    """Rows by mail and time, whatever order they came in; ties by what the rows say."""
    text = [
        pd.util.hash_array(events[name].astype(str).to_numpy(dtype=object))
        for name in ("event", "agent", "network")
    ]
    mail = events.groupby(["campaign", "member"], sort=False, observed=True).ngroup().to_numpy()
    ties = (
        events["method"] == "HEAD",
        events["slot"],
        events["kind"] == "open",
        events["arrived"],
        events["seconds"],
    )
    return np.lexsort([*text, *(tie.to_numpy(dtype=np.float64) for tie in ties), mail])


def _find_first(table: pd.DataFrame, mail: Ints) -> tuple[Ints, Bools]:
    """For each row, the row that it repeats (itself if none); and whether it is the same record."""
    place = np.arange(len(table))
    same = table["event"].duplicated().to_numpy()
    kind = ["kind", "slot", "agent", "method", "network"]
    request = (
        table[kind]
        .assign(mail=mail)
        .groupby([*kind, "mail"], sort=False, observed=True)
        .ngroup()
        .to_numpy()
    )
    rows = np.lexsort([place, request])
    rows = rows[~same[rows]]
    seconds = table["seconds"].to_numpy()[rows]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(request[rows]) != 0) | (np.diff(seconds) > REPEAT)
    first = place.copy()
    first[rows] = rows[np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))]
    original = (
        pd.Series(place, dtype=np.int64)
        .groupby(pd.factorize(table["event"])[0])
        .transform("first")
        .to_numpy()
    )
    return np.where(same, first[original], first), same


@dataclass(frozen=True)
class _Visits:
    """v visits, runs of clicks in one mail. of [rows]: each row's visit, -1 for none. mail, begins, ends [v]. bins [v, 4]:
    which of each of BINS. groups [v, 2]: domain and network of the first click, as numbers."""

    of: Ints
    mail: Ints
    begins: Floats
    ends: Floats
    bins: Ints
    groups: Ints


def _group_visits(table: pd.DataFrame, mail: Ints, clicks: Bools, opens: Bools) -> _Visits:
    rows = np.flatnonzero(clicks)
    seconds = table["seconds"].to_numpy(dtype=np.float64)
    t, whose = seconds[rows], mail[rows]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(whose) != 0) | (np.diff(t) > PAUSE)
    visit = np.cumsum(new) - 1
    v = int(new.sum())
    of = np.full(len(table), -1)
    of[rows] = visit
    head = rows[new]  # each visit's first click
    begins, ends = t[new], t[np.append(new[1:], True)] if v else t
    slot = table["slot"].to_numpy(dtype=np.int64)[rows]
    links = table["links"].to_numpy(dtype=np.int64)[head]

    each = ~pd.DataFrame({"visit": visit, "slot": slot}).duplicated().to_numpy()
    requests = np.bincount(visit[each], minlength=v)
    articles = np.bincount(visit[each & (slot > 0)], minlength=v)
    gaps = pd.Series(np.diff(t[each]))[np.diff(visit[each]) == 0]
    gap = (
        gaps.groupby(visit[each][1:][gaps.index])
        .median()
        .reindex(range(v))
        .to_numpy(dtype=np.float64)
    )
    taken = np.where(
        (articles >= 2) & (articles >= links),
        2,
        np.where((articles >= 2) & (2 * articles >= links), 1, 0),
    )
    shape = np.where(requests < 2, 0, 1 + 3 * taken + (gap < 5) + (gap < 1))

    looks = pd.DataFrame({"mail": mail, "network": table["network"].to_numpy(), "at": seconds})
    before = looks[opens].groupby("mail", sort=False)["at"].min().reindex(mail[head]).to_numpy()
    here = looks[opens].groupby(["mail", "network"], sort=False, observed=True)["at"].min()
    near = here.reindex(pd.MultiIndex.from_frame(looks.iloc[head][["mail", "network"]])).to_numpy()
    early = begins - 1  # nobody reads and clicks within a second
    opened = np.where(near < early, 0, np.where(before < early, 1, np.where(before >= early, 2, 3)))

    agent = table["agent"].to_numpy()[rows]
    odd = np.isin(agent, ("scanner", "script")) | (table["method"].to_numpy()[rows] == "HEAD")
    kind = np.zeros(v, dtype=np.int64)
    np.maximum.at(kind, visit, np.where(odd, 2, np.where(np.isin(agent, ("none", "bare")), 1, 0)))
    groups = [
        pd.factorize(table[name].astype(str).to_numpy()[head], sort=True)[0]
        for name in ("domain", "network")
    ]
    bins = np.column_stack([np.searchsorted(STARTS, begins, side="right"), shape, opened, kind])
    return _Visits(of, mail[head], begins, ends, bins.astype(np.int64), np.column_stack(groups))


def _learn_chance(visits: _Visits) -> tuple[Floats, Any]:
    """P(a scanner's visit) [v] by EM, and in words what it rests on [v].

    Works on the different visits, in the order of what they say, and on how often each occurs: so neither row order nor
    members' ids reach even the last bit.
    """
    cells, inverse, count = np.unique(
        np.column_stack([visits.bins, visits.groups]),
        axis=0,
        return_inverse=True,
        return_counts=True,
    )
    bins, groups = cells[:, : len(BINS)], cells[:, len(BINS) :]
    prior = [np.array([chances[1:] for chances in bin]) for bin in BINS.values()]
    behave = [p / p.sum(axis=0) for p in prior]
    overall, pooled = 0.1, np.zeros(len(cells))
    r = np.zeros(len(cells))
    for _ in range(SWEEPS):
        ratio = sum(np.log(b[bins[:, j], 1] / b[bins[:, j], 0]) for j, b in enumerate(behave))
        r = np.asarray(expit(logit(overall) + pooled + ratio))
        overall = (1.0 + count @ r) / (10.0 + count.sum())
        pooled = sum(
            (logit(_share_among_others(g, r, count, overall)) - logit(overall) for g in groups.T),
            np.zeros(len(cells)),
        )
        for j, p in enumerate(prior):
            seen = [np.bincount(bins[:, j], count * share, len(p)) for share in (1 - r, r)]
            made = p / p.sum(axis=0) * WEIGHT + np.column_stack(seen)
            behave[j] = made / made.sum(axis=0)
    names = [np.array([bin[0] for bin in table], dtype=object) for table in BINS.values()]
    domain = np.round(100 * _share_among_others(groups[:, 0], r, count, overall)).astype(np.int64)
    words = [
        "; ".join(read)
        for read in zip(*(name[bins[:, j]] for j, name in enumerate(names)), strict=True)
    ]
    said = [
        f"{read}; of its domain's other visits {d} % a scanner's"
        for read, d in zip(words, domain, strict=True)
    ]
    return r[inverse.ravel()], np.array(said, dtype=object)[inverse.ravel()]


def _share_among_others(group: Ints, r: Floats, count: Ints, overall: float) -> Floats:
    """The scanners' share among the other visits of each visit's group, shrunk to the list's."""
    scanners, visits = np.bincount(group, count * r), np.bincount(group, count)
    others = np.maximum(scanners[group] - r, 0.0)
    return np.asarray((others + POOLED * overall) / (visits[group] - 1 + POOLED))


def _find_during(visits: _Visits, scanner: Bools, mail: Ints, seconds: Floats) -> Bools:
    """Which of these opens fall into a scanner's visit to the same mail."""
    spans = pd.DataFrame({"mail": visits.mail, "begins": visits.begins, "ends": visits.ends})[
        scanner
    ]
    both = pd.DataFrame({"mail": mail, "at": seconds, "row": np.arange(len(mail))}).merge(
        spans, on="mail"
    )
    inside = (both["at"] >= both["begins"] - NEAR) & (both["at"] <= both["ends"] + NEAR)
    found = np.zeros(len(mail), dtype=bool)
    found[both.loc[inside, "row"].to_numpy()] = True
    return found
