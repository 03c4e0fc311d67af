"""Whether a policy, simulator, encoder or estimator keeps its contract, in words.

python -m experiments.check policy=mine --config-dir configs
python -m experiments.check simulator=mine simulator.members=200 --config-dir configs

They are what the tests ask of the project's own.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from rich.console import Console

from bandit.core.threads import use_one_thread
from experiments.asked.command import command
from experiments.check import learning, parts, planning, simulators
from experiments.check.trial import Trial
from experiments.runner.configs import Settings, find_named, make, read_named
from experiments.runner.one_line import find_place, list_own

KINDS = ("policy", "simulator", "encoder", "estimator")
Asked = tuple[str, Callable[[], None]]  # what must hold, and what raises where it does not


def list_checks(config: Settings) -> Iterator[Asked]:
    """All that is asked of what the settings name.

    Raises ValueError where that is nothing, or cannot be made.
    """
    given = {kind: config[kind] for kind in KINDS if config.get(kind) is not None}
    if not given:
        raise ValueError(f"name what is to be checked: {', '.join(f'{k}=NAME' for k in KINDS)}")
    for kind, named in given.items():
        yield from _ask(*_prepare(kind, read_named(kind, named)))


def _prepare(kind: str, config: Settings) -> tuple[Sequence[Callable[[Any], None]], Any]:
    """The checks of a kind, and what they are asked about."""
    if kind == "estimator":
        return parts.ESTIMATOR, find_named(kind, config["_target_"])
    if kind == "encoder":
        return parts.ENCODER, make(config)
    if kind == "policy":
        make(config)  # what cannot be made is said in one line
        trial = Trial(config)
        more = () if trial.is_informed else learning.UNINFORMED
        return (*planning.EVERY, *learning.EVERY, *more), trial
    made = {key: make(config, seed=key[0]) for key in ((3, 0), (3, 1), (4, 0))}
    return simulators.EVERY, lambda seed=3, copy=0: made[seed, copy].twin()


def _ask(checks: Sequence[Callable[[Any], None]], subject: Any) -> Iterator[Asked]:
    for each in checks:
        words = " ".join((each.__doc__ or each.__name__).split())
        yield words, partial(each, subject)


@use_one_thread()
def check_all(config: Settings, console: Console) -> None:
    """Ask everything, and print what holds and what does not.

    config: as in configs/check.yaml

    Raises ValueError where anything does not hold, and as `list_checks` does.
    """
    failed = asked = 0
    for words, ask in list_checks(config):
        asked += 1
        try:
            ask()
        except AssertionError as error:
            said = str(error)
        except Exception as error:  # whatever a person's own code may raise
            own = list_own(error)
            place = f" ({find_place(own)})" if own else ""
            said = f"{type(error).__name__}: {error}{place}"
        else:
            console.print(f"kept    {words}", markup=False, highlight=False, soft_wrap=True)
            continue
        failed += 1
        console.print(f"BROKEN  {words}", markup=False, highlight=False, soft_wrap=True)
        console.print(f"        {said}", markup=False, highlight=False, soft_wrap=True)
    if failed:
        raise ValueError(f"{failed} of {asked} broken")
    console.print(f"all {asked} kept", highlight=False)


@command("check")
def main(config: Settings) -> None:
    check_all(config, Console())


if __name__ == "__main__":
    main()
