"""Readers whom a click tires: what a click keeps away, found and allowed for."""

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest

from bandit.core.types import Bools, Floats, Ids
from bandit.ope.intervals import normal_interval
from bandit.ope.trust.dependence import Dependence
from bandit.ope.trust.tiredness import Tiredness, count_pairs, find_terms, find_tiredness, undo
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import evaluate_whole
from bandit.ope.whole.item_position import read_items
from bandit.ope.whole.position_based import read_positions
from tests.support.whole_cases import look_at_some, make_beside

M, K, N = 8, 3, 6000
APPEAL = np.linspace(0.4, 0.05, M)
GREED = 0.6  # of the target's newsletters show the first articles in order, the others are random


def find_chance(pattern: tuple[float, ...], appeal: Floats, share: float) -> float:
    """P(these clicks) of a reader who reads from the top and stops after a click by `share`."""
    reading, stopped = 1.0, 0.0
    for click, q in zip(pattern, appeal.tolist(), strict=True):
        if click:
            reading, stopped = reading * q * (1 - share), reading * q * share
        else:
            reading *= 1 - q
    return reading + stopped


def test_undone_clicks_are_on_average_those_of_readers_who_never_tire() -> None:
    appeal, share, mean, pairs = np.array([0.5, 0.4, 0.3]), 0.35, np.zeros(3), np.zeros(3)
    for pattern in product((0.0, 1.0), repeat=3):
        free = undo(np.array([pattern]), share)[0]
        chance = find_chance(pattern, appeal, share)
        mean += chance * free
        pairs += chance * pattern[0] * free
    np.testing.assert_allclose(mean, appeal, rtol=1e-12)
    np.testing.assert_allclose(pairs[1:], appeal[0] * appeal[1:], rtol=1e-12)
    every = np.array(list(product((0.0, 1.0), repeat=3)))  # all at once, and to the bit
    above = np.cumsum(every, axis=1) - every
    np.testing.assert_array_equal(undo(every, share), every / (1 - share) ** above)


def test_pairs_by_hand() -> None:
    """Member 0 opened three, member 1 one; products of different newsletters, over 3 - 1."""
    first, second = np.array([1.0, 2.0, 0.0, 3.0]), np.array([5.0, 0.0, 7.0, 1.0])
    within, between = count_pairs(first, second, np.array([0, 0, 0, 1]), np.array([3.0, 1.0]))
    assert within.tolist() == [5.0, 3.0]
    assert between.tolist() == [(1 * 7 + 2 * 5 + 2 * 7) / 2, 0.0]


