"""Hygiene: who made each recorded open and click.

`tag` adds a tag, a reason and a confidence to each row and never deletes one. Opens fetched by a
privacy proxy say so (Apple's has the bare agent "Mozilla/5.0" and comes from Apple's relay:
SocketLabs; Word to the Wise 2021). Repeats are the same record twice, or the same request again
within seconds. Scanners are harder, as they use browsers' names and rotating networks: clicks are
grouped into visits, and a visit is judged as a whole, beside its domain's and its network's others
(`bandit.log.machines`). Open this file before real events reach a policy.
"""

import numpy as np
import pandas as pd

from bandit.core.types import Bools, Floats, Ints
from bandit.log.events import SAME_RECORD, SAME_REQUEST, validate
from bandit.log.machines.judge import SCANNER, find_bound, judge_opens, judge_visits
from bandit.log.machines.visits import Visits, group_visits

REPEAT = 10.0  # seconds within which the same request again is a repeat
NEAR = 5.0  # an open this many seconds from a scanner's visit is the scanner's
KNOWN = 0.9  # confidence where a rule decides (assumption)
CERTAIN = 0.999  # confidence where a request says itself that no person made it (assumption)
EARLY = "images loaded soon after delivery, as machines do, read or not"


def tag(
    events: pd.DataFrame, proxies: tuple[str, ...] = ("apple",), closes: float = 7 * 86400.0
) -> pd.DataFrame:
    """The same rows with three more columns, which are replaced if they are there.

        tag         scanner; else duplicate (a repeat of another row), prefetch (an open by a
                    privacy proxy or a webmail's cache), late (a person's, but received after the
                    next issue was planned), human
        why         in words
        confidence  that the tag is right, in [0, 1]: what the mixture says where it decides, a
                    constant where a rule does. `bandit.log.doubt` adds it up

    events: see `bandit.log.events`; of several issues where there are, which tells more of domains
    proxies: networks of privacy proxies
    closes: seconds from delivery to the planning of the next issue; later events are tagged late

    Raises ValueError at a row that no event can be.

    >>> mail = {"campaign": "may", "member": 204, "links": 6, "sent": "2026-05-04", "domain": "d"}
    >>> open = {"event": "e1", "kind": "open", "slot": 0, "seconds": 3600.0, "arrived": 3601.0}
    >>> reader = {"agent": "mail", "method": "GET", "network": "n"}
    >>> apple = {"event": "e2", "agent": "bare"}
    >>> tag(pd.DataFrame([mail | open | reader, mail | open | reader | apple]))["tag"].tolist()
    ['human', 'prefetch']
    """
    validate(events)
    order = _sort(events)
    table = events.iloc[order]
    mail = table.groupby(["campaign", "member"], sort=False, observed=True).ngroup().to_numpy()
    is_open = (table["kind"] == "open").to_numpy()
    proxied = is_open & ((table["agent"] == "bare") | table["network"].isin(proxies)).to_numpy()
    late = np.where(table["arrived"] > closes, "late", "human")
    tags = np.where(proxied, "prefetch", late).astype(object)
    why = np.full(len(table), "nothing speaks against a person", dtype=object)
    why[proxied] = "a privacy proxy loaded the images, read or not"
    sure = np.full(len(table), KNOWN)

    first, same = _find_first(table, mail)
    once = first == np.arange(len(table))
    looked = np.flatnonzero(once & is_open & ~proxied)
    machine = np.zeros(len(table))
    machine[looked] = judge_opens(table, mail, looked, once & ~is_open)
    soon = machine >= SCANNER
    cached = soon & (table["agent"] == "imageproxy").to_numpy()
    tags[soon], tags[cached] = "scanner", "prefetch"
    why[soon], why[cached] = EARLY, "a webmail's cache loaded the images, read or not"
    sure[looked] = np.where(soon, machine, 1 - machine)[looked]

    one_click = ((table["kind"] == "unsubscribe") & (table["method"] == "POST")).to_numpy()
    counted = once & ~is_open & ~one_click
    read, loaded = is_open & ~proxied & ~soon, soon & ~cached
    visits = group_visits(table, mail, counted, read, proxied | cached, loaded)
    chance, words = judge_visits(visits)
    rows = np.flatnonzero(visits.row >= 0)
    visit = visits.row[rows]
    found = chance >= find_bound(visits, chance)
    scanner = found[visit]
    tags[rows[scanner]] = "scanner"
    why[rows] = words[visit]
    sure[rows] = np.where(scanner, chance[visit], 1 - chance[visit])
    why[tags == "late"] += "; received after the next issue"
    beside = np.flatnonzero(is_open & ~proxied & ~cached)
    seconds = table["seconds"].to_numpy()[beside]
    beside = beside[find_during(visits, found, mail[beside], seconds)]
    tags[beside], why[beside] = "scanner", "opened during a scanner's visit"
    sure[beside] = np.maximum(machine[beside], KNOWN)

    for said, whose, reason in find_own_accounts(table, is_open):
        tags[said], why[said], sure[said] = whose, reason, CERTAIN

    again = np.flatnonzero(~once)
    tags[again] = np.where(tags[first[again]] == "scanner", "scanner", "duplicate")
    why[again] = np.where(same[again], SAME_RECORD, f"{SAME_REQUEST} within {REPEAT:.0f} s")
    sure[again] = np.where(same[again], 1.0, KNOWN)
    back = np.empty(len(table), dtype=np.int64)
    back[order] = np.arange(len(table))
    return events.assign(tag=tags[back], why=why[back], confidence=np.round(sure[back], 6))


