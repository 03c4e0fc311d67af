"""The feedback dict of Open Bandit Pipeline, and the CSV of the Open Bandit Dataset.

Open this file to hand a log to obp, or to take one from it (Saito, Aihara, Matsutani & Narita
2021).
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bandit.core import check
from bandit.core.check import shorten
from bandit.core.files import read_bytes, replacing
from bandit.ope.exchange.decisions import (
    NEAR,
    Decision,
    find_nested,
    gather_numbers,
    list_articles,
    spread,
)

COLUMNS = ("timestamp", "item_id", "position", "click", "propensity_score")
KNOWN, AFFINITY = "user_feature_", "user-item_affinity_"


def to_feedback(decisions: Sequence[Decision]) -> dict[str, object]:
    """What obp's estimators take: action, reward, pscore, pi_b, context, and how many of each.

    `context` holds what is known as a number (`decisions.gather_numbers`); `pi_b` is None where
    not all chances are known. `articles` says which article each number stands for.
    """
    action, chances = spread(decisions)
    return {
        "n_rounds": len(decisions),
        "n_actions": chances.shape[1],
        "context": gather_numbers(decisions)[1],
        "action_context": None,
        "action": action,
        "position": None,
        "reward": np.array([each.reward for each in decisions]),
        "pscore": chances[np.arange(len(action)), action],
        "pi_b": None if np.isnan(chances).any() else chances[:, :, None],
        "articles": list_articles(decisions),
    }


def from_feedback(told: Mapping[str, object]) -> list[Decision]:
    """The decisions of such a dict; articles are called by their numbers, unless `articles` names
    them, what is known x0, x1, ...

    Raises ValueError for what is missing, slates of several positions, and values that cannot be.
    """
    for name in ("action", "reward", "pscore", "context", "n_actions"):
        if told.get(name) is None:
            raise ValueError(f"feedback has no {name}")
    if told.get("position") is not None and len(np.unique(np.asarray(told["position"]))) > 1:
        raise ValueError("feedback has several positions; take those of one")
    action, reward, pscore = (np.asarray(told[name]) for name in ("action", "reward", "pscore"))
    n, m = len(action), int(str(told["n_actions"]))
    context = np.asarray(told["context"], np.float64)
    check.shape("context", context, (n, *context.shape[1:2]))
    check.shape("reward", reward, (n,))
    check.shape("pscore", pscore, (n,))
    listed = told.get("articles")
    names = [str(a) for a in listed] if isinstance(listed, list) else [str(a) for a in range(m)]
    pi_b = told.get("pi_b")
    chances = np.full((n, m), math.nan) if pi_b is None else np.asarray(pi_b)[:, :, 0].copy()
    found = []
    for i in range(n):
        if not 0 <= action[i] < m:
            raise ValueError(f"feedback round {i}: action = {action[i]}; must be below {m}")
        chances[i, action[i]] = pscore[i]
        known = {f"x{j}": value for j, value in enumerate(context[i].tolist())}
        offer = [a for a in range(m) if chances[i, a] != 0]  # NaN: unknown
        try:
            found.append(
                Decision(
                    event=str(i),
                    time="",
                    articles=tuple(names[a] for a in offer),
                    shown=offer.index(int(action[i])) if int(action[i]) in offer else -1,
                    chances=tuple(chances[i, offer].tolist()),
                    reward=float(reward[i]),
                    known=known,
                    about=tuple({} for _ in offer),
                )
            )
        except ValueError as error:
            raise ValueError(f"feedback round {i}: {error}") from None
    return found


def write_csv(path: str | Path, decisions: Iterable[Decision]) -> None:
    """Write decisions with the columns of the Open Bandit Dataset, whole or not at all.

    Only the chance of what was shown is in it, and of what is known, words and numbers.
    """
    rows = list(decisions)
    nested = find_nested(rows)
    names = [n for n in dict.fromkeys(n for each in rows for n in each.known) if n not in nested]
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, *(KNOWN + name for name in names)])
        for each in rows:
            known = [each.known.get(name, "") for name in names]
            told = (each.time, each.articles[each.shown], 1, each.reward, each.propensity)
            writer.writerow([*told, *known])


def read_csv(path: str | Path) -> list[Decision]:
    """The decisions of such a file, at all positions; chances of what was not shown are unknown.

    Affinities (user-item_affinity_0, ...) are left out, and take no memory. Raises ValueError
    naming file, line and value where it is damaged, a column that the dataset does not have, or has
    once, and an article that had less than all of the chance and no other one beside it.
    """
    if not Path(path).is_file():
        read_bytes(Path(path))  # says why not
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:  # as Excel writes it, too
            reader = csv.reader(file, strict=True)
            head = next(reader, [])
            columns = _find_columns(path, head)
            rows = [
                (reader.line_num, len(row), [row[at] for at in columns if at < len(row)])
                for row in reader
                if row
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from None
    if not rows:
        raise ValueError(f"{path}: there is no decision in it")
    names = [head[at][len(KNOWN) :] for at in columns if head[at].startswith(KNOWN)]
    place: dict[str, int] = {}  # of each article
    for _, size, values in rows:
        if size == len(head):
            place.setdefault(values[1], len(place))
    articles = tuple(place)
    about: tuple[Mapping[str, object], ...] = ({},) * len(place)
    alike: dict[tuple[int, float], tuple[float, ...]] = {}  # chances that many rows share
    words: dict[str, str] = {}
    found = []
    for number, (line, size, values) in enumerate(rows, 1):
        try:
            if size != len(head):
                many = "more" if size > len(head) else "fewer"
                raise ValueError(f"has {many} values than the head, which has {len(head)}")
            time, article, click, score, *known = values
            reward, key = (
                _parse("click", click),
                (place[article], _parse("propensity_score", score)),
            )
            if len(place) == 1 and 0 < key[1] < 1 - NEAR:
                raise ValueError(
                    f"propensity_score = {key[1]:g}, and {shorten(article)} is the only article of "
                    "the file: what had the rest of the chance must be in it"
                )
            if key not in alike:
                chances = [math.nan] * len(articles)
                chances[key[0]] = key[1]
                alike[key] = tuple(chances)
            found.append(
                Decision(
                    event=str(number),
                    time=time,
                    articles=articles,
                    shown=key[0],
                    chances=alike[key],
                    reward=reward,
                    known=dict(zip(names, (words.setdefault(w, w) for w in known), strict=True)),
                    about=about,
                )
            )
        except ValueError as error:
            raise ValueError(f"{path} line {line}: {error}") from None
    return found


def _find_columns(path: str | Path, head: Sequence[str]) -> list[int]:
    """Where time, article, click and chance stand, and then all that was known of the user.

    Raises ValueError for a column that is missing, there twice, or none of the dataset's.
    """
    if not head:
        raise ValueError(f"{path}: there is no decision in it")
    check.columns(str(path), head, COLUMNS)
    for name in head:
        if head.count(name) > 1:
            raise ValueError(f"{path}: column {shorten(name)} is there twice")
        if name not in ("", *COLUMNS) and not name.startswith((KNOWN, AFFINITY)):
            raise ValueError(
                f"{path}: column {shorten(name)} is none of the dataset's; "
                f"call what was known of the user {KNOWN}..."
            )
    own = [head.index(name) for name in ("timestamp", "item_id", "click", "propensity_score")]
    return own + [at for at, name in enumerate(head) if name.startswith(KNOWN)]


def _parse(what: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what} = {shorten(text)}; must be a number") from None
