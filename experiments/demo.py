"""The main job from end to end: compare, report, export the winner, compose the next issue with it.

python -m experiments.demo (what `make demo` runs); takes the same overrides as experiments.compare, e.g. force=true.
"""

import shutil
from pathlib import Path
from typing import Any

import hydra
import pandas as pd
import pyarrow as pa
import yaml
from omegaconf import DictConfig
from rich.console import Console

from bandit.files import read_json, replacing, write_table
from experiments.compare import compare
from experiments.runs import frame, plain
from experiments.table import show
from experiments.unit import make
from serving import export, send


def next_issue(folder: Path, association: Any) -> dict[str, Path]:
    """What an editor and a member database would hand to the sender: the issue after the last one simulated."""
    number = association.issues + 1
    pool = association.pool(number).articles
    events = pool[(pool["kind"] == "event") & (pool["only_region"] == "")]["article"]
    rules: dict[str, Any] = {"slots": association.slots, "at_most": {"kind": {"event": 2}}}
    if len(events):
        rules["pins"] = {min(3, association.slots): events.iloc[0]}
    paths = {name: folder / name for name in ("members.parquet", "pool.parquet", "rules.yaml")}
    write_table(paths["members.parquet"], pa.Table.from_pandas(association.members, preserve_index=False))
    write_table(paths["pool.parquet"], pa.Table.from_pandas(pool, preserve_index=False))
    with replacing(paths["rules.yaml"]) as part:
        part.write_text(yaml.safe_dump(rules, sort_keys=False), encoding="utf-8")
    return paths


def print_letters(slates: pd.DataFrame, pool: pd.DataFrame, members: pd.DataFrame, console: Console, count: int = 3) -> None:
    """A few members' newsletters as they would arrive: the subject line is the first headline."""
    titles = pool.set_index("article")["title"]
    for member in members["member"].iloc[:: max(1, len(members) // count)].head(count):
        row = members.set_index("member").loc[member]
        letter = slates[slates["member"] == member].dropna(subset="article")
        console.print(f"\n[bold]Member {member}[/bold]: {row['member_type']}, {row['practice_area']}, {row['career_stage']}")
        console.print(f"  Subject: {titles[letter['article'].iloc[0]]}", markup=False)
        for _, slot in letter.iterrows():
            line = f"  {slot['slot']}. {titles[slot['article']]}  [{slot['role']}, p = {slot['propensity']:.3f}]"
            console.print(line, markup=False, highlight=False, soft_wrap=True)


@hydra.main(version_base="1.3", config_path="../configs", config_name="compare")
def main(cfg: DictConfig) -> None:
    config = plain(cfg)
    config["name"] = config["name"] or "demo"
    console = Console()
    try:
        run = compare(config)
    except ValueError as error:
        raise SystemExit(f"demo: {error}") from None
    show(frame(run / "summary.parquet"), config["baseline"], console)
    association = make(config["simulator"] | {"issues": config["issues"]}, seed=0)
    folder = run / "next_issue"
    shutil.rmtree(folder, ignore_errors=True)  # an issue once composed is never overwritten; this one is sent to nobody
    paths = next_issue(folder, association)
    campaign = f"issue-{association.issues + 1:03d}"
    commands = [
        (export.main, [str(run), str(run / "bundle")]),
        (
            send.main,
            [
                *[str(run / "bundle"), "--members", str(paths["members.parquet"]), "--pool", str(paths["pool.parquet"])],
                *["--rules", str(paths["rules.yaml"]), "--campaign", campaign, "--seed", "7", "--out", str(folder)],
            ],
        ),
    ]
    for command, arguments in commands:
        failed = command(arguments)
        if failed:
            raise SystemExit(failed)
    print_letters(frame(folder / "slates.parquet"), frame(paths["pool.parquet"]), association.members, console)
    winner = read_json(run / "winner.json")["policy"]
    print(f"\nThe winner, {winner}, is in {run / 'bundle'}; its next issue in {folder / 'slates.parquet'}")
    print(f"Report: {run / 'report.html'}")


if __name__ == "__main__":
    main()
