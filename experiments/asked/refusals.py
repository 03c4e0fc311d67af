"""What Hydra refuses to compose, in one line and in our words.

Open this file to see what a person reads who misspelt a setting or the name of a policy.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import (
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from experiments.asked.known import SET_ELSEWHERE, list_names, read_own, say_unknown
from experiments.runner.configs import CONFIGS, list_configs, resolve


def translate(
    error: Exception, command: str, overrides: Sequence[str], folders: Sequence[Path]
) -> Exception:
    """What Hydra refuses to compose as a ValueError in our words; any other error as it is.

    command: of whose yaml the configuration is composed
    overrides: of the command line
    folders: of configs
    """
    if isinstance(error, MarkedYAMLError):  # it names the file, the line and the column
        return ValueError(" ".join(str(error).split()))
    if isinstance(error, OmegaConfBaseException) and isinstance(error.__cause__, ValueError):
        return error.__cause__  # a name that is no folder's
    if isinstance(error, InstantiationException) and isinstance(error.__cause__, ValueError):
        return error.__cause__  # what a callback cannot be
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return error
    text = " ".join(str(error).split())
    if unknown := re.match(r"Could not override '([^']+)'", text):
        return ValueError(_say_not_there(unknown[1], command, overrides, folders))
    if gone := re.match(r"Interpolation key '([^']+)' not found", text):
        return ValueError(f"{gone[1]} is not there; it is a setting that {command} needs")
    if several := re.match(r"Ambiguous value for argument '(.+?)' 1\.", text):
        key, _, value = several[1].partition("=")
        return ValueError(
            f"{several[1]}: several values; -m runs each of them, {key}=[{value}] is a list"
        )
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return ValueError(_say_missing(str(error.missing_cfg_file), folders))
    if missing := re.search(r"Could not (?:load|find) '([^']+)'", text):
        return ValueError(_say_missing(missing[1], folders))
    if isinstance(error, OverrideParseException):
        return ValueError(f"{error.override}: {text.partition(' See https')[0]}")
    return ValueError(text)


def _say_not_there(
    name: str, command: str, overrides: Sequence[str], folders: Sequence[Path]
) -> str:
    """Why a name cannot be overridden: it is set elsewhere, or by a plus, or nothing reads it."""
    elsewhere = SET_ELSEWHERE.get(name, "")
    if elsewhere in read_own(command):
        return f"{name} is set by {elsewhere}; say {elsewhere}=VALUE"
    known = _list_known(command, overrides, folders, name)
    if name in known:
        return f"{name} is an option that no yaml has a value for; say +{name}=VALUE"
    return say_unknown(name, known)


def _say_missing(path: str, folders: Sequence[Path]) -> str:
    """That a group has no config of a name; the nearest of those that it has, and all of them."""
    group, _, name = path.removesuffix(".yaml").rpartition("/")
    folder = "policy" if group == "policies" else group
    valid = list_configs(folder, folders)
    near = get_close_matches(name, valid, n=1, cutoff=0.3)
    nearest = f"; nearest: {near[0]}" if near else ""
    what = f"{group}: there is no {folder}" if group != folder else f"there is no {folder}"
    return f"{what} {name!r}{nearest}; choose from {', '.join(valid)}"


def _list_known(
    command: str, overrides: Sequence[str], folders: Sequence[Path], unknown: str
) -> list[str]:
    """The names of all that may be set, beside what is unknown and may be unknown as well."""
    left = [each for each in overrides if each.lstrip("+~").partition("=")[0] != unknown]
    own = ",".join(f"'file://{folder.resolve()}'" for folder in folders if folder != CONFIGS)
    more = [f"hydra.searchpath=[{own}]"] if own else []
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for some in (left, []):
            try:
                composed = compose(command, [*some, *more], return_hydra_config="hydra." in unknown)
            except (HydraException, OmegaConfBaseException):
                continue  # another override is unknown, too
            return list_names(resolve(composed, references=False))
    return list(read_own(command))
