"""Learning a bundle's log once more, to see what was learned when, and from which clicks.

Open this file for what makes sure that the log is the one that the bundle has learned.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bandit.core.ids import Aliases
from bandit.core.make import make
from bandit.core.types import Round
from bandit.log import archive
from bandit.log.issues import Issue, check_known, list_issues
from bandit.log.learning import learn_rounds
from bandit.policies.profile import Profile
from bandit.policies.wave import Wave
from bandit.policy import Policy
from serving.bundle import Bundle, find_policy
from serving.update.work import find_known

Watch = Callable[[Round], None]


def find_profile(policy: Policy) -> Profile | None:
    """The profile that chooses, at once or in waves; None where a policy keeps none."""
    chooses = policy.policy if isinstance(policy, Wave) else policy
    return chooses if isinstance(chooses, Profile) else None


def take_profile(folder: str | Path, policy: Policy) -> Profile:
    """The profile of a bundle's policy. Raises ValueError where it keeps no profiles of members."""
    found = find_profile(policy)
    if found is None:
        name = f"{type(policy).__module__}.{type(policy).__name__}"
        raise ValueError(
            f"{folder} is of {name}, which keeps no profile of members by topic; "
            "tastes are told of bandit.policies.profile alone"
        )
    return found


def find_learned(
    folder: str | Path, given: Bundle, log: str | Path, last: int | None
) -> list[Issue]:
    """The issues that a bundle has learned, all of which the log must have as they were.

    folder, given, log, last: as for `serving.update.work.find_known`
    """
    known = find_known(folder, given, log, last)
    if not known:
        raise ValueError(f"{folder} has learned nothing yet: there is nothing to tell of")
    check_known(log, list_issues(log), known)
    return known


def make_again(given: Bundle) -> Policy:
    """A policy with a bundle's parameters that has begun, and learned nothing."""
    asked = given.manifest.parameters | {"_target_": given.manifest.policy}
    policy = make(asked, lambda target: find_policy(target, "the bundle"))
    policy.start(given.features)
    return policy


def learn_known(
    folder: str | Path,
    given: Bundle,
    policy: Policy,
    log: str | Path,
    known: list[Issue],
    aliases: Aliases,
    watch: Watch,
) -> None:
    """Let a new policy learn the issues that a bundle has learned.

    folder, given: the bundle
    policy: as `make_again` makes it
    watch: called with each issue before it is learned

    Raises ValueError where the log does not give, bit for bit, what the bundle has learned. With
    aliases that cannot be asked: profiles that are one now were learned apart.
    """
    learn_rounds(policy, _read(log, given, known[-1].issue, aliases), watch)
    if not aliases and not _is_same(given.policy, policy):
        raise ValueError(
            f"{log} does not give what {folder} has learned: it learned other issues as well, "
            "another version learned them, or members merged: then give the --aliases of the update"
        )


def _read(log: str | Path, given: Bundle, last: int, aliases: Aliases) -> Iterator[Round]:
    for round in archive.read(log, given.features, aliases):
        if round.context.issue > last:
            return
        yield round


def _is_same(one: Policy, other: Policy) -> bool:
    """Whether two policies have learned the same, bit for bit."""
    before, after = one.state(), other.state()
    return all(np.array_equal(before[name], after[name]) for name in before)
