"""What one send is made from: read, checked, and narrowed to the members it goes to.

Open this file to see what is settled before anything is chosen.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from bandit.core import check
from bandit.core.columns import Columns
from bandit.core.ids import Aliases
from bandit.core.rules import Rules
from bandit.core.types import Ints
from bandit.features.attributes import Attributes
from serving.aliases import read_aliases, refuse_old
from serving.arms.design import read_design
from serving.arms.trial import Trial, refuse_changed
from serving.bundle import Bundle, read
from serving.checks.marks import refuse_odd
from serving.checks.names import find_consent, find_nearly_right
from serving.checks.pins import find_one_story
from serving.checks.unmatched import list_tags, refuse_unmatched
from serving.inputs import Inputs, find_odd, list_read, load, tell_unlinked
from serving.seen import refuse_rewritten, refuse_strangers
from serving.sending.audience import limit_audience
from serving.sending.holdout import Holdout, choose_at_random
from serving.sending.past import Past, read_seen
from serving.sending.suppress import digest_suppressed, find_strangers, read_suppressed
from serving.sending.waves import Division, Part, find_part
from serving.tables.table import Table


@dataclass(frozen=True)
class Issue:
    """One issue, ready to be chosen.

    bundle: chooses
    inputs: what others handed over
    holdout: members for whom another bundle chooses, or None
    trial: arms of an experiment, each with a bundle and members of its own, or None
    past: what was sent before
    part: where the send is written, and to which part of the members it goes
    division: which of the listed members are in it
    articles: the pool, with what the lottery decided
    audience: what was decided for each article that has a limit
    aliases: the present id of each old one, which all lists of members follow
    aliased: SHA-256 of the table of aliases, or None
    """

    asked: argparse.Namespace
    bundle: Bundle
    inputs: Inputs
    holdout: Holdout | None
    trial: Trial | None
    past: Past
    part: Part
    division: Division
    articles: Columns
    audience: dict[str, dict[str, float]]
    aliases: Aliases
    aliased: str | None

    @property
    def rules(self) -> Rules:
        """The editor's."""
        return self.inputs.rules

    @property
    def count(self) -> int:
        """How many members there are in it."""
        return int(self.division.rows.sum())

    def read_members(self) -> Iterator[pa.Table]:
        """Those members, in the list's order, some after the others."""
        first = 0
        for piece in self.inputs.members:
            rows = self.division.rows[first : first + len(piece)]
            yield piece if rows.all() else piece.filter(pa.array(rows))
            first += len(piece)

    @property
    def has_seen(self) -> bool:
        """Whether anything may count as seen."""
        return self.inputs.seen is not None or bool(self.rules.no_repeat and len(self.past))

    def read_seen(self) -> Iterator[Columns]:
        """Pairs of member and article that count as seen, some after the others."""
        return read_seen(self.inputs.seen, self.past, self.rules.no_repeat, self.aliases)

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """What the sender should know of the members or the pool, though it stops nothing."""
        said: list[tuple[str, str]] = []
        for name, values in self.inputs.unknown.items():
            examples = ", ".join([repr(value) for value in values][:3])
            say = f"{sum(values.values())} members have a {name} never seen before ({examples})"
            said.append(("members", f"{say}; it counts as unknown"))
        for article, why in self.inputs.unread.items():
            said.append(("pool", f"article {article!r} counts as average: {why}"))
        if unlinked := tell_unlinked(self.articles):
            said.append(("pool", unlinked))
        said += [("pool", sentence) for sentence in find_odd(self.articles, self.rules)]
        twice = find_one_story(self.rules, self.articles, self._stories)
        said += [("rules", sentence) for sentence in twice]
        if consent := find_consent(self.inputs.members.names):
            say = f"columns {', '.join(map(repr, consent))} keep nobody from being mailed"
            said.append(("members", f"{say}: who wants no mail goes on a list of --suppress"))
        said += [("members", sentence) for sentence in self.division.tell()]
        if self.inputs.earlier and not self._tells_earlier():
            say = "no member is known to have seen an article of these pools, so --earlier does "
            say += "nothing: give the list that says who has, by --seen (or --sent with no_repeat)"
            said.append(("earlier", say))
        lists = read_suppressed(self.asked.suppress, self.asked.encoding, self.aliases)
        for path, ids in find_strangers(lists, self.inputs.members).items():
            if ids:
                of = f"{len(ids)} of {lists[path].columns.num_rows} ids in {path}"
                said.append(("members", f"{of} are nobody's here, such as {ids[0]!r}"))
            if not lists[path].columns.num_rows:
                said.append(("members", f"{path} names nobody: all members are mailed"))
        return said

    def _tells_earlier(self) -> bool:
        """Whether anybody has seen an article of the pools that were sent before."""
        earlier = {one for pool in self.inputs.earlier for one in pool["article"].tolist()}
        return any(not earlier.isdisjoint(seen["article"].tolist()) for seen in self.read_seen())

    def read_suppressed(self) -> dict[str, Table]:
        """The lists of members who are not mailed, as they are now.

        Raises ValueError for one that names nobody on the member list, or names somebody by an id
        that was rewritten, unless that is allowed.
        """
        lists = read_suppressed(self.asked.suppress, self.asked.encoding, self.aliases)
        for path, ids in find_strangers(lists, self.inputs.members).items():
            rows = lists[path].columns.num_rows
            if self.asked.allow_unmatched:
                continue
            refuse_rewritten(path, ids, self.inputs.members)
            if ids and len(ids) == rows:
                raise ValueError(
                    f"{path}: none of its {rows} ids, such as {ids[0]!r}, is in the member list "
                    "(--allow-unmatched sends all the same)"
                )
        return lists

    @cached_property
    def _stories(self) -> Ints:
        """For each article the first one that tells its story [m]."""
        return self.bundle.features.find_stories(self.articles)

    def describe(self, lists: dict[str, Table]) -> dict[str, object]:
        """What the send is made from: the same again gives the same bytes."""
        more = {"sent": self.past.digest, "suppress": digest_suppressed(lists)}
        return {
            "bundle": self.bundle.digest,
            **_describe_campaign(self.asked, self.holdout, self.trial),
            "arms": self.trial.list_digests() if self.trial else None,
            "aliases": self.aliased,
            "wave": self.part.describe(),
            "inputs": self.inputs.digests | more,
        }


