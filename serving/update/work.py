"""What `serving.update` does: find what is new, learn it, and write the next bundle.

Open this file to see in which order, and when nothing is written at all.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from bandit.core.files import write_table
from bandit.core.ids import Aliases
from bandit.core.types import Round
from bandit.log.issues import Issue, describe_issues, list_issues, parse_issues
from bandit.log.learning import learn_log
from bandit.policy import Policy
from serving import bundle
from serving.aliases import read_aliases
from serving.bundle import Bundle
from serving.sending.record import refuse_spoiling
from serving.update.seen import extend_seen

INSTALL = "pip install letterbandit[update], or [research] for every policy"


def update(asked: argparse.Namespace) -> str:
    """Write the new bundle, and the list of what was seen. Returns a line to print.

    The list is written after the bundle; the same again adds nothing to it.

    Raises ValueError, and leaves everything as it was, where something is wrong with the bundle,
    the log or the files.
    """
    _refuse_same(Path(asked.bundle), Path(asked.new_bundle))
    refuse_spoiling("NEW_BUNDLE", asked.new_bundle, asked.log)
    if asked.seen is not None:
        refuse_spoiling("--seen", asked.seen, asked.bundle, asked.new_bundle, asked.log)
    given = bundle.read(asked.bundle, trusted=asked.trust)
    known = find_known(asked.bundle, given, asked.log, asked.learned)
    aliases: Aliases = {}
    if asked.aliases is not None:
        aliases, _ = read_aliases(asked.aliases, asked.encoding)
        given.policy.follow(aliases)
    learned = _learn(given, asked.log, known, aliases)
    new = learned[len(known) :]
    seen = extend_seen(asked.seen, asked.log, learned, new, aliases)
    made_from = given.manifest.made_from | {
        "learned": describe_issues(learned),
        "issues": len(learned),
        "updated_from": given.digest,
    }
    manifest = given.manifest
    bundle.write(
        asked.new_bundle,
        given.policy,
        manifest.policy,
        manifest.parameters,
        given.features,
        made_from,
        asked.sign,
    )
    if seen is not None:
        write_table(asked.seen, seen)
    names = new[0].name if len(new) == 1 else f"{len(new)} issues, {new[0].name} to {new[-1].name}"
    return f"{manifest.policy} learned {names}, and knows {len(learned)}: {asked.new_bundle}"


def _refuse_same(old: Path, new: Path) -> None:
    """Raise ValueError where writing the new bundle would touch the old one."""
    before, after = old.resolve(), new.resolve()
    if after.is_relative_to(before) or before.is_relative_to(after):
        raise ValueError(f"{new} is or lies in {old}, which stays as it was; choose another folder")


def find_known(
    folder: str | Path, given: Bundle, log: str | Path, last: int | None = None
) -> list[Issue]:
    """The issues that a bundle has learned.

    folder: of the bundle, for the errors
    last: the last one that it has learned, on somebody's word, where it names none

    Raises ValueError where it has learned but does not name what.
    """
    told = given.manifest.made_from.get("learned")
    if told is not None:
        if last is not None:
            raise ValueError(f"--learned {last}: {folder} names the issues that it has learned")
        try:
            return parse_issues(told)
        except ValueError as error:
            raise ValueError(f"{folder}/manifest.json: learned: {error}") from None
    if last is not None:
        known = [each for each in list_issues(log) if each.issue <= last]
        if not known or known[-1].issue != last:
            raise ValueError(f"--learned {last}: {log} has no such issue")
        return known
    if not _is_new(given.policy, given):
        raise ValueError(
            f"{folder} has learned, but does not name the issues (an earlier version made it): say "
            "the last of them by --learned"
        )
    return []


def _is_new(policy: Policy, given: Bundle) -> bool:
    """Whether a policy has learned nothing yet."""
    state = policy.state()
    policy.start(given.features)
    fresh = policy.state()
    policy.restore(state)
    return set(state) == set(fresh) and all(
        np.array_equal(state[name], fresh[name]) for name in state
    )


def _learn(given: Bundle, log: str | Path, known: list[Issue], aliases: Aliases) -> list[Issue]:
    """Let the policy learn what is new. Returns all issues that it knows then."""
    try:
        return learn_log(given.policy, log, given.features, known, aliases, watch=tell_issue)
    except ModuleNotFoundError as error:
        name = given.manifest.policy.rpartition(".")[2]
        library = (error.name or str(error)).partition(".")[0]
        raise ValueError(f"{name} learns with {library}, which is missing: {INSTALL}") from None


def tell_issue(round: Round) -> None:
    """Say which issue is being learned, in a line that is written over; only to a terminal."""
    if sys.stderr.isatty():
        print(f"learning issue {round.context.issue} ...", end="\r", file=sys.stderr, flush=True)
