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
LOOKED_AT = ["event", "at", "kind", "slot", "place", "provider", "message"]
LOOKED_AT += ["time", "sent", "taken", "count"]  # columns of records that say which of them count


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
    table = _sort(table)
    event = pc.binary_join_element_wise(table["provider"], table["event"], ":")
    table = table.set_column(table.schema.get_field_index("event"), "event", event)
    frame = table.select(LOOKED_AT).to_pandas()
    again = frame["taken"].to_numpy() | frame.duplicated("event").to_numpy()
    other = again & ~frame.duplicated(["event", "at", "kind", "slot", "place"]).to_numpy()
    seconds = frame["time"].to_numpy() - _find_sent(frame, sent, rows.start)
    acts = frame["kind"].isin(EVENTS).to_numpy()
    early = acts & (seconds < -window.before * DAY)
    late = acts & (seconds > window.days * DAY)
    why = np.select(
        [other, early & ~again, late & ~again],
        [
            "its id is another event's",
            f"more than {_count_days(window.before)} before delivery",
            f"more than {_count_days(window.days)} after delivery",
        ],
        "",
    )
    bad = why != ""
    used = ~again & ~bad
    events = _tabulate(book, table.filter(pa.array(used & acts)), seconds[used & acts])
    timed = used & frame["kind"].isin(("open", "click")).to_numpy()
    of = {str(name): timed & (frame["provider"] == name) for name in frame["provider"].unique()}
    delays = {name: seconds[some] for name, some in of.items() if some.any()}
    tagged = tag(events, closes=window.closes * DAY)
    at = frame["at"].to_numpy() - rows.start
    facts = {
        kind: _mark(at[used & (frame["kind"] == kind)], rows.stop - rows.start)
        for kind in ("bounce", "complaint")
    }
    feedback = _read(book, rows, tagged, ~facts["bounce"] | facts["complaint"])
    left = feedback.unsubscribed | facts["complaint"]
    return Answers(
        replace(feedback, unsubscribed=left),
        facts["complaint"],
        tagged,
        table.filter(pa.array(bad)).to_pandas().assign(why=why[bad]),
        int(frame["count"].sum() - used.sum() - bad.sum()),
        int((used & ~acts).sum()),
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


def _tabulate(book: Book, used: pa.Table, seconds: Floats) -> pd.DataFrame:
    """The records as events of `bandit.log.events`, by mail and time."""
    at = used["at"].to_numpy()
    went = used["time"].to_numpy() - seconds
    since = used["arrived"].fill_null(np.nan).to_numpy() - went
    domain = pc.replace_substring_regex(used["address"].fill_null(""), "(?s).*@", "")
    events = pa.table(
        {
            "event": used["event"],
            "campaign": pa.repeat(book.campaign, len(used)),
            "member": book.members.take(used["at"]),
            "kind": used["kind"],
            "slot": used["slot"],
            "links": (book.choice[at] >= 0).sum(axis=1),
            "seconds": seconds,
            "arrived": np.where(np.isnan(since), seconds, since),
            "sent": np.round(1000 * went).astype("datetime64[ms]"),
            **{name: used[name] for name in ("agent", "method", "network")},
            "domain": pc.if_else(pc.equal(domain, ""), "unknown", domain),
            **{name: used[name] for name in ("verdict", "place", "at")},
        }
    )
    by = [(name, "ascending") for name in ("at", "seconds", "event")]
    frame: pd.DataFrame = events.sort_by(by).drop_columns("at").to_pandas()
    return frame


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
