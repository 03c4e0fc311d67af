"""Segments: their moments give ridge regression towards the parent segment."""

import numpy as np

from bandit.models.segments import Moments, make_ridge, tally

LAMBDA = 3.0


def test_moments_fit_is_ridge_regression_towards_the_parent() -> None:
    rng = np.random.default_rng(3)
    s, m, q = 4, 9, 3
    articles, parent, ridge = (
        rng.normal(size=(m, q)),
        rng.normal(size=(s, q)),
        np.array([LAMBDA, 0.5, 7.0]),
    )
    looks, clicks = rng.uniform(0, 5, (2, s, m)), rng.uniform(0, 2, (2, s, m))
    moments = Moments.start(s, q)
    moments.add(looks[0], clicks[0], articles)
    moments.fade(0.5)
    moments.add(looks[1], clicks[1], articles)
    look, click = 0.5 * looks[0] + looks[1], 0.5 * clicks[0] + clicks[1]
    for i, found in enumerate(moments.fit(parent, ridge)):
        design = np.vstack([np.sqrt(look[i])[:, None] * articles, np.diag(np.sqrt(ridge))])
        target = np.concatenate([click[i] / np.sqrt(look[i]), np.sqrt(ridge) * parent[i]])
        np.testing.assert_allclose(found, np.linalg.lstsq(design, target, rcond=None)[0], rtol=1e-9)
    np.testing.assert_allclose(
        moments.fit(parent[1], ridge)[1], moments.fit(parent, ridge)[1], rtol=1e-12
    )
    np.testing.assert_allclose(
        Moments.start(s, q).fit(parent, ridge), parent, rtol=1e-12
    )  # no data: the parent


def test_tally_and_ridge() -> None:
    table = tally(np.array([0, 2, 2, 0]), np.array([1, 3, 3, 0]), np.array([0.5, 1, 2, 4]), (3, 4))
    assert table.tolist() == [[4, 0.5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 3]]
    assert make_ridge(5, 60.0).tolist() == [3, 15, 15, 60, 60]
