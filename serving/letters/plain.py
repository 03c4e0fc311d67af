"""Titles and summaries as mails show them: plain text that can do no harm.

Feeds hand over markup, entities, line breaks, marks that nobody sees or that turn the direction of
writing, and cells that a spreadsheet takes for formulas. Here they become one line of text that
looks the same in a mail. Where characters would be read as code, a zero-width space (U+200B), which
no reader sees, comes between them. Open this file to see what is done to a text before it is
mailed.
"""

import re
import unicodedata
from html import unescape

from bandit.features.boilerplate import drop_reading_on
from bandit.features.markup import read_html
from serving.checks.lines import FORMULA
from serving.checks.marks import drop_unseen

_ZERO = "\u200b"
# what would begin a tag, or a field of a mail program: {{name}} *|NAME|* %%name%% ${name} <%= %>
_CODE = re.compile(r"<(?=[a-zA-Z/!?%])|\{(?=[{%#])|\*(?=\|)|%(?=%)|\$(?=\{)|\[(?=\[)")
_SENTENCE = re.compile(r"(?<=[.!?\u2026])\s+(?=[^.])")
_FORMULA = re.compile(FORMULA)


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
    text = drop_unseen(text)
    text = "".join(" " if unicodedata.category(each) in ("Cc", "Cs") else each for each in text)
    return _CODE.sub(lambda found: found[0] + _ZERO, " ".join(text.split()))


def drop_last_calls(text: str) -> str:
    """The text without calls to read on at its end: the mail's link stands there.

    >>> drop_last_calls("The board met in spring. Read more...")
    'The board met in spring.'
    """
    sentences = _SENTENCE.split(text)
    while sentences and not drop_reading_on(sentences[-1]):
        sentences.pop()
    return " ".join([*sentences[:-1], *map(drop_reading_on, sentences[-1:])]).strip()


def keep_from_sheets(text: str) -> str:
    """The text with a zero-width space in front, where a spreadsheet would compute with it.

    >>> keep_from_sheets("-50 % on courses")
    '\\u200b-50 % on courses'
    """
    return _ZERO + text if _FORMULA.match(text) else text
