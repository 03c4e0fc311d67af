"""manifest.json, by which every other file of a bundle is checked before it is parsed.

Open this file to see what a manifest must say, and which folders are refused as bundles.
"""

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from serving.errors import describe

FORMAT = 2
MANIFEST, POLICY, FEATURES = "manifest.json", "policy.safetensors", "features.safetensors"
FILES = (MANIFEST, POLICY, FEATURES)


class File(BaseModel):
    """What a file of the bundle must be."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    size: int
    sha256: str


class Manifest(BaseModel):
    """What manifest.json says.

    format: of the bundle; this version reads one
    letterbandit: the version that wrote it
    policy: dotted path of the class
    parameters: what the class was made with
    features: how members and articles are read
    made_from: free facts about the run that it comes from
    files: what the other files must be
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    format: int
    letterbandit: str
    policy: str
    parameters: dict[str, object]
    features: dict[str, object]
    made_from: dict[str, object]
    files: dict[str, File]


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """What the manifest in `folder` says, and the SHA-256 of it.

    Raises ValueError where there is none, or where it is not what this version reads.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise ValueError(f"{folder}: there is no such folder")
    if not path.is_file():
        raise ValueError(f"{path} is missing: {folder} is not a policy bundle")
    data = path.read_bytes()
    try:
        content = json.loads(data.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # the latter where it is nested a thousand deep
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        got = content.get("format") if isinstance(content, dict) else content
        raise ValueError(f"{path}: format = {got!r}; this version reads format {FORMAT}")
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"{path}: {describe(error)}") from None
    if set(manifest.files) != {POLICY, FEATURES}:
        raise ValueError(f"{path}: files = {sorted(manifest.files)}; must be {[FEATURES, POLICY]}")
    if "_target_" in manifest.parameters:  # the class is named by `policy`, and nowhere else
        named = manifest.parameters["_target_"]
        raise ValueError(f"{path}: parameters name _target_ = {named!r}; no policy has that option")
    return manifest, hashlib.sha256(data).hexdigest()


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raise ValueError unless `folder` holds the files that the manifest promises, and no other."""
    extra = sorted({path.name for path in folder.iterdir()} - set(FILES))
    if extra:
        raise ValueError(f"{folder / extra[0]} is not part of a bundle; remove it")
    for name, promised in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ValueError(f"{path} is missing")
        found, why = measure(path), "the file was changed or cut short"
        if found.size != promised.size:
            raise ValueError(
                f"{path} has {found.size} bytes; the manifest says {promised.size}: {why}"
            )
        if found.sha256 != promised.sha256:
            ours, theirs = f"{found.sha256[:12]}...", f"{promised.sha256[:12]}..."
            raise ValueError(f"{path}: SHA-256 is {ours}; the manifest says {theirs}: {why}")


def measure(path: Path) -> File:
    """The size and the digest of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(size=path.stat().st_size, sha256=digest)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
