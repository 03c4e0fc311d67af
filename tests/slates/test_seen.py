"""Who saw what, however it is kept."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bandit.slates.seen import Seen, Sent


@given(n=st.integers(1, 40), seed=st.integers(0, 10**6))
def test_what_is_folded_is_looked_up_and_added_to_alike(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    open_, folded, articles = Seen(n), Seen(n), ["a", "b", "c", "d"]
    for _ in range(4):
        rows = np.flatnonzero(rng.random(n) < 0.7)
        choice = np.array([rng.permutation(5)[:2] - 1 for _ in rows]).reshape(len(rows), 2)
        opened = rng.random(len(rows)) < 0.5
        for seen in (open_, folded):
            seen.add(articles, choice, opened, rows)
        folded.fold(["b"])
        asked = rng.integers(0, n, 7)
        for earlier in (None, [["c"], [], ["a", "gone"], []]):
            one, other = (s.look_up(articles, asked, earlier) for s in (open_, folded))
            assert (one == other).all()


def test_who_saw_an_earlier_telling_has_seen_the_story() -> None:
    seen, everybody = Seen(3), np.arange(3)
    seen.add(["old", "x"], np.array([[0], [1], [-1]]), np.ones(3, dtype=bool), everybody)
    seen.fold([])
    assert seen.look_up(["new", "x"], everybody, [["old"], []]).tolist() == [
        [True, False],
        [False, True],
        [False, False],
    ]


def test_what_was_sent_counts_for_so_many_issues() -> None:
    """Three issues showed a, b, c to member 0 and nothing to member 1; nobody need have opened."""
    sent, articles, rows = Sent(2, 2), ["a", "b", "c"], np.arange(2)
    for shown in range(3):
        sent.add(articles, np.array([[shown], [-1]]), rows)
    for within, expected in ((0, [0, 0, 0]), (1, [0, 0, 1]), (2, [0, 1, 1])):
        found = sent.look_up(articles, rows, None, within)
        assert found.astype(int).tolist() == [expected, [0, 0, 0]]
    assert sent.look_up(["new"], rows, [["c"]], 1).tolist() == [[True], [False]]
    forgetful = Sent(2, 0)
    forgetful.add(articles, np.array([[0], [1]]), rows)
    assert not forgetful.look_up(articles, rows, None, 0).any()
