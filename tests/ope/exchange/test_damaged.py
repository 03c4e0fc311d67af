"""Files of other tools that are damaged are refused with file, line and value."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from bandit.ope.exchange import dsjson, feedback, personalizer


def damage(**changes: object) -> str:
    told = {
        "_label_cost": -1,
        "_label_probability": 0.25,
        "_label_Action": 2,
        "_labelIndex": 1,
        "EventId": "e",
        "a": [2, 1],
        "c": {"_multi": [{"_tag": "x"}, {"_tag": "y"}]},
        "p": [0.25, 0.75],
    }
    return json.dumps({k: v for k, v in (told | changes).items() if v is not None})


DAMAGED: dict[str, tuple[str, str]] = {
    "fine": (damage(), ""),
    "cut": (damage()[:40], "line 1: "),
    "nothing": ("\n\n", "there is no decision in it"),
    "list": ("[1]", r"the line = \[1\]; must be an object"),
    "missing": (damage(EventId=None), "line 1: EventId is missing"),
    "kind": (damage(EventId=7), "EventId = 7; must be text"),
    "flag": (damage(_label_cost=True), "_label_cost = True; must be a number"),
    "nan": (damage(_label_cost=math.nan), "NaN"),
    "label": (damage(_label_Action=3), "article number 3 was shown, of 2 on offer"),
    "ranking": (damage(a=[2, 2]), r"a = \[2, 2\]; must be the numbers 1 to 2"),
    "odd": (damage(a=[2, None]), r"a = \[2, None\]"),
    "short": (damage(p=[1.0]), "p has 1 chances of 2 articles"),
    "sum": (damage(p=[0.25, 0.5]), "chances add up to 0.75; must be 1"),
    "apart": (damage(_label_probability=0.5), "_label_probability = 0.5, and p gives .* 0.25"),
    "zero": (damage(p=[0, 1], _label_probability=0), "what was shown had chance 0"),
    "minus": (damage(p=[-0.1, 1.1], _label_probability=-0.1), "no chance"),
    "tags": (
        damage(c={"_multi": [{"_tag": "x"}, {"_tag": "x"}]}),
        "article 'x' is offered twice",
    ),
    "twice": (damage() + "\n\n" + damage(), "line 3: event 'e' is in line 1 too"),
    "bytes": ("\udcff", "line 1: "),
    "whole": (damage(pdrop=0.0, _skipLearn=False), ""),
    "dropped": (damage(pdrop=0.5), "line 1: pdrop = 0.5: the event stands for others"),
    "drop": (damage(pdrop="no"), "pdrop = 'no'; must be a number"),
    "skipped": (damage(_skipLearn=True), "line 1: _skipLearn = true: what was chosen was not"),
    "skip": (damage(_skipLearn=1), "_skipLearn = 1; must be true or false"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_dsjson_is_refused_with_file_line_and_value(name: str, tmp_path: Path) -> None:
    text, words = DAMAGED[name]
    path = tmp_path / "log.dsjson"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    if not words:
        assert len(dsjson.read(path)) == 1
        return
    with pytest.raises(ValueError, match=words) as refused:
        dsjson.read(path)
    assert str(refused.value).startswith(str(path))


def lines(**changes: object) -> str:
    told = {
        "eventId": "e",
        "actions": [{"id": "x"}, {"id": "y", "features": [{"a": 1}, {"b": 2}]}],
        "ranking": [{"id": "y", "probability": 0.4}],
        "rewardActionId": "y",
        "reward": 1,
    }
    return json.dumps(told | changes) + "\n"


CSV = "timestamp,item_id,position,click,propensity_score\n"
OTHERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "named": (
        personalizer.read,
        lines(ranking=[{"id": "z", "probability": 1}]),
        "ranking names 'z', which is not among the actions",
    ),
    "shown": (personalizer.read, lines(rewardActionId="z"), "rewardActionId = 'z'; must be"),
    "unknown": (personalizer.read, lines(rewardActionId="x"), "had chance nan"),
    "same": (
        personalizer.read,
        lines(contextFeatures=[{"a": 1}, {"a": 2}]),
        "contextFeatures say 'a' twice",
    ),
    "twice": (
        personalizer.read,
        lines(actions=[{"id": "y"}, {"id": "y"}]),
        "article 'y' is offered twice",
    ),
    "head": (feedback.read_csv, "timestamp,click\n1,2\n", "item_id"),
    "number": (feedback.read_csv, CSV + "t,a,1,yes,0.5\n", "line 2: click = 'yes'; must be a"),
    "infinite": (
        feedback.read_csv,
        CSV + "t,a,1,inf,0.5\nt,b,1,0,0.5\n",
        "line 2: reward inf is not finite",
    ),
    "alone": (
        feedback.read_csv,
        CSV + "t,a,1,0,1\nt,a,2,0,0.25\n",
        "line 3: propensity_score = 0.25, and 'a' is the only article of the file",
    ),
    "chance": (feedback.read_csv, CSV + "t,a,1,0,1.5\n", "line 2: chance 1.5 of 'a'"),
    "short": (feedback.read_csv, CSV + "t,a,1,0,1\nt,a\n", "line 3: has"),
    "empty": (feedback.read_csv, CSV, "there is no decision in it"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_damaged_files_are_refused(name: str, tmp_path: Path) -> None:
    read, text, words = OTHERS[name]
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        read(path)
