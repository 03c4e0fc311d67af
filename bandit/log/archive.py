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

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from bandit.core import check
from bandit.core.check import shorten
from bandit.core.files import check_ids, read_json, read_plain, to_frame, write_json, write_table
from bandit.core.ids import Aliases, follow, locate
from bandit.core.rules import Rules
from bandit.core.types import Context, Ids, Ints, Round
from bandit.features.clean import join_texts
from bandit.features.features import Features
from bandit.features.text import Encoder
from bandit.log import issue as log
from bandit.log.members import History, Membership, add_unknown
from bandit.slates.editorial import find_eligible
from bandit.slates.seen import Seen, Sent


def write(folder: Path, rounds: Iterable[Round]) -> None:
    """Write an archive of issues in order, numbered as their contexts are.

    Raises ValueError as a strict `Surroundings` does, and for a round that `read` would refuse.
    """
    folder = Path(folder)
    # until all is written, what is there is no archive
    (folder / "members.parquet").unlink(missing_ok=True)
    around = Surroundings(folder, strict=True)
    for round in rounds:
        around.add(round.context)
        log.check_round(round)
        log.write(folder / "log" / f"{round.context.issue:03d}.parquet", round)
    around.clear()
    around.finish()


class Surroundings:
    """Writes all of an archive but the log: `add` each issue's context, then `finish`.

    folder: of the archive; it is made where it does not exist
    strict: check whether each context can be read back the same, which takes longer than writing it
    """

    def __init__(self, folder: Path, strict: bool = False) -> None:
        self._folder, self._strict = folder, strict
        self._members = Membership(folder)
        self._rules: dict[str, dict[str, object]] = {}

    def add(self, context: Context) -> None:
        """Write one issue's pool and who has changed, and note its rules and who is new.

        Raises ValueError where an issue comes twice, and where an attribute holds numbers after
        text; if strict, also for eligibility that does not follow from the pool.
        """
        name = f"{context.issue:03d}"
        if name in self._rules:
            raise ValueError(
                f"issue {context.issue} comes twice; an archive has one file for an issue"
            )
        self._members.add(context.issue, context.members.to_pandas())
        if self._strict and not np.array_equal(
            context.eligible, find_eligible(context.members, context.articles)
        ):
            raise ValueError(
                f"issue {context.issue}: eligible does not follow from the pool's only_ columns"
            )
        write_table(
            self._folder / "pools" / f"{name}.parquet", _to_table(context.articles.to_pandas())
        )
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


def _to_table(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def read_rules(folder: str | Path) -> dict[int, tuple[str, Rules]]:
    """Campaign and rules of each issue, in order.

    Raises ValueError where the folder holds no archive, or not the whole of one.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"log = {str(folder)!r}: there is no such folder")
    for name in ("members.parquet", "rules.json"):
        if not (folder / name).is_file():
            raise ValueError(
                f"{folder} holds no {name}: it is not an archive, or not a finished one"
            )
    path = folder / "rules.json"
    try:
        told = read_json(path)
        if odd := [name for name in told if name != f"{int(name):03d}"]:
            raise ValueError(f"issue {shorten(odd[0])} must be numbered like 001")
        issues = sorted((int(name), each) for name, each in told.items())
        found = {issue: _parse_rules(each) for issue, each in issues}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} does not say each issue's campaign and rules: {error}") from None
    if not found:
        raise ValueError(f"{path} names no issue")
    for needed in (_file(folder, part, issue) for part in ("log", "pools") for issue in found):
        if not needed.is_file():
            raise ValueError(f"{needed} is missing; the archive must be whole")
    for part in ("log", "pools", "changes"):
        for file in sorted((folder / part).glob("*.parquet")):
            if file.stem not in told:
                raise ValueError(
                    f"{path} does not name issue {file.stem}, of which there is {file}"
                )
    return found


def _parse_rules(told: dict[str, Any]) -> tuple[str, Rules]:
    """One issue's campaign and rules, from what rules.json tells of it."""
    if not isinstance(told["campaign"], str):
        raise ValueError(f"campaign = {shorten(told['campaign'])}; must be text")
    return told["campaign"], Rules.parse(told["rules"])


def read_attributes(folder: Path) -> dict[int, list[str]]:
    """Each issue's columns of the member list, where they are not those of members.parquet."""
    told = read_json(folder / "rules.json")
    found = {int(name): each["attributes"] for name, each in told.items() if "attributes" in each}
    for issue, names in found.items():
        texts = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        if texts != names or "member" not in texts or len(set(texts)) < len(texts):
            where = f"{folder / 'rules.json'}: issue {issue}: attributes"
            raise ValueError(f"{where} = {shorten(names)}; must be names of columns")
    return found


def _file(folder: Path, part: str, issue: int) -> Path:
    return folder / part / f"{issue:03d}.parquet"


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
    return _read_listed(_file(Path(folder), "pools", issue), "pool", columns)


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


def read(folder: str | Path, features: Features, aliases: Aliases | None = None) -> Iterator[Round]:
    """The issues in order, each with the context that it was sent in.

    features: reads the members and articles
    aliases: old id -> present one, of members who got another or were merged; where two ids of one
        member got an issue, the second mail comes in a further round of it

    Raises ValueError naming file, row and value where the folder is damaged, or is no archive.
    """
    folder = Path(folder)
    ruled = read_rules(folder)
    history = History(folder, list(ruled), read_attributes(folder))
    versions = add_unknown(history.list_versions(), features.attributes)
    everybody, x = history.ids, features.encode_members(versions)
    person, people = pd.factorize(follow(history.ids, aliases or {}))
    pools = {issue: read_pool(folder, issue) for issue in ruled}
    seen = Seen(len(people))
    sent = Sent(len(people), max(own.no_repeat for _, own in ruled.values()))
    for issue, (campaign, own) in ruled.items():
        path, articles = _file(folder, "log", issue), pools[issue]
        earlier = features.find_earlier(articles, [pools[past] for past in ruled if past < issue])
        table = read_plain(path)
        rows = _find_rows(path, log.list_members(path, table, own.slots), everybody, own.slots)
        now = history.advance(issue)[rows]
        there = add_unknown(history.take(issue, now), features.attributes)
        ids, who = articles["article"].tolist(), person[rows]
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
            raise ValueError(f"{_file(folder, 'pools', issue)}: {error}") from None
        round = log.parse_issue(path, table, context)
        seen.add(ids, round.slates.choice, round.feedback.opened, who)
        sent.add(ids, round.slates.choice, who)
        seen.fold(ids)
        yield from _follow(round, who, people) if aliases else (round,)


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
        who = shorten(ids.tolist()[first := int((rows < 0).argmax())])
        raise ValueError(f"{path} row {first * slots}: member {who} is not in members.parquet")
    return rows
