"""The first bundle: features fitted to an association's own members and articles, and a policy.

Open this file to see what a policy is made with, and how many numbers a text is read as.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from bandit.core.check import shorten
from bandit.core.ids import Aliases
from bandit.core.threads import use_one_thread
from bandit.core.told import name_nearest
from bandit.features.clean import clean_texts
from bandit.features.features import Features
from bandit.log.issues import Issue
from bandit.log.learning import learn_log
from bandit.policies.segment_rules import SegmentRules
from bandit.policy import Informed, Policy
from serving.checks.lines import refuse_other_lines
from serving.checks.names import find_near, name_plainly
from serving.settings import read_settings
from serving.tables.kinds import TEXT
from serving.tables.table import Table

DIMS = 32  # numbers that a text is read as, where there are articles enough
EACH = 2  # different texts for each of them, at least


def read_archive(
    paths: Sequence[str | Path], encoding: str = "utf-8"
) -> tuple[list[str], list[str], list[str]]:
    """The texts of past articles as they came, each once; the files' digests; what files lack.

    paths: tables with `title`, and perhaps `summary`

    Raises ValueError naming file, row and value.
    """
    texts: dict[str, None] = {}
    digests, lacking = [], []
    for path in paths:
        table = Table.read(path, ["title"], all_columns=True, encoding=encoding)
        plain = {name_plainly(name): name for name in table.columns.column_names}
        # a line of totals says so where it begins
        for name in sorted({"title", table.names[0]} & {*table.columns.column_names}):
            refuse_other_lines(table.path, table.columns, name, "an article")
        table.check_type("title", TEXT)
        table.check_present("title")
        titles = table.columns["title"].to_pylist()
        summaries = [""] * len(titles)
        if "summary" in plain:
            table.check_type(plain["summary"], TEXT)
            summaries = [text or "" for text in table.columns[plain["summary"]].to_pylist()]
        else:
            near = find_near("summary", [name for name in table.names if name != "title"])
            hint = f" ({near!r} would be, if it were called so)" if near else ""
            lacking.append(f"{path} has no column 'summary'{hint}: titles alone are read")
        pairs = zip(titles, summaries, strict=True)
        texts |= {f"{title}. {summary}": None for title, summary in pairs}
        digests.append(table.digest)
    return list(texts), digests, lacking


def choose_dims(texts: Sequence[str], asked: int | None) -> int:
    """How many numbers a text is read as: what was asked, or as many as there are texts for.

    Raises ValueError, with a way forward, for an archive that is too small.
    """
    count = len({text for text in clean_texts(texts) if text})
    if asked is not None and count > asked:
        return asked
    if count < EACH or asked is not None:
        raise ValueError(
            f"--articles hold {count} different texts that can be read; a reader of "
            f"{asked or 1} columns needs {(asked or 1) + 1} or more: give more past articles (this "
            "week's pool may be among them), or leave --text-dims out"
        )
    return min(DIMS, count // EACH)


@use_one_thread()
def fit(members: pd.DataFrame, texts: Sequence[str], dims: int | None) -> Features:
    """Features of these members and texts. Raises ValueError as `Features.fit` does."""
    return Features.fit(members, texts, choose_dims(texts, dims))


def find_policy(name: str) -> str:
    """The dotted path of the class in `bandit/policies/NAME.py`.

    Raises ValueError where there is none, or where it exists only in simulation.
    """
    module = f"bandit.policies.{name}"
    if not name.isidentifier() or not find_spec(module):
        raise ValueError(f"--policy {name!r}: there is no bandit/policies/{name}.py")
    kinds = [
        kind
        for kind in vars(import_module(module)).values()
        if isinstance(kind, type) and issubclass(kind, Policy) and kind.__module__ == module
    ]
    if len(kinds) != 1 or issubclass(kinds[0], Informed):
        raise ValueError(f"--policy {name!r} exists only in simulation, or is no policy")
    return f"{module}.{kinds[0].__name__}"


def make_policy(target: str, parameters: Mapping[str, object], features: Features) -> Policy:
    """A policy, started. Raises ValueError naming the parameter at fault."""
    module, _, name = target.rpartition(".")
    try:
        policy: Policy = getattr(import_module(module), name)(**parameters)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None
    policy.start(features)
    return policy


def learn(policy: Policy, log: str | Path, features: Features, aliases: Aliases) -> list[Issue]:
    """Let the policy learn past sends, an archive. Returns its issues.

    aliases: the present id of each old one

    Raises ValueError naming file, row and value where the archive is damaged.
    """
    return learn_log(policy, log, features, aliases=aliases)


def read_segment_rules(path: str | Path, features: Features) -> dict[str, object]:
    """The parameters of `SegmentRules` that an editor's own YAML gives.

    by: the attribute that makes the segments, under any name that plainly is its own
    rules: value -> what that segment gets, in words
    otherwise: what everybody else gets, in words
    epsilon: share of slots filled at random

    Raises ValueError naming file and setting.
    """
    given, _ = read_settings(path, "by: member_type")
    for name in given:
        if name not in (known := ("by", "rules", "otherwise", "epsilon")):
            raise ValueError(
                f"{path}: {name} = {shorten(given[name])}: there is no such setting"
                f"{name_nearest(name, known)}"
            )
    rules = given.get("rules")
    if not isinstance(rules, dict) or not all(isinstance(words, str) for words in rules.values()):
        raise ValueError(f"{path}: rules = {rules!r}: must be a value and words for each segment")
    if not isinstance(given.get("otherwise"), str):
        raise ValueError(f"{path}: otherwise = {given.get('otherwise')!r}: must be words")
    parameters = given | {
        "by": name_plainly(str(given.get("by"))),
        "rules": {str(value): words for value, words in rules.items()},
    }
    try:
        SegmentRules(**parameters).start(features)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return parameters
