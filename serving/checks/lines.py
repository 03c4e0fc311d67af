"""Lines of a member list that are no members: sums such as `Total: 24`, and headings said again.

Systems write them above, between and below what they export. Left in, each would be mailed. They
are told by the id alone, for a member of whom nothing is known looks like any other line. Open this
file to see which are refused; none is ever left out in silence.
"""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.check import shorten
from serving.checks.names import name_plainly

_WHAT = r"(?:members?|records?|rows?|contacts?|count|number)"
_NUMBER = r"(?:\s*[:=\uff1a]\s*|\s+)?[\d.,]*"
_SUM = re.compile(
    rf"(?:(?:grand|sub|over|all)[\s-]*)*totals?(?:\s+(?:of\s+)?{_WHAT})?{_NUMBER}"  # Total: 24
    rf"|(?:sums?|summe|counts?|averages?|means?|number\s+of\s+{_WHAT})\s*(?:[:=\uff1a]\s*[\d.,]*)?"
    rf"|[\d.,]+\s+(?:{_WHAT}|(?:in\s+)?total)"  # 24 records
)
# one of these is in any such line, and in hardly an id
_WORDS = r"total|sum|count|average|mean|number|member|record|row|contact|^\W*id\W*$"
_HEADINGS = {"member", "member_id", "id"}


def refuse_other_lines(path: Path, columns: pa.Table) -> None:
    """Raise ValueError naming file, row and id of the first row whose id says it is no member.

    path: of the list, for the message
    columns: of the list; its ids, `member`, are looked at, and only where they are text
    """
    ids = columns["member"]
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)):
        return
    asked = pc.match_substring_regex(ids, _WORDS, ignore_case=True)
    for row in np.flatnonzero(asked.to_numpy()).tolist():
        own = ids[row].as_py()
        if what := _tell(own):
            raise ValueError(f"{path} row {row}: {shorten(own)} is {what}, not a member; delete it")


def _tell(own: str) -> str:
    """What an id says that its line is; "" for a member."""
    if _SUM.fullmatch(own.casefold().strip()):
        return "a line of totals"
    return "a line of headings" if name_plainly(own) in _HEADINGS else ""
