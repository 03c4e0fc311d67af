"""Newsletters that are opened for their first article: how many more, found and allowed for."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from bandit.core.types import Floats
from bandit.ope.intervals import normal_interval
from bandit.ope.trust.dependence import score_appeal
from bandit.ope.trust.opening import Opening, allow_for, find_opening
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import evaluate_whole
from bandit.ope.whole.item_position import read_items
from bandit.ope.whole.looks import find_change
from bandit.ope.whole.position_based import read_positions
from tests.support.whole_cases import look_at_some

M, K, N = 8, 3, 6000
APPEAL, LOOKS = np.linspace(0.4, 0.05, M), np.array([1.0, 0.6, 0.8])
GREED = 0.6  # of the target's newsletters show the first articles in order, the others are random
SCORES = score_appeal(-np.arange(M, dtype=float)[None], np.ones((1, M), dtype=bool))[0]
USUAL = 0.4  # newsletters that are opened, on average over members and articles


def make_log(rng: np.random.Generator, slope: float) -> Beside:
    """Random newsletters, of which a share slope more is opened where the first scores 1 more."""
    members = np.arange(N) % (N // 6)
    choice = rng.permuted(np.tile(np.arange(M), (N, 1)), axis=1)[:, :K]
    usual = rng.beta(2.0, 3.0, N // 6)[members]
    opened = rng.random(N) < np.minimum(usual * (1 + slope * SCORES[choice[:, 0]]), 1.0)
    reward = (opened[:, None] & (rng.random((N, K)) < APPEAL[choice] * LOOKS)).astype(float)
    wanted = np.full(N, GREED * SCORES[0] + (1 - GREED) * SCORES.mean())
    first = np.stack([SCORES[choice[:, 0]], wanted], axis=1)
    log = look_at_some(rng, members, choice, reward, M, GREED)
    return replace(log, opened=opened, first=first)


def find_value(slope: float) -> float:
    """Clicks a send of the target; usual chances of opening are capped at 1 for some members."""
    usual = np.random.default_rng(0).beta(2.0, 3.0, 100_000)

    def earn(slate: tuple[int, ...]) -> float:
        opens = float(np.minimum(usual * (1 + slope * SCORES[slate[0]]), 1.0).mean())
        return opens * float(APPEAL[list(slate)] @ LOOKS)

    random = float(np.mean([earn(slate) for slate in permutations(range(M), K)]))
    return GREED * earn(tuple(range(K))) + (1 - GREED) * random


def test_normal_scores_by_hand() -> None:
    """Of three open articles the ranks are 1/6, 1/2, 5/6; two alike share their places."""
    appeal = np.array([[0.1, 0.7, 0.3, 9.0], [0.5, 0.5, 0.2, np.nan]])
    open = np.array([[True, True, True, False], [True, True, True, True]])
    low, shared = -0.9674215661017014, 0.43072729929545756
    np.testing.assert_allclose(
        score_appeal(appeal, open), [[low, -low, 0, 0], [shared, shared, low, 0]], atol=1e-12
    )
    alike = score_appeal(np.zeros((1, 5)), np.ones((1, 5), dtype=bool))
    np.testing.assert_array_equal(alike, np.zeros((1, 5)))


def test_the_slope_by_hand() -> None:
    """Ten members of three newsletters each; one who clicks whenever he opens is not asked."""
    members = np.r_[np.repeat(np.arange(10), 3), 10, 10]
    opened = np.r_[np.tile([True, True, False], 10), True, True]
    sent = np.r_[np.tile([1.0, -2.0, 0.5, 2.0, 1.0, -1.0], 5), 9.0, 9.0]
    rows, square = np.array([30, 31]), np.full((2, 2, 2), 0.5)
    log = Beside(
        members=members,
        rows=rows,
        sampled=np.zeros(2, dtype=bool),
        reward=np.array([[1.0, 0.0], [0.0, 1.0]]),
        supported=np.ones((2, 2), dtype=bool),
        logged=square,
        target=square,
        leans=np.zeros((2, 2, 2, 2)),
        opened=opened,
        first=np.stack([sent, np.full(32, 0.75)], axis=1),
    )
    found = find_opening(log)
    assert found is not None
    z, rate = sent[:30], 4 / 6
    assert found.slope == pytest.approx(float(z @ (opened[:30] - rate)) / float(z @ z) / rate)
    assert found.more == pytest.approx(0.75 * found.slope)
    assert found.influence[30:].tolist() == [0.0, 0.0]
    nine = replace(log, opened=opened & (members > 0))
    assert find_opening(nine) is None  # too few to know how unsure it would be


def test_how_many_more_are_opened_is_found_with_its_error() -> None:
    rng = np.random.default_rng(81)
    for slope in (0.2, 0.0, -0.1):
        told = []
        for _ in range(40):
            found = find_opening(make_log(rng, slope))
            assert found is not None
            assert abs(found.influence.mean()) < 1e-12
            told.append((found.more, found.error))
        mean, error = np.mean(told, axis=0)
        spread = np.std([each for each, _ in told], ddof=1)
        more = slope * GREED * SCORES[0]
        assert abs(mean - more) < 3.5 * spread / np.sqrt(40) + 0.01
        assert error == pytest.approx(spread, rel=0.3)


def test_programs_that_open_everything_are_not_asked() -> None:
    """They open three of ten members' newsletters, which would hide three fifths of the slope."""
    log, more = make_log(np.random.default_rng(88), 0.2), 0.2 * GREED * SCORES[0]
    found = find_opening(replace(log, opened=log.opened | (log.members % 10 < 3)))
    assert found is not None
    assert abs(found.more - more) < 2 * found.error + 0.01
    few = replace(log, opened=log.opened | (log.members % 10 < 3), members=np.arange(N) % (N // 5))
    dull = find_opening(few)  # of four others one cannot tell
    assert dull is not None
    assert dull.more < 0.6 * more


def test_what_the_log_cannot_tell_is_not_told() -> None:
    log = make_log(np.random.default_rng(82), 0.2)
    one = replace(log, reward=log.reward[:, :1])
    for silent in (
        replace(log, opened=None),
        replace(log, first=None),
        replace(log, members=np.arange(N)),
        replace(log, opened=np.zeros(N, dtype=bool)),
        replace(log, first=np.zeros((N, 2))),
        one,
    ):
        assert find_opening(silent) is None
    for read in (read_items, read_positions):
        np.testing.assert_array_equal(allow_for(log, read(log, 0.0)[0], None), read(log, 0.0)[0])


def test_a_target_that_does_what_was_sent_earns_exactly_that() -> None:
    log = make_log(np.random.default_rng(83), 0.2)
    assert log.first is not None
    same = replace(log, target=log.logged, first=np.stack([log.first[:, 0], np.zeros(N)], axis=1))
    opening = find_opening(same)
    assert opening is not None
    assert opening.slope > 0.1
    for read in (read_items, read_positions):
        terms = allow_for(same, read(same, 0.0)[0], opening)
        np.testing.assert_allclose(terms, log.count_clicks(), atol=1e-9)


def test_a_click_counts_as_many_as_the_target_would_open() -> None:
    sent, wanted = np.array([1.0, -2.0, 0.0]), np.array([3.0, 0.5, 0.0])
    opening = Opening(0.25, np.zeros(3), sent, wanted)
    np.testing.assert_allclose(opening.weigh(0.25), [1.75 / 1.25, 1.125 / 0.5, 1.0])
    np.testing.assert_allclose(opening.lighten(1.0), [0.5, 4.0, 1.0])  # never less than a quarter


def test_a_click_in_the_first_slot_is_of_the_article_that_opened() -> None:
    """In a log of every newsletter, whose clicks are as expected, what is told is nearly the truth.

    Where such a click counted as one below, 3.1 and 2.8 % too much would be told.
    """
    slope, looks = 0.25, np.array([1.0, 0.3, 0.2])
    choice = np.array(list(permutations(range(M), K)))
    sent = SCORES[choice[:, 0]]
    reward = (1 + slope * sent)[:, None] * APPEAL[choice] * looks
    n = len(choice)
    log = look_at_some(np.random.default_rng(86), np.arange(n), choice, reward, M, 1.0)
    opening = Opening(slope, np.zeros(n), sent, np.full(n, SCORES[0]))
    value = (1 + slope * SCORES[0]) * float(APPEAL[:K] @ looks)
    for read in (read_items, read_positions):
        told = allow_for(log, read(log, 0.0)[0], opening).mean()
        assert abs(told / value - 1) < 0.008


def test_the_uncertainty_of_the_slope_is_that_of_what_a_model_adds_too() -> None:
    rng = np.random.default_rng(87)
    log, step = make_log(rng, 0.2), 1e-4
    opening = find_opening(log)
    assert opening is not None
    terms, model = read_items(log, 0.0)[0], rng.normal(size=N) * log.count_clicks()
    moved = model * (opening.weigh(opening.slope + step) - opening.weigh(opening.slope))
    found = allow_for(log, terms + model, opening) - allow_for(log, terms, opening)
    np.testing.assert_allclose(
        found, model * opening.weigh(opening.slope) + moved.mean() / step * opening.influence
    )


def test_intervals_cover_where_the_first_article_opens_and_plain_ones_do_not() -> None:
    rng, slope, runs = np.random.default_rng(84), 0.25, 40
    value, inside, plain = find_value(slope), np.zeros(2), np.zeros(2)
    misses: list[Floats] = []
    for _ in range(runs):
        log = make_log(rng, slope)
        opening = find_opening(log)
        told = []
        for i, read in enumerate((read_items, read_positions)):
            given = normal_interval(allow_for(log, read(log, 0.0)[0], opening), log.members)
            inside[i] += given.low <= value <= given.high
            told.append(given.estimate / value - 1)
            bare = normal_interval(read(log, 0.0)[0], log.members)
            plain[i] += bare.low <= value <= bare.high
        misses.append(np.array(told))
    assert (inside >= 35).all()  # of 40; at 95 % fewer have a chance of 5 %
    assert (plain < 32).all()
    assert (np.abs(np.mean(misses, axis=0)) < 0.02).all()


def test_an_answer_says_how_many_more_are_opened_and_looks_agree_with_it() -> None:
    log = make_log(np.random.default_rng(85), 0.25)
    answer = evaluate_whole(log)
    assert answer.opening is not None
    assert answer.opening.more > 0.1
    for each in answer.estimates:
        assert each.change is not None
        assert find_change(log, each.estimator).mean() == pytest.approx(each.change.estimate)
