"""What titles tell of click rates, on real ones: python -m experiments.headlines data=FILE

Judges the project's reader of headlines (`bandit/features/headline.py`) on the Upworthy Research
Archive, where readers were randomised between headlines of one article: the share of pairs within a
test that it puts in the right order, and how many more clicks its choice gets.
"""

from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bandit.core.threads import use_one_thread
from bandit.ope.intervals import Interval
from experiments.asked.command import command
from experiments.runner.configs import Settings
from simulators.replay.headlines import cross_foretell, foretell, measure_ceiling
from simulators.replay.loaders.upworthy import CLEAR, HeadlineAccuracy, Headlines, Upworthy, judge


@use_one_thread()
def measure(config: Settings, console: Console) -> tuple[HeadlineAccuracy, tuple[float, float]]:
    """The accuracy of foretold click rates, and of the true ones over all and over clear pairs.

    config: as in configs/headlines.yaml
    console: shows the progress

    Raises ValueError for a file that does not exist or cannot be read, and a test in both files.
    """
    teach = _read("data", config["data"], console)
    judged = teach if config["judge"] is None else _read("judge", config["judge"], console)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("foretelling", total=config["folds"] + 1)
        if config["judge"] is None:
            options = (config["words"], config["folds"], config["seed"])
            scores = cross_foretell(teach, *options, tick=lambda: progress.advance(task))
        else:
            scores = foretell(teach, judged, config["words"])
        progress.update(task, description="the most that could be told")
        ceiling = measure_ceiling(judged, seed=config["seed"])
    return judge(judged, scores), ceiling


def _read(what: str, path: object, console: Console) -> Headlines:
    if not isinstance(path, str) or not Path(path).is_file():
        raise ValueError(f"{what} = {path!r}; must be a file of headline experiments")
    headlines = Upworthy(path).read()
    console.print(str(headlines.account), highlight=False)
    return headlines


def write_row(name: str, found: Interval, count: int | None, most: float | None) -> list[str]:
    """One row of the table: estimate, ends of the 95 % interval, pairs, and the ceiling."""
    return [
        name,
        *(f"{value:.3f}" for value in (found.estimate, found.low, found.high)),
        "" if count is None else f"{count:,}",
        "" if most is None else f"{most:.3f}",
    ]


def make_table(found: HeadlineAccuracy, ceiling: tuple[float, float]) -> Table:
    """What the command prints."""
    heads = ("", "estimate", "from", "to", "pairs", "true rates would get")
    table = Table(*heads, box=None, padding=(0, 2, 0, 0))
    every, clear = ceiling
    table.add_row(*write_row("all pairs in the right order", found.accuracy, found.pairs, every))
    name = f"those more than {CLEAR} standard errors apart"
    table.add_row(*write_row(name, found.clear_accuracy, found.clear, clear))
    table.add_row(*write_row("clicks over an average headline's", found.lift, None, None))
    return table


@command("headlines")
def main(config: Settings) -> None:
    found, ceiling = measure(config, Console(stderr=True))
    Console().print(make_table(found, ceiling))


if __name__ == "__main__":
    main()
