"""The log: one parquet file an issue, with one row for each (member, slot).

It is enough to learn and to evaluate from, and it is the checkpoint of a run. Open this file for
what is logged, or for why a log was refused.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from bandit.core import check
from bandit.core.check import shorten
from bandit.core.files import read_plain, write_table
from bandit.core.ids import check_ids
from bandit.core.types import (
    EMPTY,
    PINNED,
    ROLES,
    Array,
    Context,
    Feedback,
    Ids,
    Ints,
    Round,
    Slates,
)
from bandit.slates.editorial import Desk

ANSWERS = ("delivered", "opened", "unsubscribed")
SLOT_ANSWERS = ("examined", "clicked", "dwell_seconds")
CHOICES = ("propensity", "role", "relaxed", "supported")
FLAGS = ("supported", "delivered", "opened", "unsubscribed", "clicked")
WHOLE = ("role", "relaxed", "examined")
WITHIN = {
    "role": (0, len(ROLES) - 1),
    "relaxed": (0, 4),
    "examined": (-1, 1),
    "dwell_seconds": (0.0, 1e9),
}
SHOWN = ("campaign", "member", "slot", "article", *CHOICES)
COLUMNS = (*SHOWN, *ANSWERS, *SLOT_ANSWERS)


def tabulate_slates(context: Context, slates: Slates) -> dict[str, pa.Array]:
    """What was shown, one row for each (member, slot).

    The columns are campaign, member, slot (from 1), article (null for an empty slot), propensity,
    role, relaxed and supported, as `Slates` has them.
    """
    n, k = slates.choice.shape
    choice = slates.choice.ravel()
    articles = pa.array(context.article_ids).dictionary_encode()
    indices = pa.array(choice, type=pa.int32(), mask=choice < 0)
    return {
        "campaign": pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(n * k, dtype=np.int32)), pa.array([context.campaign])
        ),
        "member": pa.array(np.repeat(context.member_ids, k)),
        "slot": pa.array(np.tile(np.arange(1, k + 1, dtype=np.int16), n)),
        "article": pa.DictionaryArray.from_arrays(indices, articles.dictionary),
        "propensity": pa.array(slates.propensity.ravel()),
        "role": pa.array(slates.role.ravel()),
        "relaxed": pa.array(slates.relaxed.ravel()),
        "supported": pa.array(slates.supported.ravel()),
    }


def write(path: Path, round: Round) -> None:
    """Write one issue, what was shown and what came back, in the order of the context's members."""
    k = round.slates.choice.shape[1]
    answers = {name: pa.array(np.repeat(getattr(round.feedback, name), k)) for name in ANSWERS}
    by_slot = {name: pa.array(getattr(round.feedback, name).ravel()) for name in SLOT_ANSWERS}
    write_table(path, pa.table(tabulate_slates(round.context, round.slates) | answers | by_slot))


def list_members(path: Path, table: pa.Table, slots: int, columns: Sequence[str] = COLUMNS) -> Ids:
    """Member ids [n] in the order of a log, one for each `slots` rows.

    path: of the file that `table` was read from, for the errors
    columns: that the table must have

    Raises ValueError unless the rows are each member's slots in order.
    """
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise ValueError(f"{path} is no log: it lacks column {missing[0]!r}")
    for name in ("member", "article"):
        check_ids(path, table, name)
    if table.num_rows % slots:
        raise ValueError(
            f"{path} has {table.num_rows} rows, which {slots} slots a member do not divide"
        )
    member, slot = (
        table[name].combine_chunks().to_numpy(zero_copy_only=False) for name in ("member", "slot")
    )
    ids = member.reshape(-1, slots)[:, 0]
    for name, found, wanted in (
        ("slot", slot, np.tile(np.arange(1, slots + 1), len(ids))),
        ("member", member, np.repeat(ids, slots)),
    ):
        wrong = np.asarray(found != wanted)
        if wrong.any():
            row = int(wrong.argmax())
            here, must = found.tolist()[row], wanted.tolist()[row]
            raise ValueError(
                f"{path} row {row}: {name} is {shorten(here)}; must be {shorten(must)}, "
                "each member's slots in order"
            )
    return np.asarray(ids)


