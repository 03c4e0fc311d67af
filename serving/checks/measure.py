"""What a file must be: its size and the SHA-256 of its bytes.

Open this file to see how bundles and sends notice that a file was changed.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class File:
    """What a file must be."""

    size: int
    sha256: str


def measure(path: Path) -> File:
    """The size and the digest of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(size=path.stat().st_size, sha256=digest)
