"""Which link of a mail was followed: addresses cleaned of what mailing and tracking add to them.

Two addresses that differ in nothing else are one link, and two links to one article are one slot.
Links that are no article's have places of their own, as a yaml says:

    footer: [https://example.org/privacy]
    sponsor: ["https://sponsor.example.com/*"]
    honeypot: [https://example.org/do-not-follow]
    unsubscribe: ["https://example.org/unsubscribe*"]

Open this file to see what is left of an address.
"""

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from bandit.log.events import PLACES
from serving.errors import shorten
from serving.letters.links import TOKEN as TOKEN
from serving.letters.links import TRACK
from serving.settings import read_settings

BARE = rf"(?P<mark>[?&]){TRACK}=[^&#]*"  # what carries the event id, wherever it stands
# parameters that providers, analytics and advertisers add to links
_ADDED = re.compile(
    r"utm_\w*|mc_\w*|_hs\w*|hsa_\w*|mkt_\w*|sfmc_\w*|elq\w*|vero_\w*|pk_\w*|mtm_\w*|oly_\w*"
    r"|fbclid|gclid|gbraid|wbraid|dclid|msclkid|yclid|twclid|ttclid|igshid|_ga|_gl|_ke|__s"
    r"|trk_\w*|et_(cid|rid)|ck_subscriber_id|lb",
    re.IGNORECASE,
)


def clean_link(link: str) -> str:
    """What tells a link from others: host, path, and the parameters that nobody has added.

    >>> clean_link("HTTP://News.example.org:80/a/1/?utm_source=x&b=2&mc_cid=1&a=1#top")
    'news.example.org/a/1?a=1&b=2'
    """
    try:
        parts = urlsplit(link.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:  # such as a port that is no number
        return link.strip()
    if parts.scheme in ("mailto", "tel"):
        return f"{parts.scheme}:{parts.path.lower()}"
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = sorted(pair for pair in pairs if not _ADDED.fullmatch(pair[0]))
    query = f"?{urlencode(kept, safe='*')}" if kept else ""
    return f"{place}{unquote(parts.path).rstrip('/')}{query}"


class Places:
    """Links that are no article's: patterns of each place.

    patterns: place -> links; `*` stands for anything, and one that ends in `/*` also holds the page
        above
    """

    def __init__(self, patterns: dict[str, list[str]]) -> None:
        self._patterns = patterns

    @cached_property
    def _cleaned(self) -> list[tuple[re.Pattern[str], str]]:
        return [
            (_compile(clean_link(pattern)), place)
            for place, patterns in self._patterns.items()
            for pattern in patterns
        ]

    def find(self, link: str) -> str:
        """The place of a cleaned link; "" where it has none."""
        path, mark, query = link.partition("?")
        ways = (link, f"{path}/{mark}{query}")  # cleaning has taken a last slash off
        found = (place for each, place in self._cleaned if any(map(each.fullmatch, ways)))
        return next(found, "")


def _compile(pattern: str) -> re.Pattern[str]:
    """A pattern of which each `*` stands for anything; no link takes long, however many there are.

    What stands between two of them is found where it first comes, and never looked for again.
    """
    first, *between = map(re.escape, pattern.split("*"))
    if not between:
        return re.compile(first)
    *between, last = between
    return re.compile(first + "".join(f"(?>.*?{each})" for each in between) + f".*{last}")


def read_places(path: str | Path | None, articles: Iterable[str] = ()) -> Places:
    """The places that a yaml says.

    articles: their cleaned links, of which none may have a place

    Raises ValueError naming file and setting, and where an article's clicks would count as others.
    """
    if path is None:
        return Places({})
    content, _ = read_settings(path, "footer: [https://example.org/privacy]")
    known = tuple(filter(None, PLACES))
    found: dict[str, list[str]] = {}
    for place, links in content.items():
        if place not in known:
            raise ValueError(f"{path}: {place!r} is no place; must be one of {', '.join(known)}")
        if not isinstance(links, list) or not all(isinstance(each, str) for each in links):
            raise ValueError(f"{path}: {place} = {links!r}; must be a list of links")
        found[place] = links
    places = Places(found)
    for link in articles:
        if place := places.find(link):
            raise ValueError(
                f"{path}: {place} = {shorten(found[place])} holds {shorten(link)}, which is an "
                "article's link: its clicks would be lost"
            )
    return places
