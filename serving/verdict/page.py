"""verdict.json and verdict.html: what was found, for programs and for people.

Open this file to see what of an experiment is written down.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bandit.core.files import replacing, write_json
from bandit.ope.intervals import Interval
from serving.letters.page import fill_template
from serving.verdict.plot import draw_sequence
from serving.verdict.words import HAPPENS, Judged, call, find_broken, format_clicks

if TYPE_CHECKING:
    from serving.verdict.course import Course, Pair
    from serving.verdict.sends import Split

JSON, PAGE = "verdict.json", "verdict.html"


def write_verdict(
    out: Path,
    split: "Split",
    course: "Course",
    judged: Sequence[Judged],
    settings: dict[str, object],
) -> None:
    """Write both files into a folder, each whole or not at all.

    judged: what is said of each pair
    settings: what was asked for, by name
    """
    pairs = list(zip(course.pairs, judged, strict=True))
    told = {
        "experiment": split.name,
        "series": split.series,
        "campaigns": course.campaigns,
        "settings": settings,
        "groups": course.totals,
        "shares": dict(zip(split.groups, split.shares, strict=True)),
        "split": {"evidence": course.evidence, "sound": not find_broken(course)},
        "past": course.past,
        "pairs": [_describe(pair, said) for pair, said in pairs],
        "notes": course.notes,
    }
    page = fill_template(
        "verdict.html.j2",
        filters={"clicks": format_clicks, "call": call},
        split=split,
        course=course,
        pairs=[(pair, said, _draw(pair, course)) for pair, said in pairs],
        rare=[name for name in HAPPENS if any(name in each for each in course.totals.values())],
        words=HAPPENS,
        broken=find_broken(course),
        level=settings["level"],
    )
    write_json(out / JSON, told)
    with replacing(out / PAGE) as part:
        part.write_text(page, encoding="utf-8")


def measure_explained(pair: "Pair") -> float | None:
    """The share of the difference's variance that the members' past took off."""
    if pair.last is None or not pair.last.plain_variance > 0:
        return None
    return 1 - pair.last.variance / pair.last.plain_variance


def _draw(pair: "Pair", course: "Course") -> str:
    known = any(look.interval for look in pair.looks) and not find_broken(course)
    return draw_sequence(pair.looks, course.campaigns) if known else ""


def _describe(pair: "Pair", said: Judged) -> dict[str, object]:
    """One pair: clicks a newsletter, look by look."""
    return {
        "first": pair.first,
        "second": pair.second,
        "level": pair.level,
        "outcome": said.outcome,
        "found": said.found,
        "advice": said.advice,
        "explained_by_past": measure_explained(pair),
        "looks": [_list_ends(look.interval) for look in pair.looks],
        "guards": {
            name: {
                "outcome": said.guards.get(name, ("unsound", ""))[0],
                "found": said.guards.get(name, ("unsound", ""))[1],
                "looks": [
                    {"first": guard.counts[0], "second": guard.counts[1]} | _list_ends(guard.ratio)
                    for guard in looks
                ],
            }
            for name, looks in pair.guards.items()
        },
    }


def _list_ends(interval: Interval | None) -> dict[str, float | None]:
    """Estimate and ends; None for what is not known."""
    ends = vars(interval) if interval else dict.fromkeys(("estimate", "low", "high"))
    return {
        name: value if value is not None and math.isfinite(value) else None
        for name, value in ends.items()
    }
