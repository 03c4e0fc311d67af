"""The one loop: a policy plans, slates are drawn, a simulator answers, the policy learns.

Everything that lets a policy meet a simulator goes through `play` or, issue by issue, `send`. What
was sent before and is in a log comes back through `play_back`.

    >>> from bandit.policies.random import Random
    >>> from simulators.association.association import Association
    >>> association = Association(seed=1, members=200, issues=3)
    >>> [round.context.issue for round in play(Random(), association)]
    [1, 2, 3]
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from bandit.core import check
from bandit.core.threads import use_one_thread
from bandit.core.types import Context, Ints, Round, SlotPmf
from bandit.log import issue as log
from bandit.policy import Informed, Policy, check_policy
from bandit.slates.propensity import draw
from simulators.base import Simulator, Truthful

Stage = Callable[[str], AbstractContextManager[None]]
Watch = Callable[[int, SlotPmf | None, Round | None], None]
Tell = Callable[[Context], Context]


def _time_nothing(stage: str) -> AbstractContextManager[None]:
    return nullcontext()


def _watch_nothing(wave: int, plan: SlotPmf | None, sent: Round | None) -> None: ...


def _tell_all(context: Context) -> Context:
    return context


def begin(policy: Policy, simulator: Simulator) -> None:
    """Start a policy for a simulator's features, and show it the truth if it is `Informed`.

    Raises ValueError where a policy must be shown a truth that the simulator cannot tell.
    """
    check_policy(type(policy), "play")
    policy.start(simulator.features)
    if isinstance(policy, Informed):
        if not isinstance(simulator, Truthful):
            raise ValueError(
                f"{type(policy).__name__} must be shown the truth, "
                f"which {type(simulator).__name__} cannot tell"
            )
        policy.reveal(simulator)


def play(
    policy: Policy,
    simulator: Simulator,
    seed: int | None = None,
    issues: int | None = None,
    *,
    started: bool = False,
    learn: bool = True,
    tell: Tell = _tell_all,
    piece: int | None = None,
    stage: Stage = _time_nothing,
    watch: Watch = _watch_nothing,
) -> Iterator[Round]:
    """Send issues 1 to `issues` one after the other; yields each as a whole when it is learned.

    seed: keys the draws of slates; default: the simulator's own
    issues: how many to send; default: all that the simulator has
    started: the policy has begun already, and goes on from what it knows
    learn: False sends with what the policy knows, and teaches it nothing
    tell, piece, stage, watch: as for `send`; the stage "compose" is making the context
    """
    if not started:
        begin(policy, simulator)
    seed = simulator.seed if seed is None else seed
    for number in range(1, (simulator.issues if issues is None else issues) + 1):
        with stage("compose"):
            context = simulator.issue(number)
        yield send(
            policy,
            simulator,
            context,
            seed,
            learn=learn,
            tell=tell,
            piece=piece,
            stage=stage,
            watch=watch,
        )


@use_one_thread()
def send(
    policy: Policy,
    simulator: Simulator,
    context: Context,
    seed: int,
    *,
    learn: bool = True,
    tell: Tell = _tell_all,
    piece: int | None = None,
    stage: Stage = _time_nothing,
    watch: Watch = _watch_nothing,
) -> Round:
    """Plan, draw, answer and learn one issue, wave by wave.

    Returns the whole issue, with the true context.

    seed: keys the draws of slates
    learn: False teaches the policy nothing
    tell: makes, of the true context, what the policy is told; the simulator answers to the true one
    piece: how many members are planned, drawn and answered at a time; fewer need less memory, and
        no slate depends on it; default: a wave at once
    stage: called with "compose", "plan", "draw", "respond" or "learn"; the work is done inside the
        context manager that it returns, which may time it
    watch: called after each piece, before its wave is learned from, with the number of the wave
        (from 0), the plan, and the piece as it was sent; for a wave without members, plan and piece
        are None
    """
    if piece is not None:
        check.at_least("piece", piece, 1)
    told = tell(context)
    waves = _check_waves(policy, told)
    rows: list[Ints] = []
    rounds: list[Round] = []
    for wave, members in enumerate(waves):
        if not len(members):
            watch(wave, None, None)
            continue
        parts: list[Round] = []
        places = _cut(len(members), piece)
        for place in places:
            some = members[place]
            with stage("compose"):
                true = context.take(some)
                shown = true if told is context else told.take(some)
            with stage("plan"):
                plan = check_plan(policy, policy.plan(shown), shown)
            with stage("draw"):
                slates = draw(plan, shown, seed)
            with stage("respond"):
                parts.append(Round(shown, slates, simulator.respond(true, slates)))
            watch(wave, plan, parts[-1])
        with stage("learn"):
            if len(parts) == 1:
                sent = parts[0]
            else:
                everybody = np.array_equal(members, np.arange(len(told.members)))
                whole = told if everybody else told.take(members)  # a copy is made only if need be
                sent = Round.join(whole, places, parts)
            if learn:
                policy.learn(sent)
        rows.append(members)
        rounds.append(sent)
    with stage("learn"):
        return Round.join(context, rows, rounds)


def check_plan(policy: Policy, plan: object, context: Context) -> SlotPmf:
    """The policy's plan. Raises ValueError unless it has a score for each member and article."""
    n, m = context.eligible.shape
    has = type(plan).__name__
    if isinstance(plan, SlotPmf):
        shape = plan.scores.shape
        if len(shape) in (2, 3) and shape[:2] == (n, m):
            _check_numbers(policy, plan, context)
            return plan
        has = f"scores {list(shape)}"
    raise ValueError(
        f"{type(policy).__name__}.plan gives {has}; must give a SlotPmf with scores [{n}, {m}]: "
        "members, articles"
    )


