"""A policy bundle: a folder with all that the sender needs, made of numbers and JSON.

Open this file to see what a bundle holds and what is checked before it is used. Reading one cannot
run its code. manifest.json names the policy, its constructor parameters, the features and where it
comes from, and holds the size and SHA-256 of two files: policy.safetensors (`Policy.state`) and
features.safetensors (`Features.state`). manifest.sha256 holds its own digest, and manifest.sig, if
there is one, its signature. A large policy.safetensors has policy.pieces beside it, by which it is
checked as it is read (`serving.checks.pieces`). The files of arrays name the version of the reader
that they belong to, so that parts of two bundles cannot be mixed.
"""

import json
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from bandit.core.columns import Array
from bandit.core.make import make
from bandit.core.state import State
from bandit.features.features import Features
from bandit.features.text import Encoder
from bandit.policy import Informed, Policy
from serving.checks import pieces
from serving.checks.description import LARGEST
from serving.checks.measure import measure
from serving.checks.signature import check_signature, sign
from serving.folder import replace_folder
from serving.manifest import (
    EVERY,
    FEATURES,
    FILES,
    FORMAT,
    MANIFEST,
    PIECES,
    POLICY,
    SIGNATURE,
    Manifest,
    check_files,
    parse_manifest,
    read_sealed,
    read_version,
    write_manifest,
)

