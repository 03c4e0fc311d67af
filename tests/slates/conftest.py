"""All that is promised of slates is asked of the plain walk and of the compiled loop."""

from collections.abc import Iterator

import numpy as np
import pytest

from bandit import compiling


@pytest.fixture(autouse=True, scope="module", params=["plain", "compiled"])
def walk(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which of the two walks: lists are never long enough for the loop, or always."""
    if request.param == "compiled":
        pytest.importorskip(
            "numba", reason="numba is not installed: pip install letterbandit[fast]"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "_WORTH", np.inf if request.param == "plain" else 0.0)
        yield request.param
