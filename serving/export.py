"""Export a trained policy: python -m serving.export RUN BUNDLE

RUN is a unit's folder, or a comparison's: then its winner is exported. BUNDLE is the folder for serving.send.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bandit.core.files import read_json
from serving import bundle
from serving.errors import exit_status


def export(run: str | Path, target: str | Path) -> str:
    """Copy the bundle of `run` to `target`, checked; returns a line saying what was exported. Raises ValueError."""
    unit = find_unit(Path(run))
    facts = unit / "unit.json"
    if facts.exists() and _object(facts).get("exportable") is False:
        raise ValueError(f"{unit}: this policy exists only in simulation and cannot be exported")
    source = unit / "bundle"
    if not source.is_dir():
        raise ValueError(
            f"{unit} holds no bundle/: the run is not finished, or it is not a run's folder"
        )
    exported = bundle.copy(source, target)
    size = sum(file.size for file in exported.manifest.files.values()) / 1e6
    return f"exported {exported.manifest.policy} from {source} to {target} ({size:.1f} MB, {exported.digest[:12]})"


def find_unit(run: Path) -> Path:
    """The unit's folder: `run` itself, or the one that its winner.json names. Raises ValueError."""
    if not run.is_dir():
        raise ValueError(f"{run}: there is no such folder")
    winner = run / "winner.json"
    if not winner.exists():
        return run
    inside = _object(winner).get("unit")
    if not isinstance(inside, str):
        raise ValueError(f"{winner}: unit = {inside!r}; must be a path below {run}")
    unit = run / inside
    if not unit.resolve().is_relative_to(run.resolve()) or not unit.is_dir():
        raise ValueError(f"{winner}: unit = {inside!r}; must be an existing folder below {run}")
    return unit


def _object(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {content!r}; must be a JSON object")
    return content


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.export", description="Export a trained policy."
    )
    parser.add_argument(
        "run", metavar="RUN", help="a unit's folder, or a comparison's (its winner is taken)"
    )
    parser.add_argument(
        "bundle", metavar="BUNDLE", help="where to; an earlier bundle there is replaced"
    )
    asked = parser.parse_args(argv)
    return exit_status("serving.export", lambda: print(export(asked.run, asked.bundle)))


if __name__ == "__main__":
    sys.exit(main())
