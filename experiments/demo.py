"""The main job from end to end: compare, report, export the winner, compose the next issue with it.

python -m experiments.demo (what `make demo` runs); takes the same overrides as experiments.compare, e.g. force=true.
"""

import shutil
from pathlib import Path

import hydra
import numpy as np
import pandas as pd
import pyarrow as pa
import yaml
from omegaconf import DictConfig
from rich.console import Console

from bandit.core.files import read_json, replacing, write_table
from bandit.core.types import Context
from experiments.compare import compare
from experiments.runner.configs import make, resolve
from experiments.runner.folders import read_frame
from experiments.tables.table import show
from serving import export, send
from simulators.play import play_back


def next_issue(folder: Path, context: Context) -> dict[str, Path]:
    """What an editor and a member database would hand to the sender for this context."""
    rules = {name: value for name, value in context.rules.model_dump().items() if value}
    if not rules.get("pins"):  # so that the example shows one
        events = context.articles[
            (context.articles["kind"] == "event") & (context.articles["only_region"] == "")
        ]
        rules["pins"] = {
            min(3, context.rules.slots): article for article in events["article"].head(1)
        }
    member, article = np.nonzero(context.seen)
    seen = {"member": context.member_ids[member], "article": context.article_ids[article]}
    tables = {"members": context.members, "pool": context.articles, "seen": pd.DataFrame(seen)}
    paths = {name: folder / f"{name}.parquet" for name in tables} | {"rules": folder / "rules.yaml"}
    for name, table in tables.items():
        write_table(paths[name], pa.Table.from_pandas(table, preserve_index=False))
    with replacing(paths["rules"]) as part:
        part.write_text(yaml.safe_dump(rules, sort_keys=False), encoding="utf-8")
    return paths


def print_letters(
    slates: pd.DataFrame,
    pool: pd.DataFrame,
    members: pd.DataFrame,
    console: Console,
    count: int = 3,
) -> None:
    """A few members' newsletters as they would arrive: the subject line is the first headline."""
    titles = pool.set_index("article")["title"]
    for member in members["member"].iloc[:: max(1, len(members) // count)].head(count):
        row = members.set_index("member").loc[member]
        letter = slates[slates["member"] == member].dropna(subset="article")
        console.print(
            f"\n[bold]Member {member}[/bold]: {row['member_type']}, {row['practice_area']}, {row['career_stage']}"
        )
        console.print(f"  Subject: {titles[letter['article'].iloc[0]]}", markup=False)
        for _, slot in letter.iterrows():
            line = f"  {slot['slot']}. {titles[slot['article']]}  [{slot['role']}, p = {slot['propensity']:.3f}]"
            console.print(line, markup=False, highlight=False, soft_wrap=True)


@hydra.main(version_base="1.3", config_path="../configs", config_name="compare")
def main(cfg: DictConfig) -> None:
    config = resolve(cfg)
    config["name"] = config["name"] or "demo"
    console = Console()
    try:
        run = compare(config)
    except (ValueError, OSError) as error:
        raise SystemExit(f"demo: {error}") from None
    show(read_frame(run / "summary.parquet"), config["baseline"], console)
    association = make(config["simulator"] | {"issues": config["issues"]}, seed=0)
    winner = read_json(run / "winner.json")
    for _ in play_back(run / winner["unit"] / "log", association):
        pass  # the association remembers who has left, and who has seen what
    context = association.issue(association.issues + 1)
    folder = run / "next_issue"
    shutil.rmtree(
        folder, ignore_errors=True
    )  # an issue once composed is never overwritten; this one is sent to nobody
    paths = next_issue(folder, context)
    files = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    commands = [
        (export.main, [str(run), str(run / "bundle")]),
        (
            send.main,
            [
                str(run / "bundle"),
                *files,
                "--campaign",
                context.campaign,
                "--seed",
                "7",
                "--out",
                str(folder),
            ],
        ),
    ]
    for command, arguments in commands:
        failed = command(arguments)
        if failed:
            raise SystemExit(failed)
    print_letters(read_frame(folder / "slates.parquet"), context.articles, context.members, console)
    print(
        f"\nThe winner, {winner['policy']}, is in {run / 'bundle'}; its next issue in {folder / 'slates.parquet'}"
    )
    print(f"Report: {run / 'report.html'}")


if __name__ == "__main__":
    main()
