"""Promises 2 and 5: a bundle gives bit for bit what the policy in the experiment gives.

It does so in any order and in any chunks.
"""

import json
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from safetensors.numpy import save_file

from bandit.core.types import Context
from bandit.policy import Policy
from bandit.slates.editorial import find_eligible
from bandit.slates.walk import draw
from experiments.runner.configs import make
from serving import bundle, export, send
from serving.manifest import FILES, measure
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of
from tests.support.words import same_chances, same_table

ROOT = Path(__file__).parents[2]
CONFIGS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / "configs/policy").glob("*.yaml"))
}
RANDOM = "bandit.policies.random.Random"
SEED = 7


def class_of(target: str) -> Any:
    module, _, name = target.rpartition(".")
    return getattr(import_module(module), name)


EXPORTABLE = [
    name for name, config in CONFIGS.items() if not hasattr(class_of(config["_target_"]), "reveal")
]


@dataclass(frozen=True)
class Trained:
    policy: Policy
    target: str
    parameters: dict[str, Any]
    association: Association
    context: Context  # the issue after the last one learned from

    def write(self, folder: Path, **other: Any) -> None:
        asked = {
            "policy": self.policy,
            "target": self.target,
            "parameters": self.parameters,
        } | other
        bundle.write(folder, features=self.association.features, made_from={"seed": SEED}, **asked)


def association() -> Association:
    return association_of(seed=0, issues=4, pool=12, slots=4, text_dims=8, click_to_open=0.4)


@cache
def trained(name: str) -> Trained:
    policy, world = make(CONFIGS[name]), association()
    config = dict(CONFIGS[name])
    target = config.pop("_target_")
    list(play(policy, world, SEED, issues=3))
    context = world.issue(4)  # which has a pin
    articles = context.articles.copy()
    articles.loc[[0, 2], "only_region"] = ["Great Lakes", "Southeast"]
    allowed = find_eligible(context.members, articles)
    return Trained(
        policy, target, config, world, replace(context, articles=articles, eligible=allowed)
    )


@cache
def seen_pairs(name: str) -> pd.DataFrame:
    context = trained(name).context
    rows, columns = np.nonzero(context.seen)
    pairs = pd.DataFrame(
        {"member": context.member_ids[rows], "article": context.article_ids[columns]}
    )
    strangers = pd.DataFrame(
        {"member": [999_999, pairs["member"][0]], "article": [pairs["article"][0], "gone"]}
    )
    return pd.concat([strangers, pairs.iloc[::-1]])


@pytest.fixture(scope="module", autouse=True)
def _let_go() -> Iterator[None]:
    """Vowpal Wabbit complains if it is still there when the interpreter goes."""
    yield
    trained.cache_clear()


