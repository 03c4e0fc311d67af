"""Tracking events: what the tracking server saw, and what that says about members.

`hygiene.tag` says who made each event; then `read_feedback` and `estimate_open_rate` read them.
Open this file to feed real e-mail back into a policy. A table of events is a pandas frame with one
row for each request, in any order, of one issue or several, and with these columns:

    event     id of the record; the same id twice is one event that was sent twice
    campaign  the issue's campaign, as in `Context`
    member    whose mail it was
    kind      open (the mail's pixel was loaded), click (on an article's link), unsubscribe (that
              link was followed, or the provider took the member off the list) or other (another
              link of the mail was followed, see `place`)
    slot      the article's slot, counted from 1; 0 unless it is a click
    links     how many article links this member's mail holds (from the slates)
    seconds   from delivery to the request; may be negative, gateways look before they accept
    arrived   seconds from delivery until the log received the event; days where a server was down
    sent      when the mail was delivered, UTC: a time, or text such as 2026-01-05T09:00:00
    agent     what the user agent string amounts to: mail (a mail program), browser, imageproxy (a
              webmail's image cache), bare ("Mozilla/5.0" and no more: Apple Mail Privacy
              Protection), scanner (says that it is one), script (curl, python), none (empty)
    method    GET, HEAD, or POST (one-click unsubscribing, RFC 8058: no link is followed, and it
              counts whoever else looked at the mail)
    network   opaque id of where the request came from: an AS number or a /24; known proxies have
              names of their own
    domain    of the member's address

Two more columns may be there; a table that lacks them says nothing of them:

    verdict   what the provider itself says of the event: none (nothing), person, proxy (a privacy
              proxy or an image cache loaded the pixel) or bot (a program, no person)
    place     which link of the mail was followed, where it is no article's: footer, sponsor,
              honeypot (a link that no person sees) or unsubscribe; else ""
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bandit.core import check
from bandit.core.types import Bools, Context, Feedback, Floats, Slates

COLUMNS = (
    *("event", "campaign", "member", "kind", "slot", "links", "seconds", "arrived"),
    *("sent", "agent", "method", "network", "domain"),
)
KINDS = ("open", "click", "unsubscribe", "other")
AGENTS = ("mail", "browser", "imageproxy", "bare", "scanner", "script", "none")
METHODS = ("GET", "HEAD", "POST")
VERDICTS = ("none", "person", "proxy", "bot")
PLACES = ("", "footer", "sponsor", "honeypot", "unsubscribe")
OPTIONAL: dict[str, tuple[str, ...]] = {"verdict": VERDICTS, "place": PLACES}
YEARS = (1990, 2100)  # between which mail is sent
TAGS = ("human", "prefetch", "scanner", "duplicate", "late")
BY_PEOPLE = ("human", "late")
# Why a row only repeats another one, in words; `bandit.log.doubt` counts none of these.
SAME_RECORD, SAME_REQUEST = "the same record again", "the same request again"


def refuse(events: pd.DataFrame, column: str, bad: ArrayLike, must: str) -> None:
    """Raise ValueError at the first row of `bad` [rows], with the value of `column` there."""
    wrong = np.asarray(bad)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"events row {row}: {column} = {events[column].iloc[row]}; {must}")


def validate(events: pd.DataFrame) -> None:
    """Raise ValueError at the first missing column, or the first value that no event can have."""
    check.columns("events", events, COLUMNS)
    for column in ("event", "campaign", "member", "sent", "network", "domain"):
        refuse(events, column, events[column].isna(), "must be given")
    for column, known in (("kind", KINDS), ("agent", AGENTS), ("method", METHODS)):
        refuse(events, column, ~events[column].isin(known), f"must be one of {', '.join(known)}")
    for column, allowed in OPTIONAL.items():
        if column in events:
            words = ", ".join(word or "empty" for word in allowed)
            refuse(events, column, ~events[column].isin(allowed), f"must be one of {words}")
    refuse(events, "sent", ~find_times(events["sent"]), "must be a time such as 2026-01-05T09:00")
    for column in ("slot", "links", "seconds", "arrived"):
        number = pd.to_numeric(events[column], errors="coerce").to_numpy(dtype=np.float64)
        if events[column].dtype.kind not in "iuf":
            text = [isinstance(value, str) for value in events[column]]
            refuse(events, column, text, "must be a number, not text")
        refuse(events, column, ~np.isfinite(number), "must be a finite number")
        if column in ("slot", "links"):
            broken = (number < 0) | (number != np.floor(number))
            refuse(events, column, broken, "must be a whole number, 0 or more")
    click = events["kind"] == "click"
    refuse(events, "slot", click & (events["slot"] < 1), "a click's slot counts from 1")
    refuse(events, "slot", ~click & (events["slot"] != 0), "must be 0 unless it is a click")
    refuse(events, "slot", events["slot"] > events["links"], "this member's mail has fewer links")
    what = ["campaign", "member", "kind", "slot"]
    other = (
        events["event"].duplicated().to_numpy() & ~events.duplicated(["event", *what]).to_numpy()
    )
    refuse(events, "event", other, "this id was already used for another event")


def find_times(column: pd.Series) -> Bools:
    """Which values [rows] are times at which a mail may have been sent.

    column: times, or text that begins with the date, year first
    """
    codes, values = pd.factorize(column)
    if pd.api.types.is_datetime64_any_dtype(column):
        times = pd.DatetimeIndex(values)
    else:
        texts = pd.Series([str(value) for value in values], dtype=object)
        dated = texts.str.match(r"\d{4}-\d\d-\d\d")  # pandas takes "now" for a time, too
        given = texts.where(dated.astype(bool), None)
        times = pd.DatetimeIndex(pd.to_datetime(given, format="ISO8601", errors="coerce", utc=True))
    within = (times.year >= YEARS[0]) & (times.year < YEARS[1])
    return np.asarray(np.append(within, False)[codes])


def read_feedback(
    tagged: pd.DataFrame,
    context: Context,
    slates: Slates,
    delivered: Bools | None = None,
    opened: Bools | None = None,
) -> Feedback:
    """What people did in one issue, as a policy learns from it; late events count as well.

    In the answer examined is 1 where clicked, else unknown, and dwell_seconds is 0: events do not
    know reading times. Whoever did anything got the mail, though a bounce was reported too.

    tagged: events with the column `tag` of `hygiene.tag`; those of other campaigns are left aside
    context, slates: what was sent
    delivered: [n], who got the mail (default: everybody)
    opened: [n], who counts as an opener beside everyone of whom a person's open or click was
        recorded. Where Apple's proxy or blocked images hide opens, only clicks show them, and such
        members seem to click whenever they open. Drawing `opened` with `OpenRate.chance` takes that
        bias away.

    Raises ValueError at an event of a member or slot that the slates do not have.
    """
    check.columns("events", tagged, [*COLUMNS, "tag"])
    n, k = slates.choice.shape
    for what, given in (("delivered", delivered), ("opened", opened)):
        if given is not None:
            check.shape(what, given, (n,))
    counts = tagged["tag"].isin(BY_PEOPLE)
    counts |= (tagged["kind"] == "unsubscribe") & (tagged["method"] == "POST")
    place = np.flatnonzero((tagged["campaign"] == context.campaign) & counts)
    events = tagged.iloc[place]

    def check_known(column: str, bad: Bools, must: str) -> None:
        everywhere = np.zeros(len(tagged), dtype=bool)
        everywhere[place] = bad
        refuse(tagged, column, everywhere, must)

    row = pd.Index(context.member_ids).get_indexer(pd.Index(events["member"]))
    check_known("member", row < 0, f"is not in {context.campaign}")
    slot = events["slot"].to_numpy(dtype=np.int64) - 1
    click = (events["kind"] == "click").to_numpy()
    check_known("slot", click & (slot >= k), f"the slates have {k}")
    empty = slates.choice[row, np.clip(slot, 0, k - 1)] < 0
    check_known("slot", click & empty, "is empty in this member's slate")
    looked, unsubscribed = np.zeros((2, n), dtype=bool)
    clicked = np.zeros((n, k), dtype=bool)
    unsubscribed[row[(events["kind"] == "unsubscribe").to_numpy()]] = True
    clicked[row[click], slot[click]] = True
    looked[row[events["kind"].isin(("open", "other")).to_numpy()]] = True
    acted = looked | clicked.any(axis=1)
    return Feedback(
        delivered=np.ones(n, dtype=bool) if delivered is None else delivered | acted | unsubscribed,
        opened=acted | (opened if opened is not None else False),
        unsubscribed=unsubscribed,
        examined=np.where(clicked, 1, -1).astype(np.int8),
        clicked=clicked,
        dwell_seconds=np.zeros((n, k)),
    )


@dataclass(frozen=True)
class OpenRate:
    """How often people opened what was delivered. Shares are of d deliveries unless it says more.

    recorded: share with any open event
    human: share that a person opened, estimated
    hidden: share that no pixel recorded, of the opens by people without a prefetching program
    prefetched: share that went to a prefetching program
    chance: [d], for each delivery P(a person opened it | what was recorded)
    """

    recorded: float
    human: float
    hidden: float
    prefetched: float
    chance: Floats


def estimate_open_rate(tagged: pd.DataFrame, deliveries: pd.DataFrame) -> OpenRate:
    """The open rate of people, once prefetch and scanners are set aside.

    Deliveries to programs that never prefetch tell the rate. Among them opens and clicks are two
    lists of the same openers, so clicks without an open say how many opens were hidden
    (Lincoln-Petersen, Chapman 1951). This assumes that hiding opens does not go with clicking, and
    that Apple's readers open as often as the others do.

    tagged: events with the column `tag` of `hygiene.tag`
    deliveries: d rows, columns campaign and member
    """
    check.columns("events", tagged, [*COLUMNS, "tag"])
    check.columns("deliveries", deliveries, ["campaign", "member"])
    where = pd.MultiIndex.from_frame(deliveries[["campaign", "member"]])

    def find_among(rows: pd.Series) -> Bools:
        some = pd.MultiIndex.from_frame(tagged.loc[rows, ["campaign", "member"]])
        return np.asarray(where.isin(some))

    people, is_open = tagged["tag"].isin(BY_PEOPLE), tagged["kind"] == "open"
    proxied = (
        deliveries["member"].isin(tagged.loc[tagged["tag"] == "prefetch", "member"]).to_numpy()
    )
    seen = find_among(people & is_open)
    clicked = find_among(people & (tagged["kind"] == "click"))
    s, c, both = (int((x & ~proxied).sum()) for x in (seen, clicked, seen & clicked))
    either = s + c - both
    opened = max((s + 1) * (c + 1) / (both + 1) - 1, either)
    others = int((~proxied).sum())
    rate = min(opened / others, 1.0) if others else float("nan")
    # an opener stays unseen where the pixel is blocked (or Apple's) and nothing was clicked
    clicks = min(c / opened, 1.0) if opened else 0.0
    blocked = 1 - s / opened if opened else 0.0

    def judge_unseen(hidden: float) -> float:
        missed = rate * hidden * (1 - clicks)
        return missed / (missed + 1 - rate) if missed + 1 - rate > 0 else 0.0

    hidden = max(blocked, 0.0)
    chance = np.where(proxied, judge_unseen(1.0), judge_unseen(hidden))
    chance[seen | clicked] = 1.0
    recorded, prefetched = (
        float(among.mean()) if len(deliveries) else float("nan")
        for among in (find_among(is_open), proxied)
    )
    return OpenRate(recorded, rate, hidden, prefetched, chance)
