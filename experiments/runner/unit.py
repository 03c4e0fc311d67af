"""One policy, one seed: the loop from context to learning, and the folder it leaves behind.

The log is the checkpoint. A unit that was killed reads the issues it finds in the log, learns from them again, and goes
on to the same bytes. Folder: unit.json (what was asked), issues/NNN.json (measures), log/NNN.parquet (written last),
replay/NNN.parquet (this policy on another's log), bundle/ (the trained policy), done.json; pools/, rules.json and
members.parquet make the log an archive (`bandit.log.archive`), which can be read without the simulator.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hydra.utils import get_class

from bandit.core.files import read_json, write_json, write_table
from bandit.core.make import make as core_make
from bandit.core.make import read_target
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.log import archive
from bandit.log import issue as log
from bandit.policy import Informed, sends_in_waves
from bandit.slates.exploration import greedy
from bandit.slates.walk import draw, replay
from experiments.runner.runs import file_digest, folder_digest, one_thread, provenance, same_run
from serving import bundle


@one_thread()
def run_unit(
    folder: Path,
    policy: dict[str, Any],
    simulator: dict[str, Any],
    seed: int,
    logger: Path | None = None,
    replay_from: int = 1,
    depth: int = 2,
    tick: Callable[[int], None] = lambda issue: None,
) -> None:
    """Run or finish one unit. `policy` and `simulator` are Hydra configs with a `_target_`.

    logger: the finished unit of another policy with the same seed, on whose log this one is replayed from issue
    `replay_from` on, over the `depth` top slots. tick is called after each issue. A folder begun for something else is
    made anew.
    """
    made, kind = provenance(), _class(read_target(policy))
    asked = {
        "policy": policy,
        "simulator": simulator,
        "seed": seed,
        "code": made["code"],
        "versions": made["versions"],
    }
    asked |= {
        "replay_from": replay_from,
        "depth": depth,
        "logger": file_digest(logger / "unit.json") if logger else None,
    }
    asked |= {"policy_code": _policy_code(policy), "exportable": not issubclass(kind, Informed)}
    if isinstance(simulator.get("log"), str):  # what is there now, not only where
        asked["log"] = folder_digest(Path(simulator["log"]))
    asked["waves"] = sends_in_waves(kind)  # the sender sends to everybody at once
    begun = same_run(folder, asked)
    if begun and (folder / "done.json").exists():
        tick(read_json(folder / "done.json")["issues"])
        return

    association = make(simulator, seed=seed)
    learner = make(policy)
    learner.start(association.features)
    if not asked["exportable"]:
        learner.reveal(association)
    if begun:
        _sweep(folder)
    else:  # only now: what cannot be made leaves no folder
        _clear(folder)
        write_json(folder / "unit.json", asked)
    other = association.twin() if logger else None
    around = archive.Surroundings(folder)
    for number in range(1, association.issues + 1):
        name = f"{number:03d}"
        context = association.issue(number)
        around.add(context)
        path = folder / "log" / f"{name}.parquet"
        theirs = (
            log.read(logger / "log" / path.name, other.issue(number)) if other and logger else None
        )
        if path.exists():  # sent before the run was killed: learn from it again
            round = log.read(path, context)
            association.remember(context, round.slates, round.feedback)
            for rows in filter(len, learner.waves(context)):
                learner.learn(round.take(rows))
        else:
            replayed = folder / "replay" / name if number >= replay_from else None
            round, unexplored = _send(
                learner, association, context, seed, theirs, other, replayed, depth
            )
            write_json(
                folder / "issues" / f"{name}.json", _measures(association, round, unexplored)
            )
            log.write(path, round)
        if other and theirs:
            other.remember(theirs.context, theirs.slates, theirs.feedback)
        tick(number)
    around.finish()
    if asked["exportable"]:
        parameters = {name: value for name, value in policy.items() if name != "_target_"}
        made_from = {
            "seed": seed,
            "issues": association.issues,
            "git": made["git"],
            "code": made["code"],
        }
        bundle.write(
            folder / "bundle",
            learner,
            policy["_target_"],
            parameters,
            association.features,
            made_from,
        )
    write_json(folder / "done.json", {"issues": association.issues})


def _clear(folder: Path) -> None:
    """Remove a unit that was begun for something else, at once or not at all; anything but a unit is left alone."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / "unit.json").exists():
        raise ValueError(
            f"{folder} holds something else than one policy's run; choose another name"
        )
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    shutil.rmtree(old)


def _sweep(folder: Path) -> None:
    """Remove what a killed run was in the middle of writing."""
    for pattern in (".*.part", ".*.old"):
        for left in list(folder.rglob(pattern)):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()


def make(config: dict[str, Any], **more: Any) -> Any:
    """What a config's `_target_` makes of its other keys, itself and below.

    Raises ValueError for a class that cannot be had, and for keys that it does not take.
    """
    return core_make(config, _class, **more)


