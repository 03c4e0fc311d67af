"""Settings of the whole suite, and the builders of `tests/support/builders.py` as fixtures."""

import gc
import os
import sys
from collections.abc import Callable

# One thread for each process, set before numpy is imported and handed on to the processes that
# tests start. Threads of BLAS wait for one another in a loop, which on a machine that does other
# work takes many times longer than the sums themselves.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import pandas as pd
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from bandit.core.types import Context
from simulators.association.association import Association
from tests.support.builders import association_of, context_of, pool_of

threadpool_limits(1)  # for what a plugin of pytest has loaded before this file was read
if "torch" in sys.modules:
    sys.modules["torch"].set_num_threads(1)

gc.disable()  # until all tests are collected: hardly anything of them is garbage

settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("fixed")


def pytest_collection_finish() -> None:
    """What is there now stays to the end: the collector need not walk through it in each test."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def make_pool() -> Callable[..., pd.DataFrame]:
    return pool_of


@pytest.fixture(scope="session")
def make_context() -> Callable[..., Context]:
    return context_of


@pytest.fixture(scope="session")
def world() -> Callable[..., Association]:
    return association_of
