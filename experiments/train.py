"""Train a policy from the log of another one.

python -m experiments.train policy=offpolicy log=runs/demo/units/random-0

Any archive of a log will do (`bandit.log.archive`), whatever made it. Only what was logged is used:
members, pools, choices, propensities, clicks. Each issue from `judge_from` on is judged before it
is learned from, so the estimate rests on clicks that the policy had not seen. Leaves a bundle for
serving.send, which serving.update takes further.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from hydra.core.hydra_config import HydraConfig
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bandit.core.files import read_json, write_json, write_table
from bandit.core.threads import use_one_thread
from bandit.core.types import Round
from bandit.features.features import Features
from bandit.features.text import Encoder
from bandit.log.issues import describe_issues, read_rules
from bandit.log.learning import learn_log
from bandit.ope.evaluate import Estimate, evaluate
from bandit.ope.intervals import normal_interval
from bandit.policy import Informed, Policy
from bandit.slates.propensity import replay
from experiments.asked.command import command
from experiments.runner.configs import Settings, check_whole, make, make_encoder
from experiments.runner.digest import describe_origin
from experiments.runner.folders import choose_folder
from experiments.runner.unit import NO_BUNDLE, can_be_sent, write_bundle
from serving import bundle
from simulators.replay.rounds import fit_features

COLUMNS = ["estimator", "slots", "value", "low", "high", "ess", "reason"]


def read_log(path: str | None) -> tuple[Path, int, str | None]:
    """The folder of a log, its last issue, and the class that chose it where a unit says so.

    Raises ValueError where `path` is no archive, or a unit that is not finished.
    """
    if not path:
        raise ValueError("log is not given; name a log's folder, e.g. log=runs/demo/units/random-0")
    folder = Path(path)
    last = max(read_rules(path))
    if not (folder / "unit.json").is_file():
        return folder, last, None
    if not (folder / "done.json").is_file():
        raise ValueError(f"log = {path!r} holds no done.json: its run is not finished")
    try:
        return folder, last, str(read_json(folder / "unit.json")["policy"]["_target_"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{folder / 'unit.json'} does not say how the run was made: {error!r}"
        ) from None


def find_features(folder: Path, given: str | None, encoder: Encoder | None = None) -> Features:
    """What reads the log: the reader of a bundle, or else one that is fitted to the log's pools.

    given: folder of the bundle; None: bundle/ in the log's folder, if there is one
    encoder: turns texts into vectors; None: the usual one

    Raises ValueError where the bundle was made with another encoder.
    """
    beside = folder / "bundle"
    if given is None and not beside.is_dir():
        return fit_features(folder, encoder)
    return bundle.read(given or beside, encoder).features


class Judge:
    """What a policy would have earned on issues that it has not learned from yet.

    policy: has been started
    judge_from: the first issue that counts
    slots: how many of the top slots to judge
    """

    def __init__(self, policy: Policy, judge_from: int, slots: int) -> None:
        self._policy, self._from, self._slots = policy, judge_from, slots
        self._parts: list[tuple[np.ndarray, ...]] = []

    def look(self, round: Round) -> None:
        """Judge the policy on an issue that it is about to learn."""
        if round.context.issue < self._from:
            return
        slates, k = round.slates, min(self._slots, round.slates.choice.shape[1])
        target = replay(self._policy.plan(round.context), round.context, slates.choice[:, :k])
        clicked = round.feedback.clicked[:, :k].astype(np.float64)
        supported, members = slates.supported[:, :k], round.context.member_ids
        self._parts.append((slates.propensity[:, :k], target, clicked, supported, members))

    def conclude(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What each estimator says that the policy would have earned, and what the logger earned.

        Both are clicks a send on the top slots. Raises ValueError where nothing was judged.
        """
        if not self._parts:
            raise ValueError(
                f"judge_from = {self._from}; the log ends before that issue, "
                "so nothing is left to judge by"
            )
        logged, target, clicked, supported, members = (
            np.concatenate(column) for column in zip(*self._parts, strict=True)
        )
        estimates = evaluate(logged, target, clicked, supported, members)
        own = []
        for s in range(1, clicked.shape[1] + 1):
            earned = normal_interval(clicked[:, :s].sum(axis=1), members)
            interval = earned.estimate, earned.low, earned.high
            own.append(["logger", s, *interval, float(len(members)), ""])
        rows = [_list_values(each) for each in estimates]
        return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(own, columns=COLUMNS)


