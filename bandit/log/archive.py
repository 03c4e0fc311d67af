"""Archives: logs that can be read without whatever made them.

Beside the log itself an archive keeps who the members were and what the editor had. It is a folder:

    members.parquet      member and attributes, everybody who ever got mail
    changes/NNN.parquet  whoever had changed by an issue, see `bandit.log.members`
    pools/NNN.parquet    the articles of each issue
    rules.json           each issue's campaign and rules
    log/NNN.parquet      the log, see `bandit.log.issue`

The rest of a context follows: features from attributes and texts, eligibility from the pool
(`editorial.find_eligible`), what was seen from the log itself. The member list is written last: a
folder that has none was not finished. Open this file to learn from, or to simulate, past issues.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core import check
from bandit.core.columns import Columns, to_frame
from bandit.core.files import read_plain, write_json, write_table
from bandit.core.ids import Aliases, check_ids, follow, locate
from bandit.core.types import Bools, Context, Ids, Ints, Round
from bandit.features.clean import join_texts
from bandit.features.features import Features
from bandit.features.text import Encoder
from bandit.log import issue as log
from bandit.log.issues import find_file
from bandit.log.issues import read_attributes as read_attributes
from bandit.log.issues import read_rules as read_rules
from bandit.log.members import History, Membership, add_unknown
from bandit.slates.editorial import find_eligible
from bandit.slates.seen import Seen, Sent


def write(folder: Path, rounds: Iterable[Round]) -> None:
    """Write an archive of issues in order, numbered as their contexts are.

    Raises ValueError as `Surroundings` does, where eligibility does not follow from the pool, and
    for a round that `read` would refuse.
    """
    folder = Path(folder)
    # until all is written, what is there is no archive
    (folder / "members.parquet").unlink(missing_ok=True)
    around = Surroundings(folder)
    for round in rounds:
        _check_eligible(round.context)
        log.check_round(round)
        around.add(round.context)
        log.write(folder / "log" / f"{round.context.issue:03d}.parquet", round)
    around.clear()
    around.finish()


class Surroundings:
    """Writes all of an archive but the log: `add` each issue's context, then `finish`.

    folder: of the archive; it is made where it does not exist
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._members = Membership(folder)
        self._rules: dict[str, dict[str, object]] = {}

    def add(self, context: Context) -> None:
        """Write one issue's pool and who has changed, and note its rules and who is new.

        Raises ValueError where an issue comes twice, and where an attribute holds numbers after
        text.
        """
        name = f"{context.issue:03d}"
        if name in self._rules:
            raise ValueError(
                f"issue {context.issue} comes twice; an archive has one file for an issue"
            )
        self._members.add(context.issue, context.members.to_pandas())
        write_table(self._folder / "pools" / f"{name}.parquet", _to_table(context.articles))
        self._rules[name] = {"campaign": context.campaign, "rules": context.rules.describe()}

    def clear(self) -> None:
        """Remove issues that a longer archive has left in the folder."""
        for part in ("log", "pools"):
            for file in (self._folder / part).glob("*.parquet"):
                if file.stem not in self._rules:
                    file.unlink()
        self._members.clear()

    def finish(self) -> None:
        """Write the rules, then the member list, which makes the archive whole."""
        if not self._rules:
            raise ValueError("there is no round; an archive needs at least one")
        for issue, columns in self._members.list_others().items():
            self._rules[f"{issue:03d}"]["attributes"] = columns
        write_json(self._folder / "rules.json", self._rules)
        self._members.finish()


def _check_eligible(context: Context) -> None:
    """Raise ValueError where the context would be read back with other eligible articles."""
    if not np.array_equal(context.eligible, find_eligible(context.members, context.articles)):
        raise ValueError(
            f"issue {context.issue}: eligible does not follow from the pool's only_ columns"
        )


@lru_cache(maxsize=64)  # a pool is that of each policy of a seed; no table of columns ever changes
def _to_table(columns: Columns) -> pa.Table:
    return pa.Table.from_pandas(columns.to_pandas(), preserve_index=False)


def read_members(folder: str | Path) -> pd.DataFrame:
    """Everybody who ever got mail, as they were last.

    Raises ValueError for ids that are floats: they have other keys than the same whole numbers.
    """
    issues = list(read_rules(folder))
    history = History(Path(folder), issues, {})
    for issue in issues:
        history.advance(issue)
    return history.take_last()


def read_pool(folder: str | Path, issue: int) -> pd.DataFrame:
    """The articles of one issue."""
    columns = ["article", "title", "summary", "kind", "source"]
    return _read_listed(find_file(Path(folder), "pools", issue), "pool", columns)


def _read_listed(path: Path, what: str, columns: list[str]) -> pd.DataFrame:
    """A file's table, which must have these columns and no id of the first one twice."""
    read = read_plain(path)
    try:
        table = to_frame(read)
        check.columns(what, table, columns)
        check.unique(what, table[columns[0]].to_numpy())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    check_ids(path, read, columns[0])
    return table


def fit_features(
    folder: str | Path, text_dims: int = 32, encoder: Encoder | None = None
) -> Features:
    """Features that are fitted to the archive's own members and texts, each text once.

    text_dims, encoder: as for `Features.fit`

    Raises ValueError as `Features.fit` does, naming the folder.
    """
    pools = pd.concat([read_pool(folder, issue) for issue in read_rules(folder)])
    texts = list(dict.fromkeys(join_texts(pools)))
    members = read_members(folder)
    try:
        return Features.fit(members, texts, text_dims, encoder)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None


