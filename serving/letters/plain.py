"""Titles and summaries as mails show them: plain text that can do no harm.

Feeds hand over markup, entities, line breaks, marks that turn the direction of writing, and cells
that a spreadsheet takes for formulas. Here they become one line of text that looks the same in a
mail. Where characters would be read as code, a zero-width space (U+200B), which no reader sees,
comes between them. Open this file to see what is done to a text before it is mailed.
"""

import re
import unicodedata
from html import unescape

from bandit.features.markup import read_html

_ZERO = "\u200b"
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")  # embed, override or isolate a direction
# what would begin a tag, or a field of a mail program: {{name}} *|NAME|* %%name%% ${name} <%= %>
_CODE = re.compile(r"<(?=[a-zA-Z/!?%])|\{(?=[{%#])|\*(?=\|)|%(?=%)|\$(?=\{)|\[(?=\[)")
_FORMULA = re.compile(r"^[=+\-@\t\r]")


def make_plain(text: str) -> str:
    """One line of plain text: entities read, tags and directions gone, spaces single.

    >>> make_plain("Q&amp;A: <b>naloxone</b>\\n &#8212; what changed")
    'Q&A: naloxone — what changed'
    """
    for _ in range(9):  # however often it was escaped
        plain = unescape(text)
        if plain == text:
            break
        text = plain
    if "<" in text:
        text = read_html(text)
    text = _TURNS.sub("", text)
    text = "".join(" " if unicodedata.category(each) in ("Cc", "Cs") else each for each in text)
    return _CODE.sub(lambda found: found[0] + _ZERO, " ".join(text.split()))


def keep_from_sheets(text: str) -> str:
    """The text with a zero-width space in front, where a spreadsheet would compute with it.

    >>> keep_from_sheets("-50 % on courses")
    '\\u200b-50 % on courses'
    """
    return _ZERO + text if _FORMULA.match(text) else text