def _class(target: str) -> Any:
    """The class of that name. Raises ValueError where there is none."""
    try:
        return get_class(target)
    except Exception as error:  # whatever importing it may raise
        raise ValueError(f"_target_ = {target!r} cannot be had: {error}") from error


def _policy_code(policy: dict[str, Any]) -> dict[str, str]:
    """Digests of the files of a policy, of those it wraps, and of those it imports."""
    wrapped = [
        part["_target_"]
        for part in policy.values()
        if isinstance(part, dict) and "_target_" in part
    ]
    wait = [get_class(target).__module__ for target in (policy["_target_"], *wrapped)]
    found: dict[str, str] = {}
    while wait:
        name = wait.pop()
        if name not in found:
            module = sys.modules[name]
            found[name] = file_digest(Path(str(module.__file__)))
            wait += [
                of
                for value in vars(module).values()
                if (of := _module(value)).startswith("bandit.policies.")
            ]
    return dict(sorted(found.items()))


def _module(value: Any) -> str:
    return str(getattr(value, "__module__", None) or getattr(value, "__name__", ""))


def _send(
    learner: Any,
    association: Any,
    context: Context,
    seed: int,
    theirs: Round | None,
    other: Any,
    replayed: Path | None,
    depth: int,
) -> tuple[Round, float]:
    """Plan, send and learn, wave by wave. Returns the whole round and the clicks to be expected without exploration.

    theirs: another policy's round of this issue, on which this one is replayed to `replayed`.
    """
    sent: list[Round] = []
    targets: list[Floats] = []
    earned: list[Floats] = []
    unexplored = 0.0
    waves = learner.waves(context)
    their_rows = learner.waves(theirs.context) if theirs and replayed else []
    logged = [theirs.take(rows) for rows in their_rows] if theirs else []
    for w, rows in enumerate(waves):
        if w < len(logged) and len(their_rows[w]):
            target, on = learner.plan(logged[w].context), logged[w].context
            targets.append(replay(target, on, logged[w].slates.choice[:, :depth]))
            earned.append(other.expected(on, draw(target, on, seed, depth)))
        if len(rows):
            part = context.take(rows)
            plan = learner.plan(part)
            slates = draw(plan, part, seed)
            sent.append(Round(part, slates, association.respond(part, slates)))
            unexplored += association.expected(
                part, draw(SlotPmf(plan.scores, greedy), part, seed)
            ).sum()
            learner.learn(sent[-1])
    if theirs and replayed:
        order = np.argsort(np.concatenate(their_rows))
        _write_replay(
            replayed, theirs, np.concatenate(targets)[order], np.concatenate(earned)[order]
        )
    return Round.joined(context, [rows for rows in waves if len(rows)], sent), unexplored


def _measures(association: Any, round: Round, unexplored: float) -> dict[str, Any]:
    """What is counted for each issue. Expected clicks are the simulator's, given the slates: the same without luck;
    `unexplored` are those of the same plans without exploring."""
    context = round.context
    feedback = association.happened(context, round.slates, round.feedback)
    expected = association.expected(context, round.slates)
    cost = unexplored - expected.sum()
    clicks = feedback.clicked.sum(axis=1)
    joined = association.joined(context.member_ids)
    delivered, newcomers = feedback.delivered, []
    for since in np.unique(context.issue - joined[joined > 1]):
        at = delivered & (joined > 1) & (context.issue - joined == since)
        newcomers.append(
            [int(since), int(at.sum()), int(clicks[at].sum()), float(expected[at].sum())]
        )
    n = max(int(delivered.sum()), 1)
    return {
        "delivered": int(delivered.sum()),
        "opened": int(feedback.opened.sum()),
        "clicks": int(clicks.sum()),
        "clicked_opens": int((clicks > 0).sum()),
        "expected": float(expected.sum()) / n,
        "expected_by_slot": (expected.sum(axis=0) / n).tolist(),
        "exploration_cost": float(cost) / n,
        "newcomers": newcomers,
    }


def _write_replay(stem: Path, theirs: Round, target: Floats, earned: Floats) -> None:
    """This policy's propensities of the slates another one sent, and what its own slates would be expected to earn."""
    k = target.shape[1]
    logged = {
        "logged": theirs.slates.propensity,
        "clicked": theirs.feedback.clicked,
        "supported": theirs.slates.supported,
    }
    table = {"target": pa.array(target.ravel())} | {
        name: pa.array(a[:, :k].ravel()) for name, a in logged.items()
    }
    table["member"] = pa.array(np.repeat(theirs.context.member_ids, k))
    write_json(
        stem.with_suffix(".json"),
        {"slots": k, "delivered": len(target), "earned": earned.sum(axis=0).tolist()},
    )
    write_table(stem.with_suffix(".parquet"), pa.table(table))
