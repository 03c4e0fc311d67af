"""Measure the hygiene filter on many signatures, or look at one's own events.

    python -m experiments.machines                        # a table of signatures, and a figure
    python -m experiments.machines --events events.csv    # what it finds in one's own log

What is drawn by chance was never looked at while the filter was made: that was on seeds below 1000.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

from bandit.core import files
from bandit.core.columns import to_frame
from bandit.core.types import Round
from bandit.log.doubt import MACHINES, count_people
from bandit.log.events import estimate_open_rate
from bandit.log.hygiene import tag
from bandit.log.machines.summary import summarise
from bandit.policies.blast import Blast
from experiments.machines.figure import draw_delays
from experiments.machines.signatures import SIGNATURES, draw_setting
from experiments.runner.configs import check_whole
from experiments.runner.one_line import in_one_line
from simulators import Association
from simulators.noise.noise import Noise
from simulators.play import play

HEAD = "| signature | scanners' share | recall | people lost | opens lost | holds | width | rate |"
DRAWN = "drawn by chance, {} settings"
ISSUES, POOL, SLOTS = 6, 20, 6


@dataclass(frozen=True)
class Found:
    """What became of one list's events.

    share: of clicks, the part that scanners made
    recall: share of scanners' clicks that were tagged; NaN where there are none
    lost: share of people's clicks that were tagged as scanners'
    unseen: share of people's opens that were tagged as a machine's, but for those behind a privacy
        proxy, which loads the images whether or not anybody reads
    inside: whether the interval of people's clicks holds their number
    width: of that interval, as a share of the clicks
    readable: whether the list can be read, as `bandit.log.doubt.People` has it
    opens, opened: open rate of people, as it was estimated and as it was
    """

    share: float
    recall: float
    lost: float
    unseen: float
    inside: bool
    width: float
    readable: bool
    opens: float
    opened: float


@cache
def send(seed: int, members: int) -> tuple[Round, ...]:
    """A half-dozen issues of an association, as people answered them."""
    association = Association(seed=seed, members=members, issues=ISSUES, pool=POOL, slots=SLOTS)
    return tuple(play(Blast(), association, seed=7))


def record(rounds: Sequence[Round], noise: Noise) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events of all issues, and the truth about each row."""
    tables = [
        noise.record_events(round.context, round.slates, round.feedback, strict=False)
        for round in rounds
    ]
    events, truth = zip(*tables, strict=True)
    return pd.concat(events, ignore_index=True), pd.concat(truth, ignore_index=True)


