"""A command: Hydra composes what it is asked, everything unknown is refused, and then it works.

    @command("run")
    def main(config: Settings) -> None: ...

gives a `main()` for the command line. Its configuration is configs/run.yaml, its folder is Hydra's
(`hydra.run.dir`, or a folder of `hydra.sweep.dir` for each job of a sweep), and what cannot be is
said in one line. Open this file for what happens between the command line and the work.
"""

import os
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from bandit.core.files import check_local
from experiments.asked.completion import enter_completion
from experiments.asked.known import check_known
from experiments.asked.refusals import translate
from experiments.asked.sweep import begin_sweep, end_sweep, name_sweep
from experiments.asked.variants import EVERY, check_used, enter_policies
from experiments.runner.configs import CONFIGS, Settings, list_configs, resolve
from experiments.runner.folders import forget_failure, note_failure
from experiments.runner.one_line import WHOLE, blaming, in_one_line

Work = Callable[[Settings], None]


def _refuse_namesakes(folders: Sequence[Path]) -> None:
    """Raise ValueError naming a person's own yaml that Hydra would pass over for the project's."""
    for folder in folders[1:]:
        if folder.resolve() == CONFIGS.resolve():
            continue
        for path in sorted(folder.rglob("*.yaml")):
            if (CONFIGS / path.relative_to(folder)).exists():
                kind = path.relative_to(folder).parent
                raise ValueError(
                    f"{path}: the project has a {kind} {path.stem!r}, which would be taken in its "
                    "place; give yours another name"
                )


def command(
    name: str,
    like: str | None = None,
    first: Sequence[str] = (),
    enter: Callable[[Sequence[Path]], None] | None = None,
) -> Callable[[Work], Callable[[], None]]:
    """Make a command of a function that is given the whole configuration as plain values.

    name: what it calls itself when it refuses something
    like: the yaml of configs/ that it is composed from; None: that of its own name
    first: overrides that go before those of the command line
    enter: is told the folders of configs, to tell Hydra of options that are in none of them
    """
    own = like or name

    def decorate(work: Work) -> Callable[[], None]:
        failed: list[Exception] = []  # Hydra would write more than one line about it

        @hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=own)
        @wraps(work)
        def job(composed: DictConfig) -> None:
            folder = Path(HydraConfig.get().runtime.output_dir)
            sweeps = HydraConfig.get().mode is RunMode.MULTIRUN
            try:
                if sweeps:
                    forget_failure(folder)
                config = resolve(composed)
                _check_place(name, HydraConfig.get())
                check_known(config, own)
                check_used(config.get("policies") or {})
                with blaming():
                    work(config)
            except Exception as error:  # whatever it was, a sweep's other jobs go on without it
                note_failure(folder, error, keep=sweeps)
                if sweeps:
                    raise  # its launcher goes on with the other jobs
                failed.append(error)

        @wraps(work)
        def main() -> None:
            with in_one_line(name), _raise_errors():
                asked = get_args_parser().parse_intermixed_args([*first, *sys.argv[1:]])
                if asked.shell_completion and enter_completion(asked):
                    return
                folders = [CONFIGS, *(Path(f) for f in (asked.config_dir, asked.config_path) if f)]
                if asked.help:
                    print(_describe(name, own, folders))
                    return
                _refuse_namesakes(folders)
                try:
                    if enter:
                        enter(folders)
                    left = enter_policies(folders, asked.overrides, asked.multirun)
                    _check_addresses(left)
                    sys.argv[1:] = [*_list_flags(asked, [*first, *sys.argv[1:]]), *left]
                    if asked.multirun:
                        sys.argv += name_sweep(name, left)
                    failed.clear()
                    begin_sweep()
                    job()
                except Exception as error:  # Hydra's refusals are put in our words, others pass
                    if not end_sweep():
                        raise translate(error, own, asked.overrides, folders) from error
                else:
                    end_sweep()
                if failed:
                    raise failed[0]

        return main

    return decorate


@contextmanager
def _raise_errors() -> Iterator[None]:
    """Have Hydra raise what goes wrong, which it would print, for it to be said in one line."""
    before = os.environ.get(WHOLE)
    os.environ[WHOLE] = "1"
    try:
        yield
    finally:
        os.environ.pop(WHOLE)
        os.environ |= {} if before is None else {WHOLE: before}


def _check_place(name: str, running: HydraConf) -> None:
    """Raise ValueError where a place is asked for by a command that Hydra gives none."""
    for key in ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir"):
        if running.output_subdir is None and any(key in each for each in running.overrides.hydra):
            raise ValueError(f"{key} is not for {name}: see its settings for where it writes")


def _check_addresses(overrides: Sequence[str]) -> None:
    """Raise ValueError where Hydra would make a folder of an address."""
    for override in overrides:
        key, _, value = override.partition("=")
        if key.lstrip("+") in ("hydra.run.dir", "hydra.sweep.dir"):
            check_local(value.strip("'\""))


def _list_flags(asked: Namespace, arguments: Sequence[str]) -> list[str]:
    """The arguments that are no overrides, in order: Hydra wants them together."""
    flags, overrides = list(arguments), list(asked.overrides)
    for override in overrides:
        flags.remove(override)
    return flags


def _describe(name: str, own: str, folders: Sequence[Path]) -> str:
    """What --help prints: the command's yaml with its comments, and what may be chosen."""
    text = (CONFIGS / f"{own}.yaml").read_text(encoding="utf-8")
    defaults = re.search(r"^defaults:\n(?:[ #].*\n)*", text, flags=re.MULTILINE)
    groups = re.findall(r"^  - (\w+):", defaults[0] if defaults else "", flags=re.MULTILINE)
    text = re.sub(r"^(defaults|hydra):.*\n(?:[ #].*\n|\n(?=  ))*", "", text, flags=re.MULTILINE)
    lines = [
        f"python -m experiments.{name} [SETTING=VALUE ...]",
        "",
        text.strip(),
        "",
    ]
    for group in groups:
        folder = "policy" if group == "policies" else group
        names = list_configs(folder, folders)
        listed = ", ".join(names + ([EVERY] if group in ("policies", "study") else []))
        one = f"{group}=[NAME,NAME]" if group == "policies" else f"{group}=NAME"
        lines.append(f"{one}: {listed}")
    lines += [
        "",
        "--cfg job prints all that may be set, by its full name; -m runs each of several values;",
        "--config-dir DIR takes policies and simulators of your own from DIR.",
    ]
    return "\n".join(lines)
