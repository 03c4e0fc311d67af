"""Small worlds shared by the tests. Sizes are unequal on purpose: n != m, p != q."""

import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

# One thread for each process, set before numpy is imported and handed on to the processes that tests start. Threads of BLAS
# wait for one another in a loop, which on a machine that does other work takes many times longer than the sums themselves.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from bandit.core.rules import Rules
from bandit.core.types import Context
from simulators.association.association import Association

threadpool_limits(1)  # what a plugin of pytest has loaded before this file was read
if "torch" in sys.modules:
    sys.modules["torch"].set_num_threads(1)

settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("fixed")

KINDS = ("event", "article", "resource", "article")
SOURCES = ("gazette", "board", "journal")


def pool_of(m: int, **columns: Any) -> pd.DataFrame:
    """m articles a0, a1, ...; kinds and sources go round. Any column can be given."""
    made = {
        "article": [f"a{j}" for j in range(m)],
        "title": [f"Title {j}" for j in range(m)],
        "summary": [f"About {j}" for j in range(m)],
        "kind": [KINDS[j % 4] for j in range(m)],
        "source": [SOURCES[j % 3] for j in range(m)],
    }
    return pd.DataFrame(made | columns)


def context_of(n: int = 5, m: int = 7, rules: Rules | None = None, **given: Any) -> Context:
    """A context of n members (ids 110, 117, ...) and m articles, p = 3 and q = 2; any field can be given."""
    made = {
        "campaign": "issue-007",
        "issue": 7,
        "members": pd.DataFrame(
            {
                "member": 110 + 7 * np.arange(n),
                "region": [("north", "south")[i % 2] for i in range(n)],
            }
        ),
        "articles": pool_of(m),
        "member_features": np.column_stack([np.ones(n), np.arange(n) % 2, np.arange(n) % 3]).astype(
            np.float64
        ),
        "article_features": np.column_stack([np.ones(m), np.linspace(-1, 1, m)]),
        "eligible": np.ones((n, m), dtype=bool),
        "seen": np.zeros((n, m), dtype=bool),
        "rules": rules or Rules(slots=3),
    }
    return Context(**(made | given))


@pytest.fixture(scope="session")
def make_pool() -> Callable[..., pd.DataFrame]:
    return pool_of


@pytest.fixture(scope="session")
def make_context() -> Callable[..., Context]:
    return context_of


@pytest.fixture(scope="session")
def world() -> Callable[..., Association]:
    """`world(seed=3, members=300, ...)`: a small association with nothing seen yet; equal ones are built once."""

    @cache
    def built(**options: Any) -> Association:
        return Association(**options)

    small = {"seed": 3, "members": 300, "issues": 8, "pool": 20, "slots": 5}
    return lambda **options: built(**(small | options)).twin()
