"""The page that every study leaves: what was found on top, with how sure it is, then the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from bandit.core.files import replacing
from experiments.report.page import ACCENT, fill_template

PAGE = "study.html"


@dataclass(frozen=True)
class Month:
    """Newsletters side by side, as one member received them in one issue.

    words: when, and what the member had done by then
    letters: by title of the newsletter, its articles from the top; each has title, kind, source,
        pinned, clicked and topic
    """

    words: str
    letters: Mapping[str, Sequence[Mapping[str, object]]]


@dataclass(frozen=True)
class Finding:
    """What a study found.

    headline: the sentence on top, whichever way it turned out, with its uncertainty
    advice: what to do about it; and how sure that is
    say: paragraphs below it
    figure: the picture that shows it
    caption: what the picture's marks are
    columns, rows: the table, in words
    months: newsletters that are shown as they look
    """

    headline: str
    advice: tuple[str, str]
    say: Sequence[str]
    figure: Markup
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    months: Sequence[Month] = field(default=())


def write_page(folder: Path, told: Mapping[str, str], found: Finding, facts: object) -> Path:
    """Write study.html into a folder, whole or not at all; returns its path.

    told: title, asks, setting and reads of the study
    facts: seeds, config and where the code came from, for the foot of the page
    """
    text = fill_template("study.html.j2", told=told, found=found, facts=facts, first=ACCENT)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / PAGE) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return folder / PAGE