def read_on(rng: np.random.Generator, share: float) -> tuple[Ids, Bools, Floats, Floats]:
    """Members, opens, what was shown and clicks of random newsletters; a click ends by `share`."""
    members = np.arange(N) % (N // 6)
    likes = rng.gamma(4.0, 0.25, N // 6)[members]
    opened = rng.random(N) < rng.beta(0.8, 1.2, N // 6)[members]
    choice = rng.permuted(np.tile(np.arange(M), (N, 1)), axis=1)[:, :K]
    clicked, reads = np.zeros((N, K)), opened.copy()
    for j in range(K):
        chance = np.minimum(likes * APPEAL[choice[:, j]], 1.0)
        clicked[:, j] = reads & (rng.random(N) < chance)
        reads &= (clicked[:, j] == 0) | (rng.random(N) < 1 - share)
    return members, opened, choice, clicked


def make_log(rng: np.random.Generator, share: float) -> Beside:
    members, opened, choice, clicked = read_on(rng, share)
    log = look_at_some(rng, members, choice, clicked, M, GREED)
    return replace(log, leans=log.reward[..., None, None] * log.leans, opened=opened)


def find_value(share: float) -> float:
    """Clicks a send of the target, over members whose liking is a gamma variable of mean 1."""
    likes = np.random.default_rng(0).gamma(4.0, 0.25, 100_000)
    random = list(permutations(range(M), K))

    def earn(slates: list[tuple[int, ...]]) -> float:
        total = 0.0
        for slate in slates:
            reading = np.ones(len(likes))
            for article in slate:
                q = np.minimum(likes * APPEAL[article], 1.0)
                total += float((reading * q).mean()) / len(slates)
                reading = reading * (1 - share * q)
        return total

    return 0.4 * (GREED * earn([tuple(range(K))]) + (1 - GREED) * earn(random))


def test_what_a_click_keeps_away_is_found_with_its_error() -> None:
    rng = np.random.default_rng(61)
    for share in (0.4, 0.25):
        told = []
        for _ in range(30):
            members, opened, _, clicked = read_on(rng, share)
            found = find_tiredness(clicked, opened, members)
            assert found is not None
            told.append((found.share, found.error))
        mean, error = np.mean(told, axis=0)
        spread = np.std([each for each, _ in told], ddof=1)
        assert abs(mean - share) < 3.5 * spread / np.sqrt(30) + 0.01
        assert error == pytest.approx(spread, rel=0.4)
    members, opened, _, clicked = read_on(rng, 0.0)
    never = find_tiredness(clicked, opened, members)
    assert never is not None
    assert never.share < 0.25


def test_what_the_log_cannot_tell_is_not_told() -> None:
    members, opened, _, clicked = read_on(np.random.default_rng(62), 0.0)
    assert find_tiredness(clicked, None, members) is None
    assert find_tiredness(0 * clicked, opened, members) is None
    assert find_tiredness(clicked, opened, np.arange(N)) is None
    assert find_tiredness(clicked[:, :1], opened, members) is None
    first = clicked * (np.cumsum(clicked, axis=1) == 1)
    cascade = find_tiredness(first, opened, members)
    assert cascade is not None
    assert cascade.share == 1.0


def test_a_target_that_does_what_was_sent_earns_exactly_that() -> None:
    log = make_log(np.random.default_rng(63), 0.4)
    same = replace(log, target=log.logged)
    tired = find_tiredness(log.clicked, log.opened, log.members)
    assert tired is not None
    assert tired.share > 0.2
    for read in (read_items, read_positions):
        terms = find_terms(same, read, tired)
        np.testing.assert_allclose(terms, log.count_clicks(), atol=1e-9)
        plain = find_terms(log, read, None)
        for unknown in (replace(tired, share=0.0), replace(tired, share=1.0)):
            np.testing.assert_array_equal(find_terms(log, read, unknown), plain)
        np.testing.assert_allclose(plain.sum(), read(log, 0.0)[1].sum(), rtol=1e-9)


def test_intervals_cover_where_a_click_tires_and_plain_ones_do_not() -> None:
    rng, share, runs = np.random.default_rng(64), 0.4, 40
    value, inside, plain = find_value(share), np.zeros(2), np.zeros(2)
    for _ in range(runs):
        log = make_log(rng, share)
        answer = evaluate_whole(log)
        for i, each in enumerate(answer.estimates):
            if each.interval is None:
                assert "depend" in each.reason or "contradicts" in each.reason
                inside[i] += 0.95
            else:
                inside[i] += each.interval.low <= value <= each.interval.high
            read = (read_items, read_positions)[i]
            v = normal_interval(find_terms(log, read, None), log.members)
            plain[i] += v.low <= value <= v.high
    assert (inside >= 0.95 * runs - 3.5 * np.sqrt(0.95 * 0.05 * runs)).all(), inside
    assert plain[1] < 0.8 * runs, plain


def test_what_is_allowed_for_is_said_and_a_cascade_is_refused() -> None:
    log = make_log(np.random.default_rng(65), 0.45)
    answer = evaluate_whole(log)
    assert answer.tired is not None
    kept = f"{answer.tired.share:.0%}"
    assert answer.dependence.words.startswith(f"a click keeps {kept} of those below away, which is")
    assert answer.best is not None
    first = log.reward * (np.cumsum(log.reward, axis=1) == 1)
    for each in evaluate_whole(replace(log, reward=first)).estimates:
        assert each.reason.startswith("a click in one slot keeps others away (p = ")
    assert Dependence(0.3, 0.4, 0.001, 0.3).refuted is False
    none = "no sign that clicks depend on what stands in other slots (p = 0.3)"
    assert Dependence(0.3, 0.4, 0.001, 0.5, 0.2).words == (
        f"a click keeps 50% of those below away, which is allowed for; {none}"
    )
    assert Dependence(0.3, 0.4, 0.001, 0.5, 0.3).words == (
        f"{none}; a click may keep others below away, which is allowed for"
    )
    assert Dependence(0.3, 0.4, 0.001, 0.0).words == (
        "no sign that clicks depend on other slots (p = 0.3)"
    )
    assert Dependence(0.3, 0.4, 0.2, 1.0).refuted is True
    assert Dependence(0.3, 0.4, 0.001).refuted is True


def test_where_slots_are_apart_and_it_is_not_known_who_opened_nothing_changes() -> None:
    log, _ = make_beside(np.random.default_rng(66))
    answer = evaluate_whole(log)
    assert answer.tired is None
    for each, read in zip(answer.estimates, (read_items, read_positions), strict=True):
        assert each.interval is not None
        assert each.interval.estimate == pytest.approx(read(log, 0.0)[0].mean(), rel=1e-12)


def test_the_error_of_a_share_is_that_of_its_influence() -> None:
    found = Tiredness(0.2, np.array([0.03, -0.04]), np.array([0, 1]), np.array([2.0, 2.0]))
    assert found.error == pytest.approx(0.05)