def _list_values(each: Estimate) -> list[object]:
    given = each.interval
    value = (given.estimate, given.low, given.high) if given else (np.nan,) * 3
    return [each.estimator, each.slots, *value, each.ess, each.reason]


def show(estimates: pd.DataFrame, own: pd.DataFrame, console: Console) -> None:
    """Print both tables, the logger's on the slots that the estimates are about."""
    table = Table(
        title="clicks per 1,000 delivered, on the issues judged before they were learned from"
    )
    for name in ("", "slots", "estimate", "95 % interval", "counts as sends"):
        table.add_column(name, justify="left" if not name else "right")
    slots = max(int(estimates["slots"].max()), 1)
    shown = pd.concat([own[own["slots"] == slots], estimates])
    for name, count, value, low, high, ess, _ in shown[COLUMNS].to_numpy().tolist():
        words = (f"{1000 * value:.1f}", f"{1000 * low:.1f} to {1000 * high:.1f}")
        table.add_row(name, str(count), *(("-", "-") if np.isnan(value) else words), f"{ess:,.0f}")
    console.print(table)
    reason = str(estimates["reason"].iloc[0])
    if reason:
        console.print(f"no further: {reason}", markup=False, highlight=False, soft_wrap=True)


@use_one_thread()
def run(config: Settings, name: str) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """Train, judge, and write bundle/ (if it can be sent), estimates.parquet and run.json.

    config: as in configs/train.yaml
    name: of the policy's config

    Returns the folder and the two tables of `Judge`. Raises ValueError for settings that cannot be.
    """
    for what in ("judge_from", "slots"):
        check_whole(what, config[what], 1)
    folder, last, logger = read_log(config["log"])
    settings = {key: config[key] for key in config if key != "name"}
    made = choose_folder(config["name"], f"train-{name}-{folder.name}", settings)
    if made.exists() and any(made.iterdir()) and not (made / "estimates.parquet").exists():
        raise ValueError(
            f"{made} holds something else than a training from a log; choose another name"
        )
    policy: Policy = make(config["policy"])
    if isinstance(policy, Informed):
        raise ValueError(
            f"policy = {name}: it knows the simulator's truth, and there is none in a log"
        )
    if config["judge_from"] > last:
        raise ValueError(f"judge_from = {config['judge_from']}; the log ends with issue {last}")
    features = find_features(folder, config["bundle"], make_encoder(config.get("encoder")))
    policy.start(features)
    judge = Judge(policy, config["judge_from"], config["slots"])
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("train", total=last)

        def watch(round: Round) -> None:
            issue = round.context.issue
            progress.update(bar, completed=issue - 1, description=f"train: issue {issue}")
            judge.look(round)

        learned = learn_log(policy, folder, features, watch=watch)
    estimates, own = judge.conclude()
    origin = describe_origin(["experiments.train"], [config["policy"]])
    made_from = {
        "log": folder.name,
        "logger": logger,
        "issues": len(learned),
        "learned": describe_issues(learned),
        "git": origin["git"],
        "code": origin["code"],
    }
    if can_be_sent(config["policy"]):
        write_bundle(made / "bundle", policy, config["policy"], features, made_from)
    both = pd.concat([own, estimates], ignore_index=True)
    write_table(made / "estimates.parquet", pa.Table.from_pandas(both, preserve_index=False))
    write_json(made / "run.json", {"config": config, "made_from": made_from} | origin)
    return made, estimates, own


@command("train")
def main(config: Settings) -> None:
    made, estimates, own = run(config, HydraConfig.get().runtime.choices["policy"])
    show(estimates, own, Console())
    print(f"bundle: {made / 'bundle'}" if can_be_sent(config["policy"]) else NO_BUNDLE)


if __name__ == "__main__":
    main()
