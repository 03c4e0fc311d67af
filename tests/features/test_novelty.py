"""What of a text lies outside an archive."""

import numpy as np
import pytest

from bandit.features.novelty import DIMS, Novelty


def test_what_is_unread_is_a_share_of_squared_length() -> None:
    """Archive in the first three of five directions: a vector (3, 0, 0, 4, 0) is unread by .64."""
    rng = np.random.default_rng(1)
    archive = np.hstack([rng.normal(size=(40, 3)), np.zeros((40, 2))])
    novelty = Novelty(np.zeros(5), np.eye(5)[:3], np.zeros(2))
    vectors = np.array([[3.0, 0, 0, 4, 0], [1, 2, 3, 0, 0], [0, 0, 0, 0, 2]])
    np.testing.assert_allclose(novelty.measure(vectors), [0.64, 0, 1], atol=1e-12)
    fitted = Novelty.fit(np.vstack([archive, -archive]))
    assert fitted.measure(np.eye(5)[3:]).min() > 0.99 or len(fitted.span) == 5


def test_usual_is_what_held_out_texts_show() -> None:
    rng = np.random.default_rng(2)
    known, strange = rng.normal(size=(400, 10)), rng.normal(size=(400, 10))
    weak = 0.3 * rng.normal(size=(800, 100))
    vectors = np.hstack([np.vstack([known, np.zeros((400, 10))]), weak])
    vectors = np.hstack([vectors, np.vstack([np.zeros((400, 10)), strange])])
    novelty = Novelty.fit(vectors[:300])
    mean, spread = novelty.usual
    assert novelty.measure(vectors[300:400]).mean() == pytest.approx(mean, abs=0.03)
    assert novelty.measure(vectors[400:]).mean() > mean + 2 * spread
    assert len(novelty.span) == DIMS


def test_bits_ignore_the_batch_and_arrays_must_fit() -> None:
    vectors = np.random.default_rng(3).normal(size=(60, 8))
    novelty = Novelty.fit(vectors)
    again = Novelty.restore(novelty.state(), 8)
    np.testing.assert_array_equal(again.measure(vectors[7:9]), novelty.measure(vectors)[7:9])
    with pytest.raises(ValueError, match="novelty's middle has shape"):
        Novelty.restore(novelty.state() | {"middle": np.zeros(7)}, 8)
