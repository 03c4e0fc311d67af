"""The log: one parquet file an issue, one row for each (member, slot), enough to learn and to evaluate from."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from bandit.files import read_table, write_table
from bandit.types import Context, Feedback, Round, Slates

ANSWERS = ("delivered", "opened", "unsubscribed")
SLOT_ANSWERS = ("examined", "clicked", "dwell_seconds")


def slate_columns(context: Context, slates: Slates) -> dict[str, pa.Array]:
    """What was shown: campaign, member, slot (from 1), article (null: empty), propensity, role, relaxed, supported."""
    n, k = slates.choice.shape
    choice = slates.choice.ravel()
    articles = pa.array(context.article_ids).dictionary_encode()
    indices = pa.array(choice, type=pa.int32(), mask=choice < 0)
    return {
        "campaign": pa.DictionaryArray.from_arrays(pa.array(np.zeros(n * k, dtype=np.int32)), pa.array([context.campaign])),
        "member": pa.array(np.repeat(context.member_ids, k)),
        "slot": pa.array(np.tile(np.arange(1, k + 1, dtype=np.int16), n)),
        "article": pa.DictionaryArray.from_arrays(indices, articles.dictionary),
        "propensity": pa.array(slates.propensity.ravel()),
        "role": pa.array(slates.role.ravel()),
        "relaxed": pa.array(slates.relaxed.ravel()),
        "supported": pa.array(slates.supported.ravel()),
    }


def write(path: Path, round: Round) -> None:
    """One issue, what was shown and what came back, in the context's member order."""
    k = round.slates.choice.shape[1]
    answers = {name: pa.array(np.repeat(getattr(round.feedback, name), k)) for name in ANSWERS}
    by_slot = {name: pa.array(getattr(round.feedback, name).ravel()) for name in SLOT_ANSWERS}
    write_table(path, pa.table(slate_columns(round.context, round.slates) | answers | by_slot))


def read(path: Path, context: Context) -> Round:
    """The round that was logged for `context`. Raises ValueError if the file is damaged or is another issue's."""
    table = read_table(path)
    n, k = len(context.members), context.rules.slots
    if table.num_rows != n * k:
        raise ValueError(f"{path} has {table.num_rows} rows; {n} members and {k} slots make {n * k}")
    column = {name: table[name].combine_chunks() for name in table.column_names}
    members = column["member"].to_numpy(zero_copy_only=False).reshape(n, k)[:, 0]
    if not np.array_equal(members, context.member_ids):
        raise ValueError(f"{path} lists other members than issue {context.campaign}, or in another order")
    place = {article: j for j, article in enumerate(context.article_ids)}
    words = column["article"].dictionary.to_pylist()
    unknown = [word for word in words if word not in place]
    if unknown:
        raise ValueError(f"{path} shows article {unknown[0]!r}, which is not in the pool of {context.campaign}")
    lookup = np.array([place[word] for word in words] + [-1], dtype=np.int32)
    choice = lookup[column["article"].indices.fill_null(len(words)).to_numpy()].reshape(n, k)

    def slots(name: str) -> np.ndarray:
        return np.asarray(column[name].to_numpy(zero_copy_only=False)).reshape(n, k)

    slates = Slates(choice, slots("propensity"), slots("role"), slots("relaxed"), slots("supported"))
    answers = {name: slots(name)[:, 0] for name in ANSWERS} | {name: slots(name) for name in SLOT_ANSWERS}
    return Round(context, slates, Feedback(**answers))
