"""What `serving.ingest` does: read the files, find whose mail each row is about, and add an issue.

Open this file to see in which order, and what is said.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core import check
from bandit.core.types import Floats
from bandit.log.doubt import People, bound_people, tally_chances
from serving.errors import shorten
from serving.folder import claim
from serving.ingest.answers import Answers, Window, answer
from serving.ingest.aside import Aside
from serving.ingest.book import Book
from serving.ingest.buckets import Buckets, sort_records
from serving.ingest.log import Outcome, add_issue
from serving.ingest.matching import Matcher, read_addresses
from serving.ingest.reading.links import read_places
from serving.ingest.reading.mapping import read_mapping
from serving.ingest.reading.times import WHY, describe_clocks, parse_times
from serving.ingest.spill import Spill, open_writer, spill_file
from serving.sending.record import refuse_spoiling

MOST = 100_000  # delays by which a provider's clock is judged: every second one of more, and so on


class Told(TypedDict):
    """What ingest.json says of an issue: its mails, what became of the rows, and what came back."""

    campaign: str
    mails: int
    rows: dict[str, int]  # by provider
    used: int
    duplicates: int
    aside: dict[str, int]  # by reason
    tags: dict[str, int]  # events by what made them
    people: dict[str, float]  # how many of the clicks people made, as `bandit.log.doubt` has it
    delivered: int
    opened: int
    clicks: int
    unsubscribed: int
    complained: int
    clocks: list[str]  # what is odd about times, in sentences
    together: int  # parts of the mails that were judged together


def ingest(asked: argparse.Namespace) -> list[str]:
    """Add the issue that the command line asks for to its log. Returns lines to print.

    Raises ValueError naming what is wrong with the send, a file, or the log.
    """
    check.at_least("--window", asked.window, 0.01)
    check.at_least("--closes", asked.closes, 0.01)
    window = Window(days=asked.window, closes=asked.closes)
    own = [read_mapping(path) for path in asked.mapping]
    book = Book.read(asked.sent)
    places = read_places(asked.links, book.links)
    addresses = None
    if asked.addresses is not None:
        addresses = read_addresses(asked.addresses, book, asked.encoding)
    at = _read_time(asked.delivered_at) if asked.delivered_at is not None else None
    log = Path(asked.log)
    refuse_spoiling("--log", log, asked.sent)
    real = log.resolve()  # of two names of one log both mean the same place
    place = real.with_name(f".{real.name}.ingest")
    with _work_in(place):
        spills = [spill_file(Path(file), own, place, asked.encoding) for file in asked.files]
        aside, mailings = Aside(place), tuple(asked.mailing)
        buckets = sort_records(spills, Matcher(book, places, addresses, mailings), place, aside)
        _refuse_nothing(book, spills, aside)
        _fill_sent(buckets, at, aside)
        gathered = _Gathered(book, place / "events.parquet")
        with gathered:
            for rows, table in buckets.read():
                gathered.add(rows, answer(book, rows, table, buckets.sent[rows], window), aside)
        told = _tell(book, spills, aside, gathered, buckets.together)
        outcome = Outcome(**gathered.facts, events=gathered.path, aside=aside.sort(), told=told)
        number, new = add_issue(log, book, outcome)
    unused = [
        f"warning: --mapping {path}: no file was read by it; without found_by it reads "
        "only what is nobody else's"
        for path, each in zip(asked.mapping, own, strict=True)
        if each.provider not in told["rows"]
    ]
    return [*unused, *_describe(told, gathered.count_people(), log, number, new)]


@contextmanager
def _work_in(folder: Path) -> Iterator[None]:
    """Be the only process that works in a folder, which vanishes in the end.

    Of a process that is killed it stays, and the next one goes on from what is there.
    """
    with claim(folder):
        try:
            yield
        finally:
            for left in folder.iterdir():
                if left.name != ".lock":
                    left.unlink()
    with suppress(OSError):
        folder.rmdir()


def _refuse_nothing(book: Book, spills: Sequence[Spill], aside: Aside) -> None:
    """Raise ValueError where no row is about the send: the issue could not be put right later."""
    rows = sum(int(spill.facts["rows"]) for spill in spills)
    if not rows:
        raise ValueError("the files hold no rows, as after an export that failed: nothing is added")
    if rows == aside.total:
        raise ValueError(
            f"none of the {rows} rows is of use for the send {book.parts[0]}, campaign "
            f"{shorten(book.campaign)}: nothing is added; "
            + "; ".join(f"{count}: {why}" for why, count in aside.list_commonest())
        )


def _read_time(text: str) -> float:
    """A time that the command line names."""
    (seconds,), (why,), _ = parse_times([text])
    if why:
        raise ValueError(
            f"--delivered-at {shorten(text)} is {WHY[why]}; must be such as 2026-11-24T09:00Z"
        )
    return float(seconds)


def _fill_sent(buckets: Buckets, at: float | None, aside: Aside) -> None:
    """Give mails of which no file says when they went out the time that is given, or the usual one.

    Raises ValueError where no mail has one.
    """
    known = buckets.sent[~np.isnan(buckets.sent)]
    if at is None and not len(known):
        raise ValueError(
            "no file says when mails were delivered: give one that does, or --delivered-at TIME"
            + "".join(f"; set aside: {count}: {why}" for why, count in aside.list_commonest())
        )
    buckets.sent[np.isnan(buckets.sent)] = np.median(known) if at is None else at


class _Gathered:
    """What came back from one bucket of mails after the other."""

    def __init__(self, book: Book, path: Path) -> None:
        n, k = book.choice.shape
        self.path = path
        self.facts = {
            name: np.zeros(n, dtype=bool)
            for name in ("delivered", "opened", "unsubscribed", "complained")
        } | {"clicked": np.zeros((n, k), dtype=bool)}
        self.duplicates = self.used = 0
        self.tags: Counter[str] = Counter()
        self._chances = tally_chances(np.zeros(0))  # that a person made a click, and how often
        self._delays: dict[str, tuple[int, Floats]] = {}  # every so many, of each provider
        self._writer: pq.ParquetWriter | None = None
        self._stack = ExitStack()

    def __enter__(self) -> "_Gathered":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, rows: slice, answers: Answers, aside: Aside) -> None:
        """Add what came back from the mails in `rows` of the book."""
        for name in ("delivered", "opened", "unsubscribed", "clicked"):
            self.facts[name][rows] = getattr(answers.feedback, name)
        self.facts["complained"][rows] = answers.complained
        self.duplicates += answers.duplicates
        self.used += answers.mails + len(answers.events)
        self.tags.update(answers.events["tag"].tolist())
        chance, times = self._chances
        once = np.ones(len(answers.chance), dtype=np.int64)
        self._chances = tally_chances(np.append(chance, answers.chance), np.append(times, once))
        for provider, delays in answers.delays.items():
            self._note_delays(provider, delays)
        if len(answers.aside):
            rest = pa.Table.from_pandas(answers.aside, preserve_index=False)
            why = rest["why"].combine_chunks().cast(pa.string())
            aside.add_records(rest, why)
        table = _to_table(answers.events)
        if self._writer is None:
            self._writer = self._stack.enter_context(open_writer(self.path, table.schema))
        self._writer.write_table(table)

    def count_people(self) -> People:
        """How many of the clicks people made."""
        return bound_people(*self._chances)

    def _note_delays(self, provider: str, delays: Floats) -> None:
        every, known = self._delays.get(provider, (1, np.zeros(0)))
        known = np.append(known, delays[::every])
        while len(known) > MOST:
            every, known = 2 * every, known[::2]
        self._delays[provider] = every, known

    def list_delays(self) -> Iterator[tuple[str, Floats]]:
        """Each provider's delays, or of very many every so many."""
        for provider, (_, delays) in sorted(self._delays.items()):
            yield provider, delays


