"""What `serving.profiles` does: learn the log again, measure everybody twice, write the table.

Open this file to see what the columns are.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core import check
from bandit.core.columns import Columns
from bandit.core.files import replacing
from bandit.core.ids import Aliases, locate
from bandit.core.rules import Rules
from bandit.core.state import State
from bandit.core.types import Context, Floats, Ints, Round
from bandit.features.features import Features
from bandit.log import archive
from bandit.policies.profile import Profile
from bandit.policy import Policy
from serving import bundle
from serving.aliases import read_aliases, refuse_old
from serving.inputs import check_members
from serving.profiles.again import find_learned, learn_known, make_again, take_profile
from serving.profiles.denied import NOTE, read_denied
from serving.profiles.tastes import Scale, divide, find_topics, set_scale
from serving.sending.record import refuse_spoiling
from serving.tables.table import Table

COLUMNS = {
    "member": "whose taste it is",
    "topic": "its name: the commonest words of the articles that it was found in",
    "interest": "log-odds of a click on an article about the topic, beyond the average member's",
    "doubt": "standard deviation of the interest: two of them are doubt, not taste",
    "sure": "how likely it is that the interest is above the average",
    "attributes_alone": "the interest that attributes alone would let expect",
    "before": "the interest as it was so many issues ago",
    "drift": "the interest less that before",
    "own": "how far the profile rests on the member's own behaviour, 0 to 1, over all topics",
    "shown": "articles on the topic in newsletters that the member opened",
    "clicked": "how many of these were clicked",
}


@dataclass
class Watch:
    """Counts what was shown and clicked by topic, and keeps what was known at one time.

    ids: of the members in the list
    features: what articles are read with
    topics: places of those that are told
    policy: learns the log
    when: the issue before which what is known is kept
    """

    ids: np.ndarray
    features: Features
    topics: Ints
    policy: Policy
    when: int
    state: State | None = None
    articles: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shown = np.zeros((len(self.ids), len(self.topics)), dtype=np.int32)
        self.clicked = np.zeros_like(self.shown)

    def look(self, round: Round) -> None:
        """Note an issue that is about to be learned."""
        if self.state is None and round.context.issue >= self.when:
            self.state = self.policy.state()
        text = round.context.article_features
        self.articles.append(text)
        main = find_topics(self.features, text)
        column = np.full(len(self.features.names) + 1, -1)  # the last: no topic
        column[self.topics] = np.arange(len(self.topics))
        rows, _, place, clicked = round.list_exposures()
        member = locate(self.ids, round.context.member_ids)[rows]
        topic = column[main[place]]
        told = (member >= 0) & (topic >= 0)
        np.add.at(self.shown, (member[told], topic[told]), 1)
        np.add.at(self.clicked, (member[told], topic[told]), clicked[told].astype(np.int32))


def tell_profiles(asked: argparse.Namespace) -> str:
    """Write the table and the note. Returns a line to print.

    Raises ValueError naming what is wrong with the bundle, the log or the files.
    """
    out = Path(asked.out)
    check.at_least("--ago", asked.ago, 1)
    if out.suffix != ".parquet":
        raise ValueError(f"--out {out}: its name must end in .parquet")
    read = [asked.bundle, asked.log, asked.members]
    read += [each for each in (asked.aliases, asked.deny_list) if each is not None]
    for file in (out, out.with_suffix(".txt")):
        refuse_spoiling("--out", file, *read)
    given = bundle.read(asked.bundle, trusted=asked.trust)
    policy, features = take_profile(asked.bundle, given.policy), given.features
    known = find_learned(asked.bundle, given, asked.log, asked.learned)
    topics = read_denied(features, asked.deny, asked.deny_list).list_told(features)
    aliases: Aliases = {}
    if asked.aliases is not None:
        aliases, _ = read_aliases(asked.aliases, asked.encoding)
    table = Table.join(check_members(asked.members, [features], [], asked.encoding))
    table.check_ids("member", unique=True)
    members = table.to_columns()
    if aliases:
        refuse_old(asked.members, [members], aliases)
    given.policy.follow(aliases)
    fresh = make_again(given)
    when = known[max(len(known) - asked.ago, 0)]
    watch = Watch(members["member"], features, topics, fresh, when.issue)
    learn_known(asked.bundle, given, fresh, asked.log, known, aliases, watch.look)
    everybody = _make_context(features, members, asked.log, known[-1].issue)
    fresh.restore(watch.state or fresh.state())
    before = take_profile(asked.bundle, fresh)
    scales = [
        set_scale(one, features, everybody, topics, watch.articles) for one in (policy, before)
    ]
    _write(out, [policy, before], scales, features, everybody, watch)
    with replacing(out.with_suffix(".txt")) as part:
        part.write_text(_describe(when.name, len(known)), encoding="utf-8")
    rows = f"{len(members)} members, {len(topics)} of {len(features.names)} topics"
    return f"{rows}, drift since {when.name}: {out}"


def _make_context(features: Features, members: Columns, log: str, issue: int) -> Context:
    """The members of the list, with the last pool: policies ask about members in an issue."""
    pool = archive.read_pool(log, issue)
    return features.make_context("profiles", issue, members, pool, Rules(slots=1))


def _write(
    out: Path,
    policies: list[Profile],
    scales: list[Scale],
    features: Features,
    everybody: Context,
    watch: Watch,
) -> None:
    """Write the table, so many members at a time.

    policies, scales: now, and before
    """
    names = np.array(features.names, dtype=object)[watch.topics]
    writer: pq.ParquetWriter | None = None
    start = 0
    with replacing(out) as part:
        for some in divide(everybody):
            rows = slice(start, start + len(some.members))
            start = rows.stop
            now, then = (
                scale.measure(policy, features, some)
                for policy, scale in zip(policies, scales, strict=True)
            )
            t = len(names)
            columns = {
                "member": np.repeat(some.member_ids, t),
                "topic": pa.array(np.tile(names, len(some.members)), pa.string()),
                "interest": now.pull.ravel(),
                "doubt": now.doubt.ravel(),
                "sure": now.sure.ravel(),
                "attributes_alone": now.start.ravel(),
                "before": then.pull.ravel(),
                "drift": (now.pull - then.pull).ravel(),
                "own": np.repeat(policies[0].rests_on(some), t),
                "shown": watch.shown[rows].ravel(),
                "clicked": watch.clicked[rows].ravel(),
            }
            table = pa.table({name: columns[name] for name in COLUMNS})
            table = table.replace_schema_metadata({"note": NOTE})
            writer = writer or pq.ParquetWriter(
                part, table.schema, compression="zstd", write_page_checksum=True
            )
            writer.write_table(table)
        if writer:
            writer.close()


def _describe(since: str, issues: int) -> str:
    """What the columns mean, and what may not be inferred."""
    lines = [f"{name}: {what}" for name, what in COLUMNS.items()]
    learned = f"Learned from {issues} issues; `before` is before {since}."
    return "\n".join([*lines, "", learned, "", NOTE, ""])
