"""Where members read their mail: their e-mail domains, networks, and the gateways before them."""

from dataclasses import dataclass

import numpy as np

from bandit.core import keys
from bandit.core.types import Bools, Floats, Ids, Ints
from simulators.noise.draws import Draws, name_clouds, name_each

# Shares of public mail providers; the first keeps images in a cache (assumption).
FREEMAIL = (0.5, 0.25, 0.15, 0.1)


@dataclass(frozen=True)
class Addresses:
    """Where each member reads mail. All arrays are [n].

    place: uniform in [0, 1); decides the domain, and who is scanned first
    corporate: the address is one of an organisation's
    domain: name of the e-mail domain
    office: name of the organisation's own network
    gateway: which kind of mail gateway the organisation has, an index into `Noise.gateways`
    network: name of the network from which the member opens this issue
    """

    place: Floats
    corporate: Bools
    domain: Ids
    office: Ids
    gateway: Ints
    network: Ids


def draw_addresses(
    draws: Draws, corporate: float, domains: int, tunnel: float, weights: Floats
) -> Addresses:
    """The addresses of the members of `draws`; only `network` changes from issue to issue.

    weights: shares of organisations that have each kind of gateway; the others are as in `Noise`
    """
    place = draws.draw_lasting("address")[:, 0]
    organisation = _find_organisation(draws.seed, place, corporate, domains)
    rest = (place - corporate) / max(1 - corporate, 1e-12)
    free = np.searchsorted(np.cumsum(FREEMAIL), rest, side="right").clip(0, len(FREEMAIL) - 1)
    inside = place < corporate
    domain = np.where(inside, name_each("org", organisation), name_each("freemail", free))
    office = name_each("office", organisation)
    rng = keys.generator(draws.seed, "gateways")
    gateway = rng.choice(len(weights), size=domains, p=weights)[organisation]
    network = _draw_network(draws, inside, office, gateway, tunnel)
    return Addresses(place, inside, domain, office, gateway, network)


def _find_organisation(seed: int, place: Floats, corporate: float, domains: int) -> Ints:
    """Which organisation a member at `place` would belong to [n]; sizes fall as 1 / rank."""
    size = 1.0 / keys.generator(seed, "domains").permutation(np.arange(1, domains + 1))
    edges = np.cumsum(size) / size.sum() * corporate
    inside = np.minimum(place, np.nextafter(corporate, 0))
    return np.searchsorted(edges, inside, side="right").clip(max=domains - 1)


def _draw_network(draws: Draws, corporate: Bools, office: Ids, gateway: Ints, tunnel: float) -> Ids:
    """A desk at the office or at home, a mobile carrier, or the cloud of a company's web gateway.

    That web gateway may run in the same cloud as the mail gateway does.
    """
    u, own = draws.draw("network", 2), draws.draw_lasting("home", 3)
    home = name_each("home", (own[:, 0] * 2**24).astype(np.int64))
    desk = np.where(corporate & (u[:, 0] < 0.6), office, home)
    carrier = name_each("carrier", (u[:, 0] * 4).astype(np.int64))
    network = np.where(u[:, 1] < 0.3, carrier, desk)
    cloud = name_clouds(gateway, (own[:, 2] * 4).astype(np.int64))
    return np.where(corporate & (own[:, 1] < tunnel), cloud, network)
