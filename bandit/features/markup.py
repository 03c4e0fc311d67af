"""From HTML, links and invisible characters to plain text.

Open this file to see what of a feed's or a web page's writing is no part of what it says.
"""

import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

CUT = 200_000  # characters that are looked at
# Tags that stand inside a sentence; any other ends one.
INLINE = frozenset(
    [
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "em", "font"),
        *("i", "ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub"),
        *("sup", "tt", "u", "var", "wbr"),
    ]
)
HIDDEN = frozenset(["script", "style", "template", "noscript", "head"])  # never shown
UNBROKEN = INLINE | HIDDEN
PLAIN = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
)
_END = r"""[^\s<>"'()\[\].,;:!?|]"""  # what a link may end with
_LINK = re.compile(
    rf"""(?:\bhttps?://|\bwww\.)[^\s<>"]*{_END}"""
    r"|\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"  # an e-mail address
    # a web address without http
    rf"""|\b(?:[\w-]{{1,63}}\.){{1,8}}[a-z]{{2,}}/[^\s<>"]*{_END}"""
    rf"""|[?&]?\b(?:utm_\w+|fbclid|gclid|mc_[ce]id|ref)=[^\s<>"]*{_END}""",
    re.IGNORECASE,
)
_FORMULA = re.compile(r'=HYPERLINK\("[^"]*"[,;]\s*"([^"]*)"\)', re.IGNORECASE)
_FIELD = re.compile(r"\{\{[^{}]*\}\}|\*\|[^|*]*\|\*")  # where a mail program puts a name
_DECLARED = re.compile(r"<!--.*?(?:-->|\Z)|<[!?](?!\[CDATA\[)[^<>]*>", re.DOTALL)
_SECTION = re.compile(r"<!\[CDATA\[|\]\]>|<[!?]")
_NOTHING = re.compile(r'[(\[{][\s.]*[)\]}]|"\s*"')  # what held a link
_STOP = re.compile(r"\s+([.,;:!?](?:\s|$))")  # after a paragraph, or what was left out


def strip_markup(text: str) -> str:
    """What a reader would see of a text, in plain characters; a line for each paragraph.

    Entities are read until none is left, however often they were escaped. Tags, comments, scripts,
    links, e-mail addresses, tracking parameters, merge fields, and characters that are pictures,
    invisible or for direction are left out. Unicode is normalised (NFKC), quotes and dashes become
    those of a typewriter.
    """
    text = text[:CUT]
    for _ in range(9):
        plain = unescape(text)
        if plain == text:
            break
        text = plain
    paragraphs = "\n".join(line.strip() for line in text.splitlines()).split("\n\n")
    text = "<p>".join(paragraph.replace("\n", " ") for paragraph in paragraphs)
    if "<" in text:
        text = read_html(text)
    text = _FORMULA.sub(r"\1", unicodedata.normalize("NFKC", text)[:CUT].translate(PLAIN))
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_read_character, text))
    text = _NOTHING.sub(" ", _FIELD.sub(" ", _LINK.sub(" ", text)))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return _STOP.sub(r"\1", "\n".join(line for line in lines if line))


def _read_character(character: str) -> str:
    """The character; nothing if it is invisible, a space if it is a picture or unassigned."""
    category = unicodedata.category(character)
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f":  # the latter say how to draw another
        return ""
    picture = category in ("So", "Co", "Cn", "Cc") and character != "\n"
    return " " if picture else character


def read_html(text: str) -> str:
    """The text of some HTML, in lines."""
    text = _SECTION.sub("", _DECLARED.sub("", text))
    end = text.rfind(">") + 1  # after it, no tag is whole
    page = _Page()
    page.feed(text[:end])
    page.close()
    return "".join([*page.parts, "" if page.hidden else text[end:]])


class _Page(HTMLParser):
    """Collects what a page shows: the `parts` of its text."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0  # how many hidden tags are open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in HIDDEN
        self.parts += [] if tag in UNBROKEN else ["\n"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts += [] if tag in UNBROKEN else ["\n"]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in HIDDEN and self.hidden > 0
        self.parts += [] if tag in UNBROKEN else ["\n"]

    def handle_data(self, data: str) -> None:
        self.parts += [] if self.hidden else [data]
