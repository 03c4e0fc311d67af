"""Lines below a member list that sum it up, such as `Total: 24`, which are no members.

Systems write them below what they export. Left in, each would be mailed. Open this file to see
which lines are refused; none is ever left out in silence, for it may be a member after all.
"""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.check import shorten
from bandit.features.attributes import MISSING, fold

_APART = r"[\s:]"  # in `Total: 24` or `24 records`; hardly ever in an id
_WORDS = {"total", "totals", "subtotal", "sum", "count"}  # that stand alone
_LETTER = re.compile(r"[^\W\d_]")


def refuse_totals(path: Path, columns: pa.Table) -> None:
    """Raise ValueError where the last rows sum up the others.

    Their ids are such words, or hold a space or a colon where no id above does, and nothing else in
    these rows is a word: they are empty, or hold counts and sums.

    columns: `member`, and what was read of the list beside it
    """
    ids, first = columns["member"], columns.num_rows
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)):
        return
    while first and _sums_up(columns.slice(first - 1, 1).to_pylist()[0]):
        first -= 1
    above = ids.slice(0, first)
    if first in (0, len(ids)) or pc.any(pc.match_substring_regex(above, _APART)).as_py():
        return
    raise ValueError(
        f"{path} row {first}: {shorten(ids[first].as_py())} is like no other id and has no "
        "attribute, as a line of totals; delete it, or put it above another row if it is a member"
    )


def _sums_up(row: dict[str, object]) -> bool:
    """Whether a row may be one of totals, whatever stands above it."""
    own = fold(str(row["member"]))
    odd = own in _WORDS or re.search(_APART, own) is not None
    return odd and not any(_is_word(value) for name, value in row.items() if name != "member")


def _is_word(value: object) -> bool:
    text = str(value) if value is not None and value == value else ""
    return fold(text) not in MISSING and _LETTER.search(text) is not None
