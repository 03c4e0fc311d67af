"""One policy, one seed: the loop from context to learning, and the folder that it leaves behind.

The log is the checkpoint. A unit that was killed reads the issues that it finds in the log, learns
from them again, and goes on to the same bytes. Open this file for what a unit's folder holds:

unit.json: what was asked
issues/NNN.json: what was counted of each issue
people/NNN.parquet: what the issue was to each member; people.parquet and cold_start.parquet: sums
log/NNN.parquet: the issue as it was sent; written last
replay/NNN.parquet, NNN.json: this policy on the log of another one
replay.json: on whose log, and how many slots deep; where a command asks for no more than is there,
    nothing is run again
off_policy.parquet: what the log says of this policy, where a comparison asked (`tables.off_policy`)
bundle/: the trained policy
done.json: how many issues were sent; there is none until all are
pools/, rules.json, members.parquet: make the log an archive (`bandit.log.archive`), which can be
    read without the simulator
"""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from bandit.core.files import read_json, sweep, together, write_json, write_table
from bandit.core.make import read_target
from bandit.core.threads import use_one_thread
from bandit.features.features import Features
from bandit.log import archive
from bandit.log import issue as log
from bandit.log.issues import describe_issues, list_issues
from bandit.log.learning import learn_again, watch_nothing
from bandit.policy import Informed, Policy, sends_in_waves
from experiments.runner.configs import Settings, find_class, make
from experiments.runner.digest import describe_origin, digest_file, digest_folder, find_targets
from experiments.runner.folders import RECORD, is_begun
from experiments.runner.people import count_people, finish_people
from experiments.runner.watcher import LogReplay, Watcher, measure_issue
from experiments.runner.worlds import make_simulator
from serving import bundle
from simulators.play import begin, read_back, send


@use_one_thread()
def run_unit(
    folder: Path,
    policy: Settings,
    simulator: Settings,
    seed: int,
    logger: Path | None = None,
    replay_from: int = 1,
    depth: int = 2,
    tick: Callable[[int], None] = lambda issue: None,
) -> None:
    """Run one unit, or finish one that was begun. A folder begun for something else is made anew.

    folder: where the unit is left
    policy, simulator: configs with a `_target_`
    seed: of members, pools and luck, and of the draws
    logger: folder of the finished unit of another policy with the same seed, on whose log this
        policy is replayed; None: it is not
    replay_from: first issue of the replay
    depth: how many of the top slots are replayed
    tick: called after each issue with its number

    Raises ValueError for configs of which nothing can be made, a folder that holds something else
    than a unit, and a damaged log.
    """
    asked, origin = _describe(policy, simulator, seed)
    begun = is_begun(folder / "unit.json", asked)
    done = begun and (folder / "done.json").exists()
    if done:
        issues = read_json(folder / "done.json")["issues"]
        if logger is None or _is_replayed(folder, logger, range(replay_from, issues + 1), depth):
            tick(issues)
            return

    learner: Policy = make(policy)
    association = make_simulator(simulator, seed)
    begin(learner, association)
    if begun:
        _sweep(folder)
    else:  # only now: what cannot be made leaves no folder
        _clear(folder)
        write_json(folder / "unit.json", asked)
    if logger:
        depth = _begin_replay(folder, logger, depth)
    other = association.twin() if logger else association  # a twin remembers what the logger sent
    around = archive.Surroundings(folder)
    for number in range(1, association.issues + 1):
        name = f"{number:03d}"
        context = association.issue(number)
        path = folder / "log" / f"{name}.parquet"
        theirs = log.read(logger / "log" / path.name, other.issue(number)) if logger else None
        missing = not (folder / "replay" / path.name).exists()
        replayed = theirs if number >= replay_from and missing else None
        replay = LogReplay(learner, other, replayed, seed, depth) if replayed else None
        sent = path.exists()
        if sent:
            before = replay.add if replay else watch_nothing
            learn_again(learner, read_back(path, association, context), before)
        else:
            watcher = Watcher(association, seed, replay)
            rests_on = learner.rests_on(context)
            round = send(learner, association, context, seed, watch=watcher)
            expected = association.expected(context, round.slates)
            counts = measure_issue(association, round, expected, watcher.unexplored)
            people = count_people(association, round, expected, rests_on)
        with together():  # an issue waits for the disk once, not once a file
            if not done:
                around.add(context)
            if replay:
                replay.write(folder / "replay" / name)
            if not sent:
                write_json(folder / "issues" / f"{name}.json", counts)
                write_table(folder / "people" / f"{name}.parquet", people)
                log.write(path, round)
        if theirs:
            other.remember(theirs.context, theirs.slates, theirs.feedback)
        tick(number)
    if done:
        return
    around.finish()
    finish_people(folder)
    if asked["exportable"]:
        learned = {"learned": describe_issues(list_issues(folder))}
        made_from = {"seed": seed, "issues": association.issues} | learned | origin
        write_bundle(folder / "bundle", learner, policy, association.features, made_from)
    write_json(folder / "done.json", {"issues": association.issues})


