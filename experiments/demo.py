"""The main job from end to end: compare, report, export the winner, compose the next issue with it.

python -m experiments.demo (what `make demo` runs); takes the same overrides as experiments.compare,
e.g. force=true.
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml
from hydra.core.hydra_config import HydraConfig
from rich.console import Console

from bandit.core.columns import Columns
from bandit.core.files import read_json, replacing, write_table
from bandit.core.types import ROLES, Context
from experiments.asked.command import command
from experiments.compare import compare, tell_what_was_cut
from experiments.runner.configs import Settings
from experiments.runner.folders import read_frame
from experiments.runner.worlds import make_simulator
from experiments.tables.table import show
from serving import export, send
from simulators.play import play_back


def write_next_issue(folder: Path, context: Context) -> dict[str, Path]:
    """Write what an editor and a member database would hand to the sender for this context.

    Returns the paths of `members`, `pool`, `seen` and `rules`.
    """
    rules = {name: value for name, value in vars(context.rules).items() if value}
    if not rules.get("pins"):  # so that the example shows one
        pool = context.articles
        events = pool["article"][(pool["kind"] == "event") & (pool["only_region"] == "")]
        rules["pins"] = {min(3, context.rules.slots): article for article in events[:1]}
    member, article = np.nonzero(context.seen)
    seen = {"member": context.member_ids[member], "article": context.article_ids[article]}
    tables = {"members": context.members, "pool": context.articles, "seen": Columns(seen)}
    paths = {name: folder / f"{name}.parquet" for name in tables} | {"rules": folder / "rules.yaml"}
    for name, table in tables.items():
        write_table(paths[name], pa.table(dict(table.items())))
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
    """Print some newsletters as they would arrive: the subject line is the first headline.

    slates: what `serving.send` wrote
    pool, members: what it was written for
    count: of how many members, evenly spaced in the list
    """
    titles = pool.set_index("article")["title"]
    for member in members["member"].iloc[:: max(1, len(members) // count)].head(count):
        row = members.set_index("member").loc[member]
        letter = slates[slates["member"] == member].dropna(subset="article")
        who = ", ".join(value for value in row if isinstance(value, str))
        console.print(f"\n[bold]Member {member}[/bold]: {who}")
        console.print(f"  Subject: {titles[letter['article'].iloc[0]]}", markup=False)
        for _, slot in letter.iterrows():
            why = f"[{ROLES[slot['role']]}, p = {slot['propensity']:.3f}]"
            line = f"  {slot['slot']}. {titles[slot['article']]}  {why}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def send_next_issue(run: Path, simulator: Settings) -> Context:
    """Export the winner, and let it compose the issue that follows; returns that issue's context.

    run: folder of the comparison; gets bundle/ and next_issue/, which is sent to nobody
    simulator: config of the association that was compared on

    Raises SystemExit where exporting or sending fails.
    """
    association = make_simulator(simulator, seed=0)
    winner = read_json(run / "winner.json")
    for _ in play_back(run / winner["unit"] / "log", association):
        pass  # the association remembers who has left, and who has seen what
    context = association.issue(association.issues + 1)
    folder, bundle = run / "next_issue", str(run / "bundle")
    shutil.rmtree(folder, ignore_errors=True)  # an issue once composed is never overwritten
    paths = write_next_issue(folder, context)
    files = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    campaign = ["--campaign", context.campaign, "--seed", "7", "--out", str(folder / "sent")]
    failed = export.main([str(run), bundle]) or send.main([bundle, *files, *campaign])
    if failed:
        raise SystemExit(failed)
    return context


@command("demo", like="compare", first=["name=demo"])
def main(config: Settings) -> None:
    run, console = Path(HydraConfig.get().runtime.output_dir), Console()
    compare(config, run)
    show(read_frame(run / "summary.parquet"), config["baseline"], console)
    tell_what_was_cut(config, console)
    context = send_next_issue(run, config["simulator"] | {"issues": config["issues"]})
    slates = run / "next_issue" / "sent" / "slates.parquet"
    pool, members = context.articles.to_pandas(), context.members.to_pandas()
    print_letters(read_frame(slates), pool, members, console)
    winner = read_json(run / "winner.json")["policy"]
    print(f"\nThe winner, {winner}, is in {run / 'bundle'}; its next issue in {slates}")
    print(f"Preview: {slates.with_name('preview.html')}")
    print(f"Report: {run / 'report.html'}")


if __name__ == "__main__":
    main()
