"""JSON lines in the words of Azure Personalizer's rank call, with the reward in the same line.

{"eventId", "time", "contextFeatures": [{...}], "actions": [{"id", "features": [{...}]}],
"ranking": [{"id", "probability"}], "rewardActionId", "reward"}. The ranking may list only the
article shown: the other chances are then unknown. Open this file to read or write one.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from bandit.core.check import shorten
from bandit.core.files import replacing
from bandit.ope.exchange.decisions import Decision
from bandit.ope.exchange.lines import Line, read_lines


def read(path: str | Path) -> list[Decision]:
    """The decisions of a file. Raises ValueError naming file, line and value that cannot be."""
    return read_lines(path, _read)


def _read(line: Line) -> Decision:
    actions = [Line(each) for each in line.take("actions", list)]
    articles = tuple(each.take("id", str) for each in actions)
    chances = dict.fromkeys(articles, math.nan)
    for entry in line.take("ranking", list):
        ranked = Line(entry)
        name = ranked.take("id", str)
        if name not in chances:
            raise ValueError(f"ranking names {shorten(name)}, which is not among the actions")
        if not math.isnan(chances[name]):
            raise ValueError(f"ranking names {shorten(name)} twice")
        chances[name] = ranked.take("probability", float)
    shown = line.take("rewardActionId", str)
    if shown not in chances:
        raise ValueError(f"rewardActionId = {shorten(shown)}; must be the id of an action")
    return Decision(
        event=line.take("eventId", str),
        time=line.take("time", str, ""),
        articles=articles,
        shown=articles.index(shown),
        chances=tuple(chances.values()) if len(chances) == len(articles) else (),
        reward=line.take("reward", float),
        known=_merge("contextFeatures", line.take("contextFeatures", list, [])),
        about=tuple(_merge("features", each.take("features", list, [])) for each in actions),
    )


def _merge(what: str, parts: list[object]) -> dict[str, object]:
    """A list of objects as one. Raises ValueError for a name that two of them have."""
    found: dict[str, object] = {}
    for part in parts:
        told = Line.check(f"an entry of {what}", part, dict)
        if both := set(found) & set(told):
            raise ValueError(f"{what} say {shorten(min(both))} twice")
        found |= told
    return found


def write(path: str | Path, decisions: Iterable[Decision]) -> None:
    """Write decisions as such lines, whole or not at all."""
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for each in decisions:
            file.write(json.dumps(_describe(each), allow_nan=False, separators=(",", ":")) + "\n")


def _describe(each: Decision) -> dict[str, object]:
    ranking = [
        {"id": article, "probability": chance}
        for article, chance in zip(each.articles, each.chances, strict=True)
        if not math.isnan(chance)
    ]
    ranking.sort(key=lambda entry: entry["id"] != each.articles[each.shown])
    found: dict[str, object] = {"eventId": each.event}
    if each.time:
        found["time"] = each.time
    return found | {
        "contextFeatures": _wrap(each.known),
        "actions": [
            {"id": article, "features": _wrap(told)}
            for article, told in zip(each.articles, each.about, strict=True)
        ],
        "ranking": ranking,
        "rewardActionId": each.articles[each.shown],
        "reward": each.reward,
    }


def _wrap(told: Mapping[str, object]) -> list[dict[str, object]]:
    return [dict(told)] if told else []
