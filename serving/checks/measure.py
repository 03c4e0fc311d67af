"""What a file must be: its size and the SHA-256 of its bytes.

Open this file to see how bundles and sends notice that a file was changed.
"""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class File(BaseModel):
    """What a file must be."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    size: int
    sha256: str


def measure(path: Path) -> File:
    """The size and the digest of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(size=path.stat().st_size, sha256=digest)
