"""A policy bundle: a folder with all that the sender needs, made of numbers and JSON; reading it cannot run its code.

manifest.json names the policy, its constructor parameters, the features and where it comes from, and holds the size and
SHA-256 of the other two files: policy.safetensors (`Policy.state`) and features.safetensors (`Features.state`).
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.numpy import load_file, save_file

from bandit.core.files import write_json
from bandit.core.make import make
from bandit.features.features import Features
from bandit.features.text import Encoder
from bandit.policy import Informed, Policy
from serving.errors import problems
from serving.folder import replacing

FORMAT = 1
MANIFEST, POLICY, FEATURES = "manifest.json", "policy.safetensors", "features.safetensors"
FILES = (MANIFEST, POLICY, FEATURES)
TARGET = re.compile(r"bandit\.policies\.[a-z_0-9]+\.[A-Za-z][A-Za-z0-9]*")


class File(BaseModel):
    """What a file of the bundle must be."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    size: int
    sha256: str


class Manifest(BaseModel):
    """manifest.json. policy: dotted path of the class. made_from: free facts about the run it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    format: int
    letterbandit: str
    policy: str
    parameters: dict[str, Any]
    features: dict[str, Any]
    made_from: dict[str, Any]
    files: dict[str, File]


@dataclass(frozen=True)
class Bundle:
    """A policy ready to plan. digest: SHA-256 of manifest.json, and so of everything in the bundle."""

    policy: Policy
    features: Features
    manifest: Manifest
    digest: str


def write(
    folder: str | Path,
    policy: Policy,
    target: str,
    parameters: Mapping[str, Any],
    features: Features,
    made_from: Mapping[str, Any],
) -> None:
    """Write `policy`, an instance of the class at `target` constructed with `parameters` (JSON), to `folder`.

    An earlier bundle there is replaced. Raises ValueError, and leaves what was there, for a policy that exists only in
    simulation, values that are not finite or not JSON, a folder that is no bundle, or a bundle that cannot be read back.
    """
    kind = _policy_class(target, f"{folder}")
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
    with replacing(folder, FILES) as part:
        for name, content in ((POLICY, policy.state()), (FEATURES, arrays)):
            _save(part / name, content, f"{folder}/{name}")
        manifest = {"format": FORMAT, "letterbandit": _version(), "policy": target} | facts
        manifest["files"] = {name: _facts(part / name) for name in (POLICY, FEATURES)}
        write_json(
            part / MANIFEST, manifest
        )  # keys stay in order: a feature's column is its place in the list
        try:
            read(part, features.encoder)
        except ValueError as error:
            raise ValueError(
                f"cannot be read back: {error}".replace(str(part), str(folder))
            ) from error


def read(folder: str | Path, encoder: Encoder | None = None) -> Bundle:
    """The bundle in `folder`, every file checked before it is parsed. `encoder` as in `Features.restore`.

    Raises ValueError that says what is wrong with which file.
    """
    folder = Path(folder)
    manifest, digest = _read_manifest(folder)
    _check_files(folder, manifest)
    where = f"{folder / MANIFEST}"
    _policy_class(manifest.policy, where)
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
        policy = make(asked, lambda target: _policy_class(target, where))
        policy.start(features)
        _check_kinds(state, policy.state())
        policy.restore(state)
    except Exception as error:  # made by another version, or a library is missing: the policy's own words say which
        raise ValueError(
            f"{folder}: {manifest.policy} cannot be restored: {type(error).__name__}: {error}"
        ) from error
    _check_restored(folder / POLICY, state, policy.state())
    return Bundle(policy, features, manifest, digest)


def copy(source: str | Path, target: str | Path) -> Bundle:
    """Check the bundle in `source` by reading it, and copy it to `target` as `write` would. Raises ValueError."""
    bundle = read(source)
    with replacing(target, FILES) as part:
        for name in FILES:
            shutil.copyfile(Path(source) / name, part / name)
        manifest, digest = _read_manifest(part)
        _check_files(part, manifest)
        if digest != bundle.digest:
            raise ValueError(f"{source} changed while it was copied")
    return bundle


def _check_kinds(given: Mapping[str, NDArray[Any]], fresh: Mapping[str, NDArray[Any]]) -> None:
    """Policies hold on to the arrays they are given, so what they are is compared with what the policy starts with."""
    for name in sorted(set(given) & set(fresh)):
        array, own = given[name], fresh[name]
        if (array.dtype, array.ndim) != (own.dtype, own.ndim):
            raise ValueError(
                f"{name} is {array.dtype} in {array.ndim} dimensions; must be {own.dtype} in {own.ndim}"
            )


def _check_restored(
    path: Path, given: Mapping[str, NDArray[Any]], restored: Mapping[str, NDArray[Any]]
) -> None:
    """What the policy says it holds must be what the file gave it: no array more or less, none of another kind."""
    odd = sorted(set(given) ^ set(restored))
    if odd:
        raise ValueError(f"{path}: array {odd[0]!r} is not what the policy keeps")
    for name, array in restored.items():
        # a model that VW wrote again names other options than it was read with, so its length may change
        if given[name].dtype != array.dtype or (
            given[name].shape != array.shape and name != "model"
        ):
            raise ValueError(
                f"{path}: {name} is {given[name].dtype} {given[name].shape}; the policy keeps {array.dtype} {array.shape}"
            )


def _policy_class(target: str, where: str) -> type[Any]:
    """The class at `target`. Imports nothing but a module of bandit.policies."""
    if not TARGET.fullmatch(target):
        raise ValueError(f"{where}: policy = {target!r}; must be bandit.policies.<module>.<Class>")
    module, _, name = target.rpartition(".")
    kind = getattr(import_module(module), name, None) if find_spec(module) else None
    if not isinstance(kind, type) or kind.__module__ != module or not issubclass(kind, Policy):
        raise ValueError(f"{where}: policy = {target!r}; this version of bandit has no such policy")
    if issubclass(kind, Informed):
        raise ValueError(
            f"{where}: policy {target} exists only in simulation and cannot be exported"
        )
    return kind


def _read_manifest(folder: Path) -> tuple[Manifest, str]:
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
        raise ValueError(f"{path}: {problems(error)}") from None
    if set(manifest.files) != {POLICY, FEATURES}:
        raise ValueError(f"{path}: files = {sorted(manifest.files)}; must be {[FEATURES, POLICY]}")
    return manifest, hashlib.sha256(data).hexdigest()


def _check_files(folder: Path, manifest: Manifest) -> None:
    extra = sorted({path.name for path in folder.iterdir()} - set(FILES))
    if extra:
        raise ValueError(f"{folder / extra[0]} is not part of a bundle; remove it")
    for name, promised in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ValueError(f"{path} is missing")
        if path.stat().st_size != promised.size:
            raise ValueError(
                f"{path} has {path.stat().st_size} bytes; the manifest says {promised.size}: "
                "the file was changed or cut short"
            )
        sha256 = _facts(path)["sha256"]
        if sha256 != promised.sha256:
            raise ValueError(
                f"{path}: SHA-256 is {sha256[:12]}...; the manifest says {promised.sha256[:12]}...: "
                "the file was changed or cut short"
            )


def _facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {
            "size": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _save(path: Path, arrays: Mapping[str, NDArray[Any]], shown: str) -> None:
    """safetensors writes the memory of a transposed array as if it were not: hand it C order only."""
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{shown}: {name} has type {array.dtype}; must be numbers")
    _check_finite(shown, arrays)
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        arrays: dict[str, NDArray[Any]] = load_file(path)
    except Exception as error:  # safetensors' own error is a plain Exception
        raise ValueError(f"{path} is not a safetensors file: {error}") from None
    _check_finite(str(path), arrays)
    return arrays


def _check_finite(where: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"{where}: {name}{list(at)} = {array[at]}; must be finite")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _version() -> str:
    try:
        return metadata.version("letterbandit")
    except metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return "0+unknown"
