"""A Ray cluster for the while: one that is there, or one on this machine.

Open this file for what is said where Ray is not installed, or fails.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


def import_ray(option: str) -> Any:
    """Ray. Raises ValueError, naming the option that asks for it, where it is not there."""
    try:
        return import_module("ray")
    except ImportError:
        raise ValueError(f"{option}: Ray is not installed: pip install letterbandit[ray]") from None


@contextmanager
def use_cluster(workers: int, option: str) -> Iterator[Any]:
    """Ray, with the cluster at RAY_ADDRESS, or one on this machine for the while.

    workers: of the one on this machine
    option: how a person asks for Ray, such as "--engine ray"

    Ray starts what a dead worker did again, three times if need be (`max_retries`, its default).

    Raises ValueError where Ray is not there, ChildProcessError where it fails, ConnectionError
    where there is no cluster at RAY_ADDRESS, and what a worker raises.
    """
    ray = import_ray(option)
    begun = not ray.is_initialized()
    try:
        if begun:
            alone = {"num_cpus": workers, "include_dashboard": False}
            ray.init(log_to_driver=False, **({} if os.environ.get("RAY_ADDRESS") else alone))
        yield ray
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise ChildProcessError(f"Ray: {error}; run the same again: it goes on") from None
    finally:
        if begun:
            ray.shutdown()
