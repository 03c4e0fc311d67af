"""index.html: the pages of several runs, each with its sentence and its first picture, small.

A thumbnail is the page's own first figure, so nothing is drawn again and the index fetches nothing.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

from markupsafe import Markup

from bandit.core.files import replacing
from experiments.report.page import ACCENT, fill_template

INDEX = "index.html"


@dataclass(frozen=True)
class Entry:
    """One page of the index.

    link: to the page, from the index
    kicker: what kind of page it is
    line: what it says on top
    advice: what it says to do; empty where it says nothing of it
    picture: its first figure; empty where it has none
    """

    link: str
    kicker: str
    line: str
    advice: str
    picture: Markup


def find_pages(runs: Sequence[Path]) -> list[Path]:
    """The pages in the folders of runs, and in the folders below them that hold no units.

    Raises ValueError naming a folder that holds none.
    """
    pages: list[Path] = []
    for run in runs:
        found = sorted(
            path
            for pattern in ("*.html", "*/*.html")
            for path in run.glob(pattern)
            if path.name not in (INDEX, "preview.html")
        )
        if not found:
            raise ValueError(f"{run} holds no page: name folders of finished runs")
        pages += [page for page in found if page not in pages]
    return pages


def write_index(folder: Path, pages: Sequence[Path], title: str = "") -> Path:
    """Write index.html into a folder, whole or not at all; returns its path.

    title: what the pages have in common; "": nothing
    """
    entries = [_read_page(page, folder, number) for number, page in enumerate(pages)]
    text = fill_template("index.html.j2", entries=entries, title=title, first=ACCENT)
    with replacing(folder / INDEX) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return folder / INDEX


def _read_page(page: Path, folder: Path, number: int) -> Entry:
    """What the index shows of a page. Raises ValueError where it has no heading."""
    text = page.read_text(encoding="utf-8")
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", text, flags=re.DOTALL)
    if not heading:
        raise ValueError(f"{page} has no heading: it is no page of a run")
    kicker = re.search(r'<p class="kicker">(.*?)</p>', text, flags=re.DOTALL)
    advice = re.search(r"<p><b>What to do\.</b>(.*?)</p>", text, flags=re.DOTALL)
    picture = re.search(r'<svg role="img".*?</svg>', text, flags=re.DOTALL)
    drawing = picture[0] if picture else ""
    drawing = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>page{number}-", drawing)
    return Entry(
        link=Path(relpath(page, folder)).as_posix(),
        kicker=_read_words(kicker[1]) if kicker else page.parent.name,
        line=_read_words(heading[1]),
        advice=_read_words(advice[1]) if advice else "",
        picture=Markup(drawing),  # noqa: S704  (of our own page, which escaped it)
    )


def _read_words(markup: str) -> str:
    """The words of a piece of a page; spaces that do not break stay."""
    return html.unescape(re.sub(r"[ \t\r\n]+", " ", re.sub(r"<[^>]+>", "", markup)).strip(" "))
