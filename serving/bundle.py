"""A policy bundle: a folder with all that the sender needs, made of numbers and JSON.

Open this file to see what a bundle holds and what is checked before it is used. Reading one cannot
run its code. manifest.json names the policy, its constructor parameters, the features and where it
comes from, and holds the size and SHA-256 of the other two files: policy.safetensors
(`Policy.state`) and features.safetensors (`Features.state`).
"""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from bandit.core.files import write_json
from bandit.core.make import make
from bandit.core.state import State
from bandit.features.features import Features
from bandit.features.text import Encoder
from bandit.policy import Informed, Policy
from serving.folder import replace_folder
from serving.manifest import (
    FEATURES,
    FILES,
    FORMAT,
    MANIFEST,
    POLICY,
    Manifest,
    check_files,
    measure,
    read_manifest,
)

TARGET = re.compile(r"bandit\.policies\.[a-z_0-9]+\.[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True)
class Bundle:
    """A policy that is ready to plan.

    policy, features: as they were when the bundle was written
    manifest: what the bundle says of itself
    digest: SHA-256 of manifest.json, and so of everything in the bundle
    """

    policy: Policy
    features: Features
    manifest: Manifest
    digest: str


def write(
    folder: str | Path,
    policy: Policy,
    target: str,
    parameters: Mapping[str, object],
    features: Features,
    made_from: Mapping[str, object],
) -> None:
    """Write a bundle to `folder`. An earlier bundle there is replaced.

    policy: an instance of the class at `target`, which was made with `parameters` (JSON)
    features: those that the policy was started with
    made_from: free facts (JSON) about the run

    Raises ValueError, and leaves what was there, for a policy that exists only in simulation,
    values that are not finite or not JSON, a folder that is no bundle, or a bundle that cannot be
    read back.
    """
    kind = _find_policy(target, f"{folder}")
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
    with replace_folder(folder, FILES) as part:
        for name, content in ((POLICY, policy.state()), (FEATURES, arrays)):
            _save(part / name, content, f"{folder}/{name}")
        manifest = {"format": FORMAT, "letterbandit": _read_version(), "policy": target} | facts
        manifest["files"] = {name: measure(part / name).model_dump() for name in (POLICY, FEATURES)}
        # Keys stay in order: the order of levels is the order of the features' columns.
        write_json(part / MANIFEST, manifest)
        try:
            read(part, features.encoder)
        except ValueError as error:
            why = str(error).replace(str(part), str(folder))
            raise ValueError(f"cannot be read back: {why}") from error


def read(folder: str | Path, encoder: Encoder | None = None) -> Bundle:
    """The bundle in `folder`, every file checked before it is parsed.

    encoder: the one that the features were fitted with, where it is not the usual one. Raises
    ValueError that says what is wrong with which file.
    """
    folder = Path(folder)
    manifest, digest = read_manifest(folder)
    check_files(folder, manifest)
    where = f"{folder / MANIFEST}"
    _find_policy(manifest.policy, where)
    arrays, state = _load(folder / FEATURES), _load(folder / POLICY)
    try:
        features = Features.restore(manifest.features, arrays, encoder)
    except Exception as error:  # a manifest may hold anything where it describes the features
        raise ValueError(
            f"{folder}: the features do not fit this version: {type(error).__name__}: {error}"
        ) from error
    try:
        # a parameter that names a policy is made into it: the policy that a wave wraps
        asked = manifest.parameters | {"_target_": manifest.policy}
        policy = make(asked, lambda target: _find_policy(target, where))
        policy.start(features)
        _check_kinds(state, policy.state())
        policy.restore(state)
    # made by another version, or a library is missing: the policy's own words say which
    except Exception as error:
        raise ValueError(
            f"{folder}: {manifest.policy} cannot be restored: {type(error).__name__}: {error}"
        ) from error
    _check_restored(folder / POLICY, state, policy.state())
    return Bundle(policy, features, manifest, digest)


def copy(source: str | Path, target: str | Path) -> Bundle:
    """Check the bundle in `source` by reading it, and copy it to `target` as `write` would.

    Raises ValueError where `read` would, or `write`.
    """
    bundle = read(source)
    with replace_folder(target, FILES) as part:
        for name in FILES:
            shutil.copyfile(Path(source) / name, part / name)
        manifest, digest = read_manifest(part)
        check_files(part, manifest)
        if digest != bundle.digest:
            raise ValueError(f"{source} changed while it was copied")
    return bundle


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


def _find_policy(target: str, where: str) -> type[Policy]:
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


def _save(path: Path, arrays: State, shown: str) -> None:
    """Write arrays as safetensors, which must be given arrays in C order.

    It would write the memory of a transposed array as if it were not.
    """
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{shown}: {name} has type {array.dtype}; must be numbers")
    _check_finite(shown, arrays)
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)


def _load(path: Path) -> State:
    try:
        arrays: State = load_file(path)
    except Exception as error:  # safetensors' own error is a plain Exception
        raise ValueError(f"{path} is not a safetensors file: {error}") from None
    _check_finite(str(path), arrays)
    return arrays


def _check_finite(where: str, arrays: State) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"{where}: {name}{list(at)} = {array[at]}; must be finite")


def _read_version() -> str:
    try:
        return metadata.version("letterbandit")
    except metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return "0+unknown"
