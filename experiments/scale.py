"""What an association costs as it grows, in CPU time and memory.

python -m experiments.scale 'members=[10000,100000]'

Each size runs in a process of its own, one after another, on one thread. An issue is planned, drawn
and answered in pieces of the member list, which changes no slate, and learned from once, as a
whole. Folder: table.parquet (CPU seconds of each issue and part), run.json (what each size cost),
scale.png.
"""

import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, process_time

import pandas as pd
import pyarrow as pa
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from bandit.core.files import read_json, replacing, write_json, write_table
from bandit.core.threads import use_one_thread
from bandit.core.types import Round, SlotPmf
from bandit.policy import Policy
from experiments.asked.command import command
from experiments.report.scale_figure import PARTS, Cost, draw_costs
from experiments.runner.clock import add_time
from experiments.runner.configs import Settings, check_whole, make
from experiments.runner.digest import describe_origin
from experiments.runner.folders import choose_folder
from simulators.base import Simulator
from simulators.play import begin, send

GB = 1e9
Tick = Callable[[int], None]
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TaskProgressColumn(),
    TimeElapsedColumn(),
    TextColumn("left"),
    TimeRemainingColumn(),
)


@dataclass(frozen=True)
class Measured:
    """What was measured of one size.

    rows: of the table, one an issue: members, issue, sent_to, delivered, clicks, CPU seconds of
        each part
    peak: the most memory of the process, bytes
    setup: CPU seconds before the first issue
    elapsed: seconds from beginning to end
    """

    rows: list[dict[str, float]]
    peak: int
    setup: float
    elapsed: float


@use_one_thread()
def measure_size(
    policy: Settings, simulator: Settings, seed: int, piece: int, tick: Tick
) -> Measured:
    """Send all issues of one size.

    piece: members planned, drawn and answered at a time
    tick: called after each piece with the number of its members
    """
    begun, began = process_time(), perf_counter()
    association: Simulator = make(simulator, seed=seed)
    learner: Policy = make(policy)
    begin(learner, association)
    setup = process_time() - begun
    numbers = range(1, association.issues + 1)
    rows = [_send_issue(learner, association, number, seed, piece, tick) for number in numbers]
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return Measured(rows, peak, setup, perf_counter() - began)


def _send_issue(
    learner: Policy, association: Simulator, number: int, seed: int, piece: int, tick: Tick
) -> dict[str, float]:
    """The row that an issue leaves; nothing else of it is held when the next one is composed."""
    spent = dict.fromkeys(PARTS, 0.0)
    stage = partial(add_time, spent, process_time)

    def watch(wave: int, plan: SlotPmf | None, sent: Round | None) -> None:
        if sent:
            tick(len(sent.context.members))

    with stage("compose"):
        context = association.issue(number)
    round = send(learner, association, context, seed, piece=piece, stage=stage, watch=watch)
    return {
        "members": len(association.members),
        "issue": number,
        "sent_to": len(context.members),
        "delivered": int(round.feedback.delivered.sum()),
        "clicks": int(round.feedback.clicked.sum()),
    } | spent


def scale(config: Settings) -> Path:
    """Run every size, write the table and the figure; returns the run's folder.

    config: as in configs/scale.yaml

    Raises ValueError naming the first setting that cannot be.
    """
    sizes = config["members"] if isinstance(config["members"], list) else [config["members"]]
    if not sizes:
        raise ValueError("members is empty; name at least one size, e.g. members=[10000,100000]")
    for size in sizes:
        check_whole("members", size, 1)
    check_whole("issues", config["issues"], 2)  # the first issue loads the libraries
    check_whole("piece", config["piece"], 1)
    check_whole("seed", config["seed"], 0)
    sizes = sorted(set(sizes))
    settings = {key: value for key, value in config.items() if key != "name"}
    run = choose_folder(config["name"], "scale", settings)
    measured = _measure_all(config, sizes)
    table = pd.DataFrame([row for size in measured for row in size.rows])
    costs = [summarise_cost(size) for size in measured]
    write_table(run / "table.parquet", pa.Table.from_pandas(table, preserve_index=False))
    origin = describe_origin(["experiments.scale"], [config["policy"], config["simulator"]])
    facts = {"config": config, "sizes": costs} | compare_sizes(costs)
    write_json(run / "run.json", facts | origin)
    with replacing(run / "scale.png") as part:
        draw_costs(costs).savefig(part, format="png", dpi=150, metadata={"Software": None})
    return run


