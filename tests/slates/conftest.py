"""All that is promised of slates is asked of the plain walk and of the compiled loop."""

from collections.abc import Iterator

import pytest

from tests.support.slate_cases import take_walk


@pytest.fixture(autouse=True, scope="module", params=["plain", "compiled"])
def walk(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which of the two walks: lists are never long enough for the loop, or always."""
    yield from take_walk(request.param)
