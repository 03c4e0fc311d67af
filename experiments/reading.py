"""What a log's articles are about, and whether the reader of topics still fits.

python -m experiments.reading log=runs/demo/units/profile-0
python -m experiments.reading log=runs/demo/units/profile-0 refit=true

With refit=true the reader is learned anew from the log's own pools, and a new policy learns the log
from its first issue, so every member's profile is carried over in the new topics. Leaves a bundle
for serving.send. Old profiles and new topics never mix: a bundle names its reader's version.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from hydra.core.hydra_config import HydraConfig
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bandit.core import check
from bandit.core.threads import use_one_thread
from bandit.features.features import Features
from bandit.log import archive
from bandit.log.issues import Issue, describe_issues
from bandit.log.learning import learn_log
from bandit.log.reading import RECENT, SURE, measure_reading, say_reading
from bandit.log.words import name_articles
from bandit.policy import Informed, Policy
from experiments.asked.command import command
from experiments.runner.configs import Settings, make
from experiments.runner.digest import describe_origin, digest_folder
from experiments.runner.folders import choose_folder
from experiments.runner.unit import NO_BUNDLE, can_be_sent, write_bundle
from serving import bundle

SHOWN = 12  # topics in the table, those with most clicks first


def count_topics(folder: Path, features: Features) -> pd.DataFrame:
    """What was sent and clicked of each named topic, one row a topic, most clicks first.

    topic: its name, or "other"
    articles: how many of the log's articles have it as their main topic
    shown: how often members who opened were shown one
    clicks: how often one was clicked
    """
    counted: list[pd.DataFrame] = []
    for round in archive.read(folder, features):
        topics = np.array(name_articles(features, round.context.article_features), dtype=object)
        choice, opened = round.slates.choice, round.feedback.opened[:, None]
        seen, clicked = (choice >= 0) & opened, round.feedback.clicked & (choice >= 0)
        m = len(topics)
        shown = np.bincount(choice[seen], minlength=m)
        clicks = np.bincount(choice[clicked], minlength=m)
        ids = round.context.article_ids
        columns = {"topic": topics, "article": ids, "shown": shown, "clicks": clicks}
        counted.append(pd.DataFrame(columns))
    table = pd.concat(counted, ignore_index=True)
    table["topic"] = table["topic"].replace("", "other")
    grouped = table.groupby("topic", sort=True)
    totals = grouped[["shown", "clicks"]].sum()
    totals.insert(0, "articles", grouped["article"].nunique())
    return totals.reset_index().sort_values("clicks", ascending=False, kind="stable")


def learn_whole(policy: Policy, folder: Path, features: Features) -> list[Issue]:
    """Let a new policy learn a whole log, read with `features`. Returns its issues."""
    policy.start(features)
    with Progress() as bar:
        task = bar.add_task("learning the log again", total=len(archive.read_rules(folder)))
        return learn_log(policy, folder, features, watch=lambda _: bar.advance(task))


@use_one_thread()
def refit(config: Settings, name: str) -> Path:
    """Fit features to a log, let a new policy learn it, and write a bundle.

    config: as in configs/reading.yaml
    name: of the policy's config

    Returns the bundle's folder. Raises ValueError for settings that cannot be.
    """
    folder = Path(config["log"])
    settings = {key: config[key] for key in config if key != "name"}
    target = choose_folder(config["name"], f"reading-{name}-{folder.name}", settings) / "bundle"
    there = {path.name for path in target.parent.iterdir()} if target.parent.exists() else set()
    if there - {"bundle"}:
        raise ValueError(f"{target.parent} holds something else than a bundle; choose another name")
    policy: Policy = make(config["policy"])
    if isinstance(policy, Informed):
        raise ValueError(f"policy = {name}: it knows the simulator's truth, and a log has none")
    if not can_be_sent(config["policy"]):
        raise ValueError(f"policy = {name}: {NO_BUNDLE}, and refit leaves nothing else")
    features = archive.fit_features(folder, config["text_dims"] or 32)
    learned = learn_whole(policy, folder, features)
    origin = describe_origin(["experiments.reading"], [config["policy"]])
    made_from = {
        "log": folder.name,
        "digest": digest_folder(folder / "log"),
        "learned": describe_issues(learned),
        "git": origin["git"],
        "code": origin["code"],
    }
    write_bundle(target, policy, config["policy"], features, made_from)
    return target


def show(reading: pd.DataFrame, topics: pd.DataFrame, console: Console) -> None:
    """Print what is unread issue by issue, and the topics with most clicks."""
    table = Table(
        title="new articles, and the share of their text that is unread",
        caption=f"above: standard errors above usual, {RECENT} issues together; "
        f"more than {SURE:.0f} is no luck",
    )
    for column in ("issue", "new articles", "unread", "usual", "above"):
        table.add_column(column, justify="right")
    for issue, articles, unread, usual, excess in reading.to_numpy().tolist():
        share = "-" if np.isnan(unread) else f"{unread:.0%}"
        table.add_row(f"{issue:.0f}", f"{articles:.0f}", share, f"{usual:.0%}", f"{excess:.1f}")
    if len(reading):
        console.print(table)
    table = Table(title="topics, as they are read")
    table.add_column("topic")
    for column in ("articles", "shown", "clicks", "clicks per 100 shown"):
        table.add_column(column, justify="right")
    for topic, articles, shown, clicks in topics.head(SHOWN).to_numpy().tolist():
        rate = f"{100 * clicks / shown:.1f}" if shown else "-"
        table.add_row(topic, f"{articles:,}", f"{shown:,}", f"{clicks:,}", rate)
    console.print(table)
    if len(topics) > SHOWN:
        console.print(f"{len(topics) - SHOWN} topics with fewer clicks are not shown.")


def run(config: Settings, name: str, console: Console) -> None:
    """Print what the log's articles are about and whether the reader fits; refit it if asked to.

    Raises ValueError for settings that cannot be, and a folder that is no log.
    """
    if not config["log"]:
        raise ValueError("log is not given; name a log's folder, e.g. runs/demo/units/profile-0")
    check.flag("refit", config["refit"])
    for what in ("bundle",) if config["refit"] else ("text_dims", "name"):
        if config[what] is not None:
            without = "without" if config["refit"] else "with"
            raise ValueError(f"{what} = {config[what]!r}; it is for use {without} refit=true")
    folder = Path(config["log"])
    target = refit(config, name) if config["refit"] else Path(config["bundle"] or folder / "bundle")
    made = bundle.read(target)
    features = made.features
    if made.manifest.made_from.get("digest") == digest_folder(folder / "log"):
        reading = pd.DataFrame()
        words = "The reader was learned from these articles; later issues will show how it fits."
    else:
        reading = measure_reading(folder, features)
        words = say_reading(reading)
    show(reading, count_topics(folder, features), console)
    console.print(words, highlight=False)
    said = "new bundle" if config["refit"] else "bundle"
    console.print(f"{said}: {target} (reader {features.version})", highlight=False, soft_wrap=True)


@command("reading")
def main(config: Settings) -> None:
    run(config, HydraConfig.get().runtime.choices["policy"], Console())


if __name__ == "__main__":
    main()
