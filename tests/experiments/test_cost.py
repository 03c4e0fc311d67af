"""What a policy costs: counted where it can be counted."""

from typing import Any

import numpy as np

from experiments.cost import measure_cost
from experiments.runner.configs import read_policy

SIMULATOR: dict[str, Any] = {
    "_target_": "simulators.association.association.Association",
    "members": 100,
    "issues": 2,
    "pool": 12,
    "slots": 3,
    "text_dims": 6,
}


def test_bytes_of_state_are_those_of_its_arrays() -> None:
    """blast keeps a Gram matrix [9, 9], a moment [9] and a position curve [2, 24], in float64."""
    found = measure_cost(read_policy("blast"), SIMULATOR, 0)
    assert found["state"] == 8 * (81 + 9 + 48)
    assert found["plan"] > 0
    assert found["learn"] > 0


def test_what_learns_nothing_keeps_nothing() -> None:
    found = measure_cost(read_policy("oracle"), SIMULATOR, 0)
    assert found["state"] == 0
    assert np.isfinite(found["plan"])
