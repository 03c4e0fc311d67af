"""A story that the press tells twice is shown once, and who saw one telling has seen both."""

from pathlib import Path

import numpy as np
import pytest

from bandit.core.types import Context, Round
from bandit.log import archive
from bandit.policies.random import Random
from bandit.slates.editorial import STORY
from simulators.association.association import Association
from simulators.association.press import Press
from simulators.play import play, play_back

PRESS = Press(duplicates=0.3, series=0.05)


@pytest.fixture(scope="module")
def world() -> Association:
    return Association(seed=21, members=300, issues=6, pool=20, slots=5, carried=0.5, press=PRESS)


@pytest.fixture(scope="module")
def rounds(world: Association) -> list[Round]:
    return list(play(Random(), world.twin()))


def told(context: Context) -> np.ndarray:
    assert context.stories is not None
    return context.stories


def test_no_slate_tells_a_story_twice(rounds: list[Round]) -> None:
    several = 0
    for round in rounds:
        stories = told(round.context)
        several += len(stories) - len(np.unique(stories))
        for choice, relaxed in zip(round.slates.choice, round.slates.relaxed, strict=True):
            shown = stories[choice[choice >= 0]]
            assert len(set(shown.tolist())) == len(shown) or (relaxed == STORY).any()
    assert several > 6  # so that it has been tried


def test_who_saw_one_telling_has_seen_them_all(rounds: list[Round], world: Association) -> None:
    """By this issue's pool or an earlier one: from slates and opens alone, by the simulator's own.

    Only what texts tell is asked for, so it is the pool's stories and `find_earlier` that say which
    articles are one.
    """
    saw: set[tuple[int, str]] = set()
    by_another = 0
    for number, round in enumerate(rounds, start=1):
        context, stories = round.context, told(round.context)
        past = [world.pool(issue).articles for issue in range(1, number)]
        earlier = world.features.find_earlier(context.articles, past)
        ids = context.article_ids
        for j in range(len(ids)):
            names = {*ids[stories == stories[j]], *map(str, earlier[j])}
            expected = [
                any((member, name) in saw for name in names) for member in context.member_ids
            ]
            assert context.seen[:, j].tolist() == expected
            by_another += sum(
                seen and (member, ids[j]) not in saw
                for seen, member in zip(expected, context.member_ids, strict=True)
            )
        for row in np.flatnonzero(round.feedback.opened):
            shown = round.slates.choice[row]
            saw |= {(int(context.member_ids[row]), str(ids[c])) for c in shown if c >= 0}
    assert by_another > 10


def test_an_archive_and_a_resumed_run_know_the_same(
    rounds: list[Round], world: Association, tmp_path: Path
) -> None:
    archive.write(tmp_path, rounds)
    for back in (archive.read(tmp_path, world.features), play_back(tmp_path / "log", world.twin())):
        for one, other in zip(rounds, back, strict=True):
            assert (told(one.context) == told(other.context)).all()
            assert (one.context.seen == other.context.seen).all()