def _to_table(events: pd.DataFrame) -> pa.Table:
    """Events as arrow has them; a column of text is one though it has no rows."""
    columns = {}
    for name in events:
        text = events[name].dtype.kind in "OT"
        columns[str(name)] = pa.array(events[name], pa.string() if text else None)
    return pa.table(columns)


def _tell(
    book: Book, spills: Sequence[Spill], aside: Aside, gathered: _Gathered, buckets: int
) -> Told:
    rows = Counter[str]()
    milliseconds = Counter[str]()
    for spill in (spill for spill in spills if spill.facts["rows"] != "0"):
        rows[spill.facts["provider"]] += int(spill.facts["rows"])
        milliseconds[spill.facts["provider"]] += int(spill.facts["milliseconds"])
    total, used = sum(rows.values()), gathered.used
    if total != used + gathered.duplicates + aside.total:
        raise RuntimeError(
            f"of {total} rows {used} were used, {gathered.duplicates} were duplicates and "
            f"{aside.total} were set aside: some were lost"
        )
    clocks = [
        f"{name}: {count} times were in milliseconds"
        for name, count in sorted(milliseconds.items())
        if count
    ]
    for name, delays in gathered.list_delays():
        clocks += [f"{name}: {sentence}" for sentence in describe_clocks(delays)]
    facts = gathered.facts
    return {
        "campaign": book.campaign,
        "mails": len(book),
        "rows": dict(sorted(rows.items())),
        "used": used,
        "duplicates": gathered.duplicates,
        "aside": dict(sorted(aside.counts.items())),
        "tags": dict(sorted(gathered.tags.items())),
        "people": asdict(gathered.count_people()),
        "delivered": int(facts["delivered"].sum()),
        "opened": int(facts["opened"].sum()),
        "clicks": int(facts["clicked"].sum()),
        "unsubscribed": int(facts["unsubscribed"].sum()),
        "complained": int(facts["complained"].sum()),
        "clocks": clocks,
        "together": buckets,
    }


def _describe(told: Told, people: People, log: Path, number: int, new: bool) -> Iterator[str]:
    """The lines that are printed."""
    rows, aside, tags = told["rows"], told["aside"], told["tags"]
    providers = ", ".join(f"{name} {count}" for name, count in rows.items())
    yield (
        f"{sum(rows.values())} rows ({providers}): {told['used']} used, {told['duplicates']} "
        f"duplicates, {sum(aside.values())} set aside"
    )
    for why, count in sorted(aside.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"set aside: {count}: {why}"
    if aside:
        yield f"{log}/aside/{number:03d}.parquet keeps them, without anybody's e-mail address"
    for sentence in told["clocks"]:
        yield f"warning: {sentence}"
    yield "events: " + (", ".join(f"{name} {count}" for name, count in tags.items()) or "none")
    if people.recorded:
        yield people.describe()
    yield (
        f"{told['delivered']} of {told['mails']} mails delivered, {told['opened']} opened, "
        f"{told['clicks']} clicks, {told['unsubscribed']} left the list, {told['complained']} "
        "complained"
    )
    is_new = "" if new else ", which was there already: nothing is new"
    yield f"issue {number} of {log}{is_new}"
