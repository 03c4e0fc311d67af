"""Which formats other people's tables come in, and which texts are numbers, or say nothing.

CSV and XLSX have no types: every cell is read as text, so `00003` stays what it is. Open this file
to see which texts count as a number, as a missing one, or as a code.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from bandit.features.attributes import MISSING

ENCODINGS = ("utf-8", "cp1252")
# 1250, 1,250, $250.00, -3.5, 1.2E+05; a number that begins with 0 is a code
_NUMBER = r"^[+-]?[$€£]?\s?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?([eE][+-]?\d+)?$"
_CODE = r"^0\d"


def ask_encoding(add: Callable[..., object]) -> None:
    """Let a command line say how CSV files are written; `add` is the parser's `add_argument`."""
    add(
        "--encoding",
        choices=ENCODINGS,
        default="utf-8",
        help="of files that are not UTF-8: CSV and the like (%(default)s)",
    )


def ask_aliases(add: Callable[..., object]) -> None:
    """Let a command line name the table of members' old ids, and how it is written."""
    add("--aliases", metavar="FILE", help="old, member: ids that members had, and have now")
    ask_encoding(add)


def find_missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Where a column of text says nothing: null, or one of `MISSING`."""
    text = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    known = pc.is_in(text, pa.array(sorted(MISSING), text.type))
    return pc.or_(pc.is_null(column), known)


def parse_numbers(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Numbers of a column of text, null where it is missing; and where it is neither, true."""
    text, missing = pc.utf8_trim_whitespace(column), find_missing(column)
    number = pc.match_substring_regex(text, _NUMBER)
    plain = pc.replace_substring_regex(text, r"[$€£,\s]", "")
    values = pc.cast(pc.if_else(pc.fill_null(number, False), plain, None), pa.float64())
    neither = pc.and_not(pc.invert(pc.fill_null(number, True)), missing)
    return values, pc.or_(neither, pc.fill_null(pc.is_inf(values), False))


def has_codes(column: pa.ChunkedArray) -> bool:
    """Whether a text begins with 0 as numbers do not, such as the postcode 01234."""
    text = pc.utf8_trim_whitespace(column)
    return bool(pc.any(pc.match_substring_regex(text, _CODE)).as_py())
