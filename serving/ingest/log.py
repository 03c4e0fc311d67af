"""The log grows by an issue: all of it is there, or nothing of it.

The log is an archive (`bandit.log.archive`) with three things more: events/NNN.parquet, the tagged
events of each issue; aside/NNN.parquet, rows that could not be used; and ingest.json, what each
issue was made from and what it came to. A new folder is built beside the old one, from the same
files, and takes its place at once. Open this file to see how an issue is added.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core.files import read_json, replacing, write_json, write_table
from bandit.core.types import Bools
from bandit.log import archive
from bandit.log.members import Membership
from serving.errors import shorten
from serving.folder import replace_folder
from serving.ingest.aside import HELD, KEPT
from serving.ingest.book import Book
from serving.sending.write import regroup, write_slates

NOTES = "ingest.json"
OURS = ("members.parquet", "rules.json", NOTES, "log", "pools", "changes", "events", "aside")


@dataclass(frozen=True)
class Outcome:
    """What came back from a book's mails. Arrays are [n] or [n, k].

    events: file of the tagged events
    aside: the rows that could not be used, piece by piece
    told: what ingest.json says of it
    """

    delivered: Bools
    opened: Bools
    unsubscribed: Bools
    complained: Bools
    clicked: Bools
    events: Path
    aside: Iterable[pa.Table]
    told: Mapping[str, object]


def add_issue(folder: Path, book: Book, outcome: Outcome) -> tuple[int, bool]:
    """Add an issue to the log in `folder`, which is made where there is none.

    Returns its number, and whether it is new: one that is there already stays.

    Raises ValueError where the folder is no archive, and where the issue is there from other files.
    """
    known = _read_notes(folder)
    told = {**outcome.told, "send": book.digest}
    number = next((n for n, each in known.items() if each.get("send") == book.digest), 0)
    begun = any((folder / name).exists() for name in ("rules.json", "members.parquet"))
    issues = archive.read_rules(folder) if begun else {}  # one that lost a file is not begun anew
    if (
        number == 0
        and any(name == book.campaign for name, _ in issues.values())
        and not (any(each.get("campaign") == book.campaign for each in known.values()))
    ):
        raise ValueError(f"{folder} has campaign {book.campaign!r} already, from another source")
    for n, each in known.items():
        shared = set(str(each.get("send")).split()) & set(book.digest.split())
        if shared and n != number:
            raise ValueError(
                f"{folder} has a part of this send as issue {n} already; ingest its other waves "
                "one by one, or all together into another log"
            )
    for n in known:
        _refuse_damaged(folder / "events" / f"{n:03d}.parquet")
        if (aside := folder / "aside" / f"{n:03d}.parquet").exists():  # it may be thrown away
            _refuse_damaged(aside)
    new = max(issues, default=0) + 1
    with replace_folder(folder, OURS) as part:
        _link(folder, part)
        name = f"{number or new:03d}"
        made = part / "new"
        _write_parts(made, name, book, outcome)
        if number:
            _refuse_unlike(folder, made, name, known[number], told)
            shutil.rmtree(made)
            return number, False
        try:
            _extend(part, made, name, list(issues), book)
        except ValueError as error:  # of the log, of which the part is a copy
            raise ValueError(str(error).replace(str(part), str(folder))) from None
        write_json(part / NOTES, {f"{n:03d}": each for n, each in (known | {new: told}).items()})
    return new, True


def _refuse_damaged(path: Path) -> None:
    """Raise ValueError where a file of an earlier issue is gone or is not what was written."""
    try:
        for _ in pq.ParquetFile(path, page_checksum_verification=True).iter_batches():
            pass
    except FileNotFoundError:
        raise ValueError(f"{path} is missing, which {NOTES} says there is") from None
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{path} is damaged: {shorten(str(error))}") from None


def _read_notes(folder: Path) -> dict[int, dict[str, object]]:
    path = folder / NOTES
    if not path.exists():
        return {}
    told = read_json(path)
    try:
        return {int(name): dict(each) for name, each in told.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def _link(folder: Path, part: Path) -> None:
    """Have the files of a folder in another one too, without copying where the disk can."""
    for file in sorted(folder.rglob("*.parquet")) + sorted(folder.glob("*.json")):
        target = part / file.relative_to(folder)
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(file, target)
        except OSError:  # a disk without links
            shutil.copyfile(file, target)


def _write_parts(made: Path, name: str, book: Book, outcome: Outcome) -> None:
    """Write an issue's own files into a folder."""
    (made / "log").mkdir(parents=True)
    with replacing(made / "log" / f"{name}.parquet") as path:
        write_log(path, book, outcome)
    (made / "aside").mkdir()
    sound = {"compression": "zstd", "write_page_checksum": True}
    with (
        replacing(made / "aside" / f"{name}.parquet") as path,
        pq.ParquetWriter(path, KEPT, **sound) as writer,
    ):
        for table in regroup(outcome.aside, HELD):
            writer.write_table(table)
    write_table(made / "pools" / f"{name}.parquet", book.pool)
    (made / "events").mkdir()
    shutil.copyfile(outcome.events, made / "events" / f"{name}.parquet")


def write_log(path: Path, book: Book, outcome: Outcome) -> None:
    """Write the slates with what came back, as `bandit.log.issue` has it; and who complained."""

    def join() -> Iterator[pa.Table]:
        row, k = 0, book.rules.slots
        for slates in book.read_slates():
            n = len(slates) // k
            here = slice(row, row + n)
            row += n
            clicked = outcome.clicked[here].ravel()
            more = {
                name: np.repeat(getattr(outcome, name)[here], k)
                for name in ("delivered", "opened", "unsubscribed", "complained")
            }
            more |= {
                "examined": np.where(clicked, 1, -1).astype(np.int8),
                "clicked": clicked,
                "dwell_seconds": np.zeros(len(clicked)),
            }
            for column, values in more.items():
                slates = slates.append_column(column, pa.array(values))
            yield slates

    write_slates(path, join())


def _refuse_unlike(
    folder: Path, made: Path, name: str, was: dict[str, object], now: dict[str, object]
) -> None:
    """Raise ValueError unless an issue is what it was."""
    files = [f"{part}/{name}.parquet" for part in ("log", "events", "aside")]
    files = [file for file in files if (folder / file).exists() or not file.startswith("aside")]
    if was != now or not all(cmp(folder / file, made / file, shallow=False) for file in files):
        raise ValueError(
            f"{folder} has this send as issue {int(name)}, from other files or settings, or by "
            "another version; a log is only added to: give all files of an issue at once, or write "
            "another log"
        )


def _extend(part: Path, made: Path, name: str, issues: Sequence[int], book: Book) -> None:
    """Add an issue's files to those of an archive, and who its members were."""
    for each in ("log", "events", "aside", "pools"):
        (part / each).mkdir(exist_ok=True)
        (made / each / f"{name}.parquet").rename(part / each / f"{name}.parquet")
    shutil.rmtree(made)
    rules = read_json(part / "rules.json") if issues else {}
    columns = archive.read_attributes(part) if issues else {}
    membership = Membership.resume(part, issues, columns) if issues else Membership(part)
    membership.add(int(name), book.read_members().to_pandas())
    rules[name] = book.told
    for issue, own in membership.list_others().items():
        rules[f"{issue:03d}"] = rules[f"{issue:03d}"] | {"attributes": own}
    write_json(part / "rules.json", rules)
    membership.finish()
