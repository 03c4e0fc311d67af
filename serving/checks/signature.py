"""Signing a bundle, and checking who signed it: Ed25519 (Bernstein et al. 2012).

What is signed is manifest.json, which holds the digests of all other files. Keys are PEM files, as
OpenSSL makes them:

    openssl genpkey -algorithm ed25519 -out key.pem
    openssl pkey -in key.pem -pubout -out public.pem

Open this file for what a signature vouches for. It needs the package `cryptography`, which the
extra `[sign]` brings.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )


def sign(path: Path, manifest: bytes, key: str | Path) -> None:
    """Sign what manifest.json holds with a private key, and leave the signature at `path`.

    Raises ValueError where `key` is no file with an Ed25519 private key.
    """
    signature = _read_private_key(key).sign(manifest)
    path.write_text(f"{signature.hex()}\n", encoding="ascii")


def check_signature(path: Path, manifest: bytes, trusted: str | Path) -> None:
    """Raise ValueError unless the owner of a public key has signed what manifest.json holds.

    path: of the signature
    trusted: a file with an Ed25519 public key
    """
    public = _read_public_key(trusted)
    from cryptography.exceptions import InvalidSignature

    if not path.is_file():
        raise ValueError(f"{path} is missing: the bundle is not signed, and {trusted} was to be")
    try:
        public.verify(bytes.fromhex(path.read_text(encoding="ascii").strip()), manifest)
    except (InvalidSignature, ValueError):
        raise ValueError(
            f"{path} is no signature of the manifest by the key of {trusted}"
        ) from None


def _read_private_key(path: str | Path) -> "Ed25519PrivateKey":
    """The private key in a PEM file. Raises ValueError where there is none."""
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(Path(path).read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:  # a TypeError where it wants a password
        raise ValueError(f"{path} holds no private key that can be read: {error}") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise ValueError(f"{path} holds a {type(found).__name__}; must be an Ed25519 private key")
    return found


def _read_public_key(path: str | Path) -> "Ed25519PublicKey":
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = load_pem_public_key(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} holds no public key that can be read: {error}") from None
    if not isinstance(found, Ed25519PublicKey):
        raise ValueError(f"{path} holds a {type(found).__name__}; must be an Ed25519 public key")
    return found


def _require() -> None:
    """Raise ValueError where the package that signs is not installed."""
    try:
        import cryptography  # noqa: F401
    except ModuleNotFoundError:
        raise ValueError(
            "signatures need the package cryptography: pip install letterbandit[sign]"
        ) from None
