"""Our own sends: what a log says other policies would have earned, beside what they did earn.

A comparison replays each policy on the log of one of them, with the same members, pools and luck
(`experiments.compare`, off_policy.parquet in its folder). Open this file for how often its
intervals hold, how far off its estimates are, and whether they put policies in the right order.
"""

from pathlib import Path

import pandas as pd
from scipy.stats import kendalltau

from experiments.ope_benchmark.measure import Goal, Part, find_error, tabulate
from experiments.runner.folders import read_frame

FEWEST = 3  # policies with an estimate, for an order of them


def read(folder: str) -> Part:
    """What a comparison's logs say: for each log, means over the policies with an estimate.

    folder: of a comparison, such as runs/demo

    Raises ValueError for a folder without a comparison whose log was judged.
    """
    path = Path(folder) / "off_policy.parquet"
    if not path.exists():
        raise ValueError(
            f"run = {folder!r}: there is no off_policy.parquet; run a comparison first"
        )
    frame = read_frame(path)
    given = frame[frame["low"].notna() & (frame["earned"] > 0)]
    if given.empty:
        raise ValueError(f"{path}: every estimate was withheld; more issues, or more members")
    rows: list[tuple[str, int, str, float]] = []
    for key, log in given.groupby(["seed", "estimator"], sort=False):
        run, name = int(str(key[0])), str(key[1])  # policies on one log share its luck: one run
        outside = ~((log["low"] <= log["earned"]) & (log["earned"] <= log["high"]))
        off = (log["value"] / log["earned"] - 1).abs()
        half = (log["high"] - log["low"]) / 2 / log["earned"]
        rows.append(("truth outside", run, name, float(outside.to_numpy().mean())))
        rows.append(("relative error", run, name, float(off.to_numpy().mean())))
        rows.append(("half width", run, name, float(half.to_numpy().mean())))
        if len(log) >= FEWEST:
            tau = kendalltau(log["value"], log["earned"]).statistic
            rows.append(("1 - Kendall's tau", run, name, 1 - float(tau)))
    errors = tabulate(rows)
    title = (
        f"Our own sends: {len(given)} estimates from the log of {frame['logger'].iloc[0]}, "
        f"{len(frame) - len(given)} withheld"
    )
    return Part("sends", title, 1.0, errors, _list_goals(errors))


def _list_goals(errors: pd.DataFrame) -> list[Goal]:
    goals = []
    for case, bound in (("truth outside", 0.07), ("1 - Kendall's tau", 0.2)):
        mine = errors[errors["case"] == case]
        for name, each in mine.groupby("estimator", sort=False)["error"]:
            values = each.to_numpy()
            goals.append(Goal(f"{name}: {case}", float(values.mean()), bound, find_error(values)))
    return goals
