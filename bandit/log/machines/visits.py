"""Visits: runs of clicks in one mail, and what each says about who made it.

Whether a machine or a person clicked shows in four things: how long after delivery the visit began,
how many of the links it took and how fast, whether the mail had been opened by then, and what the
agent said. Open this file to change what is looked at; `behaviour` says what is expected of people
and of machines, and `kinds` decides from it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core.types import Bools, Floats, Ids, Ints
from bandit.log.machines.behaviour import AGENT, OPENED, SAID, SHAPE, find_start
from bandit.log.machines.echoes import find_declared, find_echoes

PAUSE = 60.0  # seconds without a click that end a visit
STRETCH = 1800.0  # seconds without a click that end a walk, unless it takes most of the links
SMALL = 2  # links; a reader's visits of up to so many, in one mail, belong to a walk
MANY = 3  # links, and half of the mail's: so many people do not take in visits that are hours apart


@dataclass(frozen=True)
class Visits:
    """v visits, runs of clicks in one mail.

    row: [rows], the visit of each row of the events, -1 for none
    mail, member: [v], number of the mail, and of whose it was
    begins, ends: [v], seconds from delivery
    bins: [v, 4], which bin of start, shape, opened and agent
    groups: [v, 2], domain and network of the first click, as numbers
    """

    row: Ints
    mail: Ints
    member: Ints
    begins: Floats
    ends: Floats
    bins: Ints
    groups: Ints

    def describe(self) -> NDArray[np.object_]:
        """What each visit showed, in words [v]."""
        start = np.searchsorted([at for at, _ in SAID], self.begins, side="right")
        columns = [np.array([said for _, said in SAID], dtype=object)[start.clip(max=7)]]
        for j, table in enumerate((SHAPE, OPENED, AGENT)):
            columns.append(np.array([bin[0] for bin in table], dtype=object)[self.bins[:, j + 1]])
        return np.array(["; ".join(words) for words in zip(*columns, strict=True)], dtype=object)


def group_visits(
    table: pd.DataFrame, mail: Ints, clicks: Bools, opens: Bools, proxied: Bools, loaded: Bools
) -> Visits:
    """Group the clicks of each mail into visits.

    table: events by mail and time
    mail: [rows], number of the mail
    clicks: [rows], the rows that belong to visits
    opens: [rows], the opens that may have been a person's
    proxied: [rows], opens that say only that a proxy loaded the images
    loaded: [rows], opens by which a machine loaded them
    """
    rows = np.flatnonzero(clicks)
    opened = find_opened(table, mail, rows, opens, proxied, loaded)
    echo = find_echoes(table.iloc[rows], mail[rows], opened == 0)
    apart = echo.astype(np.int64)
    order, new = _cut(table, mail, rows, apart)
    apart[order] += 2 * _find_strangers(np.cumsum(new), table["network"].to_numpy()[rows[order]])
    order, new = _cut(table, mail, rows, apart)
    rows, opened, echo = rows[order], opened[order], echo[order]
    t, whose = table["seconds"].to_numpy(dtype=np.float64)[rows], mail[rows]
    visit = np.cumsum(new) - 1
    row = np.full(len(table), -1)
    row[rows] = visit
    begins, ends = t[new], t[np.append(new[1:], True)] if len(rows) else t
    some = table.iloc[rows]
    reader = _number_readers(some[new], whose[new], opened[new])
    shape = _find_shape(some, t, visit, new, reader, begins, ends)
    bins = [
        find_start(begins),
        np.where(echo[new], len(SHAPE) - 1, shape),
        opened[new],
        _find_agent(some, visit, int(new.sum())),
    ]
    return Visits(
        row,
        whose[new],
        pd.factorize(some["member"])[0][new],
        begins,
        ends,
        np.column_stack(bins).astype(np.int64),
        number_groups(some[new]),
    )


def _cut(table: pd.DataFrame, mail: Ints, rows: Ints, apart: Ints) -> tuple[Ints, Bools]:
    """An order of some clicks, visit by visit, and which of them begin one in that order.

    rows: [clicks], where in the table they are
    apart: [clicks], clicks of one mail with different numbers belong to different visits
    """
    order = np.lexsort([np.arange(len(rows)), apart, mail[rows]])
    t, whose = table["seconds"].to_numpy(dtype=np.float64)[rows[order]], mail[rows[order]]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(whose) != 0) | (np.diff(t) > PAUSE) | (np.diff(apart[order]) != 0)
    return order, new


def _find_strangers(visit: Ints, network: Ids) -> Bools:
    """Which clicks of a visit are from elsewhere, where one network made most of it.

    A gateway may look at a mail in the same minute as its reader. One that clicks from ever other
    networks stays one visit, as none of them made most of it. Of visits in a walk it is the same.
    """
    code = pd.factorize(network)[0]
    pairs, place, count = np.unique(
        np.column_stack([visit, code]), axis=0, return_inverse=True, return_counts=True
    )
    size = np.bincount(visit)
    most = np.zeros(len(size), dtype=np.int64)
    np.maximum.at(most, pairs[:, 0], count)
    led = (most >= 2) & (2 * most > size)
    return np.asarray(led[visit] & (count[place.ravel()] < most[visit]))


def _number_readers(first: pd.DataFrame, mail: Ints, opened: Ints) -> Ints:
    """Numbers [v] of whoever made each visit to a mail: alike where they may be one reader's.

    Whoever had opened the mail from there is one, whoever had not another; and where one network
    made most of their visits, what came from elsewhere is somebody else's.

    first: the first click of each visit
    mail: [v], number of the mail
    opened: [v], bin of OPENED
    """
    reader = mail * 2 + (opened == 0)
    number = pd.factorize(reader)[0]
    return np.asarray(reader * 2 + _find_strangers(number, first["network"].to_numpy()))


def number_groups(table: pd.DataFrame) -> Ints:
    """Domain and network of each row, as numbers [rows, 2]."""
    names = [table[name].astype(str).to_numpy() for name in ("domain", "network")]
    return np.column_stack([pd.factorize(name, sort=True)[0] for name in names])


def find_opened(
    table: pd.DataFrame, mail: Ints, rows: Ints, opens: Bools, proxied: Bools, loaded: Bools
) -> Ints:
    """Whether the mail had been opened when each of some clicks came: a bin of OPENED [clicks].

    rows: [clicks], where in the table they are
    opens, proxied, loaded: [rows of the table], as in `group_visits`
    """
    seconds = table["seconds"].to_numpy(dtype=np.float64)
    at, network = seconds[rows], table["network"].to_numpy()

    def find_first(among: Bools, here: bool) -> Floats:
        by = ["mail", "network"] if here else ["mail"]
        looks = pd.DataFrame({"mail": mail, "network": network, "at": seconds})
        first = looks[among].groupby(by, sort=False, observed=True)["at"].min()
        keys = looks.iloc[rows][by]
        where = pd.MultiIndex.from_frame(keys) if here else keys["mail"]
        return first.reindex(where).to_numpy(dtype=np.float64)

    here, anywhere = find_first(opens, True), find_first(opens, False)
    conditions = [
        here < at - 5,
        here < at - 1,  # nobody reads and clicks within a second
        anywhere < at - 1,
        find_first(loaded, False) < at - 1,
        find_first(proxied, False) < at - 1,
        anywhere >= at - 1,
    ]
    return np.select(conditions, range(6), 6)


def _find_shape(
    clicks: pd.DataFrame,
    t: Floats,
    visit: Ints,
    head: Bools,
    reader: Ints,
    begins: Floats,
    ends: Floats,
) -> Ints:
    """How many of the mail's links each visit took, and how fast: a bin of SHAPE, [v].

    A reader's small visits in a row are a walk, which is judged as one that takes its time. Readers
    come back hours later, too, but not for most of the links: what does is one walk, however slow.

    head: [clicks], the first click of each visit
    reader: [v], number of the reader
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
    pace = 1 + (gap < 5) * 1 + (gap < 1)

    small = np.flatnonzero(requests <= SMALL)
    order = small[np.lexsort([begins[small], reader[small]])]
    other, pause = np.diff(reader[order]) != 0, begins[order][1:] - ends[order][:-1]
    size, _ = _count_walks(order, other, visit, slot)
    slow = (size >= MANY) & (2 * size >= links)
    size, joint = _count_walks(order, other | ((pause > STRETCH) & ~slow[order][1:]), visit, slot)
    joined = (joint > 1) & (size > 1)
    articles = np.where(joined, size, articles)
    requests, pace = np.where(joined, 2, requests), np.where(joined, 0, pace)
    share = (articles >= 2) * ((2 * articles >= links).astype(np.int64) + (articles >= links))
    return np.asarray(np.where(requests < 2, 0, 1 + 4 * share + pace))


