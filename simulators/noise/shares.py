"""From shares of recorded events to members: how many use Apple Mail, and whose mail is scanned.

Reports give shares of what was recorded. Here they are solved for the members who cause them.
"""

from collections.abc import Mapping

import numpy as np

from bandit.core.types import Bools, Ints
from simulators.noise.addresses import Addresses
from simulators.noise.gateways import Gateway


def find_apple_share(
    share: float,
    prefetched: float,
    second_device: float,
    blocked: float,
    opened: float,
    strict: bool,
) -> float:
    """The share of members on Apple Mail for which prefetches are a `share` of recorded opens.

    opened: share of mails that people open; the other options are those of `Noise`
    Let a be the answer, f = `prefetched`, o = `opened`, e = `second_device`, b = `blocked`. In
    expectation a share a f of all mails is prefetched, a o (1 - f + e) is opened through the proxy
    or on a second device, and of the other members (1 - a) o (1 - b) are seen to open.
    Where even a = 1 falls short: raises ValueError if `strict`, else returns 1.
    """
    seen = 1 - blocked
    below = prefetched * (1 - share) - share * opened * (1 - prefetched + second_device - seen)
    need = share * opened * seen
    if need > below and not strict:
        return 1.0
    if need > below:
        raise ValueError(
            f"prefetch_share = {share}; "
            f"not reached where {opened:.3f} of mails are opened and {prefetched} prefetched"
        )
    return need / below if need else 0.0


def find_scanned(
    share: float,
    gateways: Mapping[str, Gateway],
    addresses: Addresses,
    links: Ints,
    clicked: int,
    strict: bool,
) -> Bools:
    """Whose mail is scanned [n], so that scanners make a `share` of the recorded clicks.

    links [n]: article links of each mail that its gateway, if it looks, may follow
    clicked: how many clicks people made
    Organisations are taken in the order of `Addresses.place`, so a domain is scanned whole or not
    at all, but for the last one, which may be scanned in part.
    Where all organisations together fall short: raises ValueError if `strict`, else takes all.
    """
    clicks = np.zeros(len(links))
    for number, gateway in enumerate(gateways.values()):
        behind = addresses.corporate & (addresses.gateway == number)
        clicks[behind] = gateway.expect_clicks(links[behind])
    wanted = share / (1 - share) * clicked
    if strict and wanted > clicks.sum():
        most = clicks.sum() / (clicks.sum() + clicked)
        raise ValueError(
            f"scanner_share = {share}; gateways at every corporate domain reach {most:.3f}"
        )
    order = np.argsort(addresses.place, kind="stable")
    scanned = np.zeros(len(links), dtype=bool)
    scanned[order] = np.cumsum(clicks[order]) <= wanted
    return scanned & addresses.corporate
