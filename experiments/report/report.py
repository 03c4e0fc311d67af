"""One HTML page for a run: `python -m experiments.report RUN` writes RUN/report.html.

Of several runs, or of a folder that holds some, the command writes an index of their pages.

It is made from the run folder's tables. The page is one file that fetches nothing, and the same
tables give the same bytes. What the folder holds is read in `run.py`; the sentences are made in
`sentences.py`, and each section in the file of its name.
"""

import argparse
from os.path import commonpath
from pathlib import Path

from bandit.core.files import replacing
from experiments.report.cold_start.better_off import describe_people
from experiments.report.cold_start.section import describe_cold_start
from experiments.report.index.page import find_pages, write_index
from experiments.report.learning_curve import draw_learning_curve, draw_lift_figure
from experiments.report.next_steps import write_next
from experiments.report.off_policy import describe_off_policy
from experiments.report.page import INK, fill_template
from experiments.report.run import Run, load_run
from experiments.report.sentences import list_numbers, write_headline, write_ladder, write_lead
from experiments.tables.cold_start import LEAST_SEEDS
from experiments.tables.ladder import measure_ladder


def write(folder: Path) -> Path:
    """Write report.html into a run folder, whole or not at all; returns its path.

    Raises FileNotFoundError or ValueError that say which file of the folder lacks what.
    """
    text = render(load_run(folder))
    with replacing(folder / "report.html") as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return folder / "report.html"


def render(run: Run) -> str:
    """The page as text."""
    people = describe_people(run.people, run.winner, run.baseline)
    ladder = measure_ladder(run.results, run.facts["late_from"])
    return fill_template(
        "report.html.j2",
        run=run,
        looks=run.looks,
        enough=LEAST_SEEDS,
        first=run.looks[run.winner].ink if run.winner else INK,
        headline=write_headline(run),
        lead=write_lead(run),
        numbers=list_numbers(run),
        ladder=ladder,
        ladder_words=write_ladder(ladder, run.looks),
        curve=draw_learning_curve(run),
        lifts=draw_lift_figure(run),
        people=people,
        next=write_next(run, people),
        cold=describe_cold_start(run),
        off=describe_off_policy(run),
    )


def main() -> None:
    """Write the report of the run that the command line names; of several, an index of pages."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.report",
        description="Write RUN/report.html of one run. Of several, or of a folder that holds runs, "
        "write index.html: their pages, a line and a thumbnail each.",
    )
    files = "its run.json, summary.parquet, results.parquet and so on"
    parser.add_argument("runs", type=Path, nargs="+", help=f"folders of runs: {files}")
    runs: list[Path] = parser.parse_args().runs
    try:
        holds_runs = not (runs[0] / "run.json").exists() and any(runs[0].glob("*/*.html"))
        if len(runs) == 1 and not holds_runs:
            print(write(runs[0]))
        else:
            pages = find_pages(runs)
            print(write_index(Path(commonpath([run.absolute() for run in runs])), pages))
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"report: {error}") from None
