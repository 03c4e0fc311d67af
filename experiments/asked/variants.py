"""The group `policies`: each policy of the group `policy`, at a place of its own.

Hydra reads several options of a group as one, `policies=[profile,random]`, and each option puts
its policy below `policies`: `policies.profile.budget=0.1` then changes a setting of one. Several
values, `policies.profile.budget=0.05,0.1`, make several policies of one, the variants. Which
policies there are is found in configs/ and in the folder of --config-dir, so a new policy is one
yaml. Open this file to see what `policies=` offers.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from experiments.runner.configs import Settings, list_configs

EVERY = "all"  # the option that stands for all of them
Variant = tuple[str, Settings]  # its name, and what differs from the policy's yaml

_asked: dict[str, list[str]] = {}  # variants by policy, of the command that runs


def enter_policies(
    folders: Iterable[Path], overrides: Sequence[str], sweeps: bool = False
) -> list[str]:
    """Tell Hydra of the group `policies`; returns the overrides that are left for it.

    folders: of configs; those of which have no policies do not matter
    overrides: of the command line; settings of a policy that has variants are taken out of it
    sweeps: several values are for the jobs of a sweep, and make no variants

    Raises ValueError for several values of a policy that there is not.
    """
    names = list_configs("policy", folders)
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    varied = {_split(each)[0] for each in parsed if each.is_sweep_override()} - {""}
    if sweeps:
        varied = set()
    if strange := sorted(varied - set(names)):
        raise ValueError(
            f"policies.{strange[0]} has several values; it is no policy of configs/policy: "
            "name each variant, as +policy@policies.NAME=POLICY"
        )
    _asked.clear()
    options = {}
    for name in names:
        variants = [(name, Settings())]
        if name in varied:
            variants = _make_variants(name, [e for e in parsed if _split(e)[0] == name])
            _asked[name] = [variant for variant, _ in variants]
        options[name] = variants
    store = ConfigStore.instance()
    for name, variants in options.items():
        store.store(name, _write_option([(name, *each) for each in variants]), group="policies")
    every = [(name, *each) for name, variants in options.items() for each in variants]
    store.store(EVERY, _write_option(every), group="policies")
    return [
        text
        for text, each in zip(overrides, parsed, strict=True)
        if _split(each)[0] not in varied or each.is_delete()
    ]


def check_used(policies: Settings) -> None:
    """Raise ValueError where a policy has several values and is not compared."""
    for name, variants in _asked.items():
        if not set(variants) <= set(policies):
            raise ValueError(
                f"policies.{name} has several values and is not among the policies, "
                f"which are {', '.join(policies) or 'none'}"
            )


def _split(override: Override) -> tuple[str, str]:
    """`profile` and `budget` of policies.profile.budget; twice nothing of any other."""
    found = re.fullmatch(r"policies\.([^.]+)\.(.+)", override.key_or_group)
    return (found[1], found[2]) if found and override.package is None else ("", "")


def _make_variants(name: str, overrides: list[Override]) -> list[Variant]:
    """Every combination of the values that a policy's settings have on the command line."""
    paths, choices = [], []
    for override in overrides:
        path = _split(override)[1]
        if override.is_sweep_override():
            if not override.is_discrete_sweep():
                raise ValueError(f"policies.{name}.{path}: name the values, such as 0.05,0.1")
            texts = list(override.sweep_string_iterator())
            words = [f" {path}={text}" for text in texts]
        else:
            texts, words = [override.get_value_element_as_str()], [""]
        paths.append(path)
        choices.append([(_read_value(t), word) for t, word in zip(texts, words, strict=True)])
    variants = []
    for chosen in product(*choices):
        settings: Settings = {}
        for path, (value, _) in zip(paths, chosen, strict=True):
            *above, last = path.split(".")
            inner = settings
            for key in above:
                inner = inner.setdefault(key, {})
            inner[last] = value
        label = name + "".join(word for _, word in chosen)
        variants.append((re.sub(r"[\[\]/\\:]", "_", label), settings))
    return variants


def _read_value(text: str) -> object:
    (parsed,) = OverridesParser.create().parse_overrides([f"value={text}"])
    return parsed.value()


def _write_option(variants: list[tuple[str, str, Settings]]) -> Settings:
    """One option of the group: a policy's yaml for each variant, then what differs from it.

    variants: a policy, the variant's name, its settings
    """
    defaults: list[object] = [
        {f"/policy@_global_.policies[{name}]": policy} for policy, name, _ in variants
    ]
    changed = {name: settings for _, name, settings in variants if settings}
    return {"defaults": [*defaults, "_self_"], **changed}
