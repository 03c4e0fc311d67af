"""Who saw what, however it is kept."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bandit.slates.seen import Seen


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
