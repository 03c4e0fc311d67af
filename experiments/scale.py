"""What an association costs as it grows, in CPU time and memory: python -m experiments.scale 'members=[10000,100000]'

Each size runs in a process of its own, one after another, on one thread. An issue is planned, drawn and answered in pieces
of the member list, which changes no slate, and learned from once, as a whole. Folder: table.parquet (CPU seconds of each
issue and part), run.json (what each size cost), scale.png.
"""

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import hydra
import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib import style
from matplotlib.figure import Figure
from omegaconf import DictConfig
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
from bandit.core.types import Context, Round
from bandit.slates.walk import draw
from experiments.report.figures import COLOURS
from experiments.report.page import ACCENT, BASELINE, SOFT, STYLE
from experiments.runner.runs import folder, one_thread, plain, provenance
from experiments.runner.unit import make
from simulators.play import begin

PARTS = {  # of the work on an issue, and their colours
    "compose": "#c6cbd1",
    "plan": ACCENT,
    "draw": COLOURS["neural"],
    "respond": "#949ba4",
    "learn": COLOURS["vw"],
}
GB = 1e9
Seconds = dict[str, float]


def sent(
    learner: Any,
    association: Any,
    context: Context,
    seed: int,
    piece: int,
    spent: Seconds,
    tick: Callable[[int], None] = lambda members: None,
) -> Round:
    """The issue planned, drawn and answered, `piece` members at a time; `spent` is added to, `tick` called after each."""
    rows, parts = np.arange(len(context.members)), []
    pieces = [slice(at, at + piece) for at in range(0, len(rows), piece)]
    for at in pieces:
        with timed(spent, "compose"):
            part = context.take(at)
        with timed(spent, "plan"):
            plan = learner.plan(part)
        with timed(spent, "draw"):
            slates = draw(plan, part, seed)
        with timed(spent, "respond"):
            parts.append(Round(part, slates, association.respond(part, slates)))
        tick(len(part.members))
    with timed(spent, "learn"):
        return Round.join(context, [rows[at] for at in pieces], parts)


@contextmanager
def timed(spent: Seconds, part: str) -> Iterator[None]:
    begun = process_time()
    yield
    spent[part] += process_time() - begun


@one_thread()
def grown(
    policy: dict[str, Any],
    simulator: dict[str, Any],
    seed: int,
    piece: int,
    tick: Callable[[int], None],
) -> dict[str, Any]:
    """One size, start to end. Returns its rows for the table, the peak of its process's memory (bytes), and seconds."""
    begun, began = process_time(), perf_counter()
    association, learner = make(simulator, seed=seed), make(policy)
    begin(learner, association)
    setup = process_time() - begun
    rows = [
        _issue(learner, association, number, seed, piece, tick)
        for number in range(1, association.issues + 1)
    ]
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"rows": rows, "peak": peak, "setup": setup, "elapsed": perf_counter() - began}


def _issue(
    learner: Any, association: Any, number: int, seed: int, piece: int, tick: Callable[[int], None]
) -> dict[str, Any]:
    """One issue, and the row it leaves; nothing of it is held when the next one is composed."""
    spent = dict.fromkeys(PARTS, 0.0)
    with timed(spent, "compose"):
        context = association.issue(number)
    round = sent(learner, association, context, seed, piece, spent, tick)
    with timed(spent, "learn"):
        learner.learn(round)
    row = {"members": len(association.members), "issue": number, "sent_to": len(context.members)}
    row |= {
        "delivered": int(round.feedback.delivered.sum()),
        "clicks": int(round.feedback.clicked.sum()),
    }
    return row | spent


def scale(config: dict[str, Any]) -> Path:
    """Run every size, write the table and the figure; returns the run's folder."""
    sizes = config["members"] if isinstance(config["members"], list) else [config["members"]]
    if not sizes:
        raise ValueError("members is empty; name at least one size, e.g. members=[10000,100000]")
    least = {"issues": 2, "piece": 1, "seed": 0}  # the first issue loads the libraries
    for what, value, low in [
        *(("members", size, 1) for size in sizes),
        *((w, config[w], low) for w, low in least.items()),
    ]:
        if not isinstance(value, int) or value < low:
            raise ValueError(f"{what} = {value!r}; must be a whole number of at least {low}")
    sizes = sorted(set(sizes))
    run = folder(
        config["name"], "scale", {key: value for key, value in config.items() if key != "name"}
    )
    found = _all(config, sizes)
    table = pd.DataFrame([row for one in found for row in one["rows"]])
    costs = [_cost(one) for one in found]
    write_table(run / "table.parquet", pa.Table.from_pandas(table, preserve_index=False))
    write_json(run / "run.json", {"config": config, "sizes": costs} | growth(costs) | provenance())
    with replacing(run / "scale.png") as part:
        figure(costs).savefig(part, format="png", dpi=150, metadata={"Software": None})
    return run


