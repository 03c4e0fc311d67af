"""Links of articles, and the tracking parameter that carries the event id.

Open this file to see which addresses are refused, and where the id stands in one.
"""

import re

TRACK = "lb"  # the name of the parameter
_SOUND = re.compile(r"https?://[^\s/?#@\"'<>\\]+(?:[/?#][^\s\"'<>\\]*)?", re.IGNORECASE)


def check_link(where: str, link: str) -> None:
    """Raise ValueError unless the link is a whole web address (http or https)."""
    if not _SOUND.fullmatch(link):
        raise ValueError(
            f"{where} = {link[:80]!r}; must be a web address that begins with https://"
        )


def split_link(link: str) -> tuple[str, str]:
    """What stands before and behind an event id in a link.

    >>> split_link("https://example.org/a?b=c#d")
    ('https://example.org/a?b=c&lb=', '#d')
    """
    address, mark, fragment = link.partition("#")
    joint = "&" if "?" in address else "?"
    return f"{address}{'' if address.endswith(('?', '&')) else joint}{TRACK}=", mark + fragment