TARGET = re.compile(r"bandit\.policies\.[a-z_0-9]+\.[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True)
class Bundle:
    """A policy that is ready to plan.

    policy, features: as they were when the bundle was written
    manifest: what the bundle says of itself
    digest: SHA-256 of manifest.json, and so of everything in the bundle
    signed: "unsigned", "signed" by somebody whom nobody has checked, or "signed by" whom one trusts
    """

    policy: Policy
    features: Features
    manifest: Manifest
    digest: str
    signed: str = "unsigned"


def write(
    folder: str | Path,
    policy: Policy,
    target: str,
    parameters: Mapping[str, object],
    features: Features,
    made_from: Mapping[str, object],
    key: str | Path | None = None,
) -> None:
    """Write a bundle to `folder`. An earlier bundle there is replaced.

    policy: an instance of the class at `target`, which was made with `parameters` (JSON)
    features: those that the policy was started with
    made_from: free facts (JSON) about the run
    key: a file with a private key, with which the bundle is signed; None: it is not

    Raises ValueError, and leaves what was there, for a policy that exists only in simulation,
    values that are not finite or not JSON, a folder that is no bundle, or a bundle that cannot be
    read back.
    """
    kind = find_policy(target, f"{folder}")
    if type(policy) is not kind:
        raise ValueError(
            f"{folder}: target = {target!r}, but the policy is a {type(policy).__qualname__}"
        )
    described, arrays = features.state()
    facts = {"parameters": dict(parameters), "features": described, "made_from": dict(made_from)}
    for what, value in facts.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{folder}: {what} cannot be written as JSON: {error}") from None
    with replace_folder(folder, EVERY) as part:
        for name, content in ((POLICY, policy.state()), (FEATURES, arrays)):
            _save(part / name, content, f"{folder}/{name}", features.version)
        manifest = {"format": FORMAT, "letterbandit": read_version(), "policy": target} | facts
        names = [POLICY, FEATURES]
        if (part / POLICY).stat().st_size >= pieces.LARGE:
            (part / PIECES).write_bytes(pieces.digest_pieces(part / POLICY))
            names.append(PIECES)
        manifest["files"] = {name: asdict(measure(part / name)) for name in names}
        write_manifest(part, manifest)
        try:
            read(part, features.encoder)
        except ValueError as error:
            why = str(error).replace(str(part), str(folder))
            raise ValueError(f"cannot be read back: {why}") from error
        if key is not None:
            sign(part / SIGNATURE, read_sealed(part), key)


def read(
    folder: str | Path, encoder: Encoder | None = None, trusted: str | Path | None = None
) -> Bundle:
    """The bundle in `folder`, every file checked before it is parsed.

    encoder: the one that the features were fitted with, where it is not the usual one
    trusted: a file with the public key of whoever must have signed it; None: nobody must have

    Raises ValueError that says what is wrong with which file.
    """
    folder = Path(folder)
    data = read_sealed(folder)
    signed = "signed" if (folder / SIGNATURE).is_file() else "unsigned"
    if trusted is not None:
        check_signature(folder / SIGNATURE, data, trusted)
        signed = f"signed by {trusted}"
    manifest = parse_manifest(folder / MANIFEST, data)
    where, reader = f"{folder / MANIFEST}", manifest.features.reader
    by_row = find_policy(manifest.policy, where).by_row() if PIECES in manifest.files else ()
    check_files(folder, manifest, later=[POLICY] if by_row else [])
    arrays = _load(folder / FEATURES, reader)
    state = _map(folder, reader, by_row) if by_row else _load(folder / POLICY, reader)
    try:
        features = Features.restore(asdict(manifest.features), arrays, encoder)
    except Exception as error:  # a manifest may hold anything where it describes the features
        raise ValueError(
            f"{folder}: the features do not fit this version: {type(error).__name__}: {error}"
        ) from error
    try:
        # a parameter that names a policy is made into it: the policy that a wave wraps
        asked = manifest.parameters | {"_target_": manifest.policy}
        policy = make(asked, lambda target: find_policy(target, where))
        policy.start(features)
        _check_kinds(state, policy.state())
        policy.restore(state)
    # made by another version, or a library is missing: the policy's own words say which
    except Exception as error:
        raise ValueError(
            f"{folder}: {manifest.policy} cannot be restored: {type(error).__name__}: {error}"
        ) from error
    _check_restored(folder / POLICY, state, policy.state())
    return Bundle(policy, features, manifest, sha256(data).hexdigest(), signed)


def copy(source: str | Path, target: str | Path, key: str | Path | None = None) -> Bundle:
    """Check the bundle in `source` by reading it, and copy it to `target` as `write` would.

    key: a file with a private key, with which the copy is signed; None: it is not

    Raises ValueError where `read` would, or `write`, and for a key that does not sign.
    """
    bundle = read(source)
    if Path(target).resolve().is_relative_to(Path(source).resolve()):
        raise ValueError(f"{target} lies in {source}, the bundle that is copied")
    with replace_folder(target, EVERY) as part:
        for name in {*FILES, *bundle.manifest.files}:
            shutil.copyfile(Path(source) / name, part / name)
        data = read_sealed(part)
        check_files(part, parse_manifest(part / MANIFEST, data))
        if sha256(data).hexdigest() != bundle.digest:
            raise ValueError(f"{source} changed while it was copied")
        if key is not None:
            sign(part / SIGNATURE, data, key)
    return replace(bundle, signed="unsigned" if key is None else "signed")


def _check_kinds(given: State, fresh: State) -> None:
    """Raise ValueError where an array has another type or dimension than the policy starts with.

    Policies take the arrays of a state as they are, without a copy or a cast.
    """
    for name in sorted(set(given) & set(fresh)):
        array, own = given[name], fresh[name]
        if (array.dtype, array.ndim) != (own.dtype, own.ndim):
            raise ValueError(
                f"{name} is {array.dtype} in {array.ndim} dimensions; "
                f"must be {own.dtype} in {own.ndim}"
            )


def _check_restored(path: Path, given: State, restored: State) -> None:
    """Raise ValueError where what the policy says it holds is not what the file gave it.

    There must be no array more or less, and none of another type or shape.
    """
    odd = sorted(set(given) ^ set(restored))
    if odd:
        raise ValueError(f"{path}: array {odd[0]!r} is not what the policy keeps")
    for name, array in restored.items():
        own = given[name]
        if (own.dtype, own.shape) != (array.dtype, array.shape):
            raise ValueError(
                f"{path}: {name} is {own.dtype} {own.shape}; "
                f"the policy keeps {array.dtype} {array.shape}"
            )


def find_policy(target: str, where: str) -> type[Policy]:
    """The class at `target`. Imports nothing but a module of bandit.policies."""
    if not TARGET.fullmatch(target):
        raise ValueError(f"{where}: policy = {target!r}; must be bandit.policies.<module>.<Class>")
    module, _, name = target.rpartition(".")
    kind = getattr(import_module(module), name, None) if find_spec(module) else None
    if not isinstance(kind, type) or kind.__module__ != module or not issubclass(kind, Policy):
        raise ValueError(f"{where}: policy = {target!r}; this version of bandit has no such policy")
    if issubclass(kind, Informed):
        only = "exists only in simulation and cannot be exported"
        raise ValueError(f"{where}: policy {target} {only}")
    return kind


def _save(path: Path, arrays: State, shown: str, reader: str) -> None:
    """Write arrays as safetensors, which must be given arrays in C order.

    It would write the memory of a transposed array as if it were not.

    reader: the version that they belong to, which the file will name
    """
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{shown}: {name} has type {array.dtype}; must be numbers")
    for name, array in arrays.items():
        _check_plausible(f"{shown}: {name}", array)
    try:
        save_file(arrays, path, {"reader": reader})
    except SafetensorError as error:
        raise OSError(f"{shown} cannot be written: {error}") from None


def _load(path: Path, reader: str) -> State:
    """The arrays of a file. Raises ValueError where they belong to another reader's version."""
    try:
        with safe_open(path, "numpy") as file:
            named = (file.metadata() or {}).get("reader")
            arrays: State = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # safetensors' own error is a plain Exception
        raise ValueError(f"{path} is not a safetensors file: {error}") from None
    _check_reader(path, named, reader)
    for name, array in arrays.items():
        _check_plausible(f"{path}: {name}", array)
    return arrays


def _map(folder: Path, reader: str, by_row: Collection[str]) -> State:
    """What `_load` gives of the policy's file, but the arrays `by_row` are not read yet."""
    path = folder / POLICY
    mapped = pieces.Mapped(path, (folder / PIECES).read_bytes(), _check_plausible)
    _check_reader(path, mapped.facts.get("reader"), reader)
    state = {n: rows if n in by_row else np.asarray(rows) for n, rows in mapped.tables.items()}
    return cast(State, state)


def _check_reader(path: Path, named: object, reader: str) -> None:
    if named != reader:
        raise ValueError(f"{path} was made with reader {named!r}; the manifest names {reader!r}")


def _check_plausible(where: str, array: Array) -> None:
    """Raise ValueError at the first number that is not finite, or larger than is ever learned."""
    if array.dtype.kind != "f" or not array.size:
        return
    low, high = float(array.min()), float(array.max())  # NaN where one is
    if not (low >= -LARGEST and high <= LARGEST):
        odd = ~(np.abs(array) <= LARGEST)
        at = tuple(int(i) for i in np.argwhere(odd)[0])
        must = f"must be finite, and at most {LARGEST:g}"
        raise ValueError(f"{where}{list(at)} = {array[at]}; {must}")
