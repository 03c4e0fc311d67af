"""Sizes of the editor's desk, and the arguments that `serving.send` takes from it."""

from pathlib import Path
from typing import Any

N, M, K = 60, 11, 4


def list_arguments(desk: Path, source: Path, **other: Any) -> list[str]:
    asked = {name: desk / f"{name}.parquet" for name in ("members", "pool", "seen")}
    asked |= {
        "rules": desk / "rules.yaml",
        "campaign": "week-30",
        "seed": 7,
        "out": desk / "out",
    } | other
    return [
        str(source),
        *(word for key, value in asked.items() for word in (f"--{key}", str(value))),
    ]
