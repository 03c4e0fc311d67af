"""What every encoder of texts and every off-policy estimator keeps.

Each function raises AssertionError with a sentence that says what was asked, and what came of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bandit.core.types import Floats
from bandit.features.text import Encoder
from experiments.check.words import require

TEXTS = (
    "Vaccination in pharmacies: what changes in January",
    "New rules for controlled drugs",
    "",
    "Annual conference: register now",
    "Impfen in der Apotheke \u2013 was sich ändert",
    "\U0001f489 \u4e2d\u6587",
)
Estimator = Callable[[Floats, Floats, Floats], Any]


def vectors_are_of_one_length(encoder: Encoder) -> None:
    """Each text has a finite vector of `dim` numbers, of length 1, or 0 where nothing is known."""
    vectors = np.asarray(encoder.encode(TEXTS), dtype=np.float64)
    shape = (len(TEXTS), encoder.dim)
    require(vectors.shape == shape, f"vectors have shape {vectors.shape}; must be {shape}")
    require(bool(np.isfinite(vectors).all()), "vectors hold what is no number")
    for text, length in zip(TEXTS, np.linalg.norm(vectors, axis=1), strict=True):
        near = min(abs(length), abs(length - 1)) < 1e-3
        require(near, f"{text!r}: a vector of length {length:.4g}; must be 1, or 0")


def texts_are_told_apart(encoder: Encoder) -> None:
    """Two texts about other things have other vectors."""
    one, other = np.asarray(encoder.encode(TEXTS[:2]))
    require(not np.array_equal(one, other), f"{TEXTS[0]!r} and {TEXTS[1]!r}: the same vector")


def company_does_not_matter(encoder: Encoder) -> None:
    """A text's vector has the same bits whatever is encoded beside it, and whenever."""
    whole = np.asarray(encoder.encode(TEXTS))
    for j, text in enumerate(TEXTS):
        alone = np.asarray(encoder.encode([text]))[0]
        require(np.array_equal(whole[j], alone), f"{text!r}: another vector where it stands alone")


def no_text_is_no_vector(encoder: Encoder) -> None:
    """No texts at all give no vectors, [0, dim]."""
    shape = np.asarray(encoder.encode([])).shape
    require(shape == (0, encoder.dim), f"no texts: shape {shape}; must be {(0, encoder.dim)}")


def the_loggers_own_value_is_the_mean(estimator: Estimator) -> None:
    """A target that chooses as the logger did earns what was earned: the mean of all clicks."""
    rng = np.random.default_rng(5)
    logged = rng.uniform(0.1, 0.9, (300, 3))
    reward = (rng.random((300, 3)) < 0.2).astype(np.float64)
    terms = _ask(estimator, logged, logged.copy(), reward)
    got, must = float(terms.mean()), float(reward.sum(axis=1).mean())
    require(abs(got - must) < 1e-9, f"target = logged: {got:.6g}; must be {must:.6g}")


def one_slot_comes_near_the_truth(estimator: Estimator) -> None:
    """Of one slot, 40,000 sends by chance tell what another policy earns, to 5 standard errors."""
    rng = np.random.default_rng(6)
    logger, target = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])
    clicks = np.array([0.05, 0.1, 0.3])
    choice = rng.choice(3, 40_000, p=logger)
    reward = (rng.random(40_000) < clicks[choice]).astype(np.float64)
    terms = _ask(estimator, logger[choice, None], target[choice, None], reward[:, None])
    got, must = float(terms.mean()), float(target @ clicks)
    error = 5 * float(terms.std()) / 200
    require(abs(got - must) < error, f"one slot: {got:.4g} +- {error:.2g}; the truth is {must:.4g}")


def what_cannot_be_is_refused(estimator: Estimator) -> None:
    """A propensity of 0, or above 1, is refused with a ValueError."""
    half = np.full((4, 1), 0.5)
    for wrong in (0.0, 1.5):
        logged = half.copy()
        logged[2] = wrong
        try:
            estimator(logged, half, np.zeros((4, 1)))
        except ValueError:
            continue
        raise AssertionError(f"a logged propensity of {wrong} is taken; must be refused")


def _ask(estimator: Estimator, logged: Floats, target: Floats, reward: Floats) -> Floats:
    """The terms, of which there must be one for each send."""
    terms = np.asarray(estimator(logged, target, reward), dtype=np.float64)
    shape = (len(logged),)
    require(terms.shape == shape, f"terms have shape {terms.shape}; must be {shape}")
    return terms


ENCODER: Sequence[Callable[[Encoder], None]] = (
    vectors_are_of_one_length,
    texts_are_told_apart,
    company_does_not_matter,
    no_text_is_no_vector,
)
ESTIMATOR: Sequence[Callable[[Estimator], None]] = (
    the_loggers_own_value_is_the_mean,
    one_slot_comes_near_the_truth,
    what_cannot_be_is_refused,
)
