"""The table of docs/benchmarks.md: python -m tests.benchmarks.rows RESULTS.json docs/benchmarks.md

Each benchmark that has a place in the table notes one row in what pytest-benchmark keeps of it.
Open this file to see what a row says; `make bench` runs all of them and writes the page.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HEAD = """# Speed, beside peers and limits

`make bench` makes this page, on one thread and in one run; `make bench-peers` first installs the
peers into an environment of their own. Times are the least processor time of several runs that take
turns. "Times the peer" is how many times as fast we are; "times the limit" is how many times as
long we take as the least that numpy could, which the row names. Bold figures miss their aim, and
the last column says what stands in the way. The demo alone is timed by the clock, on all cores;
with it `make bench` takes a quarter of an hour.

{machine}

| work | ours | peer | times the peer (aim) | limit | times the limit (aim) | in the way |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Beside:
    """What our time is set beside.

    name: of the peer, or what the limit does
    time: of it, in the row's unit
    aim: at least so many times the peer's speed, or at most so many times the limit; None: none
    """

    name: str
    time: float
    aim: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table.

    work: what is done
    ours: how long it takes us, in `unit`
    unit: such as "us a member"
    peer: whoever else does it; None: nobody, or the peer is not installed
    limit: the least that it could take; None: none is known
    most: the longest that it may take, in `unit`; None: only the ratios have an aim
    why: what stands in the way of the aims, which is told where one of them is missed
    """

    work: str
    ours: float
    unit: str
    peer: Beside | None = None
    limit: Beside | None = None
    most: float | None = None
    why: str = ""


def note(benchmark: Any, row: Row) -> None:
    """Keep a row with what pytest-benchmark keeps of a benchmark."""
    benchmark.extra_info["row"] = asdict(row)
    if row.peer:
        benchmark.extra_info[f"times the speed of {row.peer.name}"] = row.peer.time / row.ours
    if row.limit:
        benchmark.extra_info["times the limit"] = row.ours / row.limit.time


def write_row(row: dict[str, Any]) -> str:
    """A row as a line of the page."""
    ours, unit, peer, limit = row["ours"], row["unit"], row["peer"], row["limit"]
    most = row["most"]
    missed = most is not None and ours > most
    told = _mark(f"{_round(ours)} {unit}", missed)
    told += f" (aim {_round(most)})" if most is not None else ""
    cells = [row["work"], told, "", "", "", "", ""]
    if peer:
        times, aim = peer["time"] / ours, peer["aim"]
        slow = aim is not None and times < aim
        cells[2] = f"{peer['name']} {_round(peer['time'])}"
        cells[3], missed = _mark(_round(times), slow) + _tell(aim), missed or slow
    if limit:
        times, aim = ours / limit["time"], limit["aim"]
        slow = aim is not None and times > aim
        cells[4] = f"{limit['name']} {_round(limit['time'])}"
        cells[5], missed = _mark(_round(times), slow) + _tell(aim), missed or slow
    cells[6] = row["why"] if missed else ""
    return f"| {' | '.join(cells)} |"


def write_page(results: dict[str, Any]) -> str:
    """The page, of what pytest-benchmark wrote down.

    Raises ValueError where no benchmark has noted a row.
    """
    rows = [each["extra_info"]["row"] for each in results["benchmarks"] if _has_row(each)]
    if not rows:
        raise ValueError("no benchmark has noted a row")
    machine = results["machine_info"]
    cpu = machine.get("cpu", {}).get("brand_raw", machine["machine"])
    day = results["datetime"][:10]
    said = f"{cpu}, Python {machine['python_version']}, {day}."
    return HEAD.format(machine=said) + "\n".join(map(write_row, rows)) + "\n"


def _has_row(one: dict[str, Any]) -> bool:
    return "row" in one["extra_info"]


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _mark(text: str, missed: bool) -> str:
    return f"**{text}**" if missed else text


def _tell(aim: float | None) -> str:
    return "" if aim is None else f" ({_round(aim)})"


def main(asked: Iterable[str]) -> None:
    source, page = map(Path, asked)
    page.write_text(write_page(json.loads(source.read_text())))


if __name__ == "__main__":
    main(sys.argv[1:])