def read(path: Path, context: Context) -> Round:
    """The round that was logged for `context`.

    Raises ValueError if the file is damaged, is another issue's, or holds what no log can: a
    propensity outside (0, 1], a slate that the rules do not allow, a click in an empty slot or in a
    mail that was not opened.
    """
    return parse_issue(path, read_plain(path), context)


def read_slates(path: Path, context: Context) -> Slates:
    """What was shown for `context`, whether or not anything has come back yet.

    path: of a log, or of what `serving.send` writes, which is a log without answers

    Raises ValueError as `read` does.
    """
    slates, _ = _parse_shown(path, read_plain(path), context, SHOWN)
    try:
        _check_slates(context, slates)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return slates


def _parse_shown(
    path: Path, table: pa.Table, context: Context, columns: Sequence[str]
) -> tuple[Slates, dict[str, Array]]:
    """What was shown for `context`; and of `columns`, all [n, k] that hold numbers or flags."""
    n, k = len(context.members), context.rules.slots
    if table.num_rows != n * k:
        raise ValueError(
            f"{path} has {table.num_rows} rows; {n} members and {k} slots make {n * k}"
        )
    if not np.array_equal(list_members(path, table, k, columns), context.member_ids):
        raise ValueError(
            f"{path} lists other members than issue {context.campaign}, or in another order"
        )
    column = {name: table[name].combine_chunks() for name in columns}
    _check_columns(path, column)
    campaigns = column["campaign"].unique().to_pylist()
    if campaigns != [context.campaign]:
        other = next((name for name in campaigns if name != context.campaign), None)
        raise ValueError(
            f"{path} is of campaign {shorten(other)}; must be {shorten(context.campaign)}"
        )
    values: dict[str, Array] = {
        name: column[name].to_numpy(zero_copy_only=False).reshape(n, k)
        for name in (*CHOICES, *ANSWERS, *SLOT_ANSWERS)
        if name in column
    }
    # another program may have written whole numbers as floats
    values |= {name: values[name].astype(np.int8) for name in WHOLE if name in column}
    choice = _parse_choice(path, column["article"], context).reshape(n, k)
    return Slates(choice, *(values[name] for name in CHOICES)), values


def parse_issue(path: Path, table: pa.Table, context: Context) -> Round:
    """The round that was logged for `context`, in a file that has been read.

    path: of the file that `table` was read from, for the errors

    Raises ValueError as `read` does.
    """
    slates, values = _parse_shown(path, table, context, COLUMNS)
    k = context.rules.slots
    for name in ANSWERS:
        differ = np.flatnonzero((values[name] != values[name][:, :1]).any(axis=1))
        if len(differ):
            raise ValueError(
                f"{path} row {differ[0] * k}: {name} differs between a member's slots; "
                "a mail has one answer"
            )
    answers = {name: values[name][:, 0] for name in ANSWERS}
    by_slot = {name: values[name] for name in SLOT_ANSWERS}
    round = Round(context, slates, Feedback(**answers, **by_slot))
    try:
        check_round(round)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return round


def _parse_choice(path: Path, shown: pa.Array, context: Context) -> Ints:
    """The articles shown [n k] as indices into the pool; -1 for an empty slot."""
    if not pa.types.is_dictionary(shown.type):
        shown = shown.dictionary_encode()
    place = {article: j for j, article in enumerate(context.article_ids)}
    words = shown.dictionary.to_pylist()
    unknown = [word for word in words if word not in place]
    if unknown:
        what = f"shows article {shorten(unknown[0])}"
        raise ValueError(f"{path} {what}, which is not in the pool of {context.campaign}")
    index = np.array([place[word] for word in words] + [-1], dtype=np.int32)
    return np.asarray(index[shown.indices.fill_null(len(words)).to_numpy()])