@pytest.fixture(params=EXPORTABLE)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One profile bundle, to be copied before it is harmed."""
    path = tmp_path_factory.mktemp("bundles") / "profile"
    trained("profile").write(path)
    return path


def composed(
    found: bundle.Bundle,
    name: str,
    rows: Any = slice(None),
    pool: Any = slice(None),
    chunk: int = 999,
) -> pd.DataFrame:
    context = trained(name).context
    members, articles = context.members.iloc[rows], context.articles.iloc[pool]
    tables = send.compose(
        found, members, articles, context.rules, context.campaign, SEED, seen_pairs(name), chunk
    )
    return pa.concat_tables(tables).to_pandas()


def test_there_are_policies_to_export() -> None:
    assert {"profile", "vw", "lin_ts", "segment_learned", "segment_rules"} <= set(EXPORTABLE)
    assert {"oracle", "bayes_limit"} <= set(CONFIGS) - set(EXPORTABLE)


def test_production_gives_what_research_gives(name: str, tmp_path: Path) -> None:
    mine = trained(name)
    mine.write(tmp_path / "b")
    found = bundle.read(tmp_path / "b")
    context = mine.context
    here, there = mine.policy.plan(context), found.policy.plan(context)
    chances = here(context.eligible), there(context.eligible)
    same_chances("bundle -> read -> plan", context, here.scores, there.scores, "score")
    same_chances("bundle -> read -> plan", context, *chances)
    slates = draw(here, context, SEED)
    rng = np.random.default_rng(5)
    order, pool = rng.permutation(len(context.members)), rng.permutation(len(context.articles))
    straight = composed(found, name)
    same_table("bundle -> send", context, slates, straight)
    shuffled = composed(found, name, order, pool, chunk=37)
    moved = context.take(order), slates.take(order)
    same_table("bundle -> send in another order, in chunks of 37", *moved, shuffled)
    assert shuffled["member"].tolist() == context.member_ids[order].repeat(4).tolist()
    k = np.arange(4)
    pd.testing.assert_frame_equal(
        shuffled, straight.iloc[(4 * order[:, None] + k).ravel()].reset_index(drop=True)
    )
    few = order[:5]
    pd.testing.assert_frame_equal(
        composed(found, name, few, chunk=1), shuffled.iloc[: 4 * len(few)]
    )


def test_slates_obey_the_hard_rules(folder: Path) -> None:
    context = trained("profile").context
    assert context.rules.pins
    assert context.seen.any()
    assert not context.eligible.all()
    table = composed(bundle.read(folder), "profile")
    place = {article: j for j, article in enumerate(context.article_ids)}
    at = table["article"].map(place).to_numpy().reshape(-1, 4)
    assert context.eligible[np.arange(len(at))[:, None], at].all()
    pinned = table[table["slot"] == 3]
    assert set(pinned["article"]) == set(context.rules.pins.values())
    assert set(pinned["role"]) == {"pinned"}
    assert (pinned["propensity"] == 1).all()


def test_a_bundle_is_readable_and_replaceable_by_others(tmp_path: Path) -> None:
    for _ in range(2):  # the second replaces the first
        trained("profile").write(tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == sorted(FILES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "b").iterdir()} == {0o644}
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert (manifest["format"], manifest["policy"]) == (1, "bandit.policies.profile.Profile")
    assert manifest["made_from"] == {"seed": SEED}


def keeping(state: dict[str, Any]) -> dict[str, Any]:
    """What `write` is asked for a policy with this state."""
    policy = class_of(RANDOM)()
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
            keeping({"w": np.array([[1, 2], [np.nan, 3]])}),
            r"b/policy.safetensors: w\[1, 0\] = nan; must be finite",
        ),
        (keeping({"w": np.array(["a"])}), "w has type <U1; must be numbers"),
    ],
)
def test_refuses_to_write(other: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        trained("profile").write(tmp_path / "b", **other)
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
            trained("profile").write(tmp_path / target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "kept", "thesis"]
    (kept / "notes.txt").unlink()
    with pytest.raises(ValueError, match="magic"):  # a failed export leaves the earlier bundle
        trained("profile").write(kept, parameters={"magic": 3})
    bundle.read(kept)


def test_arrays_in_any_memory_order_survive(tmp_path: Path) -> None:
    array = np.arange(12.0).reshape(3, 4)
    state = {
        "turned": array.T,
        "thinned": array[:, ::2],
        "number": np.array(3),
        "none": np.zeros((0, 5), dtype=np.float32),
    }
    bundle._save(tmp_path / "policy.safetensors", state, "here")
    found = bundle._load(tmp_path / "policy.safetensors")
    for key, value in state.items():
        assert found[key].dtype == value.dtype
        assert np.array_equal(found[key], value), key
    assert found["number"].shape == ()


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def put(folder: Path, arrays: dict[str, Any]) -> None:
    """Arrays that the manifest vouches for, as a careless tool might leave them."""
    save_file(arrays, folder / "policy.safetensors")
    files = json.loads((folder / "manifest.json").read_text())["files"]
    edit(
        folder,
        files=files | {"policy.safetensors": measure(folder / "policy.safetensors").model_dump()},
    )


DAMAGE = {
    "policy.safetensors: SHA-256 is .*; the manifest says .*: the file was changed": lambda f: flip(
        f / "policy.safetensors"
    ),
    "features.safetensors: SHA-256": lambda f: flip(f / "features.safetensors"),
    "policy.safetensors has 1000 bytes; the manifest says": lambda f: (
        f / "policy.safetensors"
    ).write_bytes(bytes(1000)),
    "features.safetensors is missing": lambda f: (f / "features.safetensors").unlink(),
    "manifest.json is missing": lambda f: (f / "manifest.json").unlink(),
    "model.pkl is not part of a bundle": lambda f: (f / "model.pkl").write_bytes(b"x"),
    "manifest.json is not valid JSON": lambda f: (f / "manifest.json").write_text("{"),
    "not valid JSON: NaN": lambda f: edit(f, made_from={"lift": float("nan")}),
    "format = 2; this version reads format 1": lambda f: edit(f, format=2),
    "files = ": lambda f: edit(f, files={}),
    "extra = 1: there is no such setting": lambda f: edit(f, extra=1),
    "must be bandit.policies.<module>.<Class>": lambda f: edit(f, policy="subprocess.Popen"),
    "must be bandit.policies": lambda f: edit(f, policy="bandit.policies.profile.Profile\n"),
    "exists only in simulation": lambda f: edit(f, policy="bandit.policies.oracle.Oracle"),
    "VW cannot be restored": lambda f: edit(f, policy="bandit.policies.vw.VW", parameters={}),
    "cannot be restored: ValueError: budget = 3; must be in": lambda f: edit(
        f, parameters={"budget": 3}
    ),
    "made with encoder 'other'": lambda f: edit(
        f, features=json.loads((f / "manifest.json").read_text())["features"] | {"encoder": "other"}
    ),
    "the features do not fit": lambda f: edit(f, features={}),
    r"B\[0, 1\] = inf; must be finite": lambda f: put(f, {"B": np.array([[1.0, np.inf]])}),
    r"cannot be restored: ValueError: B has shape \(1, 1\)": lambda f: put(
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
    trained("vw").write(tmp_path / "b")
    edit(
        tmp_path / "b",
        parameters=json.loads((tmp_path / "b" / "manifest.json").read_text())["parameters"]
        | parameters,
    )
    with pytest.raises(ValueError, match="cannot be restored"):
        bundle.read(tmp_path / "b")
    assert not Path("stolen").exists()


def test_the_parameters_of_a_manifest_name_no_class(tmp_path: Path) -> None:
    """The policy is named in one place: a second name would be ignored in silence."""
    trained("blast").write(tmp_path / "b")
    edit(tmp_path / "b", parameters={"_target_": "bandit.policies.random.Random"})
    with pytest.raises(ValueError, match=r"manifest\.json: parameters name _target_ = 'bandit\."):
        bundle.read(tmp_path / "b")
