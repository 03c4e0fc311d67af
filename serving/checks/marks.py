"""Marks that nobody sees: they turn the direction of writing, have no width, or control a device.

In an id or a link they make two that look alike differ; in a text they change what a reader sees.
Open this file to see which characters are such marks.
"""

import re

# Unicode's Default_Ignorable_Code_Point, but for those that say how the character before them is
# drawn (variation selectors), and for joiners, which are looked at with their neighbours.
_IGNORED = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029"
_JOINERS = "\u200c\u200d"
# Persian, Indic scripts and pictures of families need joiners; between others they are not seen.
_UNSEEN = re.compile(rf"[{_IGNORED}]|(?<![^\x00-\x7f])[{_JOINERS}]|[{_JOINERS}](?![^\x00-\x7f])")
_ODD = re.compile(rf"[{_IGNORED}{_CONTROLS}{_JOINERS}\ud800-\udfff]")
# As arrow reads them: what is cut off at both ends of an id, and what may not be within one.
ENDS = rf"^[\s\pZ{_IGNORED}{_CONTROLS}]+|[\s\pZ{_IGNORED}{_CONTROLS}]+$"
WITHIN = f"[{_IGNORED}{_CONTROLS}{_JOINERS}]"


def drop_unseen(text: str) -> str:
    """The text without marks that nobody sees; line breaks and the like stay.

    >>> drop_unseen("tumor\\u202e a\\u200bbc")
    'tumor abc'
    """
    return text if text.isascii() else _UNSEEN.sub("", text)


def name_odd(text: str) -> str:
    """The name of the first unseen mark or control character, such as U+202E; "" for none."""
    found = _ODD.search(text)
    return f"U+{ord(found[0]):04X}" if found else ""


def escape_odd(text: str) -> str:
    """The text with such marks as a programmer writes them, for a line that people read.

    >>> escape_odd("a\\u202eb")
    'a\\\\u202eb'
    """
    return _ODD.sub(lambda found: ascii(found[0])[1:-1], text)


def refuse_odd(what: str, text: str) -> None:
    """Raise ValueError where the text, such as a campaign's name, holds such a mark.

    what: begins the message
    """
    if odd := name_odd(text):
        raise ValueError(f"{what} = '{escape_odd(text)}' holds {odd}, which nobody sees")