def measure(seed: int, setting: dict[str, Any], members: int) -> Found:
    """What hygiene finds on a list with this noise.

    seed: of the association and of the noise
    setting: options of `Noise`
    members: of the association
    """
    rounds = send(seed, members)
    events, truth = record(rounds, Noise(seed=seed, **setting))
    tagged = tag(events)
    clicks = (events["kind"] == "click") & ~truth["duplicate"]
    scanner, person = (clicks & (truth["source"] == who) for who in ("scanner", "human"))
    opens = (events["kind"] == "open") & (truth["source"] == "human") & ~truth["duplicate"]
    opens &= events["agent"] != "bare"
    said, people = tagged["tag"] == "scanner", count_people(tagged)
    true = int((person & (tagged["tag"] != "duplicate")).sum())
    mails = [
        pd.DataFrame({"campaign": round.context.campaign, "member": round.context.member_ids})
        for round in rounds
    ]
    return Found(
        share=float(scanner.sum() / max(clicks.sum(), 1)),
        recall=float(said[scanner].mean()),
        lost=float(said[person].mean()),
        unseen=float(tagged["tag"][opens].isin(MACHINES).mean()),
        inside=people.low <= true <= people.high,
        width=(people.high - people.low) / max(people.recorded, 1),
        readable=people.readable,
        opens=estimate_open_rate(tagged, pd.concat(mails)).human,
        opened=float(np.mean([round.feedback.opened.mean() for round in rounds])),
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.machines")
    parser.add_argument("--events", type=Path, help="csv or parquet of tracking events")
    parser.add_argument("--seeds", type=int, default=3, help="lists for each signature")
    parser.add_argument("--first", type=int, default=1000, help="the first of these seeds")
    parser.add_argument("--drawn", type=int, default=60, help="settings drawn by chance")
    parser.add_argument("--members", type=int, default=3000, help="of each list")
    parser.add_argument("--out", type=Path, default=Path("runs/machines"), help="folder to write")
    given = parser.parse_args(argv)
    with in_one_line("machines"):
        for name, least in (("seeds", 1), ("first", 0), ("drawn", 0), ("members", 20)):
            check_whole(f"--{name}", getattr(given, name), least)
        if given.events:
            events = read_events(given.events)
        else:
            write_table(given.out / "machines.md", given)
            rounds = send(given.first, given.members)
            events, _ = record(rounds, Noise(seed=given.first, noticed=0.2))
        tagged = tag(events)
        said = count_people(tagged).describe()
        Console().print(summarise(tagged).to_string(), said, sep="\n")
        with files.replacing(given.out / "delays.png") as part:
            draw_delays(tagged, said).savefig(part, dpi=150, format="png")


def read_events(path: Path) -> pd.DataFrame:
    """The events of a csv or parquet file. Raises ValueError naming a file that holds no table."""
    if path.suffix == ".parquet":
        return to_frame(files.read_table(path))
    try:
        return pd.read_csv(path)
    except ValueError as error:  # of pandas, which does not name the file
        raise ValueError(f"{path} is no csv file: {error}") from None


def write_table(path: Path, given: argparse.Namespace) -> None:
    """Measure all signatures, and settings drawn by chance, and write a table of them."""
    first, seeds, members = given.first, given.seeds, given.members
    lines = [HEAD, "| --- |" + " ---: |" * 7]
    for name, setting in track(SIGNATURES.items(), "signatures", transient=True):
        lines.append(write_row(name, [measure(first + j, setting, members) for j in range(seeds)]))
    chance = {
        first + q: measure(first + q % seeds, draw_setting(first + q), members)
        for q in track(range(given.drawn), "drawn", transient=True)
    }
    if chance:
        lines.append(write_row(DRAWN.format(given.drawn), list(chance.values())))
        lines += [count_kept(list(chance.values())), name_worst(chance)]
    with files.replacing(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    Console().print("\n".join(lines), markup=False)


def write_row(name: str, found: list[Found]) -> str:
    """The means of some lists, as a row of markdown."""
    share, lost, unseen, width = (
        mean(getattr(f, what) for f in found) for what in ("share", "lost", "unseen", "width")
    )
    recall = [f.recall for f in found if np.isfinite(f.recall)]
    caught = f"{mean(recall):.3f}" if recall else "-"
    rate = mean(f.opens - f.opened for f in found)
    held = f"{sum(f.inside for f in found)} of {len(found)}"
    cells = f"{share:.2f} | {caught} | {lost:.4f} | {unseen:.4f} | {held} | {width:.3f}"
    return f"| {name} | {cells} | {rate:+.3f} |"


def count_kept(found: list[Found]) -> str:
    """In how many lists the bounds were kept."""
    many = [f for f in found if f.share >= 0.1]
    kept, caught = mean(f.lost <= 0.01 for f in found), mean(f.recall >= 0.95 for f in many)
    return (
        f"\nOf the {len(found)} drawn, {kept:.2f} lose at most 1 % of people's clicks. Of the "
        f"{len(many)} where scanners make a tenth of the clicks or more, {caught:.2f} have .95 of "
        "theirs tagged."
    )


def name_worst(found: dict[int, Found]) -> str:
    """Of which settings, by their numbers, people lost most clicks."""
    worst = sorted(found, key=lambda number: -found[number].lost)[:3]
    told = ", ".join(f"{found[number].lost:.3f} on {number}" for number in worst)
    return f"Most of people's clicks were lost on these settings: {told}."


def mean(values: Iterable[Any]) -> float:
    return float(np.mean(list(values)))


if __name__ == "__main__":
    main()
