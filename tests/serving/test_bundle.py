"""A bundle is written whole or not at all, and a damaged one is refused by what is wrong."""

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bandit.core.ids import pack
from serving import bundle, export
from serving.checks.measure import measure
from serving.manifest import FILES, POLICY, seal, write_manifest
from tests.support.bundle_cases import SEED, edit_manifest, load_class, put_arrays, train

RANDOM = "bandit.policies.random.Random"


def test_a_bundle_is_readable_and_replaceable_by_others(tmp_path: Path) -> None:
    for _ in range(2):  # the second replaces the first
        train("profile").write(tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == sorted(FILES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "b").iterdir()} == {0o644}
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert (manifest["format"], manifest["policy"]) == (4, "bandit.policies.profile.Profile")
    assert manifest["made_from"] == {"seed": SEED}


def keep_state(state: dict[str, Any]) -> dict[str, Any]:
    """What `write` is asked for a policy with this state."""
    policy = load_class(RANDOM)()
    policy.state = lambda: state
    return {"policy": policy, "target": RANDOM, "parameters": {}}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"target": "bandit.policies.oracle.Oracle"}, "exists only in simulation"),
        ({"target": "os.path.join"}, "policy = 'os.path.join'; must be bandit.policies"),
        ({"target": "bandit.policies.vw.VW"}, "the policy is a Profile"),
        ({"target": "bandit.policies.profile.Gaussian"}, "has no such policy"),
        ({"target": "bandit.policies.nothing.Nothing"}, "has no such policy"),
        ({"parameters": {"budget": float("nan")}}, "parameters cannot be written as JSON"),
        ({"parameters": {"budget": np.float32(0.5)}}, "parameters cannot be written as JSON"),
        (
            {"parameters": {"magic": 3}},
            r"b: bandit.policies.profile.Profile cannot be restored: .*'magic'",
        ),
        (
            keep_state({"w": np.array([[1, 2], [np.nan, 3]])}),
            r"b/policy.safetensors: w\[1, 0\] = nan; must be finite",
        ),
        (keep_state({"w": np.array(["a"])}), "w has type <U1; must be numbers"),
    ],
)
def test_refuses_to_write(other: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        train("profile").write(tmp_path / "b", **other)
    assert not list(tmp_path.iterdir())


def test_replaces_nothing_but_a_bundle(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    (tmp_path / "file").write_text("x")
    kept = shutil.copytree(folder, tmp_path / "kept")
    (kept / "notes.txt").write_text("mine")
    for target, message in {
        "thesis": "holds no manifest.json",
        "file": "is a file",
        "kept": "notes.txt",
    }.items():
        with pytest.raises(ValueError, match=message):
            train("profile").write(tmp_path / target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "kept", "thesis"]
    (kept / "notes.txt").unlink()
    with pytest.raises(ValueError, match="magic"):  # a failed export leaves the earlier bundle
        train("profile").write(kept, parameters={"magic": 3})
    bundle.read(kept)


def test_arrays_in_any_memory_order_survive(tmp_path: Path) -> None:
    array = np.arange(12.0).reshape(3, 4)
    state = {
        "turned": array.T,
        "thinned": array[:, ::2],
        "number": np.array(3),
        "none": np.zeros((0, 5), dtype=np.float32),
    }
    bundle._save(tmp_path / "policy.safetensors", state, "here", "v")
    found = bundle._load(tmp_path / "policy.safetensors", "v")
    for key, value in state.items():
        assert found[key].dtype == value.dtype
        assert np.array_equal(found[key], value), key
    assert found["number"].shape == ()


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def forge(folder: Path, text: str) -> None:
    """Any text in place of the manifest, under its digest."""
    (folder / "manifest.json").write_text(text)
    seal(folder)


def read_features(folder: Path) -> dict[str, Any]:
    features: dict[str, Any] = json.loads((folder / "manifest.json").read_text())["features"]
    return features


def mix_in_another(folder: Path) -> None:
    """The policy of another bundle, whose reader is another, under forged digests."""
    manifest = json.loads((folder / "manifest.json").read_text())
    save_file(load_file(folder / POLICY), folder / POLICY, {"reader": "another"})
    manifest["files"][POLICY] = vars(measure(folder / POLICY))
    write_manifest(folder, manifest)


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "policy.safetensors: SHA-256 is .*; the manifest says .*: the file was changed": lambda f: (
        flip_a_bit(f / "policy.safetensors")
    ),
    "features.safetensors: SHA-256": lambda f: flip_a_bit(f / "features.safetensors"),
    "policy.safetensors has 1000 bytes; the manifest says": lambda f: (
        f / "policy.safetensors"
    ).write_bytes(bytes(1000)),
    "features.safetensors is missing": lambda f: (f / "features.safetensors").unlink(),
    "manifest.json is missing": lambda f: (f / "manifest.json").unlink(),
    "model.pkl is not part of a bundle": lambda f: (f / "model.pkl").write_bytes(b"x"),
    "manifest.sha256 is missing: .* one of a format before 3": lambda f: (
        f / "manifest.sha256"
    ).unlink(),
    "manifest.json: SHA-256 is not that of manifest.sha256": lambda f: (
        f / "manifest.json"
    ).write_text("{"),
    "manifest.json is not valid JSON": lambda f: forge(f, "{"),
    "not valid JSON: 'NaN' is not finite": lambda f: forge(f, '{"lift": NaN}'),
    "not valid JSON: '1e999' is not finite": lambda f: forge(f, '{"lift": 1e999}'),
    "not valid JSON: '1{20,}\\.\\.\\.1{20,}' is too large": lambda f: forge(
        f, '{"seed": ' + "1" * 99 + "}"
    ),
    "not valid JSON: 'format' is given twice": lambda f: forge(f, '{"format": 3, "format": 3}'),
    "format = 2; this version reads format 4": lambda f: edit_manifest(f, format=2),
    "files = ": lambda f: edit_manifest(f, files={}),
    "extra = 1: there is no such setting": lambda f: edit_manifest(f, extra=1),
    "must be bandit.policies.<module>.<Class>": lambda f: edit_manifest(
        f, policy="subprocess.Popen"
    ),
    "must be bandit.policies": lambda f: edit_manifest(
        f, policy="bandit.policies.profile.Profile\n"
    ),
    "exists only in simulation": lambda f: edit_manifest(f, policy="bandit.policies.oracle.Oracle"),
    "VW cannot be restored": lambda f: edit_manifest(
        f, policy="bandit.policies.vw.VW", parameters={}
    ),
    "cannot be restored: ValueError: budget = 3; must be in": lambda f: edit_manifest(
        f, parameters={"budget": 3}
    ),
    "made with encoder 'other'": lambda f: edit_manifest(
        f, features=read_features(f) | {"encoder": "other"}
    ),
    "features.levels: it is missing": lambda f: edit_manifest(f, features={}),
    "features do not fit this version: ValueError: what is described": lambda f: edit_manifest(
        f, features=read_features(f) | {"verbatim": True}
    ),
    "features.numeric.0.sd = -1.0: must be greater than 0": lambda f: edit_manifest(
        f, features=read_features(f) | {"numeric": [{"attribute": "a", "mean": 0.0, "sd": -1.0}]}
    ),
    "features.levels.0.values = 'abc': must be a valid list": lambda f: edit_manifest(
        f, features=read_features(f) | {"levels": [{"attribute": "a", "values": "abc"}]}
    ),
    "attribute 'a': value 'x' is given 2 times": lambda f: edit_manifest(
        f, features=read_features(f) | {"levels": [{"attribute": "a", "values": ["x", "y", "x"]}]}
    ),
    "at most 500 items": lambda f: edit_manifest(
        f,
        features=read_features(f)
        | {"levels": [{"attribute": "a", "values": list(map(str, range(600_000)))}]},
    ),
    "the reader's centre has shape": lambda f: put_arrays(
        f,
        load_file(f / "features.safetensors") | {"centre": np.zeros(1)},
        "features.safetensors",
    ),
    "novelty's span has shape": lambda f: put_arrays(
        f,
        load_file(f / "features.safetensors") | {"span": np.zeros((2, 1))},
        "features.safetensors",
    ),
    "policy.safetensors was made with reader 'another'; the manifest names": lambda f: (
        mix_in_another(f)
    ),
    "max_slots = 1000000000; must be at most 1000": lambda f: edit_manifest(
        f, parameters={"max_slots": 10**9}
    ),
    r"examination has shape \(2, 3\)": lambda f: put_arrays(
        f, load_file(f / "policy.safetensors") | {"examination": np.ones((2, 3))}
    ),
    "the keys of 3 members do not ascend": lambda f: put_arrays(
        f,
        load_file(f / "policy.safetensors")
        | {"profiles.roster.keys": np.array([5, 100001, 100001], dtype=np.uint64)},
    ),
    "id 'a' is given 2 times": lambda f: put_arrays(
        f, load_file(f / "policy.safetensors") | {"appeal.ids": pack(["a", 5, "a"])}
    ),
    r"B\[0, 1\] = inf; must be finite": lambda f: put_arrays(f, {"B": np.array([[1.0, np.inf]])}),
    r"cannot be restored: ValueError: B has shape \(1, 1\)": lambda f: put_arrays(
        f, load_file(f / "policy.safetensors") | {"B": np.array([[1.0]])}
    ),
    "ValueError: the state lacks array 'profiles.roster.keys'; it has B": lambda f: put_arrays(
        f, {"B": np.array([[1.0]])}
    ),
}


@pytest.mark.parametrize("message", DAMAGE)
def test_refuses_a_damaged_bundle(
    message: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harmed = shutil.copytree(folder, tmp_path / "run" / "bundle")
    DAMAGE[message](harmed)
    with pytest.raises(ValueError, match=message):
        bundle.read(harmed)
    assert export.main([str(tmp_path / "run"), str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "parameters",
    [{"bits": "18 -f stolen"}, {"gamma_exponent": "0.5 -f stolen"}, {"l2": "0 --audit"}],
)
def test_a_manifest_cannot_smuggle_options_into_vw(
    tmp_path: Path, parameters: dict[str, Any]
) -> None:
    """VW reads its settings from a command line, where -f names a file to write."""
    train("vw").write(tmp_path / "b")
    edit_manifest(
        tmp_path / "b",
        parameters=json.loads((tmp_path / "b" / "manifest.json").read_text())["parameters"]
        | parameters,
    )
    with pytest.raises(ValueError, match="cannot be restored"):
        bundle.read(tmp_path / "b")
    assert not Path("stolen").exists()


def test_the_parameters_of_a_manifest_name_no_class(tmp_path: Path) -> None:
    """The policy is named in one place: a second name would be ignored in silence."""
    train("blast").write(tmp_path / "b")
    edit_manifest(tmp_path / "b", parameters={"_target_": "bandit.policies.random.Random"})
    with pytest.raises(ValueError, match=r"manifest\.json: parameters name _target_ = 'bandit\."):
        bundle.read(tmp_path / "b")
