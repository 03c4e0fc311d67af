"""Export a trained policy: python -m serving.export RUN BUNDLE

RUN is a unit's folder, or a comparison's: then its winner is exported. BUNDLE is the folder for
serving.send.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from bandit.core.files import read_json
from serving import bundle
from serving.errors import Parser, run_program


def export(run: str | Path, target: str | Path, key: str | Path | None = None) -> str:
    """Copy the bundle of `run` to `target`, checked. Returns a line saying what was exported.

    key: a file with a private key, with which the copy is signed; None: it is not

    Raises ValueError for a run without a bundle, a bundle that is damaged, and a policy that exists
    only in simulation.
    """
    unit = find_unit(Path(run))
    facts = unit / "unit.json"
    if facts.exists() and _read_object(facts).get("exportable") is False:
        raise ValueError(
            f"{unit}: this policy is none of bandit.policies "
            "or exists only in simulation and cannot be exported"
        )
    source = unit / "bundle"
    if not source.is_dir():
        raise ValueError(
            f"{unit} holds no bundle/: the run is not finished, or it is not a run's folder"
        )
    exported = bundle.copy(source, target, key)
    size = sum(file.size for file in exported.manifest.files.values()) / 1e6
    what = f"{exported.manifest.policy} from {source} to {target}"
    return f"exported {what} ({size:.1f} MB, {exported.digest[:12]}, {exported.signed})"


def find_unit(run: Path) -> Path:
    """The unit's folder: `run` itself, or the one that its winner.json names.

    Raises ValueError where there is no such folder.
    """
    if not run.is_dir():
        raise ValueError(f"{run}: there is no such folder")
    winner = run / "winner.json"
    if not winner.exists():
        return run
    inside = _read_object(winner).get("unit")
    if not isinstance(inside, str):
        raise ValueError(f"{winner}: unit = {inside!r}; must be a path below {run}")
    unit = run / inside
    if not unit.resolve().is_relative_to(run.resolve()) or not unit.is_dir():
        raise ValueError(f"{winner}: unit = {inside!r}; must be an existing folder below {run}")
    return unit


def _read_object(path: Path) -> dict[str, object]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {content!r}; must be a JSON object")
    return content


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit status: 0, or 2 with one line on stderr."""
    parser = Parser(prog="python -m serving.export", description="Export a trained policy.")
    parser.add_argument(
        "run", metavar="RUN", help="a unit's folder, or a comparison's (its winner is taken)"
    )
    parser.add_argument(
        "bundle", metavar="BUNDLE", help="where to; an earlier bundle there is replaced"
    )
    parser.add_argument("--sign", metavar="KEY", help="PEM file with an Ed25519 private key")
    asked = parser.parse_args(argv)
    given = (asked.run, asked.bundle, asked.sign)
    return run_program("serving.export", lambda: print(export(*given)))


if __name__ == "__main__":
    sys.exit(main())
