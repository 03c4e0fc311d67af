"""preview.html: the page that an editor looks at before an issue is mailed.

It shows newsletters as readers will see them, whom each article reaches, what was given up and what
is new since the last issue. Open this file to see where the page's numbers come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.columns import Columns
from bandit.core.types import EMPTY, EXPLORE, PINNED
from bandit.features.attributes import MISSING, fold
from bandit.slates.editorial import REPEAT
from serving.letters.changes import Change
from serving.letters.page import fill_template

if TYPE_CHECKING:
    from serving.letters.tally import Tally
    from serving.letters.texts import Texts
    from serving.sending.issue import Issue

LETTERS = 10  # newsletters that are shown
_MARKS = {PINNED: "pinned by the editor", EXPLORE: "exploring", EMPTY: "", 2: ""}


@dataclass(frozen=True)
class Item:
    """A filled slot of a newsletter."""

    slot: int
    title: str
    summary: str
    about: str
    mark: str
    chance: float
    repeated: bool


@dataclass(frozen=True)
class Letter:
    """One member's newsletter, and in a few words who the member is."""

    member: object
    facts: Sequence[str]
    subject: str
    held: bool
    arm: str | None
    items: Sequence[Item]


class Letters:
    """The newsletters of some of n members, evenly spaced in the list.

    found: those that have come by
    """

    def __init__(self, n: int, issue: "Issue", texts: "Texts") -> None:
        self._issue, self._texts, self._passed = issue, texts, 0
        self._wanted = np.linspace(0, n - 1, min(LETTERS, n)).astype(int)
        self.found: list[Letter] = []

    def add(self, table: pa.Table) -> pa.Table:
        """Look at the next newsletters, each with all its slots, and hand them on."""
        slots, rows = self._issue.rules.slots, self._wanted - self._passed
        self._passed += len(table) // slots
        for row in rows[(rows >= 0) & (rows < len(table) // slots)]:
            slate = table.slice(row * slots, slots)
            self.found.append(_read_letter(slate, self._issue, self._texts))
        return table


def write_preview(
    path: Path,
    change: Change | None,
    issue: "Issue",
    texts: "Texts",
    tally: "Tally",
    letters: Sequence[Letter],
    warnings: Sequence[str],
) -> None:
    """Write the page.

    change: what is new since the last issue, where one is named
    letters: newsletters to show
    warnings: sentences that an editor must read before anything else
    """
    slots = issue.rules.slots
    filled = int(tally.roles.sum() - tally.roles[EMPTY])
    page = fill_template(
        "preview.html.j2",
        campaign=issue.asked.campaign,
        wave=issue.part.number,
        mails=tally.mails,
        slots=slots,
        tally=tally,
        held_by=issue.holdout.describe() if issue.holdout else None,
        suppressed=issue.count - tally.members,
        exploring=float(tally.roles[EXPLORE] / filled) if filled else 0.0,
        warnings=warnings,
        letters=letters,
        articles=_list_articles(tally, texts, issue.articles),
        rules=_list_rules(tally),
        change=change,
        audience=issue.audience,
        made_from=_list_origins(issue),
    )
    path.write_text(page, encoding="utf-8")


def _read_letter(slate: pa.Table, issue: "Issue", texts: "Texts") -> Letter:
    """One newsletter from the rows of its slots."""
    place = pc.fill_null(pc.index_in(slate["article"], value_set=pa.array(texts.article)), -1)
    rows = zip(place.to_pylist(), slate.to_pylist(), strict=True)
    items = [
        Item(
            slot=row["slot"],
            title=texts.title[j],
            summary=texts.summary[j],
            about=" · ".join(filter(None, (texts.kind[j], texts.source[j], _host(texts.url[j])))),
            mark=_MARKS[row["role"]],
            chance=row["propensity"],
            repeated=row["relaxed"] >= REPEAT,
        )
        for j, row in rows
        if j >= 0
    ]
    first = next((j for j in place.to_pylist() if j >= 0), None)
    member, held = slate["member"][0].as_py(), slate["holdout"][0].as_py()
    subject = texts.subject[first] if first is not None else "(nothing to send)"
    arm = slate["arm"][0].as_py() if "arm" in slate.column_names else None
    return Letter(member, _list_facts(member, issue), subject, held, arm, items)


def _list_facts(member: object, issue: "Issue") -> list[str]:
    """What the policy knows of a member by attributes."""
    own = issue.inputs.members.find("member", member)
    attributes, facts = issue.bundle.features.attributes, []
    for name in attributes.columns:
        (cell,) = own[name].astype(object)
        if cell is None or cell != cell:
            continue
        if name in attributes.numeric:
            facts.append(f"{name.replace('_', ' ')}: {cell:g}")
        else:
            facts.append(", ".join(attributes.list_values(name, cell)))
    return list(filter(None, facts))


def _host(url: str) -> str:
    return urlsplit(url).hostname or "" if url else ""


def _list_articles(tally: "Tally", texts: "Texts", pool: Columns) -> list[dict[str, object]]:
    """The articles, those that reach most first."""
    mails = tally.mails
    limits = _list_limits(pool)
    order = sorted(range(len(texts)), key=lambda j: (-tally.reach[j], texts.title[j]))
    return [
        {
            "article": texts.article[j],
            "title": texts.title[j],
            "subject": texts.subject[j] if texts.subject[j] != texts.title[j] else "",
            "about": " · ".join(filter(None, (texts.kind[j], texts.source[j]))),
            "linked": bool(texts.url[j]),
            "only": limits[texts.article[j]],
            "reach": int(tally.reach[j]),
            "share": tally.reach[j] / mails if mails else 0.0,
            "leads": int(tally.leads[j]),
            "exploring": tally.explored[j] / tally.reach[j] if tally.reach[j] else float("nan"),
            "pinned": bool(tally.pinned[j]),
        }
        for j in order
    ]


def _list_limits(pool: Columns) -> dict[object, str]:
    """Article -> who alone may see it, in words; "" where everybody may."""
    names = [name for name in pool.names if name.startswith("only_")]
    found = {}
    for row, article in enumerate(pool["article"].tolist()):
        cells = {name: pool[name][row] for name in names}
        said = [
            f"{name.removeprefix('only_').replace('_', ' ')} {cell}"
            for name, cell in cells.items()
            if cell is not None and cell == cell and fold(str(cell)) not in MISSING
        ]
        found[article] = ", ".join(said)
    return found


def _list_rules(tally: "Tally") -> list[tuple[str, str]]:
    """What was given up, and how often, in words."""
    given = [(rule, f"{n:,} newsletters") for rule, n in tally.count_given_up().items()]
    relaxed, empty = tally.count_relaxed(), int(tally.roles[EMPTY])
    soft = {"nothing that the member has seen": "repeat", "one article a story": "story"}
    given += [(words, f"{relaxed[name]:,} slots") for words, name in soft.items() if relaxed[name]]
    given += [
        (f"pin of slot {slot}", f"{n:,} newsletters: these members may not see it")
        for slot, n in tally.missed_pins.items()
        if n
    ]
    return given + ([("every slot filled", f"{empty:,} slots")] if empty else [])


def _list_origins(issue: "Issue") -> list[tuple[str, str]]:
    """What the send was made from, for the foot of the page."""
    digests = {"bundle": issue.bundle.digest} | issue.inputs.digests
    return [
        ("policy", issue.bundle.manifest.policy),
        ("seed", f"{issue.asked.seed}"),
        *((f"SHA-256 of {name}", digest[:12]) for name, digest in digests.items() if digest),
    ]