def _check_columns(path: Path, column: dict[str, pa.Array]) -> None:
    """Raise ValueError at a column of another type, or a value that is missing or out of range."""
    for name in filter(column.__contains__, (*CHOICES, *ANSWERS, *SLOT_ANSWERS)):
        values, kind = column[name], "true or false" if name in FLAGS else "a number"
        if not (pa.types.is_boolean if name in FLAGS else _is_number)(values.type):
            raise ValueError(f"{path}: {name} is {values.type}; must be {kind}")
        given = values.to_numpy(zero_copy_only=False)
        bad = values.is_null().to_numpy(zero_copy_only=False)
        if name in WITHIN and not bad.any():
            low, high = WITHIN[name]
            bad = ~((given >= low) & (given <= high))
            if name in WHOLE:
                bad |= given != np.floor(given)
        if bad.any():
            row = int(bad.argmax())
            raise ValueError(
                f"{path} row {row}: {name} = {shorten(values[row].as_py())}; "
                f"must be {kind} that a log can hold"
            )


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _check_slates(context: Context, slates: Slates) -> None:
    """Raise ValueError at the first slate that cannot have been sent, naming slot and member.

    No article is shown twice; propensities are in (0, 1]; an empty slot, and no other, has the role
    of one and propensity 1; a pinned slot has the pinned article; no hard rule is broken.
    """
    choice, ids = slates.choice, context.member_ids.tolist()
    ordered = np.sort(choice, axis=1)
    twice = np.flatnonzero(
        ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1)
    )
    if len(twice):
        who = shorten(ids[twice[0]])
        raise ValueError(f"member {who} was shown an article twice in {context.campaign}")
    rows, places = np.indices(choice.shape)
    check.propensities(slates.propensity.ravel(), rows.ravel(), places.ravel())
    desk, k = Desk(context), choice.shape[1]
    allowed = [desk.allows(slot, choice[:, slot]) for slot in range(k)]
    pinned = [desk.find_pin(slot)[1] for slot in range(k)]
    empty, broken = choice < 0, ~np.reshape(allowed, (k, -1)).T
    one = (slates.role == PINNED) | (slates.role == EMPTY)
    for what, values, bad in (
        ("article", choice, broken),
        ("role", slates.role, (slates.role == EMPTY) != empty),
        ("role", slates.role, (slates.role == PINNED) != np.reshape(pinned, (k, -1)).T),
        ("propensity", slates.propensity, one & (slates.propensity != 1)),
    ):
        if bad.any():
            i, j = np.argwhere(bad)[0]
            value = values[i, j].item()
            if what == "article":
                value = None if value < 0 else context.article_ids[value]
            raise ValueError(
                f"row {i * k + j}: {what} = {shorten(value)} in slot {j + 1} of member "
                f"{shorten(ids[i])}, which the rules of {context.campaign} never give"
            )


def check_round(round: Round) -> None:
    """Raise ValueError at the first thing that cannot have happened, naming slot and member."""
    _check_slates(round.context, round.slates)
    feedback, ids = round.feedback, round.context.member_ids.tolist()
    clicked, empty = feedback.clicked, round.slates.choice < 0
    for what, bad in (
        ("in an empty slot", clicked & empty),
        ("in a mail that was not opened", clicked & ~feedback.opened[:, None]),
        ("in a slot that was not looked at", clicked & (feedback.examined == 0)),
    ):
        if bad.any():
            i, j = np.argwhere(bad)[0]
            raise ValueError(f"clicked[{i}, {j}] is true, {what} (member {shorten(ids[i])})")
    for name, answer in (("opened", feedback.opened), ("unsubscribed", feedback.unsubscribed)):
        lost = answer & ~feedback.delivered
        if lost.any():
            i = int(lost.argmax())
            who = shorten(ids[i])
            raise ValueError(
                f"{name}[{i}] is true, of a mail that was not delivered (member {who})"
            )