def _check_numbers(policy: Policy, plan: SlotPmf, context: Context) -> None:
    """Raise ValueError naming the first member and article whose score is NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        if not np.isnan(plan.scores.sum()):  # a sum is NaN where a score is, and is told sooner
            return
    if (lacks := np.isnan(plan.scores)).any():
        row, article = np.argwhere(lacks)[0][:2]
        raise ValueError(
            f"{type(policy).__name__}.plan gives a score that is NaN, for member "
            f"{context.member_ids[row]} and article {context.article_ids[article]}"
        )


def _check_waves(policy: Policy, context: Context) -> list[Ints]:
    """The policy's waves. Raises ValueError unless they hold every member once."""
    waves, n = policy.waves(context), len(context.members)
    if not n:
        raise ValueError(f"issue {context.issue} has no members to be sent to")
    if not np.array_equal(np.sort(np.concatenate(waves) if waves else []), np.arange(n)):
        raise ValueError(
            f"{type(policy).__name__}.waves gives {sum(map(len, waves))} rows of {n} members; "
            "must hold every member once"
        )
    return waves


def _cut(count: int, piece: int | None) -> list[Ints]:
    """Places 0 to `count` in order, `piece` at a time (None: all at once)."""
    size = piece or count
    return [np.arange(at, min(at + size, count)) for at in range(0, count, size)]


def read_back(path: Path, simulator: Simulator, context: Context) -> Round:
    """One issue from its log file, as the simulator once answered it; the simulator remembers it.

    Raises ValueError naming the file where it is damaged or belongs to another issue.
    """
    round = log.read(path, context)
    simulator.remember(context, round.slates, round.feedback)
    return round


def play_back(folder: Path, simulator: Simulator, issues: int | None = None) -> Iterator[Round]:
    """Issues 1 to `issues` (default: all of the simulator's) from `folder`/NNN.parquet.

    Raises ValueError where a file is missing, damaged, or belongs to another issue.
    """
    for number in range(1, (simulator.issues if issues is None else issues) + 1):
        path = folder / f"{number:03d}.parquet"
        if not path.exists():
            raise ValueError(f"{path} is missing; the log must be whole")
        yield read_back(path, simulator, simulator.issue(number))
