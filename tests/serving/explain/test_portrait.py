"""One member's profile: words say its numbers, evidence is the log's, the plot is as told."""

import html
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from bandit.log.words import name_articles
from serving.explain.__main__ import main
from serving.explain.page import MOST, place_odds
from serving.explain.portrait import WIDTH, Topic
from tests.support.member_cases import set_desk


@pytest.mark.parametrize(
    ("pull", "doubt", "shown", "clicked", "words"),
    [
        (
            math.log(1.84),
            0.2,
            6,
            ["A", "B"],
            "Surely more than others: the odds of a click are 1.8 times the average member's "
            "(8 chances in 10: 1.4 to 2.4). Of 6 shown in newsletters that you opened, you "
            "clicked 2: “A”; “B”.",
        ),
        (
            -0.5,
            0.4,
            3,
            [],
            "Probably less than others: the odds of a click are 0.61 times the average member's "
            "(8 chances in 10: 0.36 to 1.0). Of 3 shown in newsletters that you opened, you "
            "clicked none.",
        ),
        (
            0.1,
            2.0,
            0,
            [],
            "Perhaps more than others: the odds of a click are 1.1 times the average member's "
            "(8 chances in 10: 0.09 to 14). None was in a newsletter that you opened; it follows "
            "from all else.",
        ),
        (
            2.5,
            0.1,
            9,
            list("ABCDEF"),
            "Surely more than others: the odds of a click are 12 times the average member's "
            "(8 chances in 10: 11 to 14). Of 9 shown in newsletters that you opened, you "
            "clicked 6: “A”; “B”; “C”; “D”; and 2 more.",
        ),
    ],
)
def test_words_say_how_strong_how_sure_and_from_what(
    pull: float, doubt: float, shown: int, clicked: list[str], words: str
) -> None:
    sure = float(norm.cdf(pull / doubt))
    assert Topic("x", pull, doubt, 0.0, sure, shown, clicked).words == words
    assert norm.cdf(WIDTH) - norm.cdf(-WIDTH) == pytest.approx(0.8, abs=1e-4)


def test_a_profile_rests_on_what_the_log_holds_and_is_drawn_as_it_is_told(tmp_path: Path) -> None:
    desk = set_desk(tmp_path)
    features, member = desk.association.features, next(iter(desk.count_clicks()))
    out = tmp_path / "page.html"
    assert main(desk.list_words(member, out=out)) == 0
    page, text = json.loads(out.with_suffix(".json").read_text()), html.unescape(out.read_text())
    shown: dict[str, list[bool]] = {topic["topic"]: [] for topic in page["topics"]}
    titles: dict[str, list[str]] = {topic: [] for topic in shown}
    received = opened = 0
    for round in desk.rounds:
        names = name_articles(features, round.context.article_features)
        for row in np.flatnonzero(round.context.member_ids == member):
            received += int(round.feedback.delivered[row])
            opened += int(round.feedback.opened[row])
            for slot in np.flatnonzero(round.slates.choice[row] >= 0):
                place = round.slates.choice[row, slot]
                if round.feedback.opened[row] and names[place]:
                    clicked = bool(round.feedback.clicked[row, slot])
                    shown[names[place]].append(clicked)
                    titles[names[place]] += [round.context.articles["title"][place]] * clicked
    assert (page["received"], page["opened"]) == (received, opened)
    for topic in page["topics"]:
        assert topic["shown"] == len(shown[topic["topic"]])
        assert topic["clicked"] == titles[topic["topic"]]
        likely = max(topic["chance_above_average"], 1 - topic["chance_above_average"])
        if topic["clicked"] or likely >= 0.8:
            assert topic["words"].split("“")[0] in text
    assert sum(map(len, titles.values())) > 3
    drawn = sorted(page["topics"], key=lambda topic: -abs(math.log(topic["odds"])))[:MOST]
    dots = {float(at) for at in re.findall(r'<b style="left:([\d.]+)%"></b>', text)}
    widest = float(re.findall(r'<span style="left:100.0%">.(\d+)</span>', text)[0])
    assert dots == {place_odds(topic["odds"], widest) for topic in drawn}
    starts = {float(at) for at in re.findall(r'<u style="left:([\d.]+)%"></u>', text)}
    assert starts == {place_odds(topic["attributes_alone"], widest) for topic in drawn}
    assert [place_odds(odds, 8.0) for odds in (1 / 8, 0.5, 1.0, 8.0)] == [0, 33.33, 50, 100]
