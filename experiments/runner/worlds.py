"""Making the simulator of a unit, once for all units of a seed that a process runs.

The units of one seed differ only in their policy. Each gets a twin of the same association, with a
memory of its own; its texts are read once for all. A person's own simulator, or one with a part of
their own, is made anew for each unit: a twin that it inherits knows nothing of what it keeps.
Fitting to a log takes minutes on a large one, so what was fitted is also kept in runs/.fitted/, for
other processes and later runs; the folder may be removed at any time.
"""

import json
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from bandit.core.files import hold, replacing
from experiments.runner.configs import Settings, make
from experiments.runner.digest import PROJECT, describe_origin, digest_folder, find_targets
from experiments.runner.folders import RUNS
from simulators.base import Simulator

FITTED = RUNS / ".fitted"
KEPT = 10  # fits, the latest: one takes some megabytes for each thousand members
HEX = 64  # letters of a digest


def make_simulator(config: Settings, seed: int) -> Simulator:
    """The simulator of a config; nobody else uses its memory.

    config: with a `_target_`; a `log` in it is a folder that the simulator is fitted to
    seed: of members, pools and luck

    Raises ValueError for a config of which nothing can be made.
    """
    log = config.get("log")
    if isinstance(log, str) and Path(log).is_dir():
        made = _fit(json.dumps(config), seed, digest_folder(Path(log)))
    else:
        made = _make(json.dumps(config), seed)
    ours = all(target.partition(".")[0] in PROJECT for target in find_targets(config))
    if ours and type(made).twin is not Simulator.twin:
        return made.twin()
    _make.cache_clear()  # nobody else may have it
    _fit.cache_clear()
    return made


# of this process; its units come ordered by seed, and where some wait for a log of their seed, one
# of the next seed is done meanwhile
@lru_cache(maxsize=2)
def _make(config: str, seed: int) -> Simulator:
    made: Simulator = make(json.loads(config), seed=seed)
    return made


@lru_cache(maxsize=1)
def _fit(config: str, seed: int, log: str) -> Simulator:
    """What is fitted to a log as it is now; `log` is its digest."""
    asked = json.loads(config)
    origin = describe_origin([__name__], [asked])
    told = repr((config, seed, log, origin["code"], sorted(origin["versions"].items())))
    path = FITTED / f"{sha256(told.encode()).hexdigest()[:16]}.pickle"
    with _alone(path.with_suffix(".lock")):  # whoever needs the same waits for it
        made = _read(path)
        if made is None:
            made = make(asked, seed=seed)
            _keep(path, made)
    return made


def _keep(path: Path, made: Simulator) -> None:
    """Write a fitted simulator behind its digest, and remove all but the latest."""
    content = pickle.dumps(made)
    with replacing(path) as part:
        part.write_bytes(sha256(content).hexdigest().encode() + content)
    kept = sorted(path.parent.glob("*.pickle"), key=lambda each: each.stat().st_mtime)
    for old in kept[:-KEPT]:
        old.unlink(missing_ok=True)


def _read(path: Path) -> Simulator | None:
    """What `_keep` wrote; None where there is nothing, or it is damaged."""
    if not path.exists():
        return None
    written = path.read_bytes()
    digest, content = written[:HEX], written[HEX:]
    if sha256(content).hexdigest().encode() != digest:
        return None
    made: Simulator = pickle.loads(content)  # noqa: S301  (our own, in the folder of our own runs)
    return made


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time; the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while (handle := hold(path)) is None:
        time.sleep(0.2)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)
