"""An option that passes its check can be planned and learned with, however small or large it is.

Otherwise it would fail when an issue is planned, in words that blame features or scores.
"""

import warnings
from collections import deque
from typing import Any

import numpy as np
import pytest

from bandit.policy import Policy
from bandit.slates.propensity import draw
from experiments.runner.configs import list_configs, make, read_policy
from simulators.play import play
from tests.support.builders import association_of

LIMITS = ("bayes_limit", "oracle", "profile_true_topics")  # have no options
EXTREMES = (0.0, 1e-6, 1.0, 10.0, 100.0, 1e6, 1e300)
OPTIONS = [
    (name, option)
    for name in list_configs("policy")
    if name not in LIMITS
    for option, value in read_policy(name).items()
    if isinstance(value, float)
]


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_an_extreme_option_is_refused_by_name_or_works(name: str, option: str) -> None:
    """Warnings, such as of an overflow, are errors."""
    for value in EXTREMES:
        settings: dict[str, Any] = read_policy(name) | {option: value}
        try:
            policy: Policy = make(settings)
        except ValueError as error:
            assert f"{option} = {value}" in str(error)  # noqa: PT017  (either outcome is right)
            continue
        association = association_of(members=60, issues=3, pool=12, slots=4, text_dims=6)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            deque(play(policy, association, seed=1, issues=2), maxlen=0)
            context = association.issue(3)
            slates = draw(policy.plan(context), context, 3)
        assert np.isfinite(slates.propensity).all()
