"""What is promised of policies holds on the compiled path too, whichever way a list would take."""

from collections.abc import Iterator

import pytest

from tests.support.slate_cases import take_walk


@pytest.fixture(scope="module", params=["plain", pytest.param("compiled", marks=pytest.mark.slow)])
def walk(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which of the two: quick tests walk plainly, and `make slow` asks all again of the loop."""
    yield from take_walk(request.param)
