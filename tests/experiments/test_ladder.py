"""The ladder of limits: its steps add up, and its sentence says no more than its figures."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.report import report
from experiments.report.policy_looks import assign_looks
from experiments.report.sentences import write_ladder
from experiments.tables.ladder import STEPS, measure_ladder, round_together
from experiments.tables.summary import student_interval
from tests.support.report_cases import RATES, make_run

TOLD = {"oracle": 250, "bayes_limit": 155, "profile_true_topics": 145, "profile": 115}
LOWER = {"segment_learned": 97, "segment_rules": 80, "blast": 71}


def results(*seeds: dict[str, int], delivered: int = 1000) -> pd.DataFrame:
    """A table of clicks per 1,000 in the later issues (2 and 3); the first issue has none."""
    rows = [
        (policy, seed, issue, metric, float(value))
        for seed, rates in enumerate(seeds)
        for policy, clicks in rates.items()
        for issue in (1, 2, 3)
        for metric, value in (("delivered", delivered), ("clicks", clicks if issue > 1 else 0))
    ]
    return pd.DataFrame(rows, columns=["policy", "seed", "issue", "metric", "value"])


def say(*seeds: dict[str, int]) -> str:
    ladder = measure_ladder(results(*seeds), 2)
    words = write_ladder(ladder, assign_looks(list(STEPS), "segment_learned"))
    return words.translate({0xA0: " ", 0x2212: "-"})


def test_each_step_is_a_difference_of_means_for_a_hundred_clicks_of_the_oracle() -> None:
    one, other = TOLD | LOWER, {name: clicks + 10 for name, clicks in (TOLD | LOWER).items()}
    other["profile"] += 7
    ladder = measure_ladder(results(one, other), 2)
    assert [rung.policy for rung in ladder] == list(STEPS)
    assert [rung.had for rung in ladder][:4] == pytest.approx(
        [100, 100 * 160 / 255, 100 * 150 / 255, 100 * 123.5 / 255]
    )
    reading = ladder[3]
    wanted = student_interval(100 * np.array([145 - 115, 155 - 132]) / 255)
    assert (reading.step, reading.low, reading.high) == pytest.approx(wanted)
    assert not ladder[1].may_be_luck
    for upper, lower in pairwise(ladder):
        assert lower.had == pytest.approx(upper.had - lower.step)


@given(
    st.dictionaries(st.sampled_from([*STEPS]), st.integers(0, 400)),
    st.dictionaries(st.sampled_from([*STEPS]), st.integers(0, 400)),
)
def test_the_ladder_adds_up_to_a_hundred(one: dict[str, int], other: dict[str, int]) -> None:
    both = [{"oracle": 300, "profile": 90} | rates for rates in (one, other)]
    both = [rates | dict.fromkeys({*one, *other} - {*rates}, 50) for rates in both]
    for rates in both:
        rates["oracle"] = max(rates["oracle"], 1)
    ladder = measure_ladder(results(*both), 2)
    assert ladder[0].had == 100
    for i, rung in enumerate(ladder):
        steps = [above.step for above in ladder[: i + 1]]
        assert sum(steps) + rung.had == pytest.approx(100)
        assert sum(round_together([*steps, rung.had])) == 100


def test_the_sentence_of_a_whole_ladder() -> None:
    assert say(TOLD | LOWER, TOLD | LOWER) == (
        "Of 100 clicks that knowing everything would bring, 38 cannot be learned from so few "
        "clicks, 4 are lost to learning what attributes mean, 12 to reading; 46 are had."
    )


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (
            {"bayes_limit"},
            "42 cannot be learned from so few clicks or are lost to learning what attributes mean, "
            "12 to reading; 46 are had.",
        ),
        (
            {"profile_true_topics"},
            "38 cannot be learned from so few clicks, 16 are lost to learning what attributes mean "
            "or to reading; 46 are had.",
        ),
        (
            {"bayes_limit", "profile_true_topics"},
            "54 cannot be learned from so few clicks or are lost to learning what attributes mean "
            "or to reading; 46 are had.",
        ),
    ],
)
def test_what_did_not_run_is_told_with_the_next_step(missing: set[str], says: str) -> None:
    rates = {name: clicks for name, clicks in TOLD.items() if name not in missing}
    assert say(rates) == f"Of 100 clicks that knowing everything would bring, {says}"


@pytest.mark.parametrize("missing", ["oracle", "profile"])
def test_without_its_top_or_the_profile_there_is_no_ladder(missing: str) -> None:
    rates = {name: clicks for name, clicks in (TOLD | LOWER).items() if name != missing}
    assert measure_ladder(results(rates), 2) == []
    assert say(rates) == ""


def test_a_step_that_wins_clicks_is_told_with_its_interval() -> None:
    """Of 200 clicks, 20 and 32 more: 10 and 16 of 100, mean 13, half width 12.706 * 3."""
    rates = {"oracle": 200, "bayes_limit": 100, "profile_true_topics": 90, "profile": 110}
    assert say(rates) == (
        "Of 100 clicks that knowing everything would bring, 50 cannot be learned from so few "
        "clicks, 5 are lost to learning what attributes mean; 55 are had. Profile got 10 more than "
        "Limit of reading (one simulation, which may be luck)."
    )
    assert say(rates, rates | {"profile": 122}).endswith(
        "58 are had. Profile got 13 more than Limit of reading "
        "(95 % interval -25 to 51, which may be luck)."
    )
    assert say(rates, rates).endswith("(95 % interval 10 to 10, more than luck).")


def test_one_click_is_lost_and_had_in_the_singular() -> None:
    rates = {"oracle": 100, "bayes_limit": 2, "profile_true_topics": 1, "profile": 1}
    assert say(rates).endswith(
        "98 cannot be learned from so few clicks, 1 is lost to learning what attributes mean, "
        "0 to reading; 1 is had."
    )


def test_the_page_shows_the_ladder_or_leaves_it_out(tmp_path: Path) -> None:
    whole = RATES | {"profile_true_topics": 0.099}
    page = report.write(make_run(tmp_path / "whole", whole)).read_text(encoding="utf-8")
    section = page[page.index("<h2>Where the clicks go</h2>") :]
    section = section[: section.index("</section>")]
    assert section.count("<tr class=") == len(STEPS)
    assert re.search(r"Of 100 clicks that knowing everything would bring, \d+ cannot", section)
    rates = {name: rate for name, rate in RATES.items() if name != "oracle"}
    page = report.write(make_run(tmp_path / "part", rates)).read_text(encoding="utf-8")
    assert "Where the clicks go" not in page
