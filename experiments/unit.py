"""One policy, one seed: the loop from context to learning, and the folder it leaves behind.

The log is the checkpoint. A unit that was killed reads the issues it finds in the log, learns from them again, and goes
on to the same bytes. Folder: unit.json (what was asked), issues/NNN.json (measures), log/NNN.parquet (written last),
replay/NNN.parquet (this policy on another's log), bundle/ (the trained policy), done.json.
"""

import inspect
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hydra.utils import get_class

from bandit import log
from bandit.exploration import greedy
from bandit.files import read_json, write_json, write_table
from bandit.slates import draw, replay
from bandit.types import Round, SlotPmf
from experiments.runs import file_digest, provenance, same_run
from serving import bundle


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
    made, kind = provenance(), _class(policy)
    asked = {"policy": policy, "simulator": simulator, "seed": seed, "code": made["code"], "versions": made["versions"]}
    asked |= {
        "replay_from": replay_from,
        "depth": depth,
        "logger": file_digest(logger / "unit.json") if logger else None,
    }
    asked |= {"policy_code": file_digest(Path(inspect.getfile(kind))), "exportable": not hasattr(kind, "reveal")}
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
    for number in range(1, association.issues + 1):
        name = f"{number:03d}"
        context = association.issue(number)
        path = folder / "log" / f"{name}.parquet"
        resumed = path.exists()
        plan = None if resumed else learner.plan(context)
        if other and logger:
            theirs = log.read(logger / "log" / path.name, other.issue(number))
            if not resumed and number >= replay_from:
                _replay(folder / "replay" / name, learner, theirs, other, seed, depth)
            other.remember(theirs.context, theirs.slates, theirs.feedback)
        if plan is None:
            round = log.read(path, context)
            association.remember(context, round.slates, round.feedback)
        else:
            slates = draw(plan, context, seed)
            round = Round(context, slates, association.respond(context, slates))
            write_json(folder / "issues" / f"{name}.json", _measures(association, plan, round, seed))
            log.write(path, round)
        learner.learn(round)
        tick(number)
    if asked["exportable"]:
        parameters = {name: value for name, value in policy.items() if name != "_target_"}
        made_from = {"seed": seed, "issues": association.issues, "git": made["git"], "code": made["code"]}
        bundle.write(folder / "bundle", learner, policy["_target_"], parameters, association.features, made_from)
    write_json(folder / "done.json", {"issues": association.issues})


def _clear(folder: Path) -> None:
    """Remove a unit that was begun for something else, at once or not at all; anything but a unit is left alone."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / "unit.json").exists():
        raise ValueError(f"{folder} holds something else than one policy's run; choose another name")
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
    """What a config's `_target_` makes of its other keys, itself and below. Raises ValueError for keys it does not take."""
    kind = _class(config)
    parts = {key: make(part) if isinstance(part, dict) and "_target_" in part else part for key, part in config.items()}
    parts.pop("_target_")
    try:
        return kind(**parts, **more)
    except TypeError as error:  # a key it does not have, a word where it wants a number
        raise ValueError(f"{config['_target_']}: {error}") from error


def _class(config: dict[str, Any]) -> Any:
    """The class a config names. Raises ValueError where it names none."""
    try:
        return get_class(config["_target_"])
    except KeyError:
        raise ValueError(f"a config must say its _target_; this one has {sorted(config)}") from None
    except Exception as error:  # whatever importing it may raise
        raise ValueError(f"_target_ = {config['_target_']!r} cannot be had: {error}") from error


def _measures(association: Any, plan: SlotPmf, round: Round, seed: int) -> dict[str, Any]:
    """What is counted for each issue. Expected clicks are the simulator's, given the slates: the same without luck."""
    context, feedback = round.context, round.feedback
    expected = association.expected(context, round.slates)
    unexplored = draw(SlotPmf(plan.scores, greedy), context, seed)  # what the same plan would show without exploring
    cost = association.expected(context, unexplored).sum() - expected.sum()
    clicks = feedback.clicked.sum(axis=1)
    joined = association.joined(context.member_ids)
    newcomers = []
    for since in np.unique(context.issue - joined[joined > 1]):
        at = (joined > 1) & (context.issue - joined == since)
        newcomers.append([int(since), int(at.sum()), int(clicks[at].sum()), float(expected[at].sum())])
    n = len(context.members)
    return {
        "delivered": n,
        "opened": int(feedback.opened.sum()),
        "clicks": int(clicks.sum()),
        "clicked_opens": int((clicks > 0).sum()),
        "expected": float(expected.sum()) / n,
        "expected_by_slot": (expected.sum(axis=0) / n).tolist(),
        "exploration_cost": float(cost) / n,
        "newcomers": newcomers,
    }


def _replay(stem: Path, learner: Any, theirs: Round, other: Any, seed: int, depth: int) -> None:
    """This policy's propensities of the slates another one sent, and what its own slates would be expected to earn."""
    context = theirs.context
    plan = learner.plan(context)
    target = replay(plan, context, theirs.slates.choice[:, :depth])
    expected = other.expected(context, draw(plan, context, seed, depth))
    k = target.shape[1]
    logged = {"logged": theirs.slates.propensity, "clicked": theirs.feedback.clicked, "supported": theirs.slates.supported}
    table = {"target": pa.array(target.ravel())} | {name: pa.array(a[:, :k].ravel()) for name, a in logged.items()}
    table["member"] = pa.array(np.repeat(context.member_ids, k))
    write_json(stem.with_suffix(".json"), {"slots": k, "delivered": len(target), "earned": expected.sum(axis=0).tolist()})
    write_table(stem.with_suffix(".parquet"), pa.table(table))
