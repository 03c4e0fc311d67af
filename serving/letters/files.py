"""The files of a send: slates, merge files and preview, and send.json when they are all there.

Each file is there whole or not at all, and send.json is written last: whoever finds it may mail,
whoever does not finds a send that was not finished and is simply run again. Open this file to see
in which order things are written, and when the lists of those who must not be mailed are read.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from bandit.core.files import passing, replacing
from serving.checks.contradictions import find_contradictions, list_rules
from serving.folder import claim, sync
from serving.letters.merge import write_merge
from serving.letters.preview import write_preview
from serving.letters.tally import Tally, describe_contradictions
from serving.letters.texts import Texts
from serving.sending.record import SLATES, refuse_other, refuse_unlike, write_send
from serving.sending.suppress import drop_suppressed
from serving.sending.write import read_back, write_slates

if TYPE_CHECKING:
    from serving.sending.issue import Issue
    from serving.tables import Table

LINES, SHEET, PREVIEW = "merge.jsonl", "merge.csv", "preview.html"
FILES = (SLATES, LINES, SHEET, PREVIEW)
CHOSEN = "chosen.parquet"  # for everybody, whether or not a list forbids it


@dataclass(frozen=True)
class Written:
    """What a send came to.

    mails: how many members have a row in the merge files
    tally: of the slates
    contradictions: a sentence for each set of rules that no newsletter can obey
    """

    mails: int
    tally: Tally
    contradictions: list[str]


def write_issue(
    issue: "Issue", tables: Iterable[pa.Table], advance: Callable[[int], None]
) -> Written:
    """Write the files of an issue.

    tables: the slates of all its members, some at a time
    advance: told of each number of rows that are chosen

    Raises ValueError where the folder holds another send, and leaves no folder that was not there.
    """
    folder, slots = issue.part.folder, issue.rules.slots
    refuse_other(folder, issue.describe(issue.read_suppressed()))
    texts = Texts.read(issue.articles, issue.asked.pool)
    tally = Tally(issue.articles, issue.rules, list_rules(issue.rules, issue.articles))
    with claim(folder) if issue.part.number else nullcontext():  # the campaign's own is claimed
        with ExitStack() as stack:
            at = {name: stack.enter_context(replacing(folder / name)) for name in FILES}
            lists = _write_slates(at[SLATES], folder / CHOSEN, issue, tables, advance)
            slates = map(tally.add, read_back(at[SLATES], slots))
            mails = write_merge(slates, texts, slots, at[LINES], at[SHEET])
            found = find_contradictions(issue.rules, issue.articles)
            sentences = describe_contradictions(found, tally.count_given_up())
            written = Written(mails, tally, sentences)
            told = [*sentences, *(f"{file}: {warning}" for file, warning in issue.warnings)]
            warnings = [f"{sentence[0].upper()}{sentence[1:]}." for sentence in told]
            write_preview(at[PREVIEW], at[SLATES], issue, texts, tally, mails, warnings)
            for name, part in at.items():
                refuse_unlike(part, folder / name)
        write_send(folder, issue.describe(lists) | _describe(issue, texts, written), FILES)
        sync(folder)
    return written


def _write_slates(
    path: Path,
    chosen: Path,
    issue: "Issue",
    tables: Iterable[pa.Table],
    advance: Callable[[int], None],
) -> "dict[str, Table]":
    """Write the slates of all who are mailed; returns the lists of those who are not.

    chosen: where everybody's slates are kept until the lists are read
    """
    if not issue.asked.suppress:
        write_slates(path, tables, advance)
        return {}
    with passing(chosen) as everybody:
        write_slates(everybody, tables, advance)
        lists = issue.read_suppressed()  # at the last moment: all that follows is writing
        kept = drop_suppressed(read_back(everybody, issue.rules.slots), lists)
        write_slates(path, kept)
    return lists


def _describe(issue: "Issue", texts: Texts, written: Written) -> dict[str, object]:
    """What send.json says beside what the send was made from."""
    return written.tally.describe(texts.title) | {
        "mails": written.mails,
        "suppressed": len(issue.members) - written.tally.members,
        "audience": issue.audience,
        "contradictions": written.contradictions,
        "unknown": issue.inputs.unknown,
        "unread": issue.inputs.unread,
    }
