"""The examination curve: weights by Bayes' rule, and a known curve recovered from clicks."""

import numpy as np
import pytest

from bandit.models.examination import Examination


def test_examination_weights_are_bayes() -> None:
    examination = Examination.fix(np.array([1.0, 0.6, 0.25]))
    p, slots = np.array([0.1, 0.3, 0.3, 0.9]), np.array([0, 1, 2, 2])
    expected = [1.0, 0.6 * 0.7 / (0.6 * 0.7 + 0.4), 0.25 * 0.7 / (0.25 * 0.7 + 0.75), 0.025 / 0.775]
    np.testing.assert_allclose(examination.weigh(p, slots, np.zeros(4)), expected, rtol=1e-12)
    assert examination.weigh(p, slots, np.ones(4)).tolist() == [1, 1, 1, 1]
    examination.learn(p, slots, np.zeros(4))
    np.testing.assert_allclose(examination.curve, [1, 0.6, 0.25], rtol=1e-9)  # what is given stays
    np.testing.assert_allclose(
        Examination.fix(np.array([0.95, 0.6])).curve, [0.95, 0.6], rtol=1e-12
    )


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_examination_recovers_a_known_curve(rate: float) -> None:
    """400,000 opens, with the click probabilities of members and articles known.

    The slots' shares come out, whatever the start.
    """
    rng = np.random.default_rng(7)
    true = np.array([1.0, 0.6, 0.35, 0.2])
    examination = Examination.start(4)
    assert (np.diff(examination.curve) < 0).all()
    for _ in range(20):
        slots = np.tile(np.arange(4), 20_000)
        p = np.clip(rng.gamma(2, rate / 2, len(slots)), 0, 0.9)
        clicked = ((rng.random(len(slots)) < true[slots]) & (rng.random(len(slots)) < p)).astype(
            float
        )
        examination.learn(p, slots, clicked)
        assert examination.curve[0] == pytest.approx(1, abs=1e-9)
        assert (examination.curve <= 1).all()
    np.testing.assert_allclose(examination.curve, true, atol=0.03)
