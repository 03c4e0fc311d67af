"""What learning from recorded events is worth, beside learning from what people did.

    python -m experiments.machines.learning                       # the usual noise
    python -m experiments.machines.learning --drawn --issues 26   # settings of the noise by chance

Three associations of one seed are sent to for a year by the same policy: one tells it what people
did, one what `serving.ingest` would have read from the events, one every recorded open and click.
What is compared are the clicks that people would make of what they are sent. Parameters were chosen
on seeds below 1000, so these are the seeds of this command.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from bandit.core import files
from bandit.core.types import Context, Feedback, Floats, Slates
from bandit.policies.profile import Profile
from experiments.machines.signatures import draw_setting
from experiments.runner.configs import check_whole
from experiments.runner.one_line import in_one_line
from simulators import Association
from simulators.noise.noise import Noise
from simulators.play import play

WAYS: dict[str, bool | None] = {"what people did": None, "ingested": True, "all events": False}
HEAD = "| seed | ingested | all events |"


class Counted(Association):
    """An association that adds up the clicks that people would make of what they are sent."""

    clicks = 0.0

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """What comes back, as an association has it."""
        self.clicks += float(self.expected(context, slates).sum())
        return super().respond(context, slates)


def measure(seed: int, setting: dict[str, Any], members: int, issues: int) -> Floats:
    """Clicks in a year of each of WAYS to learn.

    seed: of the association and of the noise
    setting: options of `Noise`
    """
    found = []
    for hygiene in WAYS.values():
        noise = None if hygiene is None else Noise(seed=seed, **setting)
        association = Counted(
            seed=seed, members=members, issues=issues, noise=noise, hygiene=bool(hygiene)
        )
        for _ in play(Profile(), association, seed=7):
            pass
        found.append(association.clicks)
    return np.array(found)


def write_rows(shares: dict[int, Floats]) -> Iterator[str]:
    """A table: of the clicks of learning from what people did, the share that each way has.

    shares: for each seed, those of all ways but the first
    """
    yield HEAD
    yield "| --- | ---: | ---: |"
    for seed, each in shares.items():
        yield f"| {seed} | " + " | ".join(f"{share:.3f}" for share in each) + " |"
    every = np.array(list(shares.values()))
    yield "| mean | " + " | ".join(f"{share:.3f}" for share in every.mean(axis=0)) + " |"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.machines.learning")
    parser.add_argument("--seeds", type=int, default=5, help="associations")
    parser.add_argument("--first", type=int, default=0, help="the first of these seeds")
    parser.add_argument("--members", type=int, default=1500, help="of each association")
    parser.add_argument("--issues", type=int, default=52, help="sent to each")
    parser.add_argument("--drawn", action="store_true", help="settings of the noise by chance")
    parser.add_argument("--out", type=Path, default=Path("runs/machines"), help="folder to write")
    given = parser.parse_args(argv)
    with in_one_line("machines.learning"):
        for name, least in (("seeds", 1), ("first", 0), ("members", 20), ("issues", 2)):
            check_whole(f"--{name}", getattr(given, name), least)
        shares = {}
        for seed in track(range(given.first, given.first + given.seeds), "seeds", transient=True):
            setting = draw_setting(seed) if given.drawn else {}
            truth, *others = measure(seed, setting, given.members, given.issues)
            shares[seed] = np.array(others) / truth
        lines = "\n".join(write_rows(shares))
        with files.replacing(given.out / "learning.md") as part:
            part.write_text(lines + "\n", encoding="utf-8")
        Console().print(lines, markup=False)


if __name__ == "__main__":
    main()