def _measure_all(config: Settings, sizes: Sequence[int]) -> list[Measured]:
    """Measure each size, with a progress bar that counts member-issues."""
    measured = []
    with Progress(*COLUMNS, console=Console(stderr=True)) as progress:
        bar = progress.add_task("scale", total=sum(sizes) * config["issues"])
        for done, members in enumerate(sizes):
            progress.update(bar, description=f"scale: {members:,} members")
            measured.append(_measure_apart(config, members, partial(progress.advance, bar)))
            # not everyone gets every issue
            progress.update(bar, completed=sum(sizes[: done + 1]) * config["issues"])
        progress.update(bar, description="scale: done")
    return measured


def _measure_apart(config: Settings, members: int, tick: Tick) -> Measured:
    """`measure_size` in a process of its own, whose memory is then that of this size alone."""
    simulator = config["simulator"] | {"members": members, "issues": config["issues"]}
    spawn = get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    work = (there, config["policy"], simulator, config["seed"], config["piece"])
    process = spawn.Process(target=_work, args=work, daemon=True)  # it ends when we do
    process.start()
    there.close()
    try:
        while isinstance(answer := here.recv(), int):
            tick(answer)
    except EOFError:
        process.join()
        raise OSError(
            f"the process of {members:,} members ended with exit code {process.exitcode}"
        ) from None
    process.join()
    if isinstance(answer, ValueError):
        raise answer
    measured: Measured = answer
    return measured


def _work(
    there: "Connection[object, object]",
    policy: Settings,
    simulator: Settings,
    seed: int,
    piece: int,
) -> None:
    try:
        there.send(measure_size(policy, simulator, seed, piece, there.send))
    except ValueError as error:
        there.send(error)


def summarise_cost(measured: Measured) -> Cost:
    """What one size costs, without its first issue, which loads the libraries."""
    late = pd.DataFrame(measured.rows).iloc[1:]
    each = {part: 1e6 * float(late[part].sum() / late["sent_to"].sum()) for part in PARTS}
    return {
        "members": int(late["members"].iloc[0]),
        "issues": len(measured.rows),
        "sent_to": float(late["sent_to"].mean()),
        "setup_seconds": measured.setup,
        "issue_seconds": float(late[list(PARTS)].sum(axis=1).mean()),
        "elapsed_seconds": measured.elapsed,
        "peak_gb": measured.peak / GB,
        "microseconds": each | {"all": sum(each.values())},
    }


def compare_sizes(costs: Sequence[Cost]) -> dict[str, float | None]:
    """How the cost grows from the smallest size to the largest; None with one size.

    flat: a member-issue's cost at the largest size over that at the smallest
    fixed_seconds, member_microseconds: what an issue costs and what each of its members adds, by
        the line through these two
    """
    small, large = costs[0], costs[-1]
    if small is large:
        return {"flat": None, "fixed_seconds": None, "member_microseconds": None}
    each = (large["issue_seconds"] - small["issue_seconds"]) / (large["sent_to"] - small["sent_to"])
    return {
        "flat": large["microseconds"]["all"] / small["microseconds"]["all"],
        "fixed_seconds": small["issue_seconds"] - small["sent_to"] * each,
        "member_microseconds": 1e6 * each,
    }


def _tabulate(costs: Sequence[Cost]) -> Table:
    names = ("members", *PARTS, "all, us", "setup, s", "elapsed, s", "peak, GB")
    table = Table(*names, box=None, padding=(0, 2, 0, 0))
    for cost in costs:
        table.add_row(
            f"{cost['members']:,}",
            *(f"{cost['microseconds'][part]:.2f}" for part in (*PARTS, "all")),
            f"{cost['setup_seconds']:.1f}",
            f"{cost['elapsed_seconds']:,.0f}",
            f"{cost['peak_gb']:.2f}",
        )
    return table


@command("scale")
def main(config: Settings) -> None:
    run = scale(config)
    facts = read_json(run / "run.json")
    Console().print(_tabulate(facts["sizes"]))
    if facts["flat"] is not None:
        print(f"flat: {facts['flat']:.2f} (cost of a member-issue, largest over smallest size)")
        fixed, each = facts["fixed_seconds"], facts["member_microseconds"]
        print(f"an issue: {fixed:.2f} s and {each:.1f} microseconds a member")
    print(f"run: {run}")


if __name__ == "__main__":
    main()
