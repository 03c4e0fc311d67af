"""What `serving.prepare` does: understand a member list, fit features, and write bundles.

Open this file to see in which order, and what is said.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from bandit.core.columns import Columns
from bandit.core.ids import Aliases, follow, locate
from bandit.features.attributes import Attributes
from bandit.features.features import Features
from bandit.log import archive
from bandit.log.issues import describe_issues
from serving import bundle
from serving.aliases import read_aliases, refuse_old
from serving.checks.lines import refuse_formulas, refuse_other_lines
from serving.prepare.columns import (
    Column,
    describe_columns,
    describe_consent,
    describe_shared_addresses,
    list_attributes,
    understand,
)
from serving.prepare.first import (
    find_policy,
    fit,
    learn,
    make_policy,
    read_archive,
    read_segment_rules,
)
from serving.tables.table import Table

SEGMENT_RULES = "bandit.policies.segment_rules.SegmentRules"


def read_members(asked: argparse.Namespace) -> tuple[Table, list[Column], pd.DataFrame]:
    """The member list, its columns as they were understood, and the attributes that are used."""
    table = Table.read(asked.members, ["member"], all_columns=True, encoding=asked.encoding)
    refuse_other_lines(table.path, table.columns)
    table.check_ids("member", unique=True)
    refuse_formulas(table.path, table.columns)
    columns = understand(table, asked.leave_out)
    return table, columns, list_attributes(table, columns)


def dry_run(asked: argparse.Namespace) -> None:
    """Print what each column was understood as. Writes nothing."""
    table, columns, members = read_members(asked)
    if asked.against:
        attributes = bundle.read(asked.against).features.attributes
    else:
        attributes = Attributes.fit(members)
    print(f"{asked.members}: {len(members)} members")
    for line in describe_columns(table, columns, attributes):
        print(line)
    for line in (*describe_consent(columns), *describe_shared_addresses(table, columns)):
        print(f"warning: {line}")


def prepare(asked: argparse.Namespace) -> None:
    """Write the bundle, and the fallback where there are segment rules; print what was made."""
    for name, value in {"--articles": asked.articles, "--out": asked.out}.items():
        if not value:
            raise ValueError(f"{name} is not given; without it there is only --dry-run")
    if asked.aliases and not asked.sends:
        raise ValueError("--aliases are of past sends: without --sends there is nothing to follow")
    if asked.against:
        raise ValueError("--against is for --dry-run: it compares, and nothing is made of it")
    target = find_policy(asked.policy)
    if target == SEGMENT_RULES and not asked.segment_rules:
        raise ValueError("--policy segment_rules needs --segment-rules, the editor's own yaml")
    table, columns, members = read_members(asked)
    aliases: Aliases = {}
    if asked.aliases:
        aliases, _ = read_aliases(asked.aliases, asked.encoding)
        refuse_old(asked.members, [Columns(members)], aliases)
    texts, digests, lacking = read_archive(asked.articles, asked.encoding)
    features = fit(members, texts, asked.text_dims)
    for line in _compare_log(asked, members, features, aliases):
        print(f"warning: {line}", file=sys.stderr)
    made_from: dict[str, object] = {"members": table.digest, "articles": digests}
    rules = read_segment_rules(asked.segment_rules, features) if asked.segment_rules else None
    parameters = rules if rules and target == SEGMENT_RULES else {}
    policy = make_policy(target, parameters, features)
    learned = learn(policy, asked.sends, features, aliases) if asked.sends else []
    _refuse_forgetting(asked.out, len(learned))
    for line in lacking:
        print(f"warning: {line}", file=sys.stderr)
    for line in (*describe_consent(columns), *describe_shared_addresses(table, columns)):
        print(f"warning: {asked.members}: {line}", file=sys.stderr)
    if rules and target != SEGMENT_RULES:
        fallback = f"{asked.out}-fallback"
        editor = make_policy(SEGMENT_RULES, rules, features)
        bundle.write(fallback, editor, SEGMENT_RULES, rules, features, made_from)
    facts = made_from | {"issues": len(learned), "learned": describe_issues(learned)}
    bundle.write(asked.out, policy, target, parameters, features, facts)
    for line in _describe(asked, columns, members, features, len(texts), len(learned)):
        print(line)


def _refuse_forgetting(out: str, learned: int) -> None:
    """Raise ValueError where the bundle at `out` has learned more issues than the new one has.

    learned: issues that the new one has learned
    """
    try:
        known = bundle.read(out).manifest.made_from.get("issues", 0)
    except (ValueError, OSError):  # what is no sound bundle has nothing to lose
        return
    if isinstance(known, int) and known > learned:
        raise ValueError(
            f"--out {out}: the bundle there has learned {known} issues, and this one {learned}; "
            "name past sends by --sends, or choose another --out"
        )


def _compare_log(
    asked: argparse.Namespace, members: pd.DataFrame, features: Features, aliases: Aliases
) -> Iterator[str]:
    """What the log lacks: attributes that nobody in it ever had, and members who are listed.

    Raises ValueError where the log is of nobody on the list: ids may be of another system.
    """
    if not asked.sends:
        return
    logged = archive.read_members(asked.sends)
    ids = follow(np.asarray(logged["member"]), aliases)
    gone = int((locate(members["member"].to_numpy(), ids) < 0).sum())
    if gone == len(ids):
        raise ValueError(
            f"{asked.sends}: none of its {gone} members, such as {ids.tolist()[0]!r}, is in "
            f"{asked.members}: ids must be of one system, or --aliases say which is which"
        )
    if gone:
        yield f"{gone} of {len(ids)} members in {asked.sends} are not in {asked.members}"
    for name in features.attributes.columns:
        if name not in logged:
            yield f"{asked.sends} has no {name!r}: it is unknown in all past sends"


def _describe(
    asked: argparse.Namespace,
    columns: Sequence[Column],
    members: pd.DataFrame,
    features: Features,
    texts: int,
    learned: int,
) -> list[str]:
    used = ", ".join(features.attributes.columns) or "none"
    left = ", ".join(f"{column.name} ({column.kind})" for column in columns if column.why) or "none"
    dims = f"{features.text_dims} numbers each"
    few = "" if features.text_dims >= 32 else ", for want of articles; prepare again with more"
    topics = f"topics: {', '.join(features.names[:3]) or 'none'}"
    lines = [
        f"{len(members)} members; attributes: {used}; left out: {left}",
        f"{texts} different past articles, read as {dims}{few}; {topics}",
        f"{asked.policy} has learned {learned} issues: {asked.out}"
        if asked.sends
        else f"{asked.policy} has learned nothing yet and goes by attributes: {asked.out}",
    ]
    if asked.segment_rules and asked.policy != "segment_rules":
        lines.append(f"the newsletter of the editor's rules: {asked.out}-fallback")
    return lines
