"""What is known beside a log, kept in a file for each issue.

Open this file for what `replay/whole/NNN.parquet` of a unit holds: a row for each send that was
looked at, with lists over slots (and pairs of slots).
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from bandit.core.files import read_table, write_table
from bandit.core.types import Array, Bools, Floats, Ids
from bandit.ope.whole.beside import Beside

LISTS = ("reward", "supported", "logged", "target", "leans")


def write(path: Path, found: Beside) -> None:
    """Write what is known of the sends that were looked at.

    Whom a newsletter was sent to, who opened it and how well its first article is liked stand in
    the file beside (`watcher.LogReplay.write`). What is known from the top is not kept.
    """
    columns = {name: pa.array(getattr(found, name)) for name in ("rows", "sampled")}
    columns |= {name: _fold(getattr(found, name)) for name in LISTS}
    write_table(path, pa.table(columns))


def read(path: Path, members: Ids, opened: Bools, first: Floats | None) -> Beside:
    """What `write` wrote.

    members, opened: [n], of all sends
    first: [n, 2], of all sends, as in `Beside`; None: not known

    Raises ValueError naming the file where it is damaged.
    """
    table = read_table(path)
    column = {name: table[name].combine_chunks() for name in table.column_names}
    e, k = table.num_rows, column["reward"].type.list_size
    shapes: dict[str, tuple[int, ...]] = {"logged": (e, k, k), "target": (e, k, k)}
    shapes["leans"] = (e, k, column["leans"].type.list_size // (2 * k), 2)
    lists = {name: _unfold(column[name]).reshape(shapes.get(name, (e, k))) for name in LISTS}
    rows, sampled = (column[name].to_numpy(zero_copy_only=False) for name in ("rows", "sampled"))
    reward, supported, logged, target, leans = lists.values()
    return Beside(members, rows, sampled, reward, supported, logged, target, leans, opened, first)


def _fold(array: Array) -> pa.Array:
    """An array [e, ...] as e lists."""
    width = int(np.prod(array.shape[1:]))
    return pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), width)


def _unfold(lists: pa.Array) -> Array:
    return np.asarray(lists.flatten().to_numpy(zero_copy_only=False))
