"""Making the simulator of a unit, once for all units of a seed that a process runs.

The units of one seed differ only in their policy. Each gets a twin of the same association, with a
memory of its own; its texts are read once for all. A person's own simulator, or one with a part of
their own, is made anew for each unit: a twin that it inherits knows nothing of what it keeps.
Fitting to a log takes minutes on a large one, so what was fitted is also kept in runs/.fitted/, for
other processes and later runs; so is an association that a worker has made, for those beside it.
The folder may be removed at any time.
"""

import json
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from multiprocessing import parent_process
from pathlib import Path

from bandit.core.files import hold, replacing
from experiments.runner.configs import Settings, make
from experiments.runner.digest import PROJECT, describe_origin, digest_folder, find_targets
from experiments.runner.folders import RUNS
from simulators.base import Simulator

FITTED = RUNS / ".fitted"
KEPT = 10  # the latest: a fit takes some megabytes for each thousand members
# takes a second to make, and some milliseconds to read; what others read may be long logs
SHARED = "simulators.association.association.Association"
HEX = 64  # letters of a digest


def make_simulator(config: Settings, seed: int) -> Simulator:
    """The simulator of a config; nobody else uses its memory.

    config: with a `_target_`; a `log` in it is a folder that the simulator is fitted to
    seed: of members, pools and luck

    Raises ValueError for a config of which nothing can be made.
    """
    log, told = config.get("log"), json.dumps(config)
    ours = all(target.partition(".")[0] in PROJECT for target in find_targets(config))
    if isinstance(log, str) and Path(log).is_dir():
        made = _fit(told, seed, digest_folder(Path(log)))
    else:
        made = _make(told, seed, ours and config.get("_target_") == SHARED)
    if ours and type(made).twin is not Simulator.twin:
        return made.twin()
    _make.cache_clear()  # nobody else may have it
    _fit.cache_clear()
    return made


# of this process; its units come ordered by seed, and where some wait for a log of their seed, one
# of the next seed is done meanwhile
@lru_cache(maxsize=2)
def _make(config: str, seed: int, shared: bool) -> Simulator:
    """What the config says; `shared`: with the workers of one run, and whoever started them."""
    asked = json.loads(config)
    worker = parent_process() is not None
    path = _name(asked, seed) if shared and (worker or FITTED.exists()) else None
    if path and worker:
        return _make_once(path, asked, seed)
    found = _read(path) if path else None
    made: Simulator = found or make(asked, seed=seed)
    return made


@lru_cache(maxsize=1)
def _fit(config: str, seed: int, log: str) -> Simulator:
    """What is fitted to a log as it is now; `log` is its digest."""
    asked = json.loads(config)
    return _make_once(_name(asked, seed, log), asked, seed)


def _name(asked: Settings, seed: int, log: str = "") -> Path:
    """The file of what is made of a config, and of a log of this digest, by the code as it is."""
    origin = describe_origin([__name__], [asked])
    versions = sorted(origin["versions"].items())
    told = repr((json.dumps(asked), seed, log, origin["code"], versions))
    kind = "pickle" if log else "shared"  # those that are soon made push out no long fit
    return FITTED / f"{sha256(told.encode()).hexdigest()[:16]}.{kind}"


def _make_once(path: Path, asked: Settings, seed: int) -> Simulator:
    """What is in the file, or is made now and kept there."""
    with _alone(path.with_suffix(".lock")):  # whoever needs the same waits for it
        made = _read(path)
        if made is None:
            made = make(asked, seed=seed)
            _keep(path, made)
    return made


def _keep(path: Path, made: Simulator) -> None:
    """Write a simulator behind its digest, and remove all of its kind but the latest."""
    content = pickle.dumps(made)
    with replacing(path) as part:
        part.write_bytes(sha256(content).hexdigest().encode() + content)
    kept = sorted(path.parent.glob(f"*{path.suffix}"), key=lambda each: each.stat().st_mtime)
    for old in kept[:-KEPT]:
        old.unlink(missing_ok=True)


def _read(path: Path) -> Simulator | None:
    """What `_keep` wrote; None where there is nothing, or it is damaged."""
    try:
        written = path.read_bytes()
    except FileNotFoundError:
        return None
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
