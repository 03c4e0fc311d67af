"""Mail gateways that follow the links of a mail to see whether they are safe."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ids
from simulators.noise.draws import name_clouds


@dataclass(frozen=True)
class Scan:
    """What one kind of gateway did to the n mails that pass it, each with l links.

    follows [n, l]: which links it clicked
    at [n, l]: seconds from delivery to each click
    network [n, l]: name of the network from which each click came
    agent [n]: what the gateway says it is, "scanner" or "browser"
    pixel [n]: whether it loaded the images
    head [n]: whether a HEAD request came before each click
    """

    follows: Bools
    at: Floats
    network: Ids
    agent: Ids
    pixel: Bools
    head: Bools


@dataclass(frozen=True)
class Gateway:
    """How one kind of mail gateway looks at links.

    weight: its share among corporate domains, relative to the other kinds
    scans: chance that a mail is looked at
    links: chance that a link of such a mail is followed
    first: seconds from delivery to the first click, log-uniform between the two
    gap: mean seconds from one click to the next
    pixel: chance that the images are loaded, too
    declares: chance that the agent says that it is a scanner
    head: chance that HEAD requests come first
    networks: how many networks this kind of gateway works from
    rotates: each click comes from another of them
    onsite: clicks come from the organisation's own network instead
    unsubscribe: the unsubscribe link is followed like any other
    Raises ValueError naming a parameter that cannot be.
    """

    weight: float = 1.0
    scans: float = 0.3
    links: float = 1.0
    first: Sequence[float] = (1.0, 8.0)
    gap: float = 0.4
    pixel: float = 0.3
    declares: float = 0.2
    head: float = 0.0
    networks: int = 4
    rotates: bool = False
    onsite: bool = False
    unsubscribe: bool = True

    def __post_init__(self) -> None:
        for what in ("scans", "links", "pixel", "declares", "head"):
            check.share(f"gateway {what}", getattr(self, what))
        for what, least in (("weight", 0), ("gap", 0), ("networks", 1)):
            check.at_least(f"gateway {what}", getattr(self, what), least)
        if not (len(self.first) == 2 and 0 < self.first[0] <= self.first[1]):
            raise ValueError(
                f"gateway first = {list(self.first)}; "
                "must be two numbers of seconds above 0, the larger last"
            )

    @property
    def clicks_a_link(self) -> float:
        """Expected requests for each article link of a mail that passes the gateway."""
        return self.scans * self.links * (1 + self.head)

    def scan(
        self, number: int, links: Bools, office: Ids, draw: Callable[[str, int], Floats]
    ) -> Scan:
        """What gateways of this kind do to n mails.

        number: of the kind, which names its networks
        links [n, l]: which links each mail has, the unsubscribe link last
        office [n]: name of the organisation's own network
        draw: gives keyed uniforms [n, k] for a purpose and k
        """
        k = links.shape[1]
        u = draw("scan", 6)
        looks = u[:, 0] < self.scans
        follows = looks[:, None] & links & (draw("scan links", k) < self.links)
        follows[:, -1] &= self.unsubscribe
        low, high = np.log(np.asarray(self.first, dtype=np.float64))
        waits = np.where(follows, -self.gap * np.log1p(-draw("scan gaps", k)), 0.0)
        at = np.exp(low + (high - low) * u[:, 1])[:, None] + np.cumsum(waits, axis=1)
        if self.onsite:
            network = np.repeat(office[:, None], k, axis=1)
        else:
            drawn = draw("scan networks", k) if self.rotates else np.repeat(u[:, 2:3], k, axis=1)
            cloud = (drawn * self.networks).astype(np.int64)
            network = name_clouds(np.full(drawn.shape, number), cloud)
        agent = np.where(u[:, 3] < self.declares, "scanner", "browser")
        pixel, head = looks & (u[:, 4] < self.pixel), u[:, 5] < self.head
        return Scan(follows, at, network, agent, pixel, head)
