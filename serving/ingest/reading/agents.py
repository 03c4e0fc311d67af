"""What a user agent amounts to, and where a request came from.

Open this file to add a mail program, a scanner or a proxy that says its name.
"""

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network

# Tried in this order; the first that is found in the text decides.
_KINDS = (
    ("imageproxy", r"GoogleImageProxy|ggpht\.com|YahooMailProxy|YahooCacheSystem"),
    (
        "scanner",
        r"(?<!cu)bot\b|crawler|spider|scan|barracuda|proofpoint|mimecast|safelinks|fireeye|symantec"
        r"|trendmicro|cloudmark|messagelabs|ironport|urlcheck|link ?preview|sophos|headlesschrome",
    ),
    (
        "script",
        r"^curl|wget|python|libwww|go-http|^java/|okhttp|axios|node-fetch|^ruby|^php|perl"
        r"|apache-httpclient|httpie|scrapy|powershell|aiohttp",
    ),
    (
        "mail",
        r"outlook|thunderbird|microsoft office|ms-?office|airmail|lotus-notes|postbox|emclient"
        r"|^mail/|applewebkit/[\d.]+ \(khtml, like gecko\)( mobile/\w+)?$",
    ),
)
KINDS = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in _KINDS)
_FOUR = re.compile(r"(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}")
_PORT = re.compile(r"^(?:([\d.]+):\d+|\[([^\]]*)\](?::\d+)?)$")
# Networks with names of their own: 17.0.0.0/8 is Apple's (ARIN), the others carry Google's proxy.
KNOWN = {
    "apple": [ip_network("17.0.0.0/8")],
    "google": [ip_network("66.102.0.0/20"), ip_network("66.249.64.0/19")],
}
# The same as numbers of /24s: name, the first, and the bits that all of them share.
_BLOCKS = [
    (name, int(each.network_address) >> 8, int(each.netmask) >> 8)
    for name, some in KNOWN.items()
    for each in some
]

_FIRST = {block >> 16 for _, block, _ in _BLOCKS}


def find_agent(text: str | None) -> str:
    """What a user agent string amounts to, as in `bandit.log.events`.

    >>> [find_agent(text) for text in (None, "Mozilla/5.0", "curl/8.5", "Mozilla/5.0 (X11)")]
    ['none', 'bare', 'script', 'browser']
    """
    text = (text or "").strip()
    if text in ("", "-"):
        return "none"
    if text == "Mozilla/5.0":
        return "bare"
    return next((kind for kind, words in KINDS if words.search(text)), "browser")


def find_network(text: str | None) -> str:
    """Where a request came from: a /24 or a /48 of addresses, or a proxy's name.

    Of several, as a proxy passes them on, the first counts; a port does not.

    >>> find_network("198.51.100.7"), find_network("17.58.101.3"), find_network(None)
    ('198.51.100', 'apple', 'unknown')
    """
    text = _PORT.sub(r"\1\2", (text or "").partition(",")[0].strip())
    if not text:
        return "unknown"
    four = _FOUR.fullmatch(text)
    if four:
        return _name_block(four[1])
    try:
        address = ip_address(text)
    except ValueError:
        return text
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None or address.version == 4:
        return find_network(str(mapped or address))
    return ":".join(address.exploded.split(":")[:3])


@lru_cache(maxsize=1 << 16)
def _name_block(block: str) -> str:
    """The name of a /24, such as 198.51.100."""
    first, second, third = map(int, block.split("."))
    if first not in _FIRST or max(second, third) > 255:
        return block
    number = first << 16 | second << 8 | third
    return next((name for name, begin, mask in _BLOCKS if number & mask == begin), block)
