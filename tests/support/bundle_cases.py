"""Policies trained on three issues of a small association, ready to be written as bundles."""

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import save_file

from bandit.core.types import Context
from bandit.policy import Policy
from bandit.slates.editorial import find_eligible
from experiments.runner.configs import make
from serving import bundle
from serving.checks.measure import measure
from serving.manifest import MANIFEST, POLICY, write_manifest
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of

ROOT = Path(__file__).parents[2]
CONFIGS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / "configs/policy").glob("*.yaml"))
}
SEED = 7


def load_class(target: str) -> Any:
    module, _, name = target.rpartition(".")
    return getattr(import_module(module), name)


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


def edit_manifest(folder: Path, **changes: Any) -> None:
    """A manifest with other contents, sealed again as a forger would."""
    write_manifest(folder, json.loads((folder / MANIFEST).read_text()) | changes)


def put_arrays(folder: Path, arrays: dict[str, Any], name: str = POLICY) -> None:
    """Arrays that the manifest vouches for, as a careless tool might leave them."""
    manifest = json.loads((folder / MANIFEST).read_text())
    whole = {key: np.asarray(array, order="C") for key, array in arrays.items()}
    save_file(whole, folder / name, {"reader": manifest["features"]["reader"]})
    manifest["files"][name] = vars(measure(folder / name))
    write_manifest(folder, manifest)


def make_association() -> Association:
    return association_of(seed=0, issues=4, pool=12, slots=4, text_dims=8, click_to_open=0.4)


@cache
def train(name: str) -> Trained:
    policy, world = make(CONFIGS[name]), make_association()
    config = dict(CONFIGS[name])
    target = config.pop("_target_")
    list(play(policy, world, SEED, issues=3))
    context = world.issue(4)  # which has a pin
    regions = context.articles["only_region"].tolist()
    regions[0], regions[2] = "Great Lakes", "Southeast"
    articles = context.articles.assign(only_region=regions)
    allowed = find_eligible(context.members, articles)
    return Trained(
        policy, target, config, world, replace(context, articles=articles, eligible=allowed)
    )