def _all(config: dict[str, Any], sizes: list[int]) -> list[dict[str, Any]]:
    """What each size comes to, with a progress bar that counts member-issues."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    found = []
    with Progress(
        *columns, TextColumn("left"), TimeRemainingColumn(), console=Console(stderr=True)
    ) as progress:
        bar = progress.add_task("scale", total=sum(sizes) * config["issues"])
        for done, members in enumerate(sizes):
            progress.update(bar, description=f"scale: {members:,} members")
            found.append(_apart(config, members, lambda count: progress.advance(bar, count)))
            progress.update(
                bar, completed=sum(sizes[: done + 1]) * config["issues"]
            )  # not everyone gets every issue
        progress.update(bar, description="scale: done")
    return found


def _apart(config: dict[str, Any], members: int, tick: Callable[[int], None]) -> dict[str, Any]:
    """`grown` in a process of its own, whose memory is then that of this size alone."""
    simulator = config["simulator"] | {"members": members, "issues": config["issues"]}
    spawn = get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    work = (there, config["policy"], simulator, config["seed"], config["piece"])
    process = spawn.Process(target=_work, args=work, daemon=True)  # it ends when we do
    process.start()
    there.close()
    try:
        while isinstance(told := here.recv(), int):
            tick(told)
    except EOFError:
        process.join()
        raise OSError(
            f"the process of {members:,} members ended with exit code {process.exitcode}"
        ) from None
    process.join()
    if isinstance(told, ValueError):
        raise told
    result: dict[str, Any] = told
    return result


def _work(
    there: Any, policy: dict[str, Any], simulator: dict[str, Any], seed: int, piece: int
) -> None:
    try:
        there.send(grown(policy, simulator, seed, piece, there.send))
    except ValueError as error:
        there.send(error)


def _cost(one: dict[str, Any]) -> dict[str, Any]:
    """Of one size: CPU seconds to set up and of an issue, microseconds a member-issue of each part and in all."""
    late = pd.DataFrame(one["rows"]).iloc[1:]
    parts = {part: 1e6 * float(late[part].sum() / late["sent_to"].sum()) for part in PARTS}
    return {
        "members": int(late["members"].iloc[0]),
        "issues": len(one["rows"]),
        "sent_to": float(late["sent_to"].mean()),
        "setup_seconds": one["setup"],
        "issue_seconds": float(late[list(PARTS)].sum(axis=1).mean()),
        "elapsed_seconds": one["elapsed"],
        "peak_gb": one["peak"] / GB,
        "microseconds": parts | {"all": sum(parts.values())},
    }


def growth(costs: list[dict[str, Any]]) -> dict[str, float | None]:
    """flat: a member-issue's cost at the largest size over that at the smallest. What an issue costs is taken apart into
    fixed_seconds and member_microseconds by the line through these two; None with one size."""
    small, large = costs[0], costs[-1]
    if small is large:
        return {"flat": None, "fixed_seconds": None, "member_microseconds": None}
    each = (large["issue_seconds"] - small["issue_seconds"]) / (large["sent_to"] - small["sent_to"])
    return {
        "flat": large["microseconds"]["all"] / small["microseconds"]["all"],
        "fixed_seconds": small["issue_seconds"] - small["sent_to"] * each,
        "member_microseconds": 1e6 * each,
    }


def figure(costs: list[dict[str, Any]]) -> Figure:
    """Microseconds a member-issue, part by part, and the peak of memory, by size."""
    names = [f"{cost['members']:,}" for cost in costs]
    with style.context(STYLE, after_reset=True):
        drawn = Figure(figsize=(10, 4.2), facecolor="white")
        left, right = (
            drawn.add_axes((0.045, 0.13, 0.52, 0.72)),
            drawn.add_axes((0.65, 0.13, 0.345, 0.72)),
        )
        bottom = np.zeros(len(costs))
        for part, colour in PARTS.items():
            height = np.array([cost["microseconds"][part] for cost in costs])
            left.bar(names, height, 0.62, bottom=bottom, color=colour)
            # named beside the last bar, unless too thin for that
            if height[-1] > 0.03 * max(cost["microseconds"]["all"] for cost in costs):
                middle = bottom[-1] + height[-1] / 2
                left.text(len(costs) - 0.62, middle, part, va="center", color=SOFT)
            bottom += height
        for x, total in enumerate(bottom):
            left.text(x, total, f"{total:.1f}", ha="center", va="bottom")
        left.text(
            0, 1.08, "CPU microseconds a member and issue", transform=left.transAxes, color=SOFT
        )
        peaks = [cost["peak_gb"] for cost in costs]
        right.bar(names, peaks, 0.62, color="#c6cbd1")
        for x, peak in enumerate(peaks):
            right.text(x, peak, f"{peak:.2f}", ha="center", va="bottom")
        right.axhline(4, color=BASELINE, linewidth=1.2)
        right.text(0, 1.08, "Peak of memory, GB", transform=right.transAxes, color=SOFT)
        for axes in (left, right):
            axes.grid(axis="y")
            axes.tick_params(axis="x", labelsize=8.5)
        return drawn


def _shown(costs: list[dict[str, Any]]) -> Table:
    table = Table(
        "members",
        *PARTS,
        "all, us",
        "setup, s",
        "elapsed, s",
        "peak, GB",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for cost in costs:
        times = [f"{cost['microseconds'][part]:.2f}" for part in (*PARTS, "all")]
        more = (
            f"{cost['setup_seconds']:.1f}",
            f"{cost['elapsed_seconds']:,.0f}",
            f"{cost['peak_gb']:.2f}",
        )
        table.add_row(f"{cost['members']:,}", *times, *more)
    return table


@hydra.main(version_base="1.3", config_path="../configs", config_name="scale")
def main(cfg: DictConfig) -> None:
    try:
        run = scale(plain(cfg))
    except (ValueError, OSError) as error:
        raise SystemExit(f"scale: {error}") from None
    told = read_json(run / "run.json")
    Console().print(_shown(told["sizes"]))
    if told["flat"] is not None:
        print(f"flat: {told['flat']:.2f} (cost of a member-issue, largest over smallest size)")
        print(
            f"an issue: {told['fixed_seconds']:.2f} s and {told['member_microseconds']:.1f} microseconds a member"
        )
    print(f"run: {run}")


if __name__ == "__main__":
    main()
