"""Learning from what was sent before: a whole log, or those of its issues that are new.

Open this file for the one way from a log to a policy that has learned it.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from bandit.core.ids import Aliases
from bandit.core.threads import use_one_thread
from bandit.core.types import Round
from bandit.features.features import Features
from bandit.log.issues import Issue, find_new, list_issues
from bandit.policy import Policy

Watch = Callable[[Round], None]


def watch_nothing(what: object) -> None:
    """Let an issue, or a wave of it, pass."""


@use_one_thread()
def learn_again(
    policy: Policy, round: Round, before: Callable[[int], None] = watch_nothing
) -> None:
    """Teach a policy an issue that was sent before, wave by wave as it was sent.

    before: called with the number of each wave, from 0, before the wave is learned
    """
    everybody = np.arange(len(round.context.members))
    for wave, rows in enumerate(policy.waves(round.context)):
        before(wave)
        if len(rows):
            policy.learn(round if np.array_equal(rows, everybody) else round.take(rows))


def learn_rounds(policy: Policy, rounds: Iterable[Round], watch: Watch = watch_nothing) -> None:
    """Let a policy that has been started learn issues that were sent before, the first one first.

    rounds: as `archive.read` gives them
    watch: called with each issue before it is learned
    """
    for round in rounds:
        watch(round)
        learn_again(policy, round)
        del round  # before the next one is read: a long list of members is held once
    policy.finish()


def learn_log(
    policy: Policy,
    folder: str | Path,
    features: Features,
    known: Sequence[Issue] = (),
    aliases: Aliases | None = None,
    watch: Watch = watch_nothing,
) -> list[Issue]:
    """Let a policy that has been started learn those issues of a log that it does not know.

    What it knows then has the same bits as if it had learned the whole log at once.

    folder: of the log, an archive (`bandit.log.archive`)
    features: those that the policy was started with
    known: the issues that the policy has learned; none: all are new
    aliases: the present id of each old one; the policy must know members by their present ids
    watch: called with each issue before it is learned

    Returns the issues that it knows then. Raises ValueError naming file, row and value where the
    log is damaged, and as `find_new` does where it is not the one that the policy knows.
    """
    from bandit.log import archive  # which needs pandas

    there = list_issues(folder)
    find_new(folder, there, known)
    after = known[-1].issue if known else None
    learn_rounds(policy, archive.read(folder, features, aliases, after), watch)
    if list_issues(folder) != there:
        raise ValueError(f"{folder} changed while it was learned; let it be written first")
    return there
