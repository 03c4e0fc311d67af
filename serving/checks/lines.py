"""Lines that are no members, pairs or articles: sums such as `Total: 24`, and headings said again.

Systems write them above, between and below what they export. Left in a member list, each would be
mailed. They are told by the id alone, for a member of whom nothing is known looks like any other
line. Open this file to see which are refused, and which ids of members are; none is ever left out
in silence.
"""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.check import shorten
from serving.checks.names import IDS, name_plainly

_WHAT = r"(?:members?|records?|rows?|contacts?|count|number)"
_NUMBER = r"(?:\s*[:=\uff1a]\s*|\s+)?[\d.,]*"
_SUM = re.compile(
    rf"(?:(?:grand|sub|over|all)[\s-]*)*totals?(?:\s+(?:of\s+)?{_WHAT})?{_NUMBER}"  # Total: 24
    rf"|(?:sums?|summe|counts?|averages?|means?|number\s+of\s+{_WHAT})\s*(?:[:=\uff1a]\s*[\d.,]*)?"
    rf"|[\d.,]+\s+(?:{_WHAT}|(?:in\s+)?total)"  # 24 records
)
# one of these is in any such line, and in hardly an id
_WORDS = r"total|sum|count|average|mean|number|member|record|row|contact|^\W*id\W*$"
FORMULA = "^[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]"  # the last four are = + - @ in full width


def refuse_other_lines(
    path: Path, columns: pa.Table, name: str = "member", what: str = "a member", first: int = 0
) -> None:
    """Raise ValueError naming file, row and id of the first row whose id says it is something else.

    path: of the table, for the message
    columns: of the table
    name: of the column of ids that is looked at, and only where they are text; none need be there
    what: each row is, for the message
    first: the row of the file that comes first in the table
    """
    if not _is_text(ids := columns[name]):
        return
    plain = name_plainly(name)
    if name in (*IDS, "title"):  # nothing else must be there
        _refuse_unnamed_totals(path, columns, name, first)
    words = f"{_WORDS}|{plain.replace('_', '.')}"
    asked = pc.match_substring_regex(ids, words, ignore_case=True)
    for row in np.flatnonzero(pc.fill_null(asked, False).to_numpy()).tolist():
        own = ids[row].as_py()
        if told := _tell(own, plain):
            raise ValueError(
                f"{path} row {first + row}: {shorten(own)} is {told}, not {what}; delete it"
            )


def _refuse_unnamed_totals(path: Path, columns: pa.Table, name: str, first: int) -> None:
    """Raise ValueError where another cell of the first row without an id says it is a sum."""
    ids = columns[name]
    row = pc.index(pc.fill_null(pc.equal(pc.utf8_trim_whitespace(ids), ""), True), True).as_py()
    cells = columns.slice(row, 1).to_pylist()[0].values() if row >= 0 else ()
    for cell in cells:
        if isinstance(cell, str) and _SUM.fullmatch(cell.casefold().strip()):
            raise ValueError(
                f"{path} row {first + row}: {name} is empty, and {shorten(cell)} says that it is "
                "a line of totals; delete it"
            )


def _tell(own: str, name: str) -> str:
    """What an id in a column says that its line is; "" for one like any other."""
    if _SUM.fullmatch(own.casefold().strip()):
        return "a line of totals"
    return "a line of headings" if name_plainly(own) in {name, f"{name}_id", "id"} else ""


def refuse_formulas(path: Path, columns: pa.Table, first: int = 0) -> None:
    """Raise ValueError at the first member whose id a spreadsheet would take for a formula.

    The id would stand in the merge file, and cannot be changed: the platform finds the member by
    it.

    first: the row of the file that comes first in the table
    """
    if not _is_text(ids := columns["member"]):
        return
    row = pc.index(pc.match_substring_regex(ids, FORMULA), True).as_py()
    if row >= 0:
        raise ValueError(
            f"{path} row {first + row}: member {shorten(ids[row].as_py())}: the id begins like a "
            "spreadsheet's formula, which a merge file must not hold; ids may not begin with "
            "= + - @"
        )


def _is_text(ids: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type))
