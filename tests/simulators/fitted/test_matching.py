"""Clicks are fitted to a log: moments, levels, how articles fade, and how members differ."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from simulators.examination.models import PositionBased
from simulators.fitted.fading import fit_fading
from simulators.fitted.mails import OpenedMails
from simulators.fitted.matching import find_shift, match_moments, measure_moments


def cells_of(article: list[list[int]], clicked: list[list[int]], member: list[int]) -> OpenedMails:
    features = np.array([[1, 0, 0, 1.0, 0.0], [1, 0, 0, 0.5, 2.0], [1, 1, 0, -1.0, 1.0]])
    return OpenedMails(
        np.array(["a", "b", "c"]),
        features,
        np.array(member),
        np.arange(len(member)),
        np.array(article),
        np.array(clicked, bool),
    )


def test_moments_are_clicks_pairs_and_alike_pairs() -> None:
    """Member 0 clicks on a; on b and c. Member 1 clicks on b twice.

    Member 2 clicks on two in one newsletter, which makes no pair.
    """
    cells = cells_of(
        [[0, 1], [1, 2], [1, 0], [1, 2], [0, 2], [2, -1]],
        [[1, 0], [1, 1], [1, 0], [1, 0], [1, 1], [0, 0]],
        [0, 0, 1, 1, 2, 2],
    )
    text = cells.features[:, 3:]
    found = measure_moments(cells, cells.clicked.astype(float), 4)
    ab, ac, bb = text[0] @ text[1], text[0] @ text[2], text[1] @ text[1]
    assert found[:, 0].tolist() == [3, 2, 2, 0]
    assert found[:, 1].tolist() == [2 * 2, 2, 0, 0]
    assert found[:, 2] == pytest.approx([2 * (ab + ac), 2 * bb, 0, 0])


def test_the_shift_gives_as_many_clicks_as_there_are() -> None:
    rng = np.random.default_rng(6)
    article = rng.integers(0, 3, (500, 2))
    cells = cells_of(
        article.tolist(), (rng.random((500, 2)) < 0.2).tolist(), rng.integers(0, 40, 500).tolist()
    )
    logits, model = rng.normal(size=(500, 2)), PositionBased((0.9, 0.6))
    shift = find_shift(cells, logits, model)
    assert (expit(logits + shift) * [0.9, 0.6]).sum() == pytest.approx(
        cells.clicked.sum(), abs=1e-6
    )


def test_fading_is_read_from_articles_shown_new_and_later() -> None:
    """Sixty articles of unknown worth, half of them shown again in the two issues after."""
    rng, slope, m, n = np.random.default_rng(9), 0.4, 60, 60_000
    first = rng.integers(1, 4, m)
    again = np.arange(m) < 30
    issue = rng.integers(1, 6, n)
    article = rng.integers(0, m, (n, 2))
    age = issue[:, None] - first[article]
    article[(age < 0) | (age > 2) | ((age > 0) & ~again[article])] = -1
    worth, shown = rng.normal(scale=0.5, size=m), article >= 0
    chances = np.where(shown, 0.1, 0.0)  # what the article is worth is not foreseen
    clicked = rng.random((n, 2)) < np.where(shown, expit(-2.2 + worth[article] - slope * age), 0.0)
    cells = OpenedMails(
        np.arange(m), np.ones((m, 1)), np.zeros(n, dtype=int), issue - 1, article, clicked
    )
    found = fit_fading(cells, first, chances)
    assert found.slope == pytest.approx(slope, abs=0.1)
    assert found.mean[59] == 0.0  # shown once
    assert found.mean[0] == pytest.approx(1, abs=0.1)
    faded = found.shift(np.array([59, 0, 77]), int(first[0]) + 2)
    assert faded[1:] == pytest.approx(
        -found.slope * (np.array([2, 0]) - [found.mean[0], found.usual])
    )
    later = found.note(np.array([77, 0]), 6)
    assert later.shift(np.array([77]), 7) == pytest.approx(-found.slope * (1 - found.usual))
    assert later.first[0] == first[0]


def test_where_nothing_is_shown_again_nothing_fades() -> None:
    cells = cells_of([[0, 1], [1, 0], [2, -1]], [[1, 0], [0, 1], [0, 0]], [0, 1, 0])
    found = fit_fading(
        replace(cells, issue=np.array([0, 0, 1])), np.array([1, 1, 2]), np.full((3, 2), 0.2)
    )
    assert found.slope == 0


@pytest.mark.slow
def test_members_who_differ_more_than_thought_are_found_to() -> None:
    """Readiness and taste each off by a factor of its own."""
    rng, n, q, m = np.random.default_rng(8), 3000, 9, 60
    features = np.hstack([np.ones((m, 1)), np.zeros((m, 2)), rng.normal(size=(m, q - 3))])
    interests = rng.normal(size=(n, q)) * np.r_[1.2, 0, 0, np.full(q - 3, 0.6)]
    interests[:, 0] -= 2.0
    member, article = np.repeat(np.arange(n), 9), rng.integers(0, m, (9 * n, 3))
    blank = OpenedMails(
        np.arange(m), features, member, member, article, np.zeros((9 * n, 3), dtype=bool)
    )
    model = PositionBased((0.95, 0.7, 0.5))
    p = blank.chances(blank.logits(interests, np.zeros(m))) * model.examine
    cells = replace(blank, clicked=rng.random(p.shape) < p)
    thought = np.r_[0.8, 0.1, 0.1, np.full(q - 3, 0.5)] ** 2
    prior = np.zeros((n, q))
    prior[:, 0] = -1.6
    found = match_moments(cells, prior, thought, np.zeros(m), model, seed=1)
    assert found.shift == pytest.approx(-0.4, abs=0.1)
    assert found.readiness == pytest.approx(1.5, rel=0.08)
    assert found.taste == pytest.approx(1.2, rel=0.08)
    assert found.fitted == pytest.approx(found.log, rel=0.05)
