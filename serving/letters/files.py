"""The files of a send: slates, book, merge files, preview, and send.json when all are there.

Each file is there whole or not at all, and send.json is written last: whoever finds it may mail,
whoever does not finds a send that was not finished and is simply run again. Open this file to see
in which order things are written, and when the lists of those who must not be mailed are read.
"""

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from bandit.core.files import replacing
from serving.checks.contradictions import find_contradictions, list_rules
from serving.folder import claim, sync
from serving.letters.book import MEMBERS, POOL, write_book
from serving.letters.changes import find_changes
from serving.letters.merge import write_merge
from serving.letters.preview import Letters, write_preview
from serving.letters.tally import Tally, describe_contradictions
from serving.letters.texts import Texts
from serving.sending.record import SLATES, refuse_other, refuse_unlike, write_send
from serving.sending.suppress import drop_suppressed
from serving.sending.write import write_slates
from serving.shards.divide import Shards, choose_issue, sweep_shards

if TYPE_CHECKING:
    from serving.sending.issue import Issue

LINES, SHEET, PREVIEW = "merge.jsonl", "merge.csv", "preview.html"
FILES = (SLATES, LINES, SHEET, PREVIEW, MEMBERS, POOL)


@dataclass(frozen=True)
class Written:
    """What a send came to.

    told: what send.json says of it
    again: whether it was finished before, and nothing was left to do
    """

    told: dict[str, object]
    again: bool = False


def write_issue(issue: "Issue", advance: Callable[[int], None]) -> Written:
    """Choose the slates of an issue, and write its files.

    advance: told how many members are chosen for

    Raises ValueError where the folder holds another send, and leaves no folder that was not there.
    """
    folder = issue.part.folder
    finished = refuse_other(folder, issue.describe(issue.read_suppressed()))
    with claim(folder) if issue.part.number else nullcontext():  # the campaign's own is claimed
        if issue.part.number:
            sweep_shards(folder.parent)  # of a send to everybody, which was not finished
        if finished:
            sweep_shards(folder)
            return Written(finished, again=True)
        texts = Texts.read(issue.articles, issue.asked.pool)
        with choose_issue(issue, advance) as shards:
            return _write_files(issue, texts, shards)


def _write_files(issue: "Issue", texts: Texts, shards: Shards) -> Written:
    """Put the shards together, without those who must not be mailed, and write what they say.

    Each shard is read once: it is counted, looked at and put into mails on its way into the file.
    """
    folder, slots = issue.part.folder, issue.rules.slots
    tally = Tally(issue.articles, issue.rules, list_rules(issue.rules, issue.articles))
    with ExitStack() as stack:
        at = {name: stack.enter_context(replacing(folder / name)) for name in FILES}
        lists = issue.read_suppressed()  # at the last moment: all that follows is writing
        count = write_book(at, drop_suppressed(issue.read_members(), lists), issue.articles)
        letters = Letters(count, issue, texts)
        slates = map(letters.add, map(tally.add, drop_suppressed(shards, lists)))
        write_slates(at[SLATES], write_merge(slates, texts, slots, at[LINES], at[SHEET]))
        found = find_contradictions(issue.rules, issue.articles)
        sentences = describe_contradictions(found, tally.count_given_up())
        change = find_changes(issue, texts.article, at[SLATES])
        alarms = [*(change.alarms if change else ()), *tally.find_often(chain.from_iterable(found))]
        warnings = [
            *sentences,
            *alarms,
            *(f"{file}: {warning}" for file, warning in issue.warnings),
        ]
        warnings = [_punctuate(sentence) for sentence in warnings]
        write_preview(at[PREVIEW], change, issue, texts, tally, letters.found, warnings)
        for name, part in at.items():
            refuse_unlike(part, folder / name)
    told = issue.describe(lists) | _describe(issue, texts, tally, sentences, alarms)
    write_send(folder, told, FILES)
    sync(folder)
    return Written(told)


def _punctuate(sentence: str) -> str:
    """The sentence as it stands by itself, where it may be a question."""
    return f"{sentence[0].upper()}{sentence[1:]}{'' if sentence.endswith('?') else '.'}"


def _describe(
    issue: "Issue", texts: Texts, tally: Tally, contradictions: list[str], alarms: list[str]
) -> dict[str, object]:
    """What send.json says beside what the send was made from."""
    return tally.describe(texts.title) | {
        "rules": issue.rules.describe(),
        "mails": tally.mails,
        "suppressed": issue.count - tally.members,
        "audience": issue.audience,
        "contradictions": contradictions,
        "alarms": alarms,
        "unknown": issue.inputs.unknown,
        "unread": issue.inputs.unread,
    }