def read_issue(asked: argparse.Namespace, keep: tuple[Path, Path]) -> Issue:
    """Read and check all that the command line names.

    keep: files in which the lists of members and of what they have seen are kept meanwhile

    Raises ValueError naming what is wrong with the bundle, the files or the folder.
    """
    check.at_least("--chunk", asked.chunk, 1)
    check.at_least("--workers", asked.workers, 1)
    if not asked.campaign.strip():
        raise ValueError("--campaign is empty; it keys the draws and the log")
    for name in ("campaign", "series"):
        refuse_odd(f"--{name}", getattr(asked, name))
    trial = _find_trial(asked)
    if trial and not asked.bundle:
        bundle = trial.bundles[0]
    else:
        bundle = read(asked.bundle, trusted=asked.trust)
    holdout = _find_holdout(asked, bundle)
    aliases, aliased = read_aliases(asked.aliases, asked.encoding) if asked.aliases else ({}, None)
    files = (asked.members, asked.pool, asked.rules, keep, asked.seen, asked.earlier)
    others = [*(trial.bundles if trial else ()), *([holdout.bundle] if holdout else [])]
    also = [other.features for other in others]
    inputs = load(bundle.features, *files, encoding=asked.encoding, also=also)
    past = Past(asked.sent, asked.campaign)
    past.refuse_unlike(inputs.find_whole())
    if not asked.allow_unmatched:
        _refuse_void_rules(asked, bundle.features.attributes, inputs, past)
    if aliases:
        refuse_old(asked.members, inputs.members.read_columns("member"), aliases)
        for each in (bundle, *others):
            each.policy.follow(aliases)
    if inputs.seen is not None and not asked.allow_unmatched:
        refuse_strangers(inputs.seen, inputs.members, aliases)
    same = _describe_campaign(asked, holdout, trial)
    if trial:
        out = Path(asked.out).resolve()
        beside = sorted(out.parent.iterdir())
        earlier = [out, *map(Path, asked.sent), *(folder for folder in beside if folder != out)]
        refuse_changed(trial, same["holdout"], earlier, asked.experiment)
    choosers = [bundle.policy, *(other.policy for other in (trial.bundles if trial else ()))]
    part = find_part(Path(asked.out), asked.wave, asked.share, choosers, same)
    division = part.divide(asked.campaign, inputs.members, aliases)
    issue = Issue(
        asked,
        bundle,
        inputs,
        holdout,
        trial,
        past,
        part,
        division,
        inputs.articles,
        {},
        aliases,
        aliased,
    )
    members = map(Columns.from_arrow, issue.read_members())
    articles, audience = limit_audience(inputs.articles, members, part.before)
    return replace(issue, articles=articles, audience=audience)


