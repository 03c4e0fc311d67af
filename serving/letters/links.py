"""Links of articles, and the tracking parameter that carries the event id.

Open this file to see which addresses are refused, and where the id stands in one.
"""

import re
from urllib.parse import urlsplit

from serving.checks.marks import escape_odd, name_odd

TRACK = "lb"  # the name of the parameter
TOKEN = rf"[?&]{TRACK}=(?P<token>[ms][0-9a-f]{{20}})(?:[&#]|$)"
_SOUND = re.compile(r"https?://[^\s/?#@\"'<>\\]+(?:[/?#][^\s\"'<>\\]*)?", re.IGNORECASE)
_NEVER = re.compile(r"[\s\"'<>\\]")
# By these, mail platforms mark a field of theirs: what stands there would be filled in, or break.
_FIELD = re.compile(r"\{\{|\}\}|\{%|%\}|\*\||\|\*|%%|\$\{|#\{|\[\[|\]\]")


def check_link(where: str, link: str) -> None:
    """Raise ValueError unless the link is a whole web address (http or https).

    It may hold nothing that nobody sees, nothing that a mail platform takes for a field, and no id
    of an earlier mail, to which its clicks would be counted.
    """
    must = "must be a web address that begins with https://"
    if odd := name_odd(link):
        raise ValueError(f"{where} = '{escape_odd(link[:80])}' holds {odd}; {must}")
    if field := _FIELD.search(link):
        why = f"holds {field[0]!r}, by which mail platforms mark a field"
        raise ValueError(f"{where} = {link[:80]!r} {why}; {must}")
    if earlier := re.search(TOKEN, link):
        why = f"is copied from a mail, whose id is {earlier['token']!r}"
        raise ValueError(f"{where} = {link[:80]!r} {why}: leave {TRACK}=... out")
    if (sign := _NEVER.search(link)) and link[:8].casefold().startswith(("http://", "https://")):
        what = "a space" if sign[0] == " " else repr(sign[0])
        code = "".join(f"%{byte:02X}" for byte in sign[0].encode())
        why = f"holds {what} at place {sign.start() + 1}, which no web address does"
        raise ValueError(f"{where} = {link[:80]!r} {why}: take it out, or write {code}")
    if not (_SOUND.fullmatch(link) and _is_split(link)):
        raise ValueError(f"{where} = {link[:80]!r}; {must}")


def _is_split(link: str) -> bool:
    """Whether host and port of the link can be read, as in http://[::1]:80/ but not http://[/."""
    try:
        parts = urlsplit(link)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def split_link(link: str) -> tuple[str, str]:
    """What stands before and behind an event id in a link.

    >>> split_link("https://example.org/a?b=c#d")
    ('https://example.org/a?b=c&lb=', '#d')
    """
    address, mark, fragment = link.partition("#")
    joint = "&" if "?" in address else "?"
    return f"{address}{'' if address.endswith(('?', '&')) else joint}{TRACK}=", mark + fragment
