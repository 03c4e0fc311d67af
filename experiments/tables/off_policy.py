"""What the log of one policy says that another would have earned, beside what it does earn."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from bandit.core.files import read_json, write_table
from bandit.core.types import Bools, Floats, Ids
from bandit.ope.evaluate import evaluate
from bandit.ope.intervals import Interval
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import evaluate_whole
from experiments.runner import beside_files
from experiments.runner.folders import Units, read_frame

COLUMNS = [
    *("logger", "target", "seed", "estimator", "slots", "value", "low", "high", "ess", "reason"),
    *("earned", "own"),
]


def estimate_off_policy(units: Units, logger: str, first: int, depth: int) -> pd.DataFrame:
    """One row for each (target, seed, estimator, slots), of every unit that was replayed on a log.

    A unit may have been replayed on more than is asked for here.

    logger: name of the policy whose log it was; its own units are left out
    first: the first issue that counts
    depth: how many of the top slots to judge

    The columns:

    estimator: one of `ope.evaluate`, or for whole newsletters one of `ope.whole.evaluate`
    value, low, high: clicks a delivered newsletter on the `slots` top slots, and its 95 % interval
    ess: how many sends the estimate is worth
    reason: why there is no estimate
    earned: expected clicks on those slots of what the target would have sent to the same members;
        NaN, like `own`, where no slot was evaluated
    own: the same in the target's own run, where members have seen other articles
    """
    rows: list[list[object]] = []
    for (policy, seed), folder in units.items():
        paths = sorted((folder / "replay").glob("*.parquet"))
        paths = [path for path in paths if int(path.stem) >= first]
        if not paths or policy == logger:
            continue
        counts = [read_json(path.with_suffix(".json")) for path in paths]
        k = counts[0]["slots"]
        table = pd.concat([read_frame(path) for path in paths])
        column = {name: table[name].to_numpy().reshape(-1, k)[:, :depth] for name in table.columns}
        delivered = sum(issue["delivered"] for issue in counts)
        earned = np.array([issue["earned"] for issue in counts]).sum(axis=0) / delivered
        issues = [read_json(folder / "issues" / f"{path.stem}.json") for path in paths]
        own = np.mean([issue["expected_by_slot"] for issue in issues], axis=0)
        estimates = evaluate(
            column["logged"],
            column["target"],
            column["clicked"].astype(np.float64),
            column["supported"],
            column["member"][:, 0],
        )
        found = [(e.estimator, e.slots, e.interval, e.ess, e.reason) for e in estimates]
        ends = np.cumsum([issue["delivered"] for issue in counts])[:-1]
        who, opened = (np.split(column[name][:, 0], ends) for name in ("member", "opened"))
        liked = [column[name][:, 0] for name in ("first_sent", "first_wanted") if name in column]
        on_top = list(np.split(np.stack(liked, axis=1), ends)) if liked else None
        found += _judge_whole(paths, who, opened, on_top)
        for name, s, given, ess, reason in found:
            value = (given.estimate, given.low, given.high) if given else (np.nan,) * 3
            # on no slot at all there is nothing to earn, which is not the same as earning nothing
            told = [each[:s].sum() if s else np.nan for each in (earned, own)]
            rows.append([logger, policy, seed, name, s, *value, ess, reason, *told])
    return pd.DataFrame(rows, columns=COLUMNS)


def run_and_judge(
    run: Callable[..., None],
    units: Units,
    logger: str,
    first: int,
    depth: int,
    tick: Callable[[int], None],
) -> None:
    """Run a unit that is replayed on a log, and keep what `estimate_off_policy` says of it.

    So the estimates are made where the unit was run, beside other units, and not in the end by one
    process alone. They are made again each time: the unit does not know what they are asked for.

    run: runs the unit, called with `tick`
    units: the unit alone
    """
    run(tick=tick)
    found = estimate_off_policy(units, logger, first, depth)
    for folder in units.values():
        table = pa.Table.from_pandas(found, preserve_index=False)
        write_table(folder / "off_policy.parquet", table)


def collect_off_policy(units: Units, logger: str) -> pd.DataFrame:
    """What `run_and_judge` has kept of each unit, as `estimate_off_policy` gives it of them all."""
    folders = [folder for (policy, _), folder in units.items() if policy != logger]
    found = [read_frame(folder / "off_policy.parquet") for folder in folders]
    some = [frame for frame in found if len(frame)]
    return pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=COLUMNS)


def _judge_whole(
    paths: list[Path], members: list[Ids], opened: list[Bools], on_top: list[Floats] | None
) -> list[tuple[str, int, Interval | None, float, str]]:
    """Name, slots, interval, effective size and reason of each estimate of whole newsletters.

    paths: of the replay's issues, in order; where one has no file beside it, there is no estimate
    members, opened: for each issue whom it was sent to, and who opened it
    on_top: `Beside.first` of each issue; None: not known
    """
    files = [path.parent / "whole" / path.name for path in paths]
    if not all(file.exists() for file in files):
        return []
    first: Sequence[Floats | None] = on_top or [None] * len(files)
    issues = zip(files, members, opened, first, strict=True)
    log = Beside.join([beside_files.read(*issue) for issue in issues])
    k = log.reward.shape[1]
    answer = evaluate_whole(log)
    return [
        (each.estimator, k if each.interval else 0, each.interval, each.ess, each.reason)
        for each in answer.estimates
    ]
