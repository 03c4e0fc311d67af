"""Runs are folders: what a run was asked for, what it was made with, and where its parts lie."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import OmegaConf
from threadpoolctl import threadpool_limits

from bandit.core.files import read_json, read_table

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "torch",
    "vowpalwabbit",
    "safetensors",
    "tokenizers",
    "wordllama",
)


def choices(group: str) -> list[str]:
    """The configs of a group, by name."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def policy_config(name: str) -> dict[str, Any]:
    """The config of a policy by name. Raises ValueError listing the valid names."""
    valid = choices("policy")
    if name not in valid:
        raise ValueError(f"policies: there is no policy {name!r}; choose from {', '.join(valid)}")
    return plain(OmegaConf.load(CONFIGS / "policy" / f"{name}.yaml"))


def plain(config: Any) -> dict[str, Any]:
    """A resolved Hydra node as plain dictionaries and lists."""
    resolved: dict[str, Any] = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)  # type: ignore[assignment]  # a mapping
    return resolved


def folder(name: str | None, label: str, config: dict[str, Any]) -> Path:
    """The run's folder below runs/: `name`, or `label` and a digest of the configuration."""
    if name is not None and (name in ("", ".", "..") or Path(name).name != name):
        raise ValueError(f"name = {name!r}; must be a plain folder name")
    digest = sha256(repr(sorted(config.items())).encode()).hexdigest()[:8]
    return ROOT / "runs" / (name or f"{label}-{digest}")


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order: what is learned does not depend on how many cores there are. Also a decorator."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))  # for what is loaded later
    torch = sys.modules.get("torch")
    many = torch.get_num_threads() if torch else None
    try:
        with threadpool_limits(1):
            if torch:
                torch.set_num_threads(1)
            yield
    finally:
        if torch:
            torch.set_num_threads(many)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


@cache
def provenance() -> dict[str, Any]:
    """Versions of what computes, the git commit (None outside a checkout), and a digest of the code that makes results."""
    code = sha256()
    makers = [
        path for folder in ("bandit", "simulators") for path in sorted((ROOT / folder).rglob("*"))
    ]
    for path in [*makers, ROOT / "experiments" / "runner" / "unit.py"]:
        if (
            path.suffix in (".py", ".yaml") and path.parent.name != "policies"
        ):  # a unit adds its own policy's file
            code.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return {
        "versions": {name: version(name) for name in PACKAGES},
        "git": _commit(),
        "code": code.hexdigest(),
    }


def _commit() -> str | None:
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607  (whichever git the user has)
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):  # no git, no commit to name
        return None
    return asked.stdout.strip() or None


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def folder_digest(folder: Path) -> str:
    """SHA-256 of an archive's files, or of one file."""
    digest = sha256()
    for path in (
        [folder]
        if folder.is_file()
        else sorted(folder.glob("*/*.parquet")) + sorted(folder.glob("*.*"))
    ):
        digest.update(f"{path.name}\0{file_digest(path)}".encode())
    return digest.hexdigest()


def same_run(folder: Path, wanted: dict[str, Any]) -> bool:
    """Whether `folder` was begun for exactly this: same configuration, same code, same versions."""
    path = folder / "unit.json"
    try:
        return bool(path.exists() and read_json(path) == wanted)
    except ValueError:
        return False


def frame(path: Path) -> pd.DataFrame:
    """A parquet file of the run, its checksums verified."""
    table: pd.DataFrame = read_table(path).to_pandas()
    return table