def find_own_accounts(table: pd.DataFrame, is_open: Bools) -> list[tuple[Bools, str, str]]:
    """Requests that somebody says no person made: which [rows], their tag, and why.

    What comes later in the list overrules what comes before.
    """
    nothing = pd.Series("", index=table.index)
    verdict, place = (table.get(name, nothing).to_numpy() for name in ("verdict", "place"))
    agent = np.isin(table["agent"].to_numpy(), ("scanner", "script"))
    return [
        (is_open & (verdict == "proxy"), "prefetch", "a proxy, as the e-mail platform says"),
        (verdict == "bot", "scanner", "a machine, as the e-mail platform says"),
        (place == "honeypot", "scanner", "a link that no person sees"),
        ((table["method"] == "HEAD").to_numpy(), "scanner", "a HEAD request, which shows nothing"),
        (agent, "scanner", "a machine by its own account"),
    ]


def _sort(events: pd.DataFrame) -> Ints:
    """The rows sorted by mail and time, whatever order they came in; ties by what they say."""
    mail = events.groupby(["campaign", "member"], sort=False, observed=True).ngroup().to_numpy()
    ties = (
        events["method"] == "HEAD",
        events["slot"],
        events["kind"] == "open",
        events["arrived"],
        events["seconds"],
    )
    keys = [*(tie.to_numpy(dtype=np.float64) for tie in ties), mail]
    order = np.lexsort(keys)
    same = np.zeros(len(order) + 1, dtype=bool)  # as the row before
    same[1:-1] = np.logical_and.reduce([np.diff(key[order]) == 0 for key in keys])
    alike = order[same[1:] | same[:-1]]
    if not len(alike):
        return order
    text = np.zeros((3, len(events)), dtype=np.uint64)
    for row, name in enumerate(("event", "agent", "network")):
        words = events[name].iloc[alike].astype(str).to_numpy(dtype=object)
        text[row, alike] = pd.util.hash_array(words)
    return np.lexsort([*text, *keys])


def _find_first(table: pd.DataFrame, mail: Ints) -> tuple[Ints, Bools]:
    """For each row, the row that it repeats (itself if none), and whether it is the same record.

    mail: [rows], number of the mail
    """
    place = np.arange(len(table))
    same = table["event"].duplicated().to_numpy()
    kind = ["kind", "slot", "agent", "method", "network"]
    requests = table[kind].assign(mail=mail).groupby([*kind, "mail"], sort=False, observed=True)
    request = requests.ngroup().to_numpy()
    rows = np.lexsort([place, request])
    rows = rows[~same[rows]]
    seconds = table["seconds"].to_numpy()[rows]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(request[rows]) != 0) | (np.diff(seconds) > REPEAT)
    first = place.copy()
    first[rows] = rows[np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))]
    records = pd.Series(place, dtype=np.int64).groupby(pd.factorize(table["event"])[0])
    original = records.transform("first").to_numpy()
    return np.where(same, first[original], first), same


def find_during(visits: Visits, scanner: Bools, mail: Ints, seconds: Floats) -> Bools:
    """Which opens [rows] fall into a scanner's visit to the same mail.

    scanner: [v], the visits that are a scanner's
    mail, seconds: [rows], of the opens
    """
    spans = visits.mail[scanner]
    mails = np.concatenate([spans, mail, spans])
    at = np.concatenate([visits.begins[scanner] - NEAR, seconds, visits.ends[scanner] + NEAR])
    step = np.repeat([1, 0, -1], [len(spans), len(mail), len(spans)])
    order = np.lexsort([-step, at, mails])  # a visit's ends belong to it
    depth = np.empty(len(order), dtype=np.int64)
    depth[order] = np.cumsum(step[order])  # visits that have begun and not ended, mail by mail
    return np.asarray(depth[len(spans) : len(spans) + len(mail)] > 0)