def _count_walks(order: Ints, new: Bools, visit: Ints, slot: Ints) -> tuple[Ints, Ints]:
    """Of each visit's walk, how many links it took, and of how many visits it is; 0 in no walk.

    order: [w], the visits that belong to walks, walk by walk
    new: [w - 1], which of them begin one, behind the first
    visit, slot: [clicks]; slots from 1
    """
    walk = np.full(int(visit.max(initial=-1)) + 1, -1)
    walk[order] = np.cumsum(np.append(np.zeros(min(len(order), 1), dtype=bool), new))
    taken = pd.DataFrame({"walk": walk[visit], "slot": slot})[slot > 0].drop_duplicates()["walk"]
    most = len(order) + 1
    links, visits = (np.bincount(each[each >= 0], minlength=most) for each in (taken, walk))
    return np.append(links, 0)[walk], np.append(visits, 0)[walk]


def _find_agent(clicks: pd.DataFrame, visit: Ints, v: int) -> Ints:
    """What the most suspicious click of each visit said of itself: a bin of AGENT, [v]."""
    agent: Ids = clicks["agent"].to_numpy()
    odd = find_declared(clicks)
    found = np.zeros(v, dtype=np.int64)
    np.maximum.at(found, visit, np.where(odd, 2, np.where(np.isin(agent, ("none", "bare")), 1, 0)))
    return found
