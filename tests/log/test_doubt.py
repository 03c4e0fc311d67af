"""What is not known of who clicked is drawn by its chance, so a log is no surer than the filter."""

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Round
from bandit.log.doubt import bound_people, count_people, draw_feedback, find_clicks
from bandit.log.events import estimate_open_rate, read_feedback
from tests.support.event_cases import make_events


def make_clicks(round: Round, sure: list[float]) -> pd.DataFrame:
    """Tagged clicks of the first members on slot 2, of which the filter is more or less sure.

    sure: P(a person made it) of each; below .5 the tag is scanner
    """
    context = round.context
    ids, links = context.member_ids.tolist(), round.slates.choice.shape[1]
    rows = [
        {"campaign": context.campaign, "member": ids[row], "slot": 2, "links": links}
        for row in range(len(sure))
    ]
    tags = np.where(np.array(sure) < 0.5, "scanner", "human")
    chance = np.array(sure)
    return make_events(rows).assign(
        tag=tags, why="", confidence=np.where(chance < 0.5, 1 - chance, chance)
    )


@pytest.mark.slow
def test_a_click_counts_as_often_as_a_person_made_it(rounds: list[Round]) -> None:
    sure = [0.2, 0.7, 0.95, 1.0, 0.0]
    tagged = make_clicks(rounds[0], sure)
    everybody = np.ones(len(rounds[0].context.members), dtype=bool)
    count = np.zeros(rounds[0].slates.choice.shape)
    seeds = 600
    for seed in range(seeds):
        one = draw_feedback(tagged, rounds[0].context, rounds[0].slates, everybody, seed)
        count += one.clicked
        assert one.opened[one.clicked.any(axis=1)].all()
    assert count[:5, 1] / seeds == pytest.approx(sure, abs=0.06)  # three standard errors
    assert not count[5:].any()
    assert not count[:, [0, 2, 3, 4]].any()


def test_a_log_of_which_all_is_sure_is_read_as_it_is(rounds: list[Round]) -> None:
    context, slates = rounds[0].context, rounds[0].slates
    tagged = make_clicks(rounds[0], [0.0, 1.0, 1.0])
    got = np.arange(len(context.members)) % 3 > 0
    found = draw_feedback(tagged, context, slates, got, 11)
    plain = read_feedback(tagged, context, slates, got)
    for name in ("clicked", "delivered", "unsubscribed", "examined"):
        assert np.array_equal(getattr(found, name), getattr(plain, name))
    mails = pd.DataFrame({"campaign": context.campaign, "member": context.member_ids[got]})
    chance = np.zeros(len(got))
    chance[got] = estimate_open_rate(tagged, mails).chance
    assert found.opened[chance == 1].all()
    assert not found.opened[chance == 0].any()
    again = draw_feedback(tagged.iloc[::-1], context, slates, got, 11)
    assert np.array_equal(again.opened, found.opened)


def test_people_are_counted_in_parts_as_in_one(rounds: list[Round]) -> None:
    tagged = make_clicks(rounds[0], [0.2, 0.7, 0.95, 1.0, 0.0, 0.6, 0.99])
    parts = [find_clicks(tagged[:3]), find_clicks(tagged[3:])]
    assert bound_people(np.concatenate(parts)) == count_people(tagged)
