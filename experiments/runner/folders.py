"""Where runs lie on disk: their folders below runs/, and the tables in them."""

from hashlib import sha256
from pathlib import Path

import pandas as pd

from bandit.core.files import read_json, read_table
from experiments.runner.configs import ROOT, Settings


def choose_folder(name: str | None, label: str, config: Settings) -> Path:
    """The run's folder below runs/: `name`, or `label` and a digest of the configuration.

    Raises ValueError for a name that would lie anywhere else.
    """
    if name is not None and (name in ("", ".", "..") or Path(name).name != name):
        raise ValueError(f"name = {name!r}; must be a plain folder name")
    digest = sha256(repr(sorted(config.items())).encode()).hexdigest()[:8]
    return ROOT / "runs" / (name or f"{label}-{digest}")


def is_begun(path: Path, asked: Settings) -> bool:
    """Whether a JSON file says that its folder was begun for exactly this.

    asked: everything the results follow from: configuration, digest of the code, versions
    """
    try:
        return bool(path.exists() and read_json(path) == asked)
    except ValueError:
        return False


def read_frame(path: Path) -> pd.DataFrame:
    """A parquet file of the run, its checksums verified. Raises ValueError where it is damaged."""
    table: pd.DataFrame = read_table(path).to_pandas()
    return table
