"""What a user agent amounts to, and where a request came from.

Open this file to add a mail program, a scanner or a proxy that says its name.
"""

import re
from ipaddress import ip_address, ip_network

# Tried in this order; the first that is found in the text decides.
_KINDS = (
    ("imageproxy", r"GoogleImageProxy|ggpht\.com|YahooMailProxy|YahooCacheSystem"),
    (
        "scanner",
        r"bot\b|crawler|spider|scan|barracuda|proofpoint|mimecast|safelinks|fireeye|symantec"
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
# Networks with names of their own: 17.0.0.0/8 is Apple's (ARIN), the others carry Google's proxy.
KNOWN = {
    "apple": [ip_network("17.0.0.0/8")],
    "google": [ip_network("66.102.0.0/20"), ip_network("66.249.64.0/19")],
}


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

    >>> find_network("198.51.100.7"), find_network("17.58.101.3"), find_network(None)
    ('198.51.100', 'apple', 'unknown')
    """
    if not text:
        return "unknown"
    try:
        address = ip_address(text.strip())
    except ValueError:
        return text.strip()
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    for name, networks in KNOWN.items():
        if any(address.version == each.version and address in each for each in networks):
            return name
    if address.version == 4:
        return str(address).rpartition(".")[0]
    return ":".join(address.exploded.split(":")[:3])
