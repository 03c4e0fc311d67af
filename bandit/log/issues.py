"""Which issues a log has, and which of them are new to a policy.

An archive's rules.json says each issue's campaign and rules. A policy that has learned a log names
its issues, each with a digest of all that was logged of it, so that none is learned twice, left out
or changed behind its back. Open this file to see what is refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from bandit.core.check import shorten
from bandit.core.files import read_json
from bandit.core.rules import Rules


@dataclass(frozen=True)
class Issue:
    """One issue of a log.

    issue: its number
    campaign: its name
    sha256: of its rules, and of its files of log, pool and changed members
    """

    issue: int
    campaign: str
    sha256: str

    @property
    def name(self) -> str:
        """How messages name it, such as `issue 007 (2026-48)`."""
        return f"issue {self.issue:03d} ({shorten(self.campaign)})"


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
    told = read_json(path)
    try:
        if odd := [name for name in told if name != f"{int(name):03d}"]:
            raise ValueError(f"issue {shorten(odd[0])} must be numbered like 001")
        issues = sorted((int(name), each) for name, each in told.items())
        found = {issue: _parse_rules(each) for issue, each in issues}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} does not say each issue's campaign and rules: {error}") from None
    if not found:
        raise ValueError(f"{path} names no issue")
    for needed in (find_file(folder, part, issue) for part in ("log", "pools") for issue in found):
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


def find_file(folder: Path, part: str, issue: int) -> Path:
    """The file of one issue in a part of an archive: log, pools or changes."""
    return folder / part / f"{issue:03d}.parquet"


def list_issues(folder: str | Path) -> list[Issue]:
    """All issues of an archive, in order.

    members.parquet grows with each issue, and is in no digest. Raises ValueError as `read_rules`
    does.
    """
    folder, found = Path(folder), []
    ruled, told = read_rules(folder), read_json(folder / "rules.json")
    for issue, (campaign, _) in ruled.items():
        digest = sha256(json.dumps(told[f"{issue:03d}"], sort_keys=True).encode())
        for part in ("log", "pools", "changes"):
            path = find_file(folder, part, issue)
            if path.is_file():
                with path.open("rb") as file:
                    digest.update(f"\0{part} {file_digest(file, 'sha256').hexdigest()}".encode())
        found.append(Issue(issue, campaign, digest.hexdigest()))
    return found


def describe_issues(issues: Sequence[Issue]) -> list[dict[str, object]]:
    """Issues as JSON, for whoever has learned them."""
    return [asdict(each) for each in issues]


def parse_issues(told: object) -> list[Issue]:
    """The inverse of `describe_issues`. Raises ValueError where it is no list of issues in order.

    >>> parse_issues([{"issue": 3, "campaign": "2026-48", "sha256": "ab"}])[0].name
    "issue 003 ('2026-48')"
    """
    kinds, found = {"issue": int, "campaign": str, "sha256": str}, []
    for one in told if isinstance(told, list) else [told]:
        given = one if isinstance(one, Mapping) else {}
        if {name: type(value) for name, value in given.items()} != kinds:
            raise ValueError(f"{shorten(one)} is no issue; must have {', '.join(kinds)}")
        found.append(Issue(**given))
    for one, two in pairwise(found):
        if two.issue <= one.issue:
            raise ValueError(f"{two.name} comes after {one.name}; must be in order")
    return found


def check_known(folder: str | Path, there: Sequence[Issue], known: Sequence[Issue]) -> None:
    """Raise ValueError where an issue that was learned is missing, or another now.

    folder, there, known: as for `find_new`
    """
    found = {each.issue: each for each in there}
    for old in known:
        if old.issue not in found:
            raise ValueError(f"{folder}: {old.name} is missing, which was learned")
        now = found[old.issue]
        if now != old:
            raise ValueError(
                f"{folder}: {now.name} was rewritten since it was learned (SHA-256 is "
                f"{now.sha256[:12]}..., and was {old.sha256[:12]}...); learn the log anew"
            )


def find_new(folder: str | Path, there: Sequence[Issue], known: Sequence[Issue]) -> list[Issue]:
    """The issues of a log that are not known yet, in order; all of them where none is.

    folder: of the log, for the errors
    there: its issues, as `list_issues` gives them
    known: those that were learned, in order

    Raises ValueError where a known issue is missing or another now, where there is nothing new, and
    where a new one is a known campaign, comes before a known one, or after one that is missing.
    """
    if not known:
        return list(there)
    check_known(folder, there, known)
    last = known[-1]
    numbers, campaigns = {each.issue for each in known}, {each.campaign: each for each in known}
    new = [each for each in there if each.issue not in numbers]
    if not new:
        raise ValueError(f"{folder} has no new issue: {last.name}, its last, was learned already")
    for wanted, each in zip(count(last.issue + 1), new, strict=False):
        if each.issue < last.issue:
            raise ValueError(
                f"{folder}: {each.name} comes before {last.name}, which was learned already; "
                "issues are learned in order: learn the log anew"
            )
        if each.issue != wanted:
            raise ValueError(
                f"{folder}: issue {wanted:03d} is missing: {last.name} was learned last, and "
                f"{each.name} is there"
            )
        if each.campaign in campaigns:
            was = campaigns[each.campaign].issue
            raise ValueError(f"{folder}: {each.name} was learned already, as issue {was:03d}")
    return new