def read(
    folder: str | Path,
    features: Features,
    aliases: Aliases | None = None,
    after: int | None = None,
) -> Iterator[Round]:
    """The issues in order, each with the context that it was sent in.

    features: reads the members and articles
    aliases: old id -> present one, of members who got another or were merged; where two ids of one
        member got an issue, the second mail comes in a further round of it
    after: only issues with higher numbers; of the others it is read who saw what, where they showed
        an article or a story that comes again. None: all issues

    Raises ValueError naming file, row and value where the folder is damaged, or is no archive.
    """
    folder = Path(folder)
    ruled = read_rules(folder)
    history = History(folder, list(ruled), read_attributes(folder))
    everybody = history.ids
    x = features.encode_members(add_unknown(history.list_versions(), features.attributes))
    person, people = pd.factorize(follow(history.ids, aliases or {}))
    pools = {issue: read_pool(folder, issue) for issue in ruled}
    seen = Seen(len(people))
    sent = Sent(len(people), max(own.no_repeat for _, own in ruled.values()))
    told = _Telling(features, pools, after)
    for issue, (campaign, own) in ruled.items():
        path, articles = find_file(folder, "log", issue), pools[issue]
        ids, present = articles["article"].tolist(), history.advance(issue)
        if not told.has_use_for(issue):  # an issue of the past has been sent all the same
            sent.add((), np.zeros((0, own.slots), dtype=np.int64), np.zeros(0, dtype=np.int64))
            continue
        table = read_plain(path)
        rows = _find_rows(path, log.list_members(path, table, own.slots), everybody, own.slots)
        who = person[rows]
        if after is not None and issue <= after:
            choice, opened = _read_shown(table, ids, own.slots)
            seen.add(ids, choice, opened, who)
            sent.add(ids, choice, who)
            seen.fold(ids)
            continue
        now, earlier = present[rows], told.find(issue)
        there = add_unknown(history.take(issue, now), features.attributes)
        try:
            context = features.make_context(
                campaign=campaign,
                issue=issue,
                members=there,
                articles=articles,
                rules=own,
                eligible=find_eligible(there, articles),
                seen=seen.look_up(ids, who, earlier)
                | sent.look_up(ids, who, earlier, own.no_repeat),
                member_features=x[now],
            )
        except ValueError as error:
            raise ValueError(f"{find_file(folder, 'pools', issue)}: {error}") from None
        round = log.parse_issue(path, table, context)
        seen.add(ids, round.slates.choice, round.feedback.opened, who)
        sent.add(ids, round.slates.choice, who)
        seen.fold(ids)
        del table, there, context  # whoever has the round may let go of it
        yield from _follow(round, who, people) if aliases else (round,)
        del round


class _Telling:
    """Which earlier articles tell the stories of an issue's pool.

    after: as for `read`
    """

    def __init__(
        self, features: Features, pools: dict[int, pd.DataFrame], after: int | None
    ) -> None:
        self._features, self._pools, self._after = features, pools, after
        self._again: set[object] = set()  # ids of the past that new issues ask about
        self._found: dict[int, list[list[Hashable]]] = {}
        for issue in pools:
            if after is not None and issue > after:
                self._found[issue] = self._find(issue)
                self._again.update(pools[issue]["article"], *self._found[issue])

    def _find(self, issue: int) -> list[list[Hashable]]:
        past = [pool for number, pool in self._pools.items() if number < issue]
        return self._features.find_earlier(self._pools[issue], past)

    def find(self, issue: int) -> list[list[Hashable]]:
        """For each article of an issue the ids by which its story was told before."""
        return self._found[issue] if issue in self._found else self._find(issue)

    def has_use_for(self, issue: int) -> bool:
        """Whether an issue is read, or showed an article that one which is read asks about."""
        known = self._after is None or issue > self._after
        return known or not self._again.isdisjoint(self._pools[issue]["article"])


def _read_shown(table: pa.Table, ids: list[Hashable], slots: int) -> tuple[Ints, Bools]:
    """Of a log that was learned before: places in the pool [n, k], -1 if empty, and opened [n]."""
    place = pc.index_in(_decode(table["article"]), value_set=pa.array(ids))
    choice = pc.fill_null(place, -1).to_numpy().reshape(-1, slots)
    opened = table["opened"].to_numpy(zero_copy_only=False).reshape(-1, slots)
    return choice, np.asarray(opened[:, 0])


def _decode(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column


def _follow(round: Round, who: Ints, people: Ids) -> Iterator[Round]:
    """The round under members' present ids; a further one where a member got several mails.

    who: [n], each member's place among all `people`
    """
    turn = pd.Series(who).groupby(who).cumcount().to_numpy()
    for time in range(int(turn.max()) + 1):
        rows = np.flatnonzero(turn == time)
        part = round.take(rows)
        members = part.context.members.assign(member=people[who[rows]])
        yield replace(part, context=replace(part.context, members=members))


def _find_rows(path: Path, ids: Ids, everybody: Ids, slots: int) -> Ints:
    """Where each of `ids` [n] stands in the member list."""
    try:
        rows = locate(everybody, ids)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if (rows < 0).any():
        who = check.shorten(ids.tolist()[first := int((rows < 0).argmax())])
        raise ValueError(f"{path} row {first * slots}: member {who} is not in members.parquet")
    return rows
