"""Looking every issue: no more false alarms than was promised, and effects are found."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.checks.peeking import (
    ALIKE,
    DIFFERENT,
    Found,
    World,
    draw_log,
    judge,
    look,
    main,
    wait_for,
)


def test_the_worlds_are_what_they_say() -> None:
    """Rate and share, and members who stay what they are from issue to issue."""
    world = World("x", members=20_000, issues=4, rate=0.2, share=0.2, spread=0.8, before=2)
    second, issues = draw_log(world, np.random.default_rng(1))
    clicks, mails = (np.array(each) for each in zip(*issues, strict=True))
    assert clicks.sum() / mails.sum() == pytest.approx(0.2, rel=0.03)
    assert second.mean() == pytest.approx(0.2, abs=0.01)
    assert np.corrcoef(clicks[0], clicks[-1])[0, 1] > 0.1
    _, better = draw_log(replace(world, effect=0.5), np.random.default_rng(1))
    after = np.array([clicked for clicked, _ in better])[2:]
    ratio = after[:, second].sum() / clicks[2:, second].sum()
    assert ratio == pytest.approx(1.5, rel=0.03)


def test_few_false_alarms_in_few_logs() -> None:
    """.8 and .2, seldom and often clicked. The slow test asks for a thousand logs of each kind."""
    seldom = World("few", members=1200, issues=10, rate=0.1, share=0.2, before=3)
    for world in (seldom, replace(seldom, rate=0.5, members=500)):
        found = judge(world, 60, 5)
        assert sum(one.sequence is not None for one in found) <= 4
        assert sum(one.covered for one in found) >= 56


def test_a_difference_is_found_sooner_with_the_past() -> None:
    world = replace(DIFFERENT[-1], members=2500, issues=8)
    rng = [np.random.default_rng(seed) for seed in (7, 7)]
    found = [[look(world, rng[past], past=bool(past)) for _ in range(20)] for past in (0, 1)]
    bare, helped = ([one.sequence for one in some].count(None) for some in found)
    assert helped <= bare
    assert helped <= 10


def test_a_trial_lasts_until_four_of_five_have_found_the_difference() -> None:
    world = World("x", issues=26)
    for firsts, words in (
        ((3, None, 0, 7, 1), "8"),  # the fourth of the sorted 0 1 3 7
        ((25, 0, 0, 25), "26"),
        ((None, 0, 0, None), "over 26"),
    ):
        found = [Found(first, ended=False, peeked=False, covered=True) for first in firsts]
        assert wait_for(found, world) == words


def test_numbers_of_logs_that_cannot_be_are_refused() -> None:
    for option in ("--logs", "--power", "--trials"):
        with pytest.raises(SystemExit, match=f"peeking: {option} = 0; must be a whole number"):
            main([option, "0"])


@pytest.mark.slow
@pytest.mark.parametrize("world", ALIKE, ids=lambda world: world.name)
def test_a_thousand_logs_give_at_most_five_in_a_hundred_false_alarms(world: World) -> None:
    found = judge(world, 1000, 0)
    assert np.mean([one.sequence is not None for one in found]) <= 0.05
    if not world.name.startswith("seldom, few"):  # of whom hardly any logs have clicks enough
        assert np.mean([one.peeked for one in found]) > 0.1  # which is why there is a sequence
