"""manifest.json, by which every other file of a bundle is checked before it is parsed.

The manifest itself is checked by manifest.sha256, which `sha256sum -c` reads as well. Open this
file to see what a manifest must say, and which folders are refused as bundles.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bandit.core.check import shorten
from bandit.core.files import parse_json, write_json
from bandit.core.told import read
from serving.checks.description import Description
from serving.checks.measure import File, measure

FORMAT = 4
MANIFEST, SEAL, SIGNATURE = "manifest.json", "manifest.sha256", "manifest.sig"
POLICY, FEATURES = "policy.safetensors", "features.safetensors"
PIECES = "policy.pieces"
FILES = (MANIFEST, SEAL, POLICY, FEATURES)  # every bundle has them
EVERY = (*FILES, PIECES, SIGNATURE)  # a large one has the first as well, a signed one the second
MOST_BYTES = 1 << 26  # of a manifest


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says.

    format: of the bundle; this version reads one
    letterbandit: the version that wrote it
    policy: dotted path of the class
    parameters: what the class was made with
    features: how members and articles are read
    made_from: free facts about the run that it comes from
    files: what the other files must be
    """

    format: int
    letterbandit: str
    policy: str
    parameters: dict[str, object]
    features: Description
    made_from: dict[str, object]
    files: dict[str, File]


def write_manifest(folder: Path, content: Mapping[str, object]) -> None:
    """Write manifest.json, and beside it the digest that it will be checked by."""
    write_json(folder / MANIFEST, content)
    seal(folder)


def seal(folder: Path) -> None:
    """Write the digest of the manifest in `folder`."""
    digest = measure(folder / MANIFEST).sha256
    (folder / SEAL).write_text(f"{digest}  {MANIFEST}\n", encoding="ascii")


def read_sealed(folder: Path) -> bytes:
    """What manifest.json holds, not yet parsed.

    Raises ValueError where there is none, and where its digest is not that of manifest.sha256.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: there is no such folder")
    path, sealed = folder / MANIFEST, folder / SEAL
    for file in (path, sealed):
        if not file.is_file():
            older = "" if file == path else ", or one of a format before 3"
            raise ValueError(f"{file} is missing: {folder} is not a policy bundle{older}")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(
            f"{path} has {path.stat().st_size:,} bytes; must be at most {MOST_BYTES:,}"
        )
    data = path.read_bytes()
    if sealed.read_bytes() != f"{hashlib.sha256(data).hexdigest()}  {MANIFEST}\n".encode():
        raise ValueError(f"{path}: SHA-256 is not that of {SEAL}: one of them was changed")
    return data


def parse_manifest(path: Path, data: bytes) -> Manifest:
    """What a manifest says.

    path: of the file that `data` was read from, for the errors

    Raises ValueError where it is not what this version reads.
    """
    try:
        content = parse_json(data)
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        got = content.get("format") if isinstance(content, dict) else content
        raise ValueError(f"{path}: format = {shorten(got)}; this version reads format {FORMAT}")
    try:
        manifest = read(Manifest, content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if set(manifest.files) - {PIECES} != {POLICY, FEATURES}:
        named = shorten(sorted(manifest.files))
        raise ValueError(f"{path}: files = {named}; must be {[FEATURES, POLICY]}")
    if "_target_" in manifest.parameters:  # the class is named by `policy`, and nowhere else
        named = shorten(manifest.parameters["_target_"])
        raise ValueError(f"{path}: parameters name _target_ = {named}; no policy has that option")
    return manifest


def check_files(folder: Path, manifest: Manifest, later: Collection[str] = ()) -> None:
    """Raise ValueError unless `folder` holds the files that the manifest promises, and no other.

    later: files whose bytes are checked later; now their size is
    """
    known = {*FILES, SIGNATURE, *manifest.files}
    extra = sorted({path.name for path in folder.iterdir()} - known)
    if extra:
        raise ValueError(f"{folder / extra[0]} is not part of a bundle; remove it")
    for name, promised in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ValueError(f"{path} is missing")
        size, why = path.stat().st_size, "the file was changed or cut short"
        if size != promised.size:
            raise ValueError(f"{path} has {size} bytes; the manifest says {promised.size}: {why}")
        found = promised if name in later else measure(path)
        if found.sha256 != promised.sha256:
            ours, theirs = f"{found.sha256[:12]}...", f"{promised.sha256[:12]}..."
            raise ValueError(f"{path}: SHA-256 is {ours}; the manifest says {theirs}: {why}")


def read_version() -> str:
    """Which letterbandit this is."""
    from importlib import metadata  # it imports half of what reads e-mail

    try:
        return metadata.version("letterbandit")
    except metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return "0+unknown"
