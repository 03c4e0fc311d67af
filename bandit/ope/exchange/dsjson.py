"""VW's decision service format (dsjson): one JSON object a line, as VW's tools read and write it.

Costs are rewards with the other sign. Labels count from 1; `a` lists the articles by rank, the one
shown first, and `p` their chances in that order. Open this file to read or write one.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from bandit.core.check import shorten
from bandit.core.files import replacing
from bandit.ope.exchange.decisions import Decision
from bandit.ope.exchange.lines import Line, read_lines

CLOSE = 1e-4  # by which the label's chance may be off that in `p`: it has seven digits


def read(path: str | Path) -> list[Decision]:
    """The decisions of a file, line by line; an empty line is passed over.

    An article is called by its `_tag`, else by its number. Raises ValueError naming file, line and
    value where one is damaged, or counts as more or less than one event (pdrop, _skipLearn).
    """
    return read_lines(path, _read)


def _read(line: Line) -> Decision:
    _refuse_weighed(line)
    offer = line.take("c", dict)
    multi = line.check("_multi", offer.get("_multi", []), list)
    articles = [line.check("an entry of _multi", each, dict) for each in multi]
    ranking = line.take("a", list)
    m = len(articles)
    whole = all(type(number) is int for number in ranking)
    if not whole or sorted(ranking) != list(range(1, m + 1)):
        raise ValueError(f"a = {ranking}; must be the numbers 1 to {m} in some order")
    chances = [0.0] * m
    told = line.take("p", list)
    if len(told) != m:
        raise ValueError(f"p has {len(told)} chances of {m} articles")
    for number, chance in zip(ranking, told, strict=True):
        chances[number - 1] = line.check("an entry of p", chance, float)
    tags = [each.get("_tag", str(at + 1)) for at, each in enumerate(articles)]
    shown = line.take("_label_Action", int) - 1
    label = line.take("_label_probability", float)
    if 0 <= shown < m and abs(chances[shown] - label) > CLOSE:
        raise ValueError(
            f"_label_probability = {label:g}, and p gives what was shown {chances[shown]:g}"
        )
    return Decision(
        event=line.take("EventId", str),
        time=line.take("Timestamp", str, ""),
        articles=tuple(line.check("_tag", tag, str) for tag in tags),
        shown=shown,
        chances=tuple(chances),
        reward=0.0 - line.take("_label_cost", float),
        known={name: value for name, value in offer.items() if name != "_multi"},
        about=tuple({k: v for k, v in each.items() if k != "_tag"} for each in articles),
    )


def _refuse_weighed(line: Line) -> None:
    """Raise ValueError for an event that counts as more or less than one: a decision cannot.

    VW weighs an event by 1 / (1 - pdrop), for as many were dropped beside it, and does not learn
    from one with _skipLearn, whose choice was never shown.
    """
    dropped = line.take("pdrop", float, 0.0)
    if dropped != 0:
        raise ValueError(
            f"pdrop = {dropped:g}: the event stands for others that were dropped, and a decision "
            "here stands for itself alone; ask for a log with pdrop = 0"
        )
    if line.take("_skipLearn", bool, False):
        raise ValueError(
            "_skipLearn = true: what was chosen was not shown, so nothing can be learned or judged "
            "by it; take the line out"
        )


def write(path: str | Path, decisions: Iterable[Decision]) -> None:
    """Write decisions as dsjson, whole or not at all.

    Raises ValueError for one whose chances are not all known, or that knows something by a name
    which dsjson has for itself.
    """
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for each in decisions:
            file.write(json.dumps(_describe(each), allow_nan=False, separators=(",", ":")) + "\n")


def _describe(each: Decision) -> dict[str, object]:
    if any(chance != chance for chance in each.chances):
        raise ValueError(f"event {each.event}: dsjson needs the chances of all articles")
    for name, taken in (("_multi", (each.known,)), ("_tag", each.about)):
        if any(name in told for told in taken):
            raise ValueError(f"event {shorten(each.event)}: {name} is dsjson's own name")
    order = _rank(each.shown, each.chances)
    multi = [{"_tag": a} | dict(told) for a, told in zip(each.articles, each.about, strict=True)]
    found: dict[str, object] = {
        "_label_cost": -each.reward,
        "_label_probability": each.propensity,
        "_label_Action": each.shown + 1,
        "_labelIndex": each.shown,
    }
    if each.time:
        found["Timestamp"] = each.time
    return found | {
        "Version": "1",
        "EventId": each.event,
        "a": [at + 1 for at in order],
        "c": dict(each.known) | {"_multi": multi},
        "p": [each.chances[at] for at in order],
    }


def _rank(shown: int, chances: Sequence[float]) -> list[int]:
    rest = [at for at in range(len(chances)) if at != shown]
    return [shown, *sorted(rest, key=lambda at: -chances[at])]
