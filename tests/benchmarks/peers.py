"""Asks a peer, in an environment of its own, how long it takes for the same arrays.

`make bench-peers` makes that environment, and one inside it for Open Bandit Pipeline. Without it a
benchmark has no peer to be set beside, and its row says none. Open this file to see how a script of
tests/benchmarks/theirs is run.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bandit.core.types import Array

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".peers" / "bin" / "python"
OBP = HERE.parents[1] / ".peers" / "obp" / "bin" / "python"  # asks for older packages than others


def ask(script: str, python: Path = PYTHON, **arrays: Array) -> dict[str, float] | None:
    """Seconds of processor time by work, or None where the peers are not installed.

    script: a file of tests/benchmarks/theirs; it gets the path of an npz file with the arrays, and
        prints a JSON object
    python: of the environment that it runs in
    """
    if not python.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "arrays.npz", **arrays)
        done = subprocess.run(
            [python, HERE / "theirs" / script, Path(folder) / "arrays.npz"],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