def _describe_campaign(
    asked: argparse.Namespace, holdout: Holdout | None, trial: Trial | None
) -> dict[str, object]:
    """What all waves of a campaign must have the same."""
    held, tried = (each.describe() if each else None for each in (holdout, trial))
    return {"campaign": asked.campaign, "seed": asked.seed, "holdout": held, "experiment": tried}


def _find_trial(asked: argparse.Namespace) -> Trial | None:
    """The experiment, if there is one.

    Raises ValueError for a bundle that would choose for nobody, or a missing one.
    """
    if not asked.experiment:
        return None
    design = read_design(asked.experiment)
    if design.leaves_some and not asked.bundle:
        raise ValueError(
            f"{asked.experiment}: the shares of the arms leave some members over: name the BUNDLE "
            "that chooses for them, or have the shares add up to 1"
        )
    if asked.bundle and not design.leaves_some:
        raise ValueError(
            f"{asked.experiment}: the shares of the arms add up to 1, so {asked.bundle} would "
            "choose for nobody: leave it out"
        )
    bundles = tuple(read(arm.bundle, trusted=asked.trust) for arm in design.arms)
    return Trial(design, asked.series, bundles)


def _find_holdout(asked: argparse.Namespace, bundle: Bundle) -> Holdout | None:
    """Who is held out, if anybody. Raises ValueError for options that would do nothing."""
    if not asked.holdout:
        for name in ("series", "fallback"):
            if getattr(asked, name) and not (asked.experiment and name == "series"):
                raise ValueError(f"--{name} is of a holdout: give its share by --holdout")
        return None
    check.share("--holdout", asked.holdout)
    fallback = (
        read(asked.fallback, trusted=asked.trust) if asked.fallback else choose_at_random(bundle)
    )
    return Holdout(asked.series, asked.holdout, fallback, random=not asked.fallback)


def _refuse_void_rules(
    asked: argparse.Namespace, attributes: Attributes, inputs: Inputs, past: Past
) -> None:
    """Raise ValueError for rules that would do nothing."""
    paths = (Path(asked.rules), Path(asked.pool), Path(asked.members))
    known = {**attributes.levels, **attributes.tags}
    for name, right in find_nearly_right(inputs.articles.names, list_read(inputs.rules)):
        raise ValueError(
            f"{asked.pool}: column {name!r} is not read, and {right!r} would be: rename it, or "
            "leave it out (--allow-unmatched sends all the same)"
        )

    def list_values(attribute: str) -> list[str]:
        pieces = inputs.members.read_columns(attribute)
        return sorted({tag for piece in pieces for tag in list_tags(piece, attribute)})

    refuse_unmatched(inputs.rules, inputs.articles, list_values, paths, known)
    if inputs.rules.no_repeat and not len(past):
        raise ValueError(
            f"{asked.rules}: no_repeat = {inputs.rules.no_repeat}, but --sent names no earlier "
            "issue (--allow-unmatched sends all the same)"
        )
