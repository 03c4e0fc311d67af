"""From the records of some mails to events, and to what people did.

Records are put in an order of their own, repeats are taken out, each event gets its seconds from
delivery, the hygiene filter (`bandit.log.hygiene`) says who made it, and where it is not sure an
answer is drawn (`bandit.log.doubt`). Open this file to see what becomes of an event that comes
twice, too early, or too late.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.columns import Columns
from bandit.core.types import Bools, Context, Feedback, Floats, Ints, Slates
from bandit.log.doubt import draw_feedback, find_clicks
from bandit.log.hygiene import tag
from serving.ingest.book import Book

DAY = 86400.0
EVENTS = ("open", "click", "unsubscribe", "other")


@dataclass(frozen=True)
class Window:
    """Which events count, by the days from delivery to them.

    before: how long before delivery is no mistake of clocks
    days: how long after it
    closes: when the next issue is planned; what is received later is tagged late
    """

    before: float = 1.0
    days: float = 30.0
    closes: float = 7.0


@dataclass(frozen=True)
class Answers:
    """What came back from some mails.

    feedback: of these mails
    complained: whether a complaint came, of each
    events: tagged, with the columns of `bandit.log.events`
    aside: records that cannot be used, with `why`
    duplicates: how many records were repeats
    mails: how many records were of the mail itself: delivered, bounced, complained
    delays: of each provider, seconds from delivery to opens and clicks
    chance: of each click, how likely it is that a person made it
    """

    feedback: Feedback
    complained: Bools
    events: pd.DataFrame
    aside: pd.DataFrame
    duplicates: int
    mails: int
    delays: dict[str, Floats]
    chance: Floats


def answer(book: Book, rows: slice, table: pa.Table, sent: Floats, window: Window) -> Answers:
    """What came back from the mails in `rows` of the book.

    table: records of these mails, with `at` (row in the book), `slot`, `place`, `count` and `taken`
    sent: [n] when each mail of these went out first, in seconds since 1970
    """
    frame = _sort(table).to_pandas()
    frame["event"] = frame["provider"] + ":" + frame["event"]
    what = ["at", "kind", "slot", "place"]
    again = frame["taken"].to_numpy() | frame.duplicated("event").to_numpy()
    other = again & ~frame.duplicated(["event", *what]).to_numpy()
    frame["seconds"] = frame["time"] - _find_sent(frame, sent, rows.start)
    acts = frame["kind"].isin(EVENTS).to_numpy()
    early = acts & (frame["seconds"] < -window.before * DAY).to_numpy()
    late = acts & (frame["seconds"] > window.days * DAY).to_numpy()
    why = np.select(
        [other, early & ~again, late & ~again],
        [
            "its id is another event's",
            f"more than {_count_days(window.before)} before delivery",
            f"more than {_count_days(window.days)} after delivery",
        ],
        "",
    )
    used = frame[~again & (why == "")]
    events = _tabulate(book, used[used["kind"].isin(EVENTS)])
    timed = used["kind"].isin(("open", "click"))
    delays = {
        str(name): each["seconds"].to_numpy(dtype=np.float64)
        for name, each in used[timed].groupby("provider")
    }
    tagged = tag(events, closes=window.closes * DAY)
    n = rows.stop - rows.start
    facts = {
        kind: _mark(used.loc[used["kind"] == kind, "at"].to_numpy() - rows.start, n)
        for kind in ("bounce", "complaint")
    }
    feedback = _read(book, rows, tagged, ~facts["bounce"] | facts["complaint"])
    left = feedback.unsubscribed | facts["complaint"]
    return Answers(
        replace(feedback, unsubscribed=left),
        facts["complaint"],
        tagged,
        frame.assign(why=why)[why != ""],
        int(frame["count"].sum() - len(used) - (why != "").sum()),
        int((~used["kind"].isin(EVENTS)).sum()),
        delays,
        find_clicks(tagged),
    )


def _count_days(days: float) -> str:
    return "1 day" if days == 1 else f"{days:g} days"


def _mark(rows: Ints, n: int) -> Bools:
    marked: Bools = np.zeros(n, dtype=bool)
    marked[rows] = True
    return marked


def _sort(table: pa.Table) -> pa.Table:
    """The records in an order that is theirs, whatever files and rows they came in."""
    first = ["at", "event", "arrived", "time"]
    names = [*first, *(name for name in table.column_names if name not in first)]
    return table.sort_by([(name, "ascending") for name in names])


def _find_sent(frame: pd.DataFrame, sent: Floats, start: int) -> Floats:
    """When the message of each record went out, in seconds since 1970.

    A mail that was sent again is two messages, each with a delivery of its own.
    """
    went = frame["time"].where(frame["kind"] == "delivered", frame["sent"])
    of = [frame["at"], frame["message"].fillna("")]
    own = went.groupby(of).transform("min").to_numpy(dtype=np.float64)
    return np.where(np.isnan(own), sent[frame["at"].to_numpy() - start], own)


def _tabulate(book: Book, used: pd.DataFrame) -> pd.DataFrame:
    """The records as events of `bandit.log.events`, by mail and time."""
    at = used["at"].to_numpy()
    went = (used["time"] - used["seconds"]).to_numpy(dtype=np.float64)
    since = (used["arrived"] - went).to_numpy(dtype=np.float64)
    address = pa.array(used["address"], pa.string()).fill_null("")
    domain = pc.replace_substring_regex(address, "(?s).*@", "")
    domain = pc.if_else(pc.equal(domain, ""), "unknown", domain)
    events = pd.DataFrame(
        {
            "event": used["event"].to_numpy(dtype=object),
            "campaign": book.campaign,
            "member": book.members.take(pa.array(at)).to_numpy(zero_copy_only=False),
            "kind": used["kind"].to_numpy(dtype=object),
            "slot": used["slot"].to_numpy(dtype=np.int64),
            "links": (book.choice[at] >= 0).sum(axis=1),
            "seconds": used["seconds"].to_numpy(dtype=np.float64),
            "arrived": np.where(np.isnan(since), used["seconds"], since),
            "sent": np.round(1000 * went).astype("datetime64[ms]"),
            "agent": used["agent"].to_numpy(dtype=object),
            "method": used["method"].to_numpy(dtype=object),
            "network": used["network"].to_numpy(dtype=object),
            "domain": domain.to_numpy(zero_copy_only=False),
            "verdict": used["verdict"].to_numpy(dtype=object),
            "place": used["place"].to_numpy(dtype=object),
        }
    )
    order = np.lexsort([events["event"].to_numpy(dtype=object), events["seconds"].to_numpy(), at])
    return events.iloc[order].reset_index(drop=True)


def _read(book: Book, rows: slice, tagged: pd.DataFrame, delivered: Bools) -> Feedback:
    """What people did, as `simulators.noise.recorded` has it for simulated events."""
    ids = book.members.slice(rows.start, rows.stop - rows.start).to_numpy(zero_copy_only=False)
    n, m = len(ids), len(book.pool)
    none = np.broadcast_to(np.zeros(1, dtype=bool), (n, m))
    context = Context(
        campaign=book.campaign,
        issue=0,
        members=Columns({"member": ids}),
        articles=book.pool.to_pandas(),
        member_features=np.zeros((n, 1)),
        article_features=np.zeros((m, 1)),
        eligible=none,
        seen=none,
        rules=book.rules,
    )
    choice = book.choice[rows]
    nothing = np.zeros(choice.shape)
    slates = Slates(choice, nothing, nothing.astype(np.int8), nothing.astype(np.int8), nothing > 0)
    return draw_feedback(tagged, context, slates, delivered, book.seed)