def write_bundle(
    folder: Path, learner: Policy, config: Settings, features: Features, made_from: Settings
) -> None:
    """Write a trained policy that was made from `config` and started with `features`.

    Raises ValueError as `bundle.write` does.
    """
    parameters = {name: value for name, value in config.items() if name != "_target_"}
    bundle.write(folder, learner, config["_target_"], parameters, features, made_from)


NO_BUNDLE = "no bundle: a sender takes policies of bandit.policies that are not told the truth"


def can_be_sent(policy: Settings) -> bool:
    """Whether the sender takes a policy: one of this project's that is not shown the truth.

    policy: its config; what it wraps counts as well
    """
    targets = list(find_targets(policy))
    ours = all(target.startswith("bandit.policies.") for target in targets)
    return ours and not any(issubclass(find_class(target), Informed) for target in targets)


def _is_replayed(folder: Path, logger: Path, issues: Iterable[int], depth: int) -> bool:
    """Whether a unit was replayed on these issues of a logger's unit, at least so deep."""
    names = (f"{number:03d}.parquet" for number in issues)
    return _find_depth(folder, logger) >= depth and all(
        (folder / "replay" / name).exists() for name in names
    )


def _find_depth(folder: Path, logger: Path) -> int:
    """How many slots deep a unit was replayed on a logger's log; 0: it was not."""
    path = folder / "replay.json"
    kept = read_json(path) if path.exists() else {}
    return int(kept["depth"]) if kept.get("logger") == digest_file(logger / "unit.json") else 0


def _begin_replay(folder: Path, logger: Path, depth: int) -> int:
    """Keep what was replayed if it is of this log and deep enough; returns how deep to go on."""
    kept = _find_depth(folder, logger)
    if kept >= depth:
        return kept
    shutil.rmtree(folder / "replay", ignore_errors=True)
    told = {"logger": digest_file(logger / "unit.json"), "depth": depth}
    write_json(folder / "replay.json", told)
    return depth


def _describe(policy: Settings, simulator: Settings, seed: int) -> tuple[Settings, Settings]:
    """All that a unit's results follow from, for unit.json, and where the code came from."""
    kind = find_class(read_target(policy))
    made = describe_origin([__name__], [policy, simulator])
    asked = {
        "policy": policy,
        "simulator": simulator,
        "seed": seed,
        "code": made["code"],
        "versions": made["versions"],
        "exportable": can_be_sent(policy),
        "waves": sends_in_waves(kind),  # the sender sends to everybody at once
    }
    if isinstance(simulator.get("log"), str):  # what is there now, not only where
        asked["log"] = digest_folder(Path(simulator["log"]))
    return asked, {"git": made["git"], "code": made["code"]}


def _clear(folder: Path) -> None:
    """Remove a unit that was begun for something else, at once or not at all.

    Raises ValueError, and leaves the folder alone, where it holds anything but a unit.
    """
    record = folder / RECORD  # Hydra's, of what is asked now
    if not folder.exists() or not any(path != record for path in folder.iterdir()):
        return
    if not (folder / "unit.json").exists():
        raise ValueError(
            f"{folder} holds something else than one policy's run; choose another name"
        )
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    if (old / RECORD).exists():
        folder.mkdir()
        (old / RECORD).rename(record)
    shutil.rmtree(old)


def _sweep(folder: Path) -> None:
    """Remove what a killed unit was in the middle of writing."""
    for inside in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        sweep(inside)
