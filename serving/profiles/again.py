"""Learning a bundle's log once more, to see what was learned when, and from which clicks.

Open this file for what makes sure that the log is the one that the bundle has learned.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from bandit.core.ids import Aliases
from bandit.core.types import Round
from bandit.log import archive
from bandit.log.issues import Issue, check_known, list_issues
from bandit.log.learning import learn_rounds
from bandit.policies.profile import Profile
from serving.bundle import Bundle
from serving.update.work import find_known

Watch = Callable[[Round], None]
AnyProfile = TypeVar("AnyProfile", bound=Profile)


def take_profile(folder: str | Path, given: Bundle) -> Profile:
    """The policy of a bundle. Raises ValueError where it keeps no profiles of members."""
    if not isinstance(given.policy, Profile):
        name = given.manifest.policy
        raise ValueError(f"{folder} is of {name}; tastes are told of bandit.policies.profile alone")
    return given.policy


def find_learned(
    folder: str | Path, given: Bundle, log: str | Path, last: int | None
) -> list[Issue]:
    """The issues that a bundle has learned, all of which the log must have as they were.

    folder, given, log, last: as for `serving.update.work.find_known`
    """
    known = find_known(folder, given, log, last)
    if not known:
        raise ValueError(f"{folder} has learned nothing yet: there is no profile to tell of")
    check_known(log, list_issues(log), known)
    return known


def make_again(given: Bundle, kind: type[AnyProfile]) -> AnyProfile:
    """A policy with a bundle's parameters that has learned nothing.

    kind: Profile, or a class of its own that learns as it does
    """
    # the parameters were checked when the bundle was read: its own policy was made with them
    return kind(**given.manifest.parameters)  # type: ignore[arg-type]


def learn_known(
    folder: str | Path,
    given: Bundle,
    policy: Profile,
    log: str | Path,
    known: list[Issue],
    aliases: Aliases,
    watch: Watch,
) -> None:
    """Let a new policy learn the issues that a bundle has learned.

    folder, given: the bundle
    policy: made by `make_again`, not started
    watch: called with each issue before it is learned

    Raises ValueError where the log does not give, bit for bit, what the bundle has learned. With
    aliases that cannot be asked: profiles that are one now were learned apart.
    """
    policy.start(given.features)
    learn_rounds(policy, _read(log, given, known[-1].issue, aliases), watch)
    if not aliases and not _is_same(take_profile(folder, given), policy):
        raise ValueError(
            f"{log} does not give what {folder} has learned: it learned other issues as well, or "
            "another version learned them"
        )


def _read(log: str | Path, given: Bundle, last: int, aliases: Aliases) -> Iterator[Round]:
    for round in archive.read(log, given.features, aliases):
        if round.context.issue > last:
            return
        yield round


def _is_same(one: Profile, other: Profile) -> bool:
    """Whether two policies have learned the same, bit for bit."""
    before, after = one.state(), other.state()
    return all(np.array_equal(before[name], after[name]) for name in before)
